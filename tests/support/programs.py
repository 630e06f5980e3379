#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What ninja must build for some tests: programs.py BUILD-FOLDER [--suite SUITE] [--no-suite SUITE] [TEST...]

Prints one target a line. meson test builds just these too, but not ahead of the tests.
"""

import argparse
import json
import os
import subprocess


def introspect(folder, what):
    done = subprocess.run(["meson", "introspect", what, folder], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--suite")
    parser.add_argument("--no-suite")
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    needed = set()
    for test in introspect(options.folder, "--tests"):
        suites = [suite.split(":")[-1] for suite in test["suite"]]
        if options.suite and options.suite not in suites or options.no_suite in suites:
            continue
        if not options.tests or test["name"] in options.tests:
            needed.update(test["depends"])
    for target in introspect(options.folder, "--targets"):
        if target["id"] in needed:
            print(os.path.relpath(target["filename"][0], os.path.abspath(options.folder)))


if __name__ == "__main__":
    main()
