#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk of the log files is full for a while: what the sidecar does, and what is in the file afterwards."""

import contextlib
import os
import signal

import tap
from bus import Bus, count_records, finish, read_text
from machine import CLONE_NEWNS, MS_REC_PRIVATE, libc_call
from tap import Skip, check, check_equal, wait_for

PAGE = 4096


class SmallDisk:
    """A tmpfs at `path`, seen by this process and its children alone."""

    def __init__(self, path, pages):
        os.mkdir(path)
        self.filler = os.path.join(path, "filler")
        self.path = path
        try:
            libc_call("unshare", CLONE_NEWNS)
            libc_call("mount", b"none", b"/", None, MS_REC_PRIVATE, None)
            libc_call("mount", b"none", path.encode(), b"tmpfs", 0, f"size={pages * PAGE}".encode())
        except PermissionError as error:
            raise Skip(f"needs a mount namespace: {error}") from None

    def fill(self, pages_left):
        free = os.statvfs(self.path).f_bavail - pages_left
        with open(self.filler, "wb") as file:
            file.write(bytes(free * PAGE))

    def free(self):
        os.unlink(self.filler)


@contextlib.contextmanager
def bus_on_small_disk(pages, handler=None, **settings):
    with Bus(**settings) as bus:
        folder = os.path.join(bus.home, "small")
        disk = SmallDisk(folder, pages)
        bus.file = os.path.join(folder, "out.log")
        bus.handler = {**bus.handler, "filename": bus.file, **(handler or {})}
        number = lambda name: -int(name[8:] or 0)  # out.log, out.log.1 ...
        names = lambda: sorted((n for n in os.listdir(folder) if n.startswith("out.log")), key=number)
        bus.files = lambda: [os.path.join(folder, name) for name in names()]
        try:
            yield bus, disk
        finally:
            libc_call("umount2", folder.encode(), 2)  # MNT_DETACH: the sidecar may be alive


def handler_of(bus):
    return next(handler for handler in bus.stat()["handlers"] if handler["handler"] == "file")


def newlines(bus):
    with open(bus.file, "rb") as file:
        return file.read().count(b"\n")


def check_all(bus, records):
    count = count_records(bus.lines())
    check_equal(count.records, records, "records written")
    check_equal(count.others, [], "lines that nobody logged")
    check_equal(handler_of(bus)["dropped"], 0, "dropped by the handler")


def test_space_returns():
    """Space returns when nobody logs any more: the file is whole, and in order"""
    with bus_on_small_disk(512) as (bus, disk):
        bus.start_sidecar()
        disk.fill(4)
        bus.run_worker(records=4000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the full disk")
        check(0 < newlines(bus) < 4000, "the disk was not full: the test is too weak")
        disk.free()
        wait_for(lambda: newlines(bus) == 4000, "the rest is written")
        bus.stop_sidecar()
        check_all(bus, 4000)


def test_space_returns_while_they_log():
    """Space returns while workers log: nothing is lost, nothing repeated"""
    with bus_on_small_disk(1024) as (bus, disk):
        bus.start_sidecar()
        disk.fill(4)
        fleet = bus.worker(processes=2, threads=2, records=4000, pause_us=200)
        wait_for(lambda: handler_of(bus)["errors"] > 2, "the handler meets the full disk")
        disk.free()
        finish(fleet, "workers")
        bus.stop_sidecar()
        check_all(bus, 16_000)


def test_rotation():
    """With rotation, all records are in the files in their order"""
    handler = {"class": "logging.handlers.RotatingFileHandler", "maxBytes": 20_000, "backupCount": 99}
    with bus_on_small_disk(1024, handler) as (bus, disk):
        bus.start_sidecar()
        disk.fill(16)
        bus.run_worker(records=4000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the full disk")
        disk.free()
        bus.stop_sidecar()
        check_all(bus, 4000)


def test_hold():
    """on_write_error: hold keeps more than a handler would: the records wait in the lanes"""
    settings = {"on_write_error": "hold", "hold_max": "60 s", "overflow": "block", "block_timeout": "60 s"}
    with bus_on_small_disk(4096, **settings) as (bus, disk):
        bus.start_sidecar()
        disk.fill(4)
        fleet = bus.worker(records=60_000)
        wait_for(lambda: handler_of(bus)["errors"] > 2, "the handler meets the full disk")
        disk.free()
        finish(fleet, "workers")
        bus.stop_sidecar()
        check(os.path.getsize(bus.file) > 2 << 20, "more than the handler keeps: the test is too weak")
        check_all(bus, 60_000)


def test_stop_behind_a_reload():
    """on_write_error: hold: SIGTERM behind a SIGHUP that waits for the disk is obeyed, and what waits is in the lanes"""
    settings = {"on_write_error": "hold", "hold_max": "1000 s", "drain_timeout": "1 s"}
    with bus_on_small_disk(512, **settings) as (bus, disk):
        bus.start_sidecar()
        disk.fill(4)
        bus.run_worker(records=2000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the full disk")
        bus.sidecar.send_signal(signal.SIGHUP)
        wait_for(lambda: not is_pending(bus.sidecar.pid, signal.SIGHUP), "SIGHUP is taken")
        bus.stop_sidecar(30)
        disk.free()
        bus.drain()
        check_equal(len({line.split()[-1] for line in bus.lines() if len(line.split()) == 10}), 2000, "records")


def is_pending(pid, number):
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("ShdPnd:"))
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)


def test_stopped_while_full():
    """Stopped while the disk is full: whole lines, and the rest is counted"""
    with bus_on_small_disk(512) as (bus, disk):
        bus.start_sidecar()
        disk.fill(4)
        bus.run_worker(records=2000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the full disk")
        sidecar = bus.sidecar
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True)
        check(0 < count.records < 2000, "the disk was not full: the test is too weak")
        check("No space left on device" in read_text(sidecar.errors), "the reason is told")


if __name__ == "__main__":
    tap.run(globals())
