#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many workers at once: every record once, in each thread's order and in the order of time, over rotated files.

And the order of time when workers are stopped: who comes late has been in a call for longer than max_hold.
LOGBUS_SEED repeats a schedule.
"""

import os
import random
import shutil
import signal
import time

import tap
from bus import WORKER, Bus, count_records, finish
from ledger import Board, Deliveries, balance
from tap import SOAK, check, check_equal, wait_for

# No record may come late here: on two cores a thread can be kept from the processor for longer than 50 ms between its
# stamp and its commit. (Under pressure, with a lane half full, the sidecar does not wait for such a thread: room enough.)
PATIENT = {"overflow": "block", "block_timeout": "60 s", "max_hold": "30 s", "drain_timeout": "100 s"}
ROOM = {"lanes": 64, "lane_size": "32 MiB", "memory": "1 GiB", "max_per_process": "512 MiB"}
ROOM_BYTES = 600 << 20

SEED = int(os.environ.get("LOGBUS_SEED", time.time_ns() % 2**32 if SOAK else 1))
SECONDS = 60 if SOAK else 1.0
HEAVY_PAUSE_US = 3  # after each record of a burst, on average; the others' is a hundred times as long
NOTED_FROM_NS = 1_000_000  # shorter calls are not noted (support/board.h)
CLOCKS_S = 2e-6  # the worker's clock and the stamps' are not the same, and lines have microseconds


def run(processes, threads, records, handler=None, in_time_order=True, pause_us=0, **settings):
    with Bus(**{**PATIENT, **settings}) as bus:
        if handler:
            bus.handler.update(handler)
        bus.start_sidecar()
        bus.run_worker(processes=processes, threads=threads, records=records, pause_us=pause_us)
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=in_time_order)
        check_equal(count.records, processes * threads * records, "records written")
        check_equal(len(count.next), processes * threads, "threads that logged")
        check_equal(set(count.next.values()), {records}, "records of each thread")
        check_equal(count.others, [], "lines that nobody logged")
        counters = bus.stat()["records"]
        if in_time_order:
            check_equal(counters["late"], 0, "late records")
        check_equal(counters["dropped"], 0, "dropped records")
        return bus.files()


def test_large_fleet():
    """8 processes x 4 threads x 50,000 records: each once, in each thread's order, in the order of time"""
    files = run(
        8,
        4,
        200_000 if SOAK else 50_000,
        {"class": "logging.handlers.RotatingFileHandler", "maxBytes": 16 << 20, "backupCount": 1000},
        # A small /dev/shm can't hold all that 32 threads log while a busy machine keeps the sidecar waiting.
        pause_us=0 if shutil.disk_usage("/dev/shm").free > ROOM_BYTES else 20_000,
        **ROOM,
    )
    check(len(files) > 3, f"no rotation: {files}")


def test_small_lanes():
    """Lanes of 64 KiB, far too small for what is logged: writers wait, nothing is lost"""
    run(4, 2, 30_000, in_time_order=False, lane_size="64 KiB")


def test_one_thread():
    """One process with one thread"""
    run(1, 1, 100_000)


