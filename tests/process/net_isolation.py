#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that stands still, or is killed, behind a queue: the others go on, memory is bounded, all is counted."""

import json
import os
import re
import signal
import socket
import time

import tap
from bus import Bus, finish, read_text
from net_servers import KilledServer, whole_frames
from tap import check, check_equal, wait_for

MEMORY = 8 << 20
BACKLOG = 1 << 20


class QueuedBus(Bus):
    """The file directly, and a SocketHandler behind a queue of its own."""

    def __init__(self, address, **settings):
        super().__init__(lane_size="4 MiB", overflow="block", block_timeout="60 s", **settings)
        self.address = address

    def config(self):
        path = super().config()
        with open(path) as file:
            config = json.load(file)
        host, port = self.address
        config["handlers"] |= {
            "socket": {"class": "logging.handlers.SocketHandler", "host": host, "port": port, "timeout": "200 ms",
                       "backlog": BACKLOG, ".": {"retryStart": 0.02, "retryMax": 0.1}},
            "queue": {"class": "logging.handlers.QueueHandler", "handlers": ["socket"]},
        }  # fmt: skip
        config["root"]["handlers"] += ["queue"]
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def counters(self):
        """Of the queue and of the handler behind it."""
        handlers = {handler["handler"]: handler for handler in self.stat()["handlers"]}
        return handlers["queue"], handlers["socket"]

    def private_memory(self):
        with open(f"/proc/{self.sidecar.pid}/status") as file:
            return int(re.search(r"^RssAnon:\s+(\d+) kB$", file.read(), re.M)[1]) << 10


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()


def frames_of(folder):
    messages = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            messages += whole_frames(file.read())
    return messages


def is_stopped(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def check_reasons(counters):
    check_equal(sum(counters["dropped_by_reason"].values()), counters["dropped"], f"the sum of the reasons of {counters}")


def test_stopped_server():
    """SIGSTOP: the file has all, the sidecar keeps within its bounds and ends in time, and every record is counted"""
    records = 40000
    queue_settings = {"capacity": 1_000_000, "memory": MEMORY, "shutdown_timeout": "200 ms"}
    address = free_address()
    with QueuedBus(address, **{"async": queue_settings}) as bus:
        folder = os.path.join(bus.home, "server")
        server = KilledServer(folder, socket.AF_INET, address)
        try:
            bus.start_sidecar()
            bus.run_worker(threads=1, records=1)
            wait_for(server.has_read, "the server reads")
            os.kill(server.pid, signal.SIGSTOP)
            wait_for(lambda: is_stopped(server.pid), "the server stands still")
            before = bus.private_memory()
            bus.run_worker(threads=1, records=records - 1, first_worker=1, payload=1000)
            wait_for(lambda: bus.stat()["records"]["drained"] == records, "all records drained")
            check_equal(sum(1 for _ in bus.lines()), records, "lines in the file")
            # The handler's backlog is half full, and the queue is full.
            wait_for(lambda: all(counters["queue"] > 0 for counters in bus.counters()), "both are full")
            grown = bus.private_memory() - before
            # All records would be 60 MB. Beside the queue: the backlog, the file's buffer, what malloc keeps.
            check(grown < MEMORY + 2 * BACKLOG + (12 << 20), f"{grown:,} bytes more")

            def balanced():
                """Nor is any record on its way from the queue into the backlog."""
                queue, handler = bus.counters()
                return handler["records"] + queue["queue"] == queue["records"] and (queue, handler)

            queue, handler = wait_for(balanced, "the handler has, or waits for, all records that the queue took")
            print(f"# {grown:,} bytes more; {queue}; {handler}")
            check_equal(queue["queue_memory"], MEMORY, "the queue's bound")
            check(MEMORY * 0.9 < queue["queue_bytes"] <= MEMORY, f"{queue['queue_bytes']} bytes in the queue")
            check_equal(queue["records"] + queue["dropped"], records, "records that came to the queue")
            check_equal(queue["dropped_by_reason"]["queue_full"], queue["dropped"], "dropped by the full queue")
            check_equal(handler["dropped"], 0, "dropped by the handler")
            check(queue["last_error"]["text"] == "the queue is full" and queue["last_error"]["age_s"] < 60, "the last error")

            begin = time.monotonic()
            bus.stop_sidecar()
            took = time.monotonic() - begin
            check(took < 5, f"the end took {took:.1f} s")
            said = read_text(bus.sidecar.errors)
            for name, counters in zip(("queue", "socket"), bus.counters()):
                lost = counters["dropped_by_reason"]["shutdown"]
                check(lost > 0, f"{name} lost nothing at the end: {counters}")
                check(f'"{name}": {lost} records could not be delivered' in said, f"{name}'s {lost} records in {said}")
                check_reasons(counters)
            queue, handler = bus.counters()
            os.kill(server.pid, signal.SIGCONT)
            wait_for(lambda: len(frames_of(folder)) >= handler["records"], "the server has read what was sent")
            check_equal(len(frames_of(folder)), handler["records"], "records that the server has read")
            check_equal(queue["queue"] + handler["queue"], 0, "records that wait")
            check_equal(handler["records"] + handler["dropped"], queue["records"], "records that came to the handler")
            check_equal(handler["records"] + handler["dropped"] + queue["dropped"], records, "all records")
        finally:
            server.kill()


def test_killed_server():
    """A server that is killed and started again under load: nothing waits at the end, and every record is counted"""
    rounds, records = 8, 60000
    address = free_address()
    with QueuedBus(address, **{"async": {"shutdown_timeout": "10 s"}}) as bus:
        folder = os.path.join(bus.home, "server")
        bus.start_sidecar()
        worker = bus.worker(threads=1, records=records, pause_us=2000)
        server = None
        try:
            for _ in range(rounds):
                server = KilledServer(folder, socket.AF_INET, address)
                wait_for(server.has_read, "the server reads")
                server.kill()
            server = KilledServer(folder, socket.AF_INET, address)
            finish(worker, "worker")
            wait_for(lambda: bus.stat()["records"]["drained"] == records, "all records drained")
            bus.stop_sidecar()
        finally:
            server.kill()
        queue, handler = bus.counters()
        print(f"# {queue}; {handler}")
        check_equal(queue["records"] + queue["dropped"], records, "records that came to the queue")
        check_equal(handler["records"] + handler["dropped"], queue["records"], "records that came to the handler")
        check_equal((queue["queue"], handler["queue"], handler["dropped"]), (0, 0, 0), "records that wait, or were lost by it")
        check(handler["errors"] >= rounds, f"{handler['errors']} errors")
        check(handler["last_error"]["text"] != "", "the last error")
        for counters in (queue, handler):
            check_reasons(counters)


if __name__ == "__main__":
    tap.run(globals())
