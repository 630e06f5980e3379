# SPDX-License-Identifier: MIT
"""Runs a module's test functions and prints the results as TAP, one line a case."""

import os
import sys
import time
import traceback

SOAK = os.environ.get("LOGBUS_SOAK") == "1"


class Skip(Exception):
    """The case can't run here; the text says why."""


def check(condition, message):
    """Like assert, and never optimised away."""
    if not condition:
        raise AssertionError(message)


def check_equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {short(got)}, wanted {short(wanted)}")


def short(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."


def wait_for(condition, what, seconds=20):
    """Polls until condition() is true and gives its value; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def run(namespace):
    """Every function test_* in the order of the file; its docstring's first line is the case's name."""
    cases = [(name, f) for name, f in namespace.items() if name.startswith("test_") and callable(f)]
    wanted = sys.argv[1:]
    if wanted:
        cases = [case for case in cases if any(word in case[0] for word in wanted)]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(cases, 1):
        title = (function.__doc__ or name).strip().splitlines()[0].rstrip(".").replace("#", "no.")
        started = time.monotonic()
        try:
            function()
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}", flush=True)
            continue
        except Exception:  # the next case may still say something
            failed += 1
            print(f"not ok {number} - {title}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line[:1000]}")
        else:
            print(f"ok {number} - {title}")
        print(f"# {time.monotonic() - started:.1f} s", flush=True)
    sys.exit(1 if failed else 0)
