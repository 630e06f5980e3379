#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that fork: before their first record, after it, from any thread, again and again."""

import tap
from bus import Bus, count_records
from tap import check_equal

SETTINGS = {"overflow": "block", "block_timeout": "60 s", "max_hold": "30 s"}


def run(wanted, **options):
    """wanted: {worker: threads}, each with `records` records."""
    with Bus(**SETTINGS) as bus:
        bus.start_sidecar()
        bus.run_worker(**options)
        bus.stop_sidecar()
        lines = list(bus.lines())
        count = count_records(lines)
        expected = {(worker, thread): options["records"] for worker, threads in wanted.items() for thread in range(threads)}
        check_equal(dict(count.next), expected, "records by worker and thread")
        check_equal(count.others, [], "lines that nobody logged")
        pids = {}
        for line in lines:
            fields = line.split()
            pids.setdefault(fields[5], set()).add(fields[1])
        check_equal([len(found) for found in pids.values()], [1] * len(wanted), "pids of each worker")
        check_equal(len(set.union(*pids.values())), len(wanted), "different pids")


def test_fork_before_first_use():
    """Forked before the first record"""
    run({p: 2 for p in range(4)}, processes=4, threads=2, records=5000)


def test_fork_after_first_use():
    """Forked after the parent has logged; the parent goes on afterwards"""
    run({p: 2 for p in range(5)}, processes=4, threads=2, records=5000, fork="after")


def test_fork_from_threads():
    """Forked from threads that log; parent and child go on from that very thread"""
    run({0: 4, 1: 1, 2: 1, 3: 1, 4: 1}, threads=4, records=5000, fork="thread")


def test_grandchild():
    """A child of a child, each after its own first record"""
    run({0: 1, 1: 1, 2: 1}, records=5000, fork="grandchild")


if __name__ == "__main__":
    tap.run(globals())
