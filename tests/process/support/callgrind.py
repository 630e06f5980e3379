# SPDX-License-Identifier: MIT
"""Runs a program under callgrind: how many instructions, and which."""

import os
import re
import shutil
import subprocess
import tempfile

from tap import Skip, check

COLLECTED = re.compile(r"Collected : (\d+)")


def _run(command, options):
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", *options, *command], capture_output=True, text=True, timeout=50
    )
    found = COLLECTED.search(done.stderr)
    check(done.returncode == 0 and found, f"{' '.join(command)} under callgrind: {done.stderr[-800:]}")
    return int(found.group(1))


def instructions(command, within=None, without=None):
    """Instructions of the whole program, or of the function `within` and all that it calls, or of all but `without`."""
    options = ["--callgrind-out-file=/dev/null"]
    if within or without:
        options += [f"--toggle-collect={within or without}", f"--collect-atstart={'yes' if without else 'no'}"]
    return _run(command, options)


def executed(command, within):
    """What ran in `within` and all that it called: the names of the functions, and for the program's own file the
    addresses of the instructions."""
    with tempfile.NamedTemporaryFile(prefix="logbus-test-") as out:
        _run(
            command,
            [f"--callgrind-out-file={out.name}", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no",
             f"--toggle-collect={within}"],
        )
        out.seek(0)
        lines = out.read().decode().splitlines()
    own = os.path.realpath(command[0])
    functions, addresses = set(), set()
    object_file = function = ""
    after_call = False
    for line in lines:
        if line.startswith("ob="):
            object_file = os.path.realpath(line[3:])
        elif line.startswith("fn="):
            function = line[3:]
        elif line.startswith("calls="):
            after_call = True  # the next line is what the callee cost
        elif line.startswith("0x"):
            if not after_call:
                functions.add(function)
                if object_file == own:
                    addresses.add(int(line.split()[0], 16))
            after_call = False
    return functions, addresses
