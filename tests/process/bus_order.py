#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many workers at once: every record once, in each thread's order and in the order of time, over rotated files."""

import shutil

import tap
from bus import Bus, count_records
from tap import SOAK, check, check_equal

# No record may come late here: on two cores a thread can be kept from the processor for longer than 50 ms between its
# stamp and its commit. (Under pressure, with a lane half full, the sidecar does not wait for such a thread: room enough.)
PATIENT = {"overflow": "block", "block_timeout": "60 s", "max_hold": "30 s"}
ROOM = {"lanes": 64, "lane_size": "32 MiB", "memory": "1 GiB", "max_per_process": "512 MiB"}
ROOM_BYTES = 600 << 20


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


if __name__ == "__main__":
    tap.run(globals())
