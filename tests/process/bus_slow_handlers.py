#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Handlers that can't keep up: asynchronous ones behind a queue, and files on a full disk."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import threading

import tap
from bus import Bus, count_records, read_text
from tap import Skip, check, check_equal, wait_for

RECORDS = 5000  # far more than a pipe of 64 KiB takes


class Pipe:
    """A FIFO that a handler writes to. Nobody reads until read() is called."""

    def __init__(self, bus):
        self.path = os.path.join(bus.home, "pipe")
        os.mkfifo(self.path)
        self.descriptor = os.open(self.path, os.O_RDWR)  # never without a reader
        self.text = b""
        self.reader = None

    def read(self):
        def run():
            while chunk := os.read(self.descriptor, 65536):
                self.text += chunk
                if self.text.endswith(b"the end\n"):
                    return

        self.reader = threading.Thread(target=run)
        self.reader.start()

    def held(self):
        """Bytes that have been written and not read."""
        return int.from_bytes(fcntl.ioctl(self.descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)

    def lines(self):
        os.write(self.descriptor, b"the end\n")
        self.reader.join(60)
        os.close(self.descriptor)
        return self.text.decode().splitlines(keepends=True)[:-1]


def with_slow_handler(bus, pipe):
    """The file directly, and the pipe behind a queue of 1,000 records."""
    write = bus.config

    def config():
        path = write()
        with open(path) as stream:
            settings = json.load(stream)
        settings["handlers"]["slow"] = {"class": "logging.FileHandler", "filename": pipe.path, "formatter": "line"}
        settings["handlers"]["queue"] = {
            "class": "logging.handlers.QueueHandler",
            "handlers": ["slow"],
            "queue": {"()": "queue.Queue", "maxsize": 1000},
        }
        settings["root"]["handlers"].append("queue")
        with open(path, "w") as stream:
            json.dump(settings, stream)
        return path

    bus.config = config


def on_console(bus, pipe):
    """The handler behind the queue writes to logbusd's console, which is the pipe: unlike a file's handler it waits as
    long as it takes. Gives what writes the configuration."""
    write = bus.config

    def config():
        path = write()
        with open(path) as stream:
            settings = json.load(stream)
        settings["handlers"]["slow"] = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}
        with open(path, "w") as stream:
            json.dump(settings, stream)
        return path

    bus.config = config
    blocking = ["sh", "-c", 'exec "$0" "$@" >' + pipe.path]
    spawn = bus.spawn
    bus.spawn = lambda arguments, name: spawn(blocking + arguments if name == "logbusd" else arguments, name)
    return config


def handler_of(bus, name):
    """Once the sidecar, which may just have got its lease, has shown it."""
    shown = lambda: next((handler for handler in bus.stat()["handlers"] if handler["handler"] == name), None)
    return wait_for(shown, f"handler {name}")


def test_slow_handler():
    """A handler that stands still behind a queue holds nobody up; what its queue can't take is counted"""
    with Bus(lane_size="1 MiB") as bus:
        pipe = Pipe(bus)
        with_slow_handler(bus, pipe)
        bus.start_sidecar()
        bus.run_worker(threads=1, records=RECORDS)
        wait_for(lambda: bus.stat()["records"]["drained"] == RECORDS, "all records drained")
        check_equal(count_records(bus.lines()).records, RECORDS, "records in the file")
        wait_for(lambda: handler_of(bus, "queue")["dropped"] > 0, "losses published")
        pipe.read()
        bus.stop_sidecar()
        dropped = handler_of(bus, "queue")["dropped"]
        count = count_records(pipe.lines(), with_gaps=True)
        check(0 < dropped <= RECORDS - 1000, f"{dropped} records dropped")
        check_equal(count.records, RECORDS - dropped, "records in the pipe")


def test_reload():
    """SIGHUP while a handler behind a queue stands still for ever: the others go on, and SIGTERM is obeyed"""
    with Bus(lane_size="1 MiB", drain_timeout="1 s") as bus:
        pipe = Pipe(bus)
        with_slow_handler(bus, pipe)
        config = on_console(bus, pipe)
        bus.start_sidecar()
        bus.run_worker(threads=1, records=RECORDS)
        wait_for(lambda: handler_of(bus, "queue")["dropped"] > 0, "the handler stands still")
        os.remove(bus.file)
        with open(config()) as stream:
            changed = json.load(stream)
        changed["handlers"]["file"]["mode"] = "w"
        with open(os.path.join(bus.home, "logbusd.yaml"), "w") as stream:
            json.dump(changed, stream)
        bus.sidecar.send_signal(signal.SIGHUP)
        bus.run_worker(threads=1, records=RECORDS, first_worker=1)
        wait_for(lambda: bus.stat()["records"]["drained"] == 2 * RECORDS, "all records drained")
        bus.run_worker(threads=1, records=1, first_worker=2)
        wait_for(lambda: os.path.exists(bus.file), "the changed handler is served")
        bus.sidecar.send_signal(signal.SIGTERM)
        check_equal(bus.sidecar.wait(30), 1, "exit code")
        os.close(pipe.descriptor)


