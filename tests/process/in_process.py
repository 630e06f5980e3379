#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that logs through a queue of its own: the example of it, run as it is."""

import os
import re
import subprocess
import tempfile

import tap
from tap import check, check_equal

PROGRAM = os.path.join(os.environ["LOGBUS_BUILD"], "consumer", "in_process")
THREADS, ORDERS, MAX_BYTES = 4, 2500, 100_000
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    worker-(\d) shop\.orders: order (\d+) paid: (\d+\.\d\d) EUR$"
)


def generation(name):
    """Of app.log.3: 3; the file that is written to is the youngest."""
    return int(name.partition(".log.")[2] or 0)


def test_rotating_files_hold_every_record_once():
    """Four threads through one queue into rotating files: every record once, each thread's in its order"""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([PROGRAM, "app.log"], cwd=folder, capture_output=True, text=True, timeout=60)
        check_equal((run.returncode, run.stderr), (0, ""), "exit code and stderr")
        check_equal(run.stdout, f"{THREADS * (ORDERS + 1)} records written, 0 lost\n", "what it says")
        names = sorted(os.listdir(folder), key=generation, reverse=True)
        check(len(names) > 5, f"too few files: {names}")
        check_equal([generation(name) for name in names], list(range(len(names) - 1, -1, -1)), "files")
        seen = {str(thread): 0 for thread in range(THREADS)}
        failures = 0
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            check(len(text) < MAX_BYTES, f"{name} has {len(text)} bytes")
            for line in text.splitlines():
                match = LINE.match(line)
                if not match:
                    failures += "ERROR" in line and line.endswith("order failed")
                    continue
                check_equal(int(match[2]), seen[match[1]], f"the next order of thread {match[1]}")
                check_equal(match[3], f"{int(match[2]) * 0.25:.2f}", "its sum")
                seen[match[1]] += 1
        check_equal(seen, {str(thread): ORDERS for thread in range(THREADS)}, "orders of each thread")
        check_equal(failures, THREADS, "failures")


if __name__ == "__main__":
    tap.run(globals())
