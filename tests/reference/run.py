# SPDX-License-Identifier: MIT
"""The same configuration and the same records through CPython and through logbusd, and what each leaves behind.

usage: run.py GROUP [WORD ...]   cases/GROUP.py, those with a WORD in their names; the Python that runs this is the judge

casebook.py says what a case is. Each side has an empty folder as its working directory; compared are its tree
afterwards (names, types, permissions, bytes), stdout, stderr without the programs' own lines, the number of errors that
handlers told, and whether the configuration was refused, which must leave the folder as it was. Prints TAP.
"""

import contextlib
import functools
import glob
import importlib
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "cases")]

import oracle  # noqa: E402: found by the path above
from folder import Folder, Skip  # noqa: E402
from sidecar import Sidecar  # noqa: E402

JOBS = int(os.environ.get("LOGBUS_REFERENCE_JOBS", "6"))
FAKETIME = next(iter(glob.glob("/usr/lib*/*/faketime/libfaketimeMT.so.1")), None)


def pool():
    """Processes, not threads: each forks the oracle out of itself. They die of SIGTERM at once: the pool sends it."""
    die = functools.partial(signal.signal, signal.SIGTERM, signal.SIG_DFL)
    return multiprocessing.get_context("fork").Pool(JOBS, initializer=die)


@contextlib.contextmanager
def scratch_root():
    """Where all scratch folders are, so that a run that is stopped leaves none behind."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="logbus-reference-", dir="/dev/shm", ignore_cleanup_errors=True) as root:
        tempfile.tempdir = root
        yield


@contextlib.contextmanager
def scratch_folder():
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def environment(case, clock_file):
    """Of both sides."""
    made = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "TZ": "UTC", **case.env}
    if "PYTHONPATH" in os.environ:
        made["PYTHONPATH"] = os.environ["PYTHONPATH"]
    if clock_file is not None:
        if FAKETIME is None:
            raise Skip("libfaketime is not installed")
        made |= {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock_file, "FAKETIME_NO_CACHE": "1",
                 "DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    return made


@contextlib.contextmanager
def prepared(case, scratch):
    """The side's folder and environment."""
    clock_file = os.path.join(scratch, "clock") if case.clock is not None else None
    os.mkdir(os.path.join(scratch, "folder"))
    folder = Folder(os.path.join(scratch, "folder"), clock_file)
    if clock_file is not None:
        folder.clock(case.clock)
    with contextlib.closing(folder):
        folder.fill(case.files, case.clock)
        yield folder, environment(case, clock_file)


