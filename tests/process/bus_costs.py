#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a bus costs that nobody uses, as far as it can be counted: memory of lanes and workers, wake-ups, barriers."""

import glob
import os
import re
import shutil
import signal
import struct
import subprocess
import time

import tap
from bus import CONSUMER_CONTROL, WORKER, Bus
from tap import Skip, check, check_equal, wait_for

KIB = 1024
STAY_MS = 3_600_000
PASSES = 216  # offset in the consumer control


def memory(bus):
    return os.stat(bus.segment).st_blocks * 512


def drained(bus, records):
    found = bus.stat()["records"]
    check_equal(found["dropped"], 0, "records dropped")
    return found["committed"] == records and sum(1 for _ in bus.lines()) == records


def passes(bus):
    return struct.unpack_from("<Q", bus.region(CONSUMER_CONTROL)[0], PASSES)[0]


def switches(pid, kind="voluntary"):
    """How often the threads of a process have gone to sleep by themselves, or have lost the processor."""
    count = 0
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with open(path) as status:
            count += int(re.search(rf"^{kind}_ctxt_switches:\s+(\d+)", status.read(), re.M)[1])
    return count


def private_dirty(pid, segment):
    """Outside the bus's file."""
    total, of_bus = 0, False
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                of_bus = segment in line
            elif line.startswith("Private_Dirty:") and not of_bus:
                total += int(line.split()[1]) * KIB
    return total


def test_memory_of_idle_lanes():
    """A lane whose thread has logged a little has 8 KiB, one that has burst 72 KiB a little later"""
    for records, steps in ((1, 8), (300, 8 + 56), (20_000, 8 + 64)):
        threads = 20
        with Bus(memory="256 MiB", max_per_process="256 MiB") as bus:
            bus.start_sidecar()
            before = memory(bus)
            bus.worker(threads=threads, records=records, stay_ms=STAY_MS)
            wait_for(lambda: drained(bus, threads * records), "all records are written")
            most = threads * steps * KIB + 64 * KIB  # and the pages of the one site
            wait_for(lambda: memory(bus) - before <= most, f"{records} records a lane: at most {steps} KiB a lane stay")
            check(memory(bus) - before >= threads * 8 * KIB, "lanes without memory: this does not measure them")


def test_idle_sidecar():
    """An idle sidecar wakes up less than ten times a second, with and without lanes"""
    for threads in (0, 200):
        with Bus() as bus:
            bus.start_sidecar()
            if threads:
                bus.worker(threads=threads, records=1, stay_ms=STAY_MS)
                wait_for(lambda: drained(bus, threads), "all records are written")
            wait_for(bus.sleeping, "it has gone to sleep")
            began, slept, passed = time.monotonic(), switches(bus.sidecar.pid), passes(bus)
            time.sleep(2)
            slept, passed = switches(bus.sidecar.pid) - slept, passes(bus) - passed
            took = time.monotonic() - began
            print(f"# {threads} idle lanes: {slept / took:.1f} sleeps and {passed / took:.1f} passes a second")
            check(passed > 0, "it does not look after anything any more")
            check(slept <= 10 * took + 1, f"{slept} sleeps in {took:.1f} s")
            check(passed <= 5 * took + 1, f"{passed} passes in {took:.1f} s")


def test_barriers():
    """Under load there is at most one membarrier in 200 us, also while it falls asleep and wakes up"""
    if shutil.which("strace") is None:
        raise Skip("strace is not there")
    for pause_us in (1000, 4000):  # never asleep; asleep again and again
        with Bus(overflow="block", block_timeout="60 s") as bus:
            bus.start_sidecar()
            trace = os.path.join(bus.home, "strace")
            bus.worker(threads=2, records=50_000_000, pause_us=pause_us)
            wait_for(lambda: os.path.exists(bus.file) and os.path.getsize(bus.file) > 0, "records are written")
            lost = switches(bus.sidecar.pid, "nonvoluntary")
            tracer = subprocess.Popen(
                ["strace", "-f", "-q", "-e", "trace=membarrier", "-ttt", "-o", trace, "-p", str(bus.sidecar.pid)],
                stderr=subprocess.DEVNULL)
            try:
                wait_for(lambda: tracer.poll() is not None or
                         os.path.exists(trace) and os.path.getsize(trace) > 0, "the sidecar is traced")
                if tracer.poll() is not None:
                    raise Skip("no process may be traced here")
                time.sleep(1)
                lost = switches(bus.sidecar.pid, "nonvoluntary") - lost
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait()
            with open(trace) as file:
                at = [float(line.split()[1]) for line in file if "membarrier(" in line]
            check(len(at) > 100, f"{len(at)} barriers: this measures nothing")
            # A barrier is late if the sidecar loses the processor right before it, and the next one is not.
            early = sum(1 for a, b in zip(at, at[1:]) if b - a < 150e-6)
            print(f"# pause {pause_us} us: {len(at)} barriers, {early} less than 150 us after the one before, {lost} times without processor")
            check(early * 50 <= len(at) + lost * 50, f"{early} of {len(at)} barriers are early, {lost} times it lost the processor")


def test_private_memory_of_a_worker():
    """An idle worker has less than 200 KiB for itself over one that logs nowhere"""
    with Bus() as bus:
        bus.start_sidecar()
        attached = bus.worker(threads=1, records=10, stay_ms=STAY_MS)
        wait_for(lambda: drained(bus, 10), "all records are written")
        alone = dict(bus.env)
        del alone["LOGBUS_BUS"]
        other = bus.spawn([WORKER, "--threads", "1", "--records", "0", "--stay-ms", STAY_MS], "alone", env=alone)
        wait_for(lambda: len(glob.glob(f"/proc/{other.pid}/task/*")) == 2, "its thread is there")
        more = private_dirty(attached.pid, bus.segment) - private_dirty(other.pid, bus.segment)
        print(f"# {more // KIB} KiB")
        check(0 < more <= 200 * KIB, f"{more} bytes")


if __name__ == "__main__":
    tap.run(globals())
