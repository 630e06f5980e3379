#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lanes that overwrite: what is left after a crash is the newest, all of it, and what is gone is counted."""

import json
import os
import random
import re
import signal
import struct
import time

import tap
from bus import Bus, count_records, finish
from tap import SOAK, check, check_equal, wait_for

RECORD = re.compile(r"w (\d+) t (\d+) n (\d+)")
SEED = int(os.environ.get("LOGBUS_SEED", "1"))
LANE = 256 << 10
BLOCK = 64 << 10


def recorder(**settings):
    """A bus whose workers make it, as without a sidecar."""
    bus = Bus(overflow="overwrite", **settings)
    bus.env["LOGBUS_OVERFLOW"] = "overwrite"
    return bus


def made_by_a_sidecar(bus):
    """A worker has no say in sizes: these come from a sidecar that has gone."""
    bus.start_sidecar()
    bus.stop_sidecar()


def returned(path, threads):
    with open(path, "rb") as file:
        return struct.unpack(f"={threads}Q", file.read(8 * threads))


def dumped(bus):
    """(worker, thread) -> numbers in the order of the dump."""
    threads = {}
    for line in bus.tool("dump", bus.name, "--format", "json", "--only", "record").splitlines():
        entry = json.loads(line)
        if entry["type"] == "in_flight":  # the record that its thread was killed in: it has no message yet
            continue
        match = RECORD.match(entry["message"])
        check(match, f"a record that is none: {line}")
        threads.setdefault((int(match[1]), int(match[2])), []).append(int(match[3]))
    return threads


def check_newest(numbers, calls, what):
    """One stretch without a hole, that ends with the last call that has returned or the one after it."""
    check_equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), f"numbers of {what}")
    check(numbers[-1] in (calls - 1, calls), f"{what} ends with {numbers[-1]} after {calls} calls")


def test_crash_without_sidecar():
    """no sidecar, kill -9: dump shows the newest records of each thread, a later sidecar writes these"""
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    for round_ in range(20 if SOAK else 4):
        small = round_ % 4 != 0
        threads = 3 if small or SOAK else 1  # to read a dump takes longest
        with recorder(lane_size=str(LANE), sites=256) as bus:
            if small:
                made_by_a_sidecar(bus)
            board = os.path.join(bus.home, "board")
            fleet = bus.worker(threads=threads, records=10**9, board=board)
            least = 20_000 if small else 200_000
            wait_for(lambda: os.path.exists(board) and os.path.getsize(board) and min(returned(board, threads)) > least,
                     "all threads have logged more than their rings hold")
            time.sleep(chance.random() / 100)
            fleet.kill()
            fleet.wait()
            calls = returned(board, threads)
            found = dumped(bus)
            check_equal(sorted(found), [(0, t) for t in range(threads)], "threads in the dump")
            for (_, thread), numbers in found.items():
                check_newest(numbers, calls[thread], f"thread {thread}")
                size = LANE if small else 4 << 20
                # Every record has 48 bytes; a block is being written over, and each has a beginning and an end.
                check(len(numbers) * 48 > size - 2 * BLOCK, f"{len(numbers)} records are left in {size >> 10} KiB")
            statistics = bus.stat()["records"]
            kept = sum(map(len, found.values()))
            check_equal(statistics["lag"], kept, "records that wait")
            check(0 <= statistics["committed"] - kept - statistics["overwritten"] <= threads, f"{statistics} and {kept} dumped")
            bus.drain()
            count = count_records(bus.lines(), with_gaps=True)
            check_equal(count.records, kept, "records written and records dumped")
            check(0 <= count.records + count.reported_drops - sum(calls) <= threads,
                  f"{sum(calls)} calls, {count.records} written, {count.reported_drops} told")
            for (worker, thread), numbers in found.items():
                check_equal(count.next[worker, thread], numbers[-1] + 1, f"last number of thread {thread}")
            check_equal(dumped(bus), {}, "what a dump shows once it has been written")


