# SPDX-License-Identifier: MIT
"""The program that speaks for us in a comparison with CPython: answers each request, a line of JSON, by another one."""

import json
import math
import os
import subprocess
import sys
import unittest


def to_json(value):
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, tuple):
        return {"$tuple": [to_json(item) for item in value]}
    if isinstance(value, set):
        return {"$set": [to_json(item) for item in value]}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


class Helper:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(to_json(request)).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class HelperTest(unittest.TestCase):
    """One helper for all tests of a class."""

    path = None

    @classmethod
    def setUpClass(cls):
        cls.helper = Helper(cls.path)
        cls.addClassCleanup(cls.helper.close)


def tree(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def run(*classes):
    """The tests of these classes, with the helper that the command line names."""
    HelperTest.path = sys.argv.pop(1)
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(case) for case in classes])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    sys.exit(not result.wasSuccessful())
