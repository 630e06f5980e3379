#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGHUP and SIGUSR1 while workers log: no record is lost or written twice, and a bad file changes nothing."""

import json
import os
import signal
import socket

import tap
from bus import FORMAT, Bus, count_records, finish, read_text
from tap import SOAK, check, check_equal, wait_for

THREADS = 4
RECORDS = 100_000 if SOAK else 20_000
TOTAL = THREADS * RECORDS
RELOADS = 60 if SOAK else 12
BUS = dict(lane_size="64 KiB", max_hold="30 s", overflow="block", block_timeout="60 s")


def start_fleet(bus):
    return bus.worker(threads=THREADS, records=RECORDS, pause_us=3000)


def settings(bus, handlers, root, **more):
    config = {
        "version": 1,
        "logbus": bus.settings,
        "formatters": {"line": {"format": FORMAT}},
        "handlers": {name: {"formatter": "line", **handler} for name, handler in handlers.items()},
        "root": {"level": "DEBUG", "handlers": root},
    }
    return {**config, **more}


def file(path, **more):
    return {"class": "logging.FileHandler", "filename": path, **more}


def rotating(path, size, **more):
    return {"class": "logging.handlers.RotatingFileHandler", "filename": path, "maxBytes": size, "backupCount": 999, **more}


def reload(bus, config, answer="loaded again"):
    """Lets the sidecar read `config`, an object or a text, and waits for its answer; gives what it has said."""
    path = os.path.join(bus.home, "logbusd.yaml")
    with open(path, "w") as stream:
        stream.write(config if isinstance(config, str) else json.dumps(config))
    before = read_text(bus.sidecar.errors)
    bus.sidecar.send_signal(signal.SIGHUP)
    wait_for(lambda: answer in read_text(bus.sidecar.errors)[len(before) :], f"answer to SIGHUP: {answer}")
    check(bus.sidecar.poll() is None, "logbusd ended")
    return read_text(bus.sidecar.errors)[len(before) :]


def wait_for_records(bus):
    drained = bus.stat()["records"]["drained"]
    wait_for(lambda: bus.stat()["records"]["drained"] not in (drained,) or drained == TOTAL, "records flow")


def check_whole(lines):
    count = count_records(lines, in_time_order=False)
    check_equal(count.records, TOTAL, "records written")
    check_equal(set(count.next.values()), {RECORDS}, "records of each thread")


def test_same_file():
    """SIGHUP changes the handler of one file, again and again: each record is there once, in order"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        fleet = start_fleet(bus)
        ways = [file(bus.file, mode="w"), rotating(bus.file, 100_000), rotating(bus.file, 200_000, mode="w"), file(bus.file)]
        for turn in range(RELOADS):
            wait_for_records(bus)
            said = reload(bus, settings(bus, {"file": ways[turn % 4]}, ["file"]))
            check("of 1 handlers 0 go on" in said, f"said {said!r}")
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_whole(bus.lines())
        check(len(bus.files()) > 2, "it never rotated")


def test_other_file():
    """SIGHUP moves the records to another file and back: each is in one of them"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        fleet = start_fleet(bus)
        other = os.path.join(bus.home, "other.log")
        for turn in range(RELOADS):
            wait_for_records(bus)
            reload(bus, settings(bus, {"file": file([other, bus.file][turn % 2])}, ["file"]))
        finish(fleet, "workers")
        bus.stop_sidecar()
        lines = sorted(list(bus.lines()) + open(other).readlines(), key=lambda line: int(line.split()[-1]))
        check_whole(lines)
        check(os.path.getsize(other) > 0, "nothing went to the other file")


def test_queue():
    """SIGHUP changes the file behind an asynchronous queue: what was queued comes first, each record once"""
    with Bus(**BUS, **{"async": {"capacity": 1_000_000}}) as bus:
        def config(handler):
            queue = {"class": "logging.handlers.QueueHandler", "handlers": ["file"]}
            both = settings(bus, {"file": handler, "none": {"class": "logging.NullHandler"}}, ["queue", "none"])
            both["handlers"]["queue"] = queue
            return both

        bus.config = lambda: write_config(bus, config(file(bus.file)))
        bus.start_sidecar()
        fleet = start_fleet(bus)
        ways = [rotating(bus.file, 100_000), rotating(bus.file, 200_000)]
        for turn in range(RELOADS):
            wait_for_records(bus)
            said = reload(bus, config(ways[turn % 2]))
            check("of 3 handlers 1 go on" in said, f"said {said!r}")
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_whole(bus.lines())


def test_from_queue():
    """SIGHUP takes a file from behind a queue, and puts it back: what was queued comes first, each record once"""
    with Bus(**BUS, drain_timeout="100 s", **{"async": {"capacity": 1_000_000, "memory": "4 GiB"}}) as bus:
        queue = {"class": "logging.handlers.QueueHandler", "handlers": ["file"]}
        handlers = {"file": file(bus.file), "none": {"class": "logging.NullHandler"}}
        queued = settings(bus, {**handlers, "queue": queue}, ["queue", "none"])
        ways = [settings(bus, {**handlers, "file": rotating(bus.file, 10**9)}, ["file"]), queued]
        ways += [settings(bus, handlers, ["file"]), queued]
        bus.config = lambda: write_config(bus, queued)
        bus.start_sidecar()
        # No pause: there is always something in the queue.
        fleet = bus.worker(threads=THREADS, records=RECORDS * 5)
        for turn in range(RELOADS):
            reload(bus, ways[turn % 4])
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_equal(count_records(bus.lines(), in_time_order=False).records, TOTAL * 5, "records written")


