# SPDX-License-Identifier: MIT
"""What a call costs the program that makes it: bytes of code, and time to compile. Beside spdlog's, -O2.

By itself: python3 tests/bench/code.py (no build needed; the objects stay in the folder that --keep names).
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile

from sidecar import Failure
from table import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALLS = 200
ARGUMENTS = "int i, double d, const std::string& s"

# The type of the logger, its header, a call. Both check the format when compiling.
LOGBUS = ("const logbus::Logger", "logbus/logger.h", 'logger.info("call {n}: {{}} {{}} {{}}", i, d, s);')
SPDLOG = ("spdlog::logger", "spdlog/spdlog.h", 'logger.info("call {n}: {{}} {{}} {{}}", i, d, s);')
# With file, line and function, which every call of logbus has.
SPDLOG_PLACE = (*SPDLOG[:2], 'SPDLOG_LOGGER_INFO(&logger, "call {n}: {{}} {{}} {{}}", i, d, s);')


def source(kind, calls):
    """Functions of four calls each: neither alone, nor one that is larger than any that is written by hand."""
    logger, header, call = kind
    lines = [f"#include <string>\n#include <{header}>"]
    for first in range(0, calls, 4):
        body = "\n".join("  " + call.format(n=n) for n in range(first, min(first + 4, calls)))
        lines.append(f"void f{first}({logger}& logger, {ARGUMENTS}) {{\n{body}\n}}")
    return "\n".join(lines) + "\n"


class Compiler:
    def __init__(self, folder):
        self.folder = folder
        # Not through ccache: this is about the compiler's time.
        self.command = ["g++", "-std=c++20", "-O2", "-DNDEBUG", "-Wno-restrict"]
        self.command += [f"-I{ROOT}/common/include", f"-I{ROOT}/producer/include"]
        flags = subprocess.run(["pkg-config", "--cflags", "spdlog"], capture_output=True, text=True)
        self.has_spdlog = flags.returncode == 0
        self.command += flags.stdout.split()

    def compile(self, name, text):
        """Gives the object and the seconds of processor time: what else the machine does hardly counts."""
        path = os.path.join(self.folder, name)
        with open(path + ".cc", "w") as file:
            file.write(text)
        # The compiler's children (cc1plus, as) are counted by times() once they have been waited for.
        before = os.times()
        done = subprocess.run(self.command + ["-c", path + ".cc", "-o", path + ".o"], capture_output=True, text=True)
        after = os.times()
        if done.returncode != 0:
            raise Failure(f"{name}.cc does not compile: {done.stderr[:1000]}")
        return path + ".o", sum(after[2:4]) - sum(before[2:4])


def sizes(path):
    """Bytes of an object that get into a program's memory, by kind of section. Without instantiations of templates
    (sections named after what they hold): a program has each once, and the compiler inlines them now here, now there.
    """
    found = {"text": 0, "rodata": 0, "unwind": 0, "data": 0}
    kinds = (("text", r"\.text"), ("unwind", r"\.(eh_frame|gcc_except_table)"), ("rodata", r"\.rodata|\.data\.rel\.ro"),
             ("data", r"\.(data|bss|tbss|tdata|init_array)"))
    listing = subprocess.run(["size", "-A", path], capture_output=True, text=True, check=True).stdout
    for name, size in re.findall(r"^(\.\S+)\s+(\d+)", listing, re.M):
        kind = next((kind for kind, pattern in kinds if re.match(pattern, name)), None)
        if kind and "._Z" not in name:
            found[kind] += int(size)
    found["all"] = sum(found.values())
    return found


def bytes_a_call(compiler, name, kind):
    """What the second 200 calls add to the first: what all calls share is not in it."""
    once, twice = (sizes(compiler.compile(f"{name}_{n}", source(kind, n))[0]) for n in (CALLS, 2 * CALLS))
    return {section: (twice[section] - once[section]) / CALLS for section in once}


def compile_seconds(compiler, kinds, rounds):
    """Median of processor seconds for 200 calls, and for the headers alone. In turns."""
    runs = {name: {"calls": [], "headers": []} for name in kinds}
    for _ in range(rounds):
        for name, kind in kinds.items():
            for what, calls in (("calls", CALLS), ("headers", 0)):
                runs[name][what].append(compiler.compile(f"{name}_{what}", source(kind, calls))[1])
    return {name: {what: statistics.median(times) for what, times in of.items()} for name, of in runs.items()}


def measure(build, table, quick, folder=None):
    own = folder or tempfile.mkdtemp(prefix="logbus-bench-")
    try:
        compiler = Compiler(own)
        kinds = {"logbus": LOGBUS}
        if compiler.has_spdlog:
            kinds.update(spdlog=SPDLOG, spdlog_place=SPDLOG_PLACE)
        else:
            print("spdlog is not there: no code of its to compare with")
        size = {name: bytes_a_call(compiler, name, kind) for name, kind in kinds.items()}
        time = compile_seconds(compiler, {n: k for n, k in kinds.items() if n != "spdlog_place"}, 1 if quick else 3)
    finally:
        if folder is None:
            shutil.rmtree(own)
    ours, theirs, place = (size.get(name) or {} for name in ("logbus", "spdlog", "spdlog_place"))
    table.add("code of a call with int, double, string", ours["text"], "B", theirs.get("text"), "spdlog", at_most=1)
    table.add("  with constants, unwinding, data", ours["all"], "B", theirs.get("all"), "spdlog")
    table.add("  the same, spdlog's with file and line", ours["all"], "B", place.get("all"), "spdlog's macro")
    ours, theirs = time["logbus"], time.get("spdlog", {})
    table.add("compiling 200 of them", ours["calls"], "s", theirs.get("calls"), "spdlog", at_most=1)
    without = theirs and theirs["calls"] - theirs["headers"]
    table.add("  without the headers", ours["calls"] - ours["headers"], "s", without or None, "spdlog")
    return {"bytes_a_call": size, "compile_seconds": time}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="FOLDER", help="an existing folder for sources and objects")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    own_table = Table()
    measure(None, own_table, options.quick, options.keep)
    print(own_table.text())
