# SPDX-License-Identifier: MIT
"""Workers that lie about everything they may write, beside workers that don't: see byzantine.cc.

LOGBUS_SEED repeats a run, LOGBUS_LIE names one kind of lie. Built with sanitizers, the sidecar and the tools run with them.
"""

import os
import re
import signal
import struct
import subprocess
import time

import tap
from bus import BUILD, LOGBUS, SHARED_CONTROL, Bus, finish, read_text
from tap import SOAK, check, check_equal, wait_for

BYZANTINE = os.path.join(BUILD, "tests", "process", "hostile", "byzantine")
SEED = int(os.environ.get("LOGBUS_SEED", "20260301"))
MILLIS = int(os.environ.get("LOGBUS_MILLIS", "60000" if SOAK else "1000"))
LIE = os.environ.get("LOGBUS_LIE", "")
GOOD = re.compile(rb" (\d+) [A-Z]+ load w (\d+) t (\d+) n (\d+)$")
DROPPED = re.compile(rb"(\d+) records dropped")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: |stack smashing|terminate called")
LANES = 24
MEBIBYTE = 1 << 20


def look(bus, problems, *arguments):
    """One of the tools while it all goes on: ends soon, in order, with nothing raw for a terminal."""
    try:
        done = subprocess.run([LOGBUS, *arguments], env=bus.env, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        problems.append(f"logbus {arguments[0]} hangs")
        return
    err = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1) or SANITIZER.search(err):
        problems.append(f"logbus {arguments} ended with {done.returncode}: {err[-3000:]}")
    raw = re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", done.stdout + done.stderr)
    if raw:
        problems.append(f"logbus {arguments[0]} gives {raw[0]!r} to the terminal")


def in_use(bus):
    return os.stat(bus.segment).st_blocks * 512


def lie(what):
    with Bus(lanes=LANES, lane_size="1 MiB", permissions="0660") as bus:
        bus.handler["mode"] = "w"
        bus.start_sidecar()
        sidecar = bus.sidecar
        at_first = in_use(bus)
        millis = MILLIS
        records = millis * 4
        good = bus.worker(processes=2, threads=2, records=records, pause_us=20_000)
        liars = bus.spawn([BYZANTINE, "--seed", SEED, "--millis", millis, "--what", what, "--only", LIE or "-"], "liars")
        problems = []
        while liars.poll() is None:
            for arguments in (["stat"], ["dump", "--only", "bus,process,site,lane,record"], ["ls"], ["dump", "--format", "json"], ["stat", "--format", "json"]):
                look(bus, problems, *arguments)
            check(sidecar.poll() is None, f"logbusd ended with {sidecar.returncode}: {read_text(sidecar.errors)[-6000:]}")
        check_equal(liars.returncode, 0, f"exit code of the liars: {read_text(liars.errors)}")
        children, lanes, lies = map(int, read_text(liars.output).split())
        print(f"# seed {SEED}: {lies} lies of {children} processes on {lanes} lanes", flush=True)
        check(lies > 0, "nobody has lied")
        if what == "own":
            finish(good, "the good workers")
        else:
            good.wait(120)
        check_equal(problems, [], "what the tools did")

        if what == "own":
            # Nothing of them stays: lanes, memory.
            wait_for(lambda: len(bus.free_lanes()) == LANES, "all lanes are free again", 15)
            wait_for(
                lambda: in_use(bus) <= at_first + 3 * MEBIBYTE + arena(bus),
                f"memory is given back; it was {at_first}",
                15,
            )
            memory = bus.stat()["memory_bytes"]
            check(memory <= MEBIBYTE, f"stat says {memory} bytes are used")
        bus.run_worker(records=100, first_worker=50)
        sidecar.send_signal(signal.SIGTERM)
        started = time.monotonic()
        code = sidecar.wait(60)
        errors = read_text(sidecar.errors)
        check(not SANITIZER.search(errors), errors[-6000:])
        check_equal(code, 0, f"exit code of logbusd: {errors[-3000:]}")
        check(time.monotonic() - started < 30, "logbusd takes long to end")

        count = {}
        process = {}
        senseless = forged = 0
        with open(bus.file, "rb") as file:
            for line in file:
                match = GOOD.search(line.rstrip(b"\n"))
                pid, worker, thread, number = map(int, match.groups()) if match else (0,) * 4
                # A lane that a good thread has left still has its bytes: whoever gets it may give them for his own.
                if match and process.setdefault((worker, thread), pid) == pid:
                    if what == "own":
                        check_equal(number, count.get((worker, thread), 0), f"worker {worker}, thread {thread}: next number")
                    count[worker, thread] = number + 1
                elif match:
                    forged += 1
                senseless += b"makes no sense" in line
                dropped = DROPPED.search(line) if b" logbus " in line else None
                if dropped:
                    check(int(dropped[1]) < 10**12, f"nobody has dropped so many: {line!r}")
        if what == "own":
            check_equal({count.get((w, t)) for w in (0, 1) for t in (0, 1)}, {records}, "records of the good workers")
            check_equal(count.get((50, 0)), 100, "records of a worker that came afterwards")
        if what == "own":
            check(senseless <= lanes, f"{senseless} times told of {lanes} lanes that one makes no sense")
        print(f"# {senseless} lanes told to make no sense, {forged} lines are not whose they say", flush=True)


def arena(bus):
    """Bytes of sites: they are never given back."""
    return struct.unpack_from("<Q", bus.region(SHARED_CONTROL)[0], 72)[0]


def test_own_words():
    """Workers that lie about their own lanes: the others lose nothing, all comes back, logbusd and logbus live."""
    lie("own")


def test_all_words():
    """Workers that write over everybody's words: logbusd and logbus live, and end when told."""
    lie("all")


tap.run(globals())