def test_handed_over_to_nobody():
    """A sidecar that hands over slowly, to one that is killed meanwhile: the next one goes on with a file of mode w"""
    with Bus(lane_size="1 MiB", **{"async": {"shutdown_timeout": "1 s"}}) as bus:
        bus.handler["mode"] = "w"
        pipe = Pipe(bus)
        with_slow_handler(bus, pipe)
        on_console(bus, pipe)
        first = bus.start_sidecar()
        bus.run_worker(threads=1, records=RECORDS)
        wait_for(lambda: bus.stat()["records"]["drained"] == RECORDS, "all records drained")
        second = bus.start_sidecar("--takeover", wait=False)
        wait_for(lambda: "takes over: stopping" in read_text(first.errors), "the first one hands over")
        second.kill()
        second.wait()
        check_equal(first.wait(30), 1, "exit code of one whose handler stands still")
        bus.start_sidecar()
        check_equal(count_records(bus.lines()).records, RECORDS, "records in the file")
        bus.sidecar.kill()
        os.close(pipe.descriptor)


def test_durable():
    """async.durable: a killed sidecar's queues are filled again from the bus"""
    for durable in (True, False):
        settings = {"async": {"durable": durable, "overflow": "block", "block_timeout": "60 s"}}
        with Bus(lane_size="4 MiB", hold_max="60 s", **settings) as bus:
            pipe = Pipe(bus)
            with_slow_handler(bus, pipe)
            on_console(bus, pipe)
            bus.start_sidecar()
            bus.run_worker(threads=1, records=2000)
            wait_for(lambda: pipe.held() > 32768, "the pipe is being filled")
            if durable:
                # Of more than a pipe takes.
                check(bus.stat()["records"]["drained"] < 2000, "records answered for that are in the queue")
            else:
                wait_for(lambda: bus.stat()["records"]["drained"] == 2000, "all records drained")
            bus.sidecar.kill()
            bus.sidecar.wait()
            pipe.read()
            bus.drain()
            numbers = {line.split()[-1] for line in pipe.lines() if len(line.split()) == 10}
            check_equal(len(numbers) == 2000, durable, f"nothing is missing of {len(numbers)} records")
            check_equal(count_records(bus.lines()).records, 2000, "records in the file, each once")


def on_small_disk(bus):
    """A tmpfs of 64 KiB for the log file."""
    disk = os.path.join(bus.home, "disk")
    os.mkdir(disk)
    if os.geteuid() != 0:
        raise Skip("mounting needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"no mount here: {done.stderr.strip()}")
    bus.file = os.path.join(disk, "out.log")
    bus.handler["filename"] = bus.file
    return disk


def full_disk(bus, during):
    disk = on_small_disk(bus)
    try:
        bus.start_sidecar()
        bus.run_worker(threads=1, records=RECORDS)
        wait_for(lambda: handler_of(bus, "file")["errors"] > 0, "the full disk is told")
        during()
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        wait_for(lambda: bus.stat()["records"]["drained"] == RECORDS, "all records drained")
        bus.run_worker(threads=1, records=1, first_worker=1)
        bus.stop_sidecar()
        return list(bus.lines())
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_full_disk():
    """A full disk: the handler tries again; when there is room the file is whole and in order"""
    with Bus(lane_size="1 MiB") as bus:
        lines = full_disk(bus, lambda: None)
        check_equal(count_records(lines).records, RECORDS + 1, "records in the file")


def test_full_disk_held():
    """on_write_error: hold: what the disk refuses stays in the lanes, also beyond a kill of the sidecar"""
    for kill in (False, True):
        with Bus(lane_size="1 MiB", on_write_error="hold", hold_max="60 s") as bus:
            def during():
                check(bus.stat()["records"]["drained"] < RECORDS, "records answered for that are not written")
                if kill:
                    bus.sidecar.kill()
                    bus.sidecar.wait()
                    bus.start_sidecar(wait=False)  # it may have to complete a batch first, and waits for room

            lines = full_disk(bus, during)
            check_equal(count_records(lines).records, RECORDS + 1, "records in the file")


def test_identity():
    """A record that is delivered twice, since the sidecar was killed in between, has the same record_id both times"""
    with Bus() as bus:
        pipe = Pipe(bus)
        os.set_blocking(pipe.descriptor, False)
        try:
            while True:
                os.write(pipe.descriptor, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(pipe.descriptor, True)
        write = bus.config

        def config():
            path = write()
            with open(path) as stream:
                settings = json.load(stream)
            settings["formatters"]["identity"] = {"format": "%(record_id)s %(message)s"}
            settings["filters"] = {"identity": {"()": "logbus.IdentityFilter"}}
            settings["handlers"] = {
                "console": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "identity",
                    "filters": ["identity"],
                },
                "pipe": {"class": "logging.FileHandler", "filename": pipe.path},
            }
            settings["root"]["handlers"] = ["console", "pipe"]
            with open(path, "w") as stream:
                json.dump(settings, stream)
            return path

        bus.config = config
        bus.run_worker(threads=2, records=20)
        bus.start_sidecar()
        wait_for(lambda: read_text(bus.sidecar.output), "the console has some")
        first = bus.sidecar
        first.kill()  # in the batch: it stands still with the pipe
        first.wait()
        os.read(pipe.descriptor, 1 << 20)
        bus.start_sidecar()
        wait_for(lambda: bus.stat()["records"]["drained"] == 40, "all records drained")
        bus.stop_sidecar()
        os.close(pipe.descriptor)
        lines = read_text(bus.sidecar.output).splitlines()
        again = read_text(first.output).splitlines()
        check(set(again) <= set(lines), f"{again} do not come again as they were: {lines}")
        identities = {line.split(" ")[0] for line in lines}
        check_equal(len(identities), 40, "different identities")
        check(all(re.fullmatch("[0-9a-f]{16}-[0-9a-f]{4}-[0-9a-f]{16}", identity) for identity in identities), f"{identities}")


if __name__ == "__main__":
    tap.run(globals())