def test_memory():
    """SIGHUP changes a MemoryHandler: what it holds comes before later records"""
    with Bus(**BUS) as bus:
        def config(capacity):
            memory = {"class": "logging.handlers.MemoryHandler", "capacity": capacity, "target": "file"}
            return settings(bus, {"file": file(bus.file), "memory": memory}, ["memory"])

        bus.config = lambda: write_config(bus, config(50_000))
        bus.start_sidecar()
        fleet = bus.worker(threads=THREADS, records=RECORDS * 5)
        for turn in range(RELOADS):
            reload(bus, config([1, 50_000][turn % 2]))
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_equal(count_records(bus.lines(), in_time_order=False).records, TOTAL * 5, "records written")


def write_config(bus, config):
    path = os.path.join(bus.home, "logbusd.yaml")
    with open(path, "w") as stream:
        json.dump(config, stream)
    return path


def test_bad_file():
    """A file with errors, or that can't be obeyed, changes nothing, and logbusd says why"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        fleet = start_fleet(bus)
        wait_for_records(bus)
        stays = "the configuration in use stays"
        said = reload(bus, "version: 1\nhandlers: {a: {class: logging.Nonsense}}\n", stays)
        check("logbusd.yaml:2:23: handlers.a.class: unknown class" in said, f"said {said!r}")
        said = reload(bus, "version: 1\nhandlers: {a: ]\n", stays)
        check("logbusd.yaml:2:" in said, f"said {said!r}")
        said = reload(bus, settings(bus, {"file": file("/nowhere/x.log")}, ["file"]), stays)
        check("does not exist" in said, f"said {said!r}")
        # It looks as if it could be written, and can't be opened: found out when the others are open already.
        path = os.path.join(bus.home, "socket")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            said = reload(bus, settings(bus, {"a": file(bus.file + ".x"), "file": file(path)}, ["a", "file"]), stays)
        check(path in said, f"said {said!r}")
        os.remove(os.path.join(bus.home, "logbusd.yaml"))
        before = read_text(bus.sidecar.errors)
        bus.sidecar.send_signal(signal.SIGHUP)
        wait_for(lambda: stays in read_text(bus.sidecar.errors)[len(before) :], "answer to SIGHUP")
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_whole(bus.lines())


def test_unchanged():
    """What is described as before goes on as it was: file, position, counters; a new level and format take effect"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        bus.run_worker(threads=1, records=10)
        wait_for(lambda: bus.stat()["records"]["drained"] == 10, "records drained")
        os.rename(bus.file, bus.file + ".kept")  # an open descriptor doesn't care
        handler = dict(bus.handler, level="ERROR")
        said = reload(bus, settings(bus, {"file": handler}, ["file"], formatters={"line": {"format": "<%(message)s>"}}))
        check("of 1 handlers 1 go on" in said, f"said {said!r}")
        bus.run_worker(threads=1, records=10)
        bus.tool("emit", "--bus", bus.name, "--level", "ERROR", text=b"late\n")
        bus.stop_sidecar()
        check(not os.path.exists(bus.file), "the file was opened anew")
        check_equal(read_text(bus.file + ".kept").splitlines()[-1], "<late>", "the last line")
        check_equal(len(read_text(bus.file + ".kept").splitlines()), 11, "lines")


def test_incremental():
    """`incremental: true` changes levels and propagation, and nothing else"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()

        def emit(*texts):
            for text in texts:
                bus.tool("emit", "--bus", bus.name, "--name", "a.b", "--level", "INFO", text=text.encode() + b"\n")
                wait_for(lambda: bus.stat()["records"]["lag"] == 0, "the record is handled")

        emit("one")
        reload(bus, "{version: 1, incremental: true, loggers: {a: {level: ERROR}}}")
        emit("two")
        reload(bus, "{version: 1, incremental: true, loggers: {a: {level: INFO}}, handlers: {file: {level: ERROR}}}")
        emit("three")
        said = reload(bus, "{version: 1, incremental: true, handlers: {flie: {level: INFO}}}", "stays")
        check("No handler found with name" in said, f"said {said!r}")
        reload(bus, "{version: 1, incremental: true, handlers: {file: {level: INFO}}}")
        emit("four")
        bus.stop_sidecar()
        check_equal([line.split()[-1] for line in bus.lines()], ["one", "four"], "messages")


def test_settings_that_need_a_restart():
    """A change of what is settled at the start is told, and the rest is obeyed"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        bus.settings.update(bus="other")
        said = reload(bus, settings(bus, {"file": bus.handler}, ["file"]))
        check("logbus.bus: a change needs a restart" in said, f"said {said!r}")
        bus.stop_sidecar()


def test_removed_bus():
    """SIGHUP while the sidecar leaves a bus that was removed: obeyed on the new one"""
    with Bus(**BUS) as bus:
        bus.start_sidecar()
        os.remove(bus.segment)
        wait_for(lambda: "was removed or replaced" in read_text(bus.sidecar.errors), "it is told")
        reload(bus, settings(bus, {"file": bus.handler}, ["file"]))
        bus.stop_sidecar()


def test_reopen():
    """SIGUSR1 after a rename: what comes later is in a new file, nothing is lost"""
    with Bus(**BUS) as bus:
        bus.handler["mode"] = "w"  # and nothing is emptied
        bus.start_sidecar()
        fleet = start_fleet(bus)
        for turn in range(RELOADS, 0, -1):
            wait_for_records(bus)
            if turn % 3:
                os.rename(bus.file, f"{bus.file}.{turn}")
            before = read_text(bus.sidecar.errors).count("opened anew")
            bus.sidecar.send_signal(signal.SIGUSR1)
            wait_for(lambda: read_text(bus.sidecar.errors).count("opened anew") > before, "answer to SIGUSR1")
            check(os.path.exists(bus.file), "there is no new file")
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_whole(bus.lines())


if __name__ == "__main__":
    tap.run(globals())
