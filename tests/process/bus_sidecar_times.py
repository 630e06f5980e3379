#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sidecar comes before, after and in the middle of the workers; it stops, is killed, and comes back."""

import os
import signal
import subprocess

import tap
from bus import LOGBUSD, Bus, Load, count_records, finish
from tap import check, check_equal, wait_for

PROCESSES, THREADS, RECORDS = 4, 2, 10_000
TOTAL = PROCESSES * THREADS * RECORDS
FLEET = {"processes": PROCESSES, "threads": THREADS, "records": RECORDS}
SETTINGS = {"overflow": "block", "block_timeout": "60 s", "max_hold": "30 s"}


def start_load(bus):
    return Load(bus, PROCESSES, THREADS, pause_us=5000)


def check_whole(bus, issued=None, in_time_order=True):
    """issued: by worker and thread, if it is not FLEET's."""
    count = count_records(bus.lines(), in_time_order=in_time_order)
    wanted = {(worker, thread): RECORDS for worker in range(PROCESSES) for thread in range(THREADS)}
    check_equal(dict(count.next), issued or wanted, "records of each thread")
    check_equal(count.others, [], "lines that nobody logged")


def test_before():
    """Started before the workers"""
    with Bus(**SETTINGS) as bus:
        bus.start_sidecar()
        bus.run_worker(**FLEET)
        bus.stop_sidecar()
        check_whole(bus)


def test_after():
    """Started after the workers have ended: the same lines"""
    with Bus(**SETTINGS) as bus:
        bus.run_worker(**FLEET)
        bus.start_sidecar()
        bus.stop_sidecar()
        check_whole(bus)


def test_after_with_drain():
    """--drain after the workers have ended: the same lines, then it ends by itself"""
    with Bus(**SETTINGS) as bus:
        bus.run_worker(**FLEET)
        bus.drain()
        check_whole(bus)


def test_in_the_middle():
    """Started while the workers log: the same lines"""
    with Bus(**SETTINGS) as bus:
        load = start_load(bus)
        wait_for(lambda: bus.tool("ls", "-q").strip() and bus.stat()["records"]["committed"] > 1000, "workers log")
        bus.start_sidecar()
        issued = load.end()
        bus.stop_sidecar()
        check_whole(bus, issued)


def test_drain_waits_for_workers():
    """--drain ends only when no worker is attached any more"""
    with Bus(**SETTINGS) as bus:
        enough = os.path.join(bus.home, "enough")
        fleet = bus.worker(**FLEET, stay_until=enough)
        wait_for(lambda: bus.tool("ls", "-q").strip() and bus.stat()["records"]["committed"] > 0, "workers log")
        sidecar = bus.start_sidecar("--drain")
        wait_for(lambda: bus.stat()["records"]["drained"] == TOTAL, "all records drained")
        check(sidecar.poll() is None, "it ended while workers were attached")
        open(enough, "w").close()
        finish(fleet, "workers")
        finish(sidecar, "logbusd --drain")
        check_whole(bus)


def test_restart():
    """Stopped and started again while the workers log: the files go on without loss or repetition"""
    with Bus(**SETTINGS) as bus:
        bus.start_sidecar()
        load = start_load(bus)
        for _ in range(3):
            drained = bus.stat()["records"]["drained"]
            wait_for(lambda: bus.stat()["records"]["drained"] > drained, "records flow")
            bus.stop_sidecar()
            bus.start_sidecar()
        issued = load.end()
        bus.stop_sidecar()
        check_whole(bus, issued, in_time_order=False)


def test_killed_sidecar():
    """Killed with SIGKILL while the workers log: the next one goes on, no record is missing"""
    with Bus(**SETTINGS) as bus:
        bus.start_sidecar()
        load = start_load(bus)
        wait_for(lambda: bus.stat()["records"]["drained"] > 1000, "records flow")
        bus.sidecar.send_signal(signal.SIGKILL)
        bus.sidecar.wait()
        bus.start_sidecar()
        issued = load.end()
        bus.stop_sidecar()
        # The batch at hand may be written twice and its last line may be torn; what is there otherwise is whole.
        seen = set()
        for line in bus.lines():
            fields = line.split()
            if len(fields) >= 10 and fields[-6] == "w" and fields[-2] == "n":
                seen.add((fields[-5], fields[-3], fields[-1]))
        check_equal(len(seen), sum(issued.values()), "different records written")


def test_second_sidecar():
    """A second sidecar on the same bus refuses and names the holder"""
    with Bus() as bus:
        bus.start_sidecar()
        done = subprocess.run(
            [LOGBUSD, "--config", bus.config()], env=bus.env, capture_output=True, text=True, timeout=30, cwd=bus.home
        )
        check_equal(done.returncode, 75, f"exit code; {done.stderr!r}")
        check(str(bus.sidecar.pid) in done.stderr, f"the holder is not named: {done.stderr!r}")
        check(bus.sidecar.poll() is None, "the first one has ended")
        bus.stop_sidecar()


if __name__ == "__main__":
    tap.run(globals())
