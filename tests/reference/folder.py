# SPDX-License-Identifier: MIT
"""A side's folder: what it holds before, what is done to it between batches, what it holds after."""

import contextlib
import ctypes
import functools
import os
import shutil
import stat
import subprocess
import time


class Skip(Exception):
    """The case can't run here; the text says why."""


@functools.cache
def own_mounts():
    """What this process mounts is its own and its children's, and gone with them."""
    new_namespace = 0x00020000  # CLONE_NEWNS
    if ctypes.CDLL(None).unshare(new_namespace) != 0 or subprocess.run(["mount", "--make-rprivate", "/"]).returncode != 0:
        raise Skip("mounting needs root")


class Folder:
    """`clock_file`: libfaketime's, or None where the clock is the machine's."""

    def __init__(self, path, clock_file=None):
        self.path = path
        self.clock_file = clock_file
        self.fifos = {}
        self.disks = []
        self.epoch = time.time() - time.monotonic()  # monotonic time is never faked, also where actions are done

    def at(self, name):
        return os.path.join(self.path, name)

    def fill(self, files, modified=None):
        """`modified`: the files' time, where it isn't given with the content."""
        for name, content in files.items():
            if name.endswith("/"):
                os.makedirs(self.at(name))
                if content is not None:
                    self.mount(name, content)
                continue
            if name.endswith("|"):
                self.open_fifo(name[:-1])
                continue
            content, seconds = content if isinstance(content, tuple) else (content, modified)
            os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
            self.write(name, content)
            if seconds is not None:
                self.utime(name, seconds)

    def mount(self, name, size):
        own_mounts()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.at(name)], stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Skip(f"no disk of its own: {done.stderr.decode().strip()}")
        self.disks.append(self.at(name))

    def open_fifo(self, name):
        os.mkfifo(self.at(name))
        # Of both ends: whoever opens it to write finds a reader, and it never ends.
        self.fifos[name] = os.open(self.at(name), os.O_RDWR | os.O_NONBLOCK)

    def close(self):
        for descriptor in self.fifos.values():
            os.close(descriptor)
        for disk in self.disks:
            subprocess.run(["umount", disk], check=True)

    def act(self, action):
        getattr(self, action[0])(*action[1:])

    def maybe(self, *action):
        """Where it can be done: both sides have the same folder, if they agree so far."""
        with contextlib.suppress(OSError):
            self.act(action)

    def clock(self, seconds):
        # An offset, so that the clock goes on; files' times stay the kernel's.
        with open(self.clock_file + ".new", "w") as file:
            file.write(f"{seconds - self.epoch - time.monotonic():+f}\n")
        os.rename(self.clock_file + ".new", self.clock_file)

    def utime(self, name, seconds):
        os.utime(self.at(name), (seconds, seconds))

    def write(self, name, content, mode="wb"):
        with open(self.at(name), mode) as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def append(self, name, content):
        self.write(name, content, "ab")

    def truncate(self, name, size):
        os.truncate(self.at(name), size)

    def rename(self, source, target):
        os.rename(self.at(source), self.at(target))

    def unlink(self, name):
        os.unlink(self.at(name))

    def rmtree(self, name):
        shutil.rmtree(self.at(name))

    def mkdir(self, name):
        os.mkdir(self.at(name))

    def chmod(self, name, mode):
        os.chmod(self.at(name), mode)

    def mkfifo(self, name):
        os.mkfifo(self.at(name))

    def symlink(self, target, name):
        os.symlink(target, self.at(name))

    def fill_disk(self, name):
        """A file that leaves no room; a disk has some pages, and few."""
        with open(self.at(name), "wb", 0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def tree(self):
        """{relative path: (type and permissions as ls shows them, content or target or None)}"""
        found = {}
        for parent, folders, files in os.walk(self.path):
            for name in folders + files:
                path = os.path.join(parent, name)
                mode = os.lstat(path).st_mode
                content = None
                if stat.S_ISREG(mode):
                    with open(path, "rb") as file:
                        content = file.read()
                elif stat.S_ISFIFO(mode) and name in self.fifos:
                    with contextlib.suppress(BlockingIOError):
                        content = os.read(self.fifos[name], 1 << 16)
                elif stat.S_ISLNK(mode):
                    content = os.readlink(path).encode()
                found[os.path.relpath(path, self.path)] = (stat.filemode(mode), content)
        return found
