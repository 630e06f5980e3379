#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""100,000 warm calls of a worker: no system call, no allocation."""

import os
import re
import shutil
import subprocess
import tempfile

from tap import Skip, check, check_equal, run

PROGRAM = os.environ["LOGBUS_HOT_PATH"]
CALLS = ["numbers", "text", "fields", "list", "bound", "disabled"]
COUNT = 100_000
REPORT = re.compile(r"calls (\d+) allocations (\d+)")


def warm_calls(what, option=None, trace=False):
    """Allocations and, if traced, the system calls between the marks."""
    with tempfile.TemporaryDirectory(prefix="logbus-test-", dir="/dev/shm") as directory:
        command = [PROGRAM, directory, what, str(COUNT)] + ([option] if option else [])
        out = os.path.join(directory, "trace")
        if trace:
            command = ["strace", "-f", "-o", out, *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if trace and done.returncode != 0 and "ptrace" in done.stderr.lower():
            raise Skip("strace is not allowed to trace here")
        check_equal(done.returncode, 0, f"exit code of hot_path {what}: {done.stderr}")
        calls, allocations = map(int, REPORT.search(done.stdout).groups())
        check_equal(calls, COUNT, "calls made")
        between = []
        if trace:
            with open(out) as file:
                names = [line.split(None, 1)[1].split("(")[0] for line in file if "(" in line]
            marks = [i for i, name in enumerate(names) if name == "getppid"]
            check_equal(len(marks), 2, "marks in the trace")
            between = names[marks[0] + 1 : marks[1]]
        return allocations, between


def need_strace():
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")


def test_system_calls():
    """Warm calls make no system call"""
    need_strace()
    for what in CALLS:
        _, between = warm_calls(what, trace=True)
        check(not between, f"{COUNT} warm calls ({what}) made system calls: {', '.join(sorted(set(between)))}")


def test_allocations():
    """Warm calls allocate nothing, neither by new nor by malloc"""
    for what in CALLS:
        allocations, _ = warm_calls(what)
        check_equal(allocations, 0, f"allocations of {COUNT} warm calls ({what})")


def test_finds_system_calls():
    """A system call on the way is found"""
    need_strace()
    _, between = warm_calls("numbers", "--break-by=system-call", trace=True)
    check(between and set(between) == {"getuid"}, f"found {between[:5]}")


def test_finds_allocations():
    """An allocation on the way is found"""
    allocations, _ = warm_calls("numbers", "--break-by=allocation")
    check(allocations > 0, "an allocation in each burst was not counted")


run(globals())
