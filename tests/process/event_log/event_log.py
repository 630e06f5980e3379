#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Windows back end of NTEventLogHandler, compiled by mingw-w64 and run under Wine.

Wine's event log keeps nothing; its trace says what it was given: as an error, a warning or a trace by the event's type.
usage: event_log.py SOURCE-FOLDER
"""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "process", "support"))

import tap
from tap import check_equal

SOURCE = sys.argv.pop(1)
COMPILER = ["x86_64-w64-mingw32-g++-posix", "-std=c++20", "-static", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
            "-Wconversion", "-Wno-sign-conversion", "-Werror"]  # fmt: skip
FILES = ["consumer/handlers/event_log_win32.cc", "tests/process/event_log/main.cc", "common/base/error.cc"]
WINE = "/usr/lib/wine/wine64"
FOLDER = None


def wine(*lines):
    """Runs the program; gives its exit code, what it printed, and the events as (class of Wine's message, text)."""
    # Not a pipe: Wine's services, which end seconds later, hold it open.
    with tempfile.TemporaryFile(dir=FOLDER) as trace:
        run = subprocess.run([WINE, "event_log.exe"], cwd=FOLDER, env=environment(), timeout=50, stdout=subprocess.PIPE,
                             input="".join(line + "\n" for line in lines).encode(), stderr=trace)  # fmt: skip
        trace.seek(0)
        events = re.findall(r"(trace|warn|err):eventlog:ReportEventW L\"(.*)\"", trace.read().decode())
    return run.returncode, run.stdout.decode().splitlines(), events


def environment():
    return dict(os.environ, HOME=FOLDER, WINEPREFIX=os.path.join(FOLDER, "prefix"),
                WINEDLLOVERRIDES="mscoree,mshtml=", WINEDEBUG="-all,+eventlog")  # fmt: skip


def test_compiles():
    """It compiles without a warning"""
    command = COMPILER + ["-I" + os.path.join(SOURCE, part, "include") for part in ("common", "consumer")]
    command += [os.path.join(SOURCE, file) for file in FILES] + ["-o", os.path.join(FOLDER, "event_log.exe")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    check_equal((run.returncode, run.stderr), (0, ""), "the compiler")


def test_registers_and_reports():
    """The source is in the registry, and each event arrives with its type and its text"""
    lines = ["10 fine h\u00e9", "20 to say", "30 careful", "40 bad", "50 worse", "25 unknown", "21 done", "20 "]
    code, said, events = wine("logbus test", "", "Application", *lines)
    values = [r"EventMessageFile 2 %SystemRoot%\System32\EventCreate.exe", "TypesSupported 4 7"]
    check_equal((code, said), (0, values + ["done"]), "what it says")
    wanted = [("trace", r"fine h\00e9"), ("trace", "to say"), ("warn", "careful"), ("err", "bad"), ("err", "worse"),
              ("err", "unknown"), ("trace", "done"), ("trace", "")]  # fmt: skip
    check_equal(events, wanted, "events")


def test_another_log_and_file():
    """Another log, and a message file of one's own, which replaces the one before"""
    for dll in ("C:\\one.dll", "C:\\two \u00e9.dll"):
        wanted = (0, [f"EventMessageFile 2 {dll}", "TypesSupported 4 7", "done"], [])
        check_equal(wine("n\u00e4me", dll, "Own Log"), wanted, "what it says")


def test_refuses():
    """A NUL in a text is refused with a sentence, and the event before it has been written"""
    code, said, events = wine("logbus test", "", "Application", "40 first", "40 a\0b", "40 never")
    check_equal((code, said[-1], events), (1, "an event's text can't hold a NUL", [("err", "first")]), "what it says")


def stop_wine():
    """The server outlives the programs by seconds."""
    server = os.path.join(os.path.dirname(WINE), "wineserver64")
    subprocess.run([server, "-k"], env=environment(), timeout=20, check=False)
    subprocess.run([server, "-w"], env=environment(), timeout=20, check=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="logbus-wine-") as FOLDER:
        try:
            tap.run(globals())
        finally:
            stop_wine()
