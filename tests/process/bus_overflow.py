#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sidecar stands still for a while: `block` loses nothing, `drop` tells exactly how much it lost."""

import signal
import time

import tap
from bus import Bus, Load, count_records, finish
from tap import SOAK, check, check_equal, wait_for

THREADS = 4


def test_block():
    """block: workers wait while the sidecar stands still, then go on; nothing is lost"""
    records = 20_000
    with Bus(overflow="block", block_timeout="60 s", lane_size="64 KiB", max_hold="30 s") as bus:
        bus.start_sidecar()
        for stop in range(3):
            bus.sidecar.send_signal(signal.SIGSTOP)
            fleet = bus.worker(first_worker=stop, threads=THREADS, records=records)
            wait_for(lambda: bus.waiting_lanes() == THREADS, "all threads wait for room")
            bus.sidecar.send_signal(signal.SIGCONT)
            finish(fleet, "workers")
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=False)  # full lanes: it waits for nobody
        check_equal(count.records, 3 * THREADS * records, "records written")
        check_equal(set(count.next.values()), {records}, "records of each thread")
        check_equal(count.reported_drops, 0, "drops told")


def test_block_gives_up():
    """block: after block_timeout the record is dropped and counted, and the worker goes on"""
    records = 3000
    with Bus(overflow="block", block_timeout="1 ms", lane_size="64 KiB") as bus:
        bus.start_sidecar()
        bus.sidecar.send_signal(signal.SIGSTOP)
        bus.run_worker(threads=1, records=records)
        bus.sidecar.send_signal(signal.SIGCONT)
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, records, "lines and drops told")


def test_drop():
    """drop: lines plus drops told equal the calls, exactly, over several stops"""
    records = 100_000
    rounds = 10 if SOAK else 3
    with Bus(overflow="drop", lane_size="64 KiB") as bus:
        bus.start_sidecar()
        for round_ in range(rounds):
            fleet = bus.worker(first_worker=round_ * 10, processes=2, threads=THREADS, records=records, pause_us=100)
            for _ in range(4):
                time.sleep(0.03)
                bus.sidecar.send_signal(signal.SIGSTOP)
                time.sleep(0.1)
                bus.sidecar.send_signal(signal.SIGCONT)
            finish(fleet, "workers")
        calls = rounds * 2 * THREADS * records
        bus.stop_sidecar()
        counters = bus.stat()["records"]
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, calls, "lines and drops told")
        check_equal(counters["dropped"], count.reported_drops, "drops counted in the bus and drops told")
        check_equal(counters["committed"], count.records, "records committed and lines")
        print(f"# {count.reported_drops} of {calls} dropped")


def test_drop_without_sidecar():
    """drop, no sidecar: a later one tells exactly what was lost"""
    records = 50_000
    with Bus(overflow="drop") as bus:
        bus.env["LOGBUS_LEVEL"] = "info"
        bus.settings["memory"] = "1 MiB"
        bus.start_sidecar()  # it makes the bus with these settings
        bus.stop_sidecar()
        bus.run_worker(processes=2, threads=2, records=records)
        bus.drain()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, 4 * records, "lines and drops told")


def test_block_without_sidecar():
    """block, no sidecar: nobody waits for one that is not there"""
    records = 50_000
    with Bus(overflow="block", block_timeout="60 s", memory="1 MiB") as bus:
        bus.start_sidecar()
        bus.stop_sidecar()
        bus.run_worker(seconds=20, processes=1, threads=2, records=records)
        bus.drain()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, 2 * records, "lines and drops told")


def test_block_whatever_happens():
    """block, too little memory: the sidecar stands still, is killed, hands over, ends: all threads go on, drops are exact"""
    rounds = 20 if SOAK else 2
    with Bus(overflow="block", block_timeout="300 ms", lane_size="64 KiB", lanes=16, memory="512 KiB") as bus:
        bus.start_sidecar()
        load = Load(bus, 2, threads=THREADS, pause_us=200)

        def all_go_on():
            before = load.logged()
            wait_for(lambda: all(n > b for n, b in zip(load.logged(), before)), "all threads go on")

        all_go_on()
        for _ in range(rounds):
            bus.sidecar.send_signal(signal.SIGSTOP)
            all_go_on()
            bus.sidecar.send_signal(signal.SIGCONT)
            all_go_on()
            bus.sidecar.send_signal(signal.SIGSTOP)
            all_go_on()
            bus.sidecar.kill()
            bus.sidecar.wait()
            all_go_on()
            bus.start_sidecar()
            first = bus.sidecar
            bus.start_sidecar("--takeover", wait=False)
            finish(first, "the sidecar that hands over", 20)
            all_go_on()
            bus.stop_sidecar()
            all_go_on()
            bus.start_sidecar()
        issued = sum(load.end().values())
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, issued, "lines and drops told")
        print(f"# {count.reported_drops} of {issued} dropped")


if __name__ == "__main__":
    tap.run(globals())