class Fleet:
    """8 processes, some of which are stopped and continued at random; one logs far more than the others."""

    PROCESSES = 8
    THREADS = 3

    def __init__(self, bus, fenced):
        self.bus = bus
        self.boards = []
        self.children = []
        for number in range(self.PROCESSES):
            path = os.path.join(bus.directory, f"board.{number}")
            self.boards.append(Board(path, number))
            options = ["--schedule", 0, "--board", path, "--worker", number, "--threads", self.THREADS]
            options += ["--pause-us", HEAVY_PAUSE_US if number == 0 else 100 * HEAVY_PAUSE_US]
            options += ["--stops", 10 if number == 0 else 1]
            options += ["--membarrier", 0 if number in fenced else 1]
            self.children.append(bus.spawn([WORKER, *options], "worker"))

    def continue_stopped(self, rng, seconds, longest_s):
        """Lets the stopped ones stand still for a random time. Gives how many there were."""
        until = {}  # child -> when it goes on
        stops = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end or until:
            now = time.monotonic()
            for child in self.children:
                if child in until:
                    if until[child] <= now:
                        child.send_signal(signal.SIGCONT)
                        del until[child]
                elif now < end and is_stopped(child.pid):
                    until[child] = now + rng.uniform(0, longest_s)
                    stops += 1
            time.sleep(0.001)
        return stops

    def end(self):
        for board in self.boards:
            board.stop()
        wait_for(self.all_ended, "the workers end")
        for child in self.children:
            finish(child, "worker")
        return [thread for board in self.boards for thread in board.threads()]


    def all_ended(self):
        for child in self.children:
            child.send_signal(signal.SIGCONT)
        return all(child.poll() is not None for child in self.children)


def is_stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def run_property(title, *, max_hold_ms, fenced=(), restart=False, pressure=False, **settings):
    """Who comes late was in a call for longer than max_hold; by no more than that call; marked, and counted."""
    rng = random.Random(SEED)
    with Bus(**{**ROOM, "memory": "256 MiB", "max_hold": f"{max_hold_ms} ms", "drain_timeout": "30 s", **settings}) as bus:
        bus.start_sidecar()
        fleet = Fleet(bus, fenced)
        stops = fleet.continue_stopped(rng, SECONDS / 2, max_hold_ms * 3e-3)
        if restart:
            bus.stop_sidecar()
            time.sleep(rng.uniform(0, 0.2))
            bus.start_sidecar()
        stops += fleet.continue_stopped(rng, SECONDS / 2, max_hold_ms * 3e-3)
        threads = fleet.end()
        bus.stop_sidecar()
        deliveries = Deliveries()
        for path in bus.files():
            deliveries.read(path)
        account = balance(threads, deliveries)
        check_equal(deliveries.faults + account.faults, [], "faults")
        if not pressure:
            check_equal(account.dropped, 0, "dropped records")
        slow = {thread.key: thread.slow_calls for thread in threads}
        check(all(thread.all_slow_noted for thread in threads), "more slow calls than a board can hold")
        for key, number, behind_s in deliveries.late:
            took_s = slow[key].get(number, NOTED_FROM_NS) / 1e9
            what = f"{key}, number {number}: late by {behind_s * 1e3:.3f} ms in a call of {took_s * 1e3:.3f} ms"
            check(behind_s <= took_s + CLOCKS_S, what)
            check(pressure or took_s + CLOCKS_S >= max_hold_ms / 1e3, f"{what}, and max_hold is {max_hold_ms} ms")
        counted = bus.stat()["records"]["late"]
        check_equal(counted, len(deliveries.late), "late: counted, and in the files")
        slowest = max((ns for calls in slow.values() for ns in calls.values()), default=0)
        print(f"# {title}: {account.delivered} records, {stops} stops, {len(deliveries.late)} late, longest call {slowest / 1e6:.0f} ms")


def test_late():
    """8 processes, stopped at random, one busier than all others: who is late was in a call for longer than max_hold"""
    run_property("max_hold 50 ms", max_hold_ms=50)


def test_late_soon():
    """The same with max_hold 5 ms, and half of the processes without membarrier"""
    run_property("max_hold 5 ms", max_hold_ms=5, fenced=range(0, 8, 2))


def test_late_behind_a_restart():
    """The same while the sidecar is restarted"""
    run_property("restart", max_hold_ms=20, restart=True)


def test_late_under_pressure():
    """With too little memory room goes before order: who is late is so by no more than its call took"""
    run_property("pressure", max_hold_ms=50, pressure=True, lanes=64, lane_size="64 KiB", memory="1 MiB")


if __name__ == "__main__":
    print(f"# LOGBUS_SEED={SEED}")
    tap.run(globals())
