# SPDX-License-Identifier: MIT
"""Namespaces, mounts and limits of processes, for tests that take something away from them. All of it goes with the process."""

import contextlib
import ctypes
import os
import resource
import sys
import traceback

from tap import Skip, check_equal

CLONE_NEWNS = 0x20000
CLONE_NEWPID = 0x20000000
MS_REMOUNT = 32
MS_REC_PRIVATE = 0x4000 | 0x40000
MNT_DETACH = 2


def libc_call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def mount(kind, path, options, flags=0):
    libc_call("mount", b"none", path.encode(), kind.encode(), flags, options.encode())


@contextlib.contextmanager
def mounted(kind, path, options):
    """A file system at `path`, seen by this process and its children alone."""
    try:
        libc_call("unshare", CLONE_NEWNS)
        libc_call("mount", b"none", b"/", None, MS_REC_PRIVATE, None)
        mount(kind, path, options)
    except OSError as error:
        raise Skip(f"needs a mount of {kind}: {error}") from None
    try:
        yield
    finally:
        libc_call("umount2", path.encode(), MNT_DETACH)  # somebody in it may be alive


def remount(path, options):
    mount("tmpfs", path, options, MS_REMOUNT)


def in_pid_namespace(work):
    """Runs work() as process 1 of a pid namespace; all that it leaves behind ends with it."""
    child = os.fork()
    if child == 0:
        code = 77
        try:
            libc_call("unshare", CLONE_NEWPID)
            first = os.fork()
            if first == 0:
                try:
                    work()
                    os._exit(0)
                except BaseException:  # whatever it is: this process may not go on as its parent
                    traceback.print_exc(file=sys.stdout)
                    sys.stdout.flush()
                    os._exit(1)
            code = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 77:
        raise Skip("needs a pid namespace")
    check_equal(code, 0, "exit code of what ran in a pid namespace")


def limited(**limits):
    """For spawn(): options of a process that starts with these limits, such as NOFILE=3."""

    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, resource.RLIM_INFINITY if value < 0 else value))

    return {"preexec_fn": apply}


def set_limit(pid, name, value):
    """The soft limit, from now on; gives the one before."""
    kind = getattr(resource, "RLIMIT_" + name)
    before, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (value, hard))
    return before
