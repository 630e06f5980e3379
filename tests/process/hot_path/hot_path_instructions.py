#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions of a call and of a record in the sidecar, counted by callgrind: no noise, so a small loss shows.

hot_path_instructions.json has what was measured and the bound, for the compiler that it was measured with. After a
change that is worth its price, or made it cheaper:  meson test -C build hot_path_instructions --test-args=--record
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import callgrind
from tap import Skip, check, check_equal, run

BUILD = os.environ["LOGBUS_BUILD"]
PROGRAM = os.environ["LOGBUS_HOT_PATH"]
COMPILER = os.environ["LOGBUS_COMPILER"]
BOUNDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hot_path_instructions.json")
SLACK = 1.05
COUNT = 10_000
CONFIGURATION = """\
version: 1
formatters: {line: {format: "%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"}}
handlers: {file: {class: logging.FileHandler, filename: FILE, formatter: line}}
root: {level: INFO, handlers: [file]}
logbus: {bus: hot, directory: DIRECTORY}
"""

RECORD = "--record" in sys.argv
if RECORD:
    sys.argv.remove("--record")
with open(BOUNDS) as file:
    bounds = json.load(file)


def compare(name, measured):
    """Prints the figure; records it, or fails if it is beyond its bound."""
    measured = round(measured, 1)
    if RECORD:
        if bounds["compiler"] != COMPILER:
            bounds.update(compiler=COMPILER, instructions={})
        bounds["instructions"][name] = {"measured": measured, "bound": round(measured * SLACK, 1)}
        with open(BOUNDS, "w") as file:
            json.dump(bounds, file, indent=2)
            file.write("\n")
    if bounds["compiler"] != COMPILER:
        raise Skip(f"{measured} instructions; the bounds are those of {bounds['compiler']}, this is {COMPILER}")
    bound = bounds["instructions"][name]["bound"]
    print(f"# {name}: {measured} instructions, bound {bound}")
    check(
        measured <= bound,
        f"{name}: {measured} instructions, more than {bound}. If that is worth it: "
        "meson test -C build hot_path_instructions --test-args=--record",
    )


def call(what):
    with tempfile.TemporaryDirectory(prefix="logbus-test-", dir="/dev/shm") as directory:
        return callgrind.instructions([PROGRAM, directory, what, str(COUNT)], within="*measured_burst*") / COUNT


def sidecar(count):
    """Instructions of a sidecar that finds `count` records and ends."""
    with tempfile.TemporaryDirectory(prefix="logbus-test-", dir="/dev/shm") as directory:
        subprocess.run([PROGRAM, directory, "numbers", str(count), "--leave"], check=True, stdout=subprocess.DEVNULL)
        out, config = (os.path.join(directory, name) for name in ("out.log", "config.yaml"))
        with open(config, "w") as file:
            file.write(CONFIGURATION.replace("FILE", out).replace("DIRECTORY", directory))
        logbusd = os.path.join(BUILD, "consumer", "logbusd")
        if shutil.which("valgrind") is None:
            raise Skip("valgrind is not installed")
        # A pass over the lanes is due by the clock, so that a slow machine would count more of them.
        command = [logbusd, "--config", config, "--drain", "--timeout", "40 s"]
        total = callgrind.instructions(command, without="logbus::consumer::BusQueue::pass()")
        with open(out) as file:
            check_equal(sum(1 for _ in file), count, "lines written")
        return total


def test_call_with_numbers():
    """A warm call with two integers and a double"""
    compare("call with two integers and a double", call("numbers"))


def test_call_with_text():
    """A warm call with a string of 64 bytes"""
    compare("call with a string of 64 bytes", call("text"))


def test_disabled_call():
    """A disabled call"""
    compare("disabled call", call("disabled"))


def test_notices_more():
    """A call that costs more is beyond the bound"""
    if bounds["compiler"] != COMPILER:
        raise Skip("the bounds are another compiler's")
    check(call("fields") > bounds["instructions"]["call with two integers and a double"]["bound"], "it is not")


def test_sidecar():
    """A record from its lane into the file"""
    # The difference leaves start and end out.
    compare("record in the sidecar", (sidecar(2 * COUNT) - sidecar(COUNT)) / COUNT)


run(globals())