def outcome(result, folder, stdout, stderr):
    return {**result, "tree": folder.tree(), "stdout": stdout, "stderr": stderr}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def in_a_fork(function, out, err):
    """function() in a child with these files as stdout and stderr: what it returns. A warm Python forks in 2 ms."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT, 0o644), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT, 0o644), 2)
            with open(there, "wb") as pipe:
                pickle.dump(function(), pipe)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(there)
    with open(here, "rb") as pipe:
        answer = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError(f"the oracle failed: {read(err).decode(errors='replace')}")
    return pickle.loads(answer)


def run_python(case, scratch):
    with prepared(case, scratch) as (folder, env):
        return run_python_in(case, scratch, folder, env)


def run_python_in(case, scratch, folder, env):
    out, err = os.path.join(scratch, "stdout"), os.path.join(scratch, "stderr")
    if case.clock is None:

        def here():
            os.chdir(folder.path)
            os.environ.clear()
            os.environ.update(env)
            return oracle.run(case, folder)

        result = in_a_fork(here, out, err)
    else:
        with open(os.path.join(scratch, "case"), "wb") as file:
            pickle.dump((case, folder), file)
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            command = [sys.executable, os.path.join(HERE, "oracle.py"), file.name, os.path.join(scratch, "result")]
            code = subprocess.run(command, stdout=stdout, stderr=stderr, cwd=folder.path, env=env, timeout=60).returncode
        if code != 0:
            raise RuntimeError(f"the oracle failed: {read(err).decode(errors='replace')}")
        result = pickle.loads(read(os.path.join(scratch, "result")))
    return outcome(result, folder, read(out), read(err))


def run_ours(case, scratch):
    with prepared(case, scratch) as (folder, env):
        before = folder.tree()
        sidecar = Sidecar(case, folder, scratch, env)
        result = outcome(sidecar.run(), folder, sidecar.output("stdout"), sidecar.handlers_stderr())
        result["before"] = before
        return result


def entry(content):
    """A file's or, without content, a folder's."""
    if content is None:
        return ("drwxr-xr-x", None)
    return ("-rw-r--r--", content if isinstance(content, bytes) else content.encode())


def expected(case, theirs):
    """What Python did, with what the case says by hand in its place."""
    made = dict(theirs)
    for key, value in case.expect.items():
        if key == "tree":
            value = {name.rstrip("/"): entry(text) for name, text in value.items()}
        elif isinstance(value, str) and key in ("stdout", "stderr"):
            value = value.encode()
        elif key == "refused":
            value = "by hand" if value else None
        made[key] = value
    return made


def differences(ours, wanted):
    """Sentences; none if the sides agree."""
    if (ours["refused"] is None) != (wanted["refused"] is None):
        return [f"refused by logbusd: {ours['refused']}", f"refused by Python: {wanted['refused']}"]
    if wanted["refused"] is not None:
        wanted = {**wanted, "tree": ours["before"], "stderr": None}
    found = []
    for name in sorted(ours["tree"].keys() | wanted["tree"].keys()):
        us, them = ours["tree"].get(name), wanted["tree"].get(name)
        if us != them:
            found += [f"{name}:", f"  ours   {shown(us)}", f"  Python {shown(them)}"]
    for name in ("stdout", "stderr"):
        if ours[name] != wanted[name] and ours[name] is not None and wanted[name] is not None:
            found += [f"{name}:", f"  ours   {shown(ours[name])}", f"  Python {shown(wanted[name])}"]
    if ours["errors"] != wanted["errors"] and wanted["errors"] is not None:
        found.append(f"errors: ours {ours['errors']}, Python {wanted['errors']}")
    if found:
        found += [f"ours told: {line}" for line in ours["told"]] + [f"Python told: {line}" for line in wanted["told"]]
    return found


def shown(value, most=2000):
    text = repr(value)
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def compare(case):
    """The differences between the two sides."""
    with scratch_folder() as ours, scratch_folder() as theirs:
        return differences(run_ours(case, ours), expected(case, run_python(case, theirs)))


def judged(case):
    """(what is wrong, why it was skipped, seconds)"""
    started = time.monotonic()
    try:
        return compare(case), None, time.monotonic() - started
    except Skip as reason:
        return [], str(reason), 0.0
    except Exception:  # the next case may still say something
        return traceback.format_exc().splitlines(), None, time.monotonic() - started


def report(number, case, found, skipped):
    name = case.name.replace("#", "no.")
    todo = f" # TODO {case.known}" if case.known else ""
    if skipped is not None:
        print(f"ok {number} - {name} # SKIP {skipped}")
    elif not found:
        print(f"ok {number} - {name}{todo}")
    else:
        print(f"not ok {number} - {name}{todo}")
        for line in "\n".join(found).splitlines():
            print(f"# {line}")
    sys.stdout.flush()


def main(group, *words):
    os.umask(0o022)
    cases = [case for case in importlib.import_module(group).CASES if not words or any(w in case.name for w in words)]
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    with scratch_root(), pool() as workers:
        for number, (case, (found, skipped, seconds)) in enumerate(zip(cases, workers.imap(judged, cases)), 1):
            report(number, case, found, skipped)
            failed += bool(found) != bool(case.known) and skipped is None
            if seconds > 2:
                print(f"# {seconds:.1f} s", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
