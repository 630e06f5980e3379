#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`logbus dump` of a live bus, of a bus whose processes have all been killed, and of a copy of its file."""

import json
import os
import shutil
import signal
import struct

import tap
from bus import Bus
from tap import check, check_equal, wait_for

THREADS = 3
RECORDS = 500


def dump(bus, *arguments):
    """Objects of `dump --format json`, by type."""
    found = {}
    for line in bus.tool("dump", *arguments, "--format", "json").splitlines():
        item = json.loads(line)
        found.setdefault(item["type"], []).append(item)
    return found


def check_records(found, total):
    records = [r for r in found["record"] if r["state"] == "committed"]
    check_equal(len(records), total, "records dumped")
    messages = {r["message"] for r in records}
    check_equal(len(messages), total, "different messages")
    check(all(m.startswith("w 0 t ") for m in messages), "messages are not what was logged")
    record = records[0]["record"]
    check_equal((record["name"], record["levelname"], record["levelno"]), ("load", "INFO", 20), "name and level")
    check_equal(record["msg"], "w {} t {} n {}", "msg, unmerged")
    check_equal(len(record["args"]), 3, "arguments")
    times = [r["record"]["created_ns"] for r in records]
    check_equal(times, sorted(times), "order of time")


def without_times(found):
    """On a bus of this boot the wall clock's present reading is the anchor: times differ by a few ns from dump to dump."""
    records = [dict(item, record={k: v for k, v in item["record"].items() if "created" not in k.lower()})
               for item in found["record"]]
    return records, found["lane"], [p["pid"] for p in found["process"]]


def committed_by_board(path):
    with open(path, "rb") as file:
        return struct.unpack(f"={THREADS}Q", file.read(8 * THREADS))


def start(bus):
    """A worker that has logged all its records and stays."""
    board = os.path.join(bus.home, "board")
    worker = bus.worker(threads=THREADS, records=RECORDS, board=board, stay_ms=60_000)
    wait_for(lambda: os.path.exists(board) and committed_by_board(board) == (RECORDS,) * THREADS, "all is logged")
    return worker


def test_live():
    """A live bus, no sidecar yet: all records, the process, its lanes"""
    with Bus() as bus:
        worker = start(bus)
        found = dump(bus)
        check_records(found, THREADS * RECORDS)
        processes = [p for p in found["process"] if p["pid"] == worker.pid]
        check_equal(len(processes), 1, "processes with the worker's pid")
        check_equal(processes[0]["state"], "live", "its state")
        lanes = [lane for lane in found["lane"] if lane["committed"] > 0]
        check_equal(len(lanes), THREADS, "lanes")
        text = bus.tool("dump", "--tail", 5)
        check("bus_worker" in text and " load: w 0 t " in text and "live" in text, f"text of dump: {text!r}")
        check_equal(len([line for line in text.splitlines() if " load: " in line]), 5, "records with --tail 5")
        worker.terminate()


def test_everybody_killed():
    """Worker and sidecar killed: what the sidecar had not read is there"""
    with Bus() as bus:
        bus.start_sidecar()
        bus.sidecar.send_signal(signal.SIGSTOP)
        worker = start(bus)
        for process in (worker, bus.sidecar):
            process.kill()
            process.wait()
        found = dump(bus)
        check_records(found, THREADS * RECORDS)
        states = {p["pid"]: p["state"] for p in found["process"]}
        check_equal(states.get(worker.pid), "dead", "state of the killed worker")
        check("dead" in bus.tool("dump", "--only", "process"), "text of dump does not say that it is dead")
        again = dump(bus)
        check_equal(without_times(again), without_times(found), "dump changes nothing: a second one")
        bus.drain()  # and nothing of it is lost
        check_equal(sum(1 for _ in bus.lines()), THREADS * RECORDS, "lines of a sidecar that comes later")


def test_copy():
    """A copy of the file on its own, the bus gone"""
    with Bus() as bus:
        worker = start(bus)
        worker.kill()
        worker.wait()
        # As people copy: with holes kept, or the copy has gigabytes of zeros.
        copy = os.path.join(bus.home, "copy.logbus")
        os.system(f"cp --sparse=always {bus.segment} {copy}")
        shutil.rmtree(bus.directory)
        found = dump(bus, copy)
        check_records(found, THREADS * RECORDS)
        text = bus.tool("dump", copy, "--tail", 3)
        check(" load: w 0 t " in text, f"text of dump: {text!r}")


def test_in_flight():
    """Workers killed while they log: at most one record in flight a lane, all committed ones there"""
    with Bus() as bus:
        for round_ in range(10):
            board = os.path.join(bus.home, f"board{round_}")
            worker = bus.worker(first_worker=round_, threads=THREADS, records=10**9, pause_us=2000, board=board)
            wait_for(lambda: os.path.exists(board) and min(committed_by_board(board)) > 100, "it logs")
            worker.kill()
            worker.wait()
            returned = sum(committed_by_board(board))
            messages = [
                r["message"] for r in dump(bus)["record"] if r["state"] == "committed" and f"w {round_} " in r["message"]
            ]
            check(returned <= len(messages) <= returned + THREADS, f"{returned} calls returned, {len(messages)} records")


def test_round_trip():
    """.record of dump's JSON, fed to `emit --json`, gives the same line again"""
    with Bus() as bus:
        worker = start(bus)
        worker.kill()
        worker.wait()
        lines = [json.dumps(r["record"]) for r in dump(bus)["record"]]
        bus.drain()
        first = [line.split(" ", 2)[2] for line in bus.lines()]
        os.rename(bus.file, os.path.join(bus.home, "first"))
        bus.tool("emit", "--json", text=("\n".join(lines) + "\n").encode())
        bus.drain()
        second = [line.split(" ", 2)[2] for line in bus.lines()]
        check_equal(len(second), len(first), "lines")
        check_equal(second, first, "lines")


if __name__ == "__main__":
    tap.run(globals())
