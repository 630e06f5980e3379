#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine code that a warm call runs, as g++ and clang++ make it: no lock, no fence, no call out of the library but
memcpy, no formatting. Not what lies in the object, which has its cold parts, but every instruction that is executed."""

import atexit
import os
import platform
import re
import shutil
import subprocess
import tempfile

import callgrind
from tap import Skip, check, check_equal, run

LIBRARY = os.environ["LOGBUS_LIBRARY"]
SOURCE = os.environ["LOGBUS_SOURCE"]
HOME = tempfile.mkdtemp(prefix="logbus-test-", dir="/dev/shm")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

CALLS = ["numbers", "text", "fields", "list", "bound", "disabled"]
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(.*)$")
# A write that other processors must wait for, or a wait for one's own: xchg with memory locks without saying so.
FORBIDDEN = re.compile(r"^(lock\b|[lms]fence\b|xchg\b.*\(|syscall\b|int\b|cpuid\b|pause\b)")
ALLOWED = re.compile(r"^(measured|logbus::|\(anonymous namespace\)::|__?mem(cpy|move)|mem(cpy|move)|void logbus::|bool logbus::"
                     r"|auto logbus::|operator\(\)|_FUN|0x[0-9a-f]+$)")


def build(compiler):
    """The program of calls.cc, made by `compiler`."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise Skip("written for x86-64")
    for tool in (compiler, "valgrind", "objdump"):
        if shutil.which(tool) is None:
            raise Skip(f"{tool} is not installed")
    if not LIBRARY.endswith(".a"):
        raise Skip("looks into one program, and the library is a shared one here")
    program = os.path.join(HOME, "calls-" + compiler)
    if not os.path.exists(program):
        subprocess.run(
            [compiler, "-std=c++20", "-O2", "-no-pie", "-I", f"{SOURCE}/common/include", "-I", f"{SOURCE}/producer/include",
             os.path.join(SOURCE, "tests/process/hot_path/calls.cc"), LIBRARY, "-lfmt",
             "-pthread", "-o", program],
            check=True,
        )
    return program


def objections(program, what):
    """What a warm call runs and should not."""
    directory = tempfile.mkdtemp(dir=HOME)
    functions, addresses = callgrind.executed([program, directory, what], "measured")
    check(len(addresses) > 5, f"only {len(addresses)} instructions of the program were seen")
    found = {f"calls {name}" for name in functions if not ALLOWED.match(name)}
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", program], capture_output=True, text=True, check=True
    ).stdout
    seen = 0
    for line in listing.splitlines():
        match = INSTRUCTION.match(line)
        if match and int(match.group(1), 16) in addresses:
            seen += 1
            if FORBIDDEN.match(match.group(2)):
                found.add("runs " + " ".join(match.group(2).split()))
    check_equal(seen, len(addresses), "instructions found in the disassembly")
    return sorted(found), len(addresses)


def check_calls(compiler):
    program = build(compiler)
    found, count = objections(program, "all")
    print(f"# {compiler}: {count} different instructions in {len(CALLS)} kinds of calls")
    if found:  # one by one, to say which
        culprits = {what: objections(program, what)[0] for what in CALLS}
        check(not found, f"warm calls compiled by {compiler}: {culprits}")


def test_gcc():
    """A warm call compiled by g++ has no lock, no fence, no call out but memcpy"""
    check_calls("g++")


def test_clang():
    """A warm call compiled by clang++ has no lock, no fence, no call out but memcpy"""
    check_calls("clang++")


def test_finds_what_it_looks_for():
    """A fence, a lock, an exchange, formatting and an allocation are found"""
    program = build("g++")
    for what in ["bad fence", "bad lock", "bad exchange", "bad formatting", "bad allocation"]:
        found, _ = objections(program, what)
        print(f"# {what}: {', '.join(found)[:120]}")
        check(found, f"{what} is not found")


run(globals())
