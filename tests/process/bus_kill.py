#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers killed with SIGKILL under load, at random moments: nothing committed is lost, nobody waits for the dead."""

import os
import random
import signal
import struct
import time

import tap
from bus import Bus, count_records
from tap import SOAK, check, check_equal, wait_for

KILLS = 1000 if SOAK else 100
THREADS = 2
AT_ONCE = 4
LANES = 32  # for 202 threads: ten at a time
FOREVER = 10**12


def read_board(path, threads):
    """Calls that have returned, by thread; None if the worker has not made its board yet."""
    try:
        with open(path, "rb") as file:
            return struct.unpack(f"={threads}Q", file.read(8 * threads))
    except (FileNotFoundError, struct.error):
        return None


def kill_workers(bus, rng):
    """Keeps AT_ONCE victims running beside one worker that lives on, until KILLS of them are dead."""
    boards = {}
    victims = []
    started = 0
    survivor_board = os.path.join(bus.home, "board.survivor")
    survivor = bus.worker(first_worker=9_000_000, threads=THREADS, records=FOREVER, pause_us=2000, board=survivor_board)
    worst_wait = 0.0
    while started < KILLS or victims:
        while started < KILLS and len(victims) < AT_ONCE:
            path = os.path.join(bus.home, f"board.{started}")
            # Every other one logs without a pause: it is killed in the middle of a record, or while it waits for room.
            pause = 2000 if started % 2 else 0
            child = bus.worker(first_worker=started, threads=THREADS, records=FOREVER, pause_us=pause, board=path)
            victims.append((started, child, path))
            started += 1
        index = rng.randrange(len(victims))
        number, child, path = victims.pop(index)
        wait_for(lambda: sum(read_board(path, THREADS) or [0]) > 0, f"worker {number} logs")
        time.sleep(rng.uniform(0, 0.03))
        child.send_signal(signal.SIGKILL)
        child.wait()
        boards[number] = read_board(path, THREADS)
        before = read_board(survivor_board, THREADS)
        since = time.monotonic()
        wait_for(
            lambda: all(now > then for now, then in zip(read_board(survivor_board, THREADS), before)),
            f"the survivor's threads go on after kill {number}",
        )
        worst_wait = max(worst_wait, time.monotonic() - since)
        # All lanes but a few come back once they are drained; without that there would soon be none.
        wait_for(lambda: len(bus.free_lanes()) >= LANES // 2, f"the lanes of the dead are free again after kill {number}")
    survivor.send_signal(signal.SIGKILL)
    survivor.wait()
    boards[9_000_000] = read_board(survivor_board, THREADS)
    return boards, worst_wait


def test_kills():
    """A worker killed under load, 100 times: no committed record lost, nobody blocked, its lanes and slots reused"""
    seed = int(os.environ.get("LOGBUS_SEED", time.time_ns() % 2**32))
    print(f"# LOGBUS_SEED={seed}")
    # Small lanes: what a worker leaves behind is drained soon.
    with Bus(overflow="block", block_timeout="60 s", lanes=LANES, lane_size="256 KiB") as bus:
        bus.start_sidecar()
        boards, worst_wait = kill_workers(bus, random.Random(seed))
        print(f"# longest time until all threads of the survivor had logged again: {worst_wait * 1000:.0f} ms")

        def all_drained():
            stat = bus.stat()["records"]
            return stat["drained"] == stat["committed"]

        wait_for(all_drained, "all that was committed is drained", 60)
        counters = bus.stat()["records"]
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=False)
        check_equal(count.others, [], "lines that nobody logged")
        check_equal(count.records, counters["committed"], "lines and records committed in the bus")
        in_flight = 0
        for worker, returned in boards.items():
            for thread, calls in enumerate(returned):
                lines = count.next[(worker, thread)]
                # The call that was interrupted has committed or it has not.
                check(lines in (calls, calls + 1), f"worker {worker} thread {thread}: {calls} calls, {lines} lines")
                in_flight += lines - calls
        print(f"# {count.records} records, {in_flight} committed by a call that never returned")
        check_equal(counters["dropped"], 0, "dropped records")


def test_kill_of_a_blocked_worker():
    """A worker killed while it waits for room: its records come, its lanes are given back"""
    with Bus(overflow="block", block_timeout="60 s", lane_size="64 KiB", lanes=8) as bus:
        bus.start_sidecar()
        for round_ in range(5):
            bus.sidecar.send_signal(signal.SIGSTOP)
            path = os.path.join(bus.home, f"board.{round_}")
            child = bus.worker(first_worker=round_, threads=4, records=FOREVER, board=path)
            wait_for(lambda: bus.waiting_lanes() == 4, "all four threads wait for room")
            child.send_signal(signal.SIGKILL)
            child.wait()
            seen = read_board(path, 4)
            bus.sidecar.send_signal(signal.SIGCONT)
            wait_for(lambda: bus.stat()["records"]["lag"] == 0, "the lanes are drained")
            wait_for(lambda: bus.waiting_lanes() == 0, "the dead wait no more")
            for thread, calls in enumerate(seen):
                check(calls > 0, f"thread {thread} has logged nothing")
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=False)
        check_equal(len(count.next), 20, "threads whose records arrived")


if __name__ == "__main__":
    tap.run(globals())