def test_stalled_sidecar():
    """a sidecar that stands still at random: nobody waits, written and told are the calls, exactly"""
    chance = random.Random(SEED)
    threads = 4
    records = 1_500_000 if SOAK else 150_000
    with recorder(lane_size=str(LANE), max_hold="5 s") as bus:
        bus.start_sidecar()
        fleet = bus.worker(processes=2, threads=threads, records=records, pause_us=100)
        stops = 0
        while fleet.poll() is None:
            bus.sidecar.send_signal(signal.SIGSTOP)
            time.sleep(chance.random() / 20)
            bus.sidecar.send_signal(signal.SIGCONT)
            time.sleep(chance.random() / 40)
            stops += 1
        finish(fleet, "workers")
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        statistics = bus.stat()["records"]
        check(count.reported_drops > 0, "nothing was overwritten: the test is too weak")
        check_equal(count.records + count.reported_drops, 2 * threads * records, "written and told")
        check_equal(statistics["overwritten"], count.reported_drops, "counted and told")
        check_equal(statistics["dropped"], 0, "dropped")
        print(f"# {stops} stops, {count.reported_drops} of {2 * threads * records} overwritten")


def test_threads_come_and_go():
    """no sidecar, more threads and processes than lanes: the newest find place, the newest are found"""
    with recorder(lanes=4, lane_size=str(LANE), sites=256) as bus:
        made_by_a_sidecar(bus)
        for worker in range(12):
            bus.run_worker(first_worker=worker, threads=2, records=500)
        found = dumped(bus)
        check((11, 0) in found and (11, 1) in found, f"the last process's threads are not among {sorted(found)}")
        check_equal(len(found), 4, "lanes with records")
        for who, numbers in found.items():
            check_newest(numbers, 500, who)
        bus.drain()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check_equal(count.records + count.reported_drops, 12 * 2 * 500, "written and told")
        check_equal(bus.free_lanes(), [0, 1, 2, 3], "lanes that nobody has")


def test_little_memory():
    """more threads than there is memory for rings: each has a ring, if a short one, and in it the newest"""
    # What is kept back for first steps is a sixteenth: of 4 MiB that is 32 of 8 KiB.
    threads = 24
    with recorder(lane_size="1 MiB", memory="4 MiB", sites=256) as bus:
        made_by_a_sidecar(bus)
        board = os.path.join(bus.home, "board")
        fleet = bus.worker(threads=threads, records=10**9, board=board)
        wait_for(lambda: os.path.exists(board) and os.path.getsize(board) and min(returned(board, threads)) > 30_000,
                 "all threads log", 60)
        fleet.kill()
        fleet.wait()
        calls = returned(board, threads)
        found = dumped(bus)
        statistics = bus.stat()
        check_equal(statistics["records"]["dropped"], 0, "dropped")
        check(statistics["memory_bytes"] <= 4 << 20, f"{statistics['memory_bytes']} bytes of memory")
        for who, numbers in found.items():
            check_newest(numbers, calls[who[1]], who)
        entries = [json.loads(line) for line in bus.tool("dump", bus.name, "--format", "json").splitlines()]
        lanes = {entry["lane"]: entry["resident"] for entry in entries if entry["type"] == "lane"}
        check_equal(len(lanes), threads, "lanes")
        # A ring of a single block gives up all of it where a lap begins: killed there, it has nothing.
        empty = lanes.keys() - {entry["lane"] for entry in entries if entry["type"] == "record"}
        check_equal(len(found) + len(empty), threads, "threads")
        check(len(empty) <= threads // 4, f"{len(empty)} threads without a record")
        for lane in empty:
            check(lanes[lane] <= BLOCK, f"lane {lane} has {lanes[lane]} bytes and no record")


def test_long_records():
    """a record longer than a block is cut and marked; nothing else is lost"""
    with recorder(lane_size="128 KiB") as bus:
        made_by_a_sidecar(bus)
        for payload in (64_000, 65_400, 100_000, 3_000_000):
            bus.run_worker(threads=1, records=3, payload=payload)
        lines = bus.tool("dump", bus.name, "--format", "json", "--only", "record").splitlines()
        check(lines, "an empty dump")
        last = json.loads(lines[-1])
        check("n 2 xxx" in last["message"], f"the last record is {last['message'][:60]}")
        check(60_000 < len(last["message"]) < 65_536, f"it has {len(last['message'])} bytes")
        check_equal(bus.stat()["records"]["dropped"], 0, "dropped")


if __name__ == "__main__":
    tap.run(globals())
