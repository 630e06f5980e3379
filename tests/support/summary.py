#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the results that meson test left in the build folders named as arguments.

Prints the failed tests with the end of their output, then one line "N passed, N failed[, N skipped]".
Exits 0 only if tests ran and none failed. An argument folder=missing counts as one failed test: the
caller uses it for a build or a test run that left no results.
"""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree

TAIL_LINES = 30
GOOD = {"OK", "EXPECTEDFAIL"}


def cases_of(folder, name):
    """The (case name, state) pairs of one GoogleTest program or TAP script, or [] if it has none or died before."""
    path = os.path.join(folder, "meson-logs", "testlog.junit.xml")
    if not os.path.exists(path):
        return []
    cases = []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        if suite.get("name") != f"logbus.{name}" and not suite.get("name", "").startswith(f"logbus.{name}."):
            continue
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                state = "failed"
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                state = "skipped"
            else:
                state = "passed"
            cases.append((f"{case.get('classname').removeprefix('logbus.' + name)}.{case.get('name')}".lstrip("."), state))
    return cases


def count(folder, totals, failures):
    path = os.path.join(folder, "meson-logs", "testlog.json")
    if not os.path.exists(path):
        totals["failed"] += 1
        failures.append((folder, "no test results", ""))
        return
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            name, result = test["name"], test["result"]
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            cases = cases_of(folder, name)
            for case, state in cases:
                totals[state] += 1
                if state == "failed":
                    failures.append((folder, f"{name}: {case}", output))
            if any(state == "failed" for _, state in cases):
                continue
            if result == "SKIP" and not cases:
                totals["skipped"] += 1
            elif result not in GOOD | {"SKIP"}:
                # Also a program whose cases all passed and that then failed: a leak, a crash at exit.
                totals["failed"] += 1
                failures.append((folder, f"{name} ({result.lower()})", output))
            elif not cases:
                totals["passed"] += 1


def excerpt(output, case):
    """The part of a GoogleTest log that belongs to the case, else the end of the log."""
    lines = output.splitlines()
    wanted = case.split(": ", 1)[-1]
    for start, line in enumerate(lines):
        if line.startswith("[ RUN      ]") and line.endswith(wanted):
            for end in range(start, len(lines)):
                if lines[end].startswith("[  FAILED  ]"):
                    return lines[start : end + 1][-TAIL_LINES:]
    return lines[-TAIL_LINES:]


def main(arguments):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for argument in arguments:
        folder, missing, what = argument.partition("=")
        if missing:
            totals["failed"] += 1
            failures.append((folder, what, ""))
        else:
            count(folder, totals, failures)
    for folder, name, output in failures:
        print(f"FAILED {folder}: {name}")
        for line in excerpt(output, name):
            print(f"    {line}")
    ran = totals["passed"] + totals["failed"]
    if ran == 0:
        print("no test was run")
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"{totals['passed']} passed, {totals['failed']} failed{skipped}")
    return 0 if ran > 0 and totals["failed"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
