#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machines that run out: of shared memory, files, descriptors, file sizes, memory. Told, counted, and gone on when it returns."""

import contextlib
import os
import subprocess
import time

import tap
from bus import WORKER, Bus, count_records, finish, read_text
from machine import limited, mounted, remount, set_limit
from tap import SOAK, Skip, check, check_equal, wait_for

KIB = 1024
MIB = 1024 * KIB
FOREVER = 10**12
AGAIN = 1.2  # a worker without a bus tries again each second


def drained(bus):
    """By positions: of a process that was killed the count of records may be one off."""
    return bus.stat()["records"]["lag"] == 0


def handler_of(bus):
    return next(handler for handler in bus.stat()["handlers"] if handler["handler"] == "file")


def said(child):
    """The library's own lines on the process's stderr, and the number of records there."""
    lines = read_text(child.errors).splitlines()
    own = [line for line in lines if line.startswith("logbus: ")]
    return own, sum(1 for line in lines if line.startswith("INFO:load:"))


def fill(path, left=0):
    free = os.statvfs(path)
    with open(os.path.join(path, "filler"), "wb") as file:
        file.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))


def check_account(bus, calls, others=0):
    """Each call is a line, or a drop that was told, by the bus or by the handler."""
    lost = handler_of(bus)["dropped"]
    count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
    check_equal(count.records + count.reported_drops + lost + others, calls, "lines, drops told, and the handler's")
    return count, lost


def test_no_room_for_a_bus():
    """No room to make the bus (64 KiB, 1 MiB): told once, stderr takes the records; with room they go to the bus"""
    for size in ("64k", "1m") if SOAK else ("1m",):
        with Bus() as bus, mounted("tmpfs", bus.directory, f"size={size}"):
            sidecar = bus.start_sidecar(wait=False)
            check_equal(sidecar.wait(20), 1, "exit code of logbusd")
            check("No space left" in read_text(sidecar.errors), "logbusd says why")
            worker = bus.worker(records=FOREVER, pause_us=20_000)
            wait_for(lambda: said(worker)[1] > 0, "records on stderr")
            remount(bus.directory, "size=64m")
            wait_for(lambda: os.path.exists(bus.segment), "the bus is made")
            bus.start_sidecar()
            wait_for(lambda: bus.stat()["records"]["drained"] > 1000, "records come by the bus")
            worker.kill()
            worker.wait()
            own, on_stderr = said(worker)
            check_equal(len(own), 2, f"lines of its own: {own}")
            check("No space left" in own[0] and "stderr" in own[0] and "attached" in own[1], f"what it says: {own}")
            bus.stop_sidecar()
            lines = list(bus.lines())
            check_equal(int(lines[0].split()[-1]), on_stderr, "the first record on the bus is the next one")


def test_full():
    """A bus in 64 MiB that somebody fills: no signal, each record written or counted, and it goes on with room"""
    with Bus(memory="1 GiB", max_per_process="1 GiB", lanes=16) as bus, mounted("tmpfs", bus.directory, "size=64m"):
        bus.start_sidecar()
        bus.stop_sidecar()
        records = 200_000 if SOAK else 10_000
        bus.run_worker(first_worker=0, threads=2, records=100)
        fill(bus.directory, 2 * MIB)
        bus.run_worker(first_worker=1, processes=2, threads=4, records=records)
        bus.start_sidecar()
        wait_for(lambda: drained(bus), "all is drained")
        os.unlink(os.path.join(bus.directory, "filler"))
        bus.run_worker(first_worker=5, threads=2, records=1000)
        bus.stop_sidecar()
        count, _ = check_account(bus, 200 + 8 * records + 2000)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal([count.next[who] for who in ((0, 0), (0, 1), (5, 0), (5, 1))], [100, 100, 1000, 1000],
                    "records before and afterwards")


ROTATING = {"class": "logging.handlers.RotatingFileHandler", "maxBytes": 20_000, "backupCount": 99}


@contextlib.contextmanager
def bus_with_folder(options, handler, **settings):
    """Its log files lie on a file system of their own."""
    with Bus(**settings) as bus:
        folder = os.path.join(bus.home, "folder")
        os.mkdir(folder)
        bus.file = os.path.join(folder, "out.log")
        bus.handler = {**bus.handler, "filename": bus.file, **handler}
        number = lambda name: -int(name[8:] or 0)  # out.log, out.log.1 ...
        bus.files = lambda: [os.path.join(folder, n) for n in sorted(os.listdir(folder), key=number) if n.startswith("out.log")]
        with mounted("tmpfs", folder, options):
            yield bus, folder


def test_no_file_left_while_rotating():
    """A rotation that gets no new file (inodes used up): nothing is lost, and rotation goes on with room"""
    with bus_with_folder("size=64m,nr_inodes=4", ROTATING) as (bus, folder):  # the root and three files
        bus.start_sidecar()
        bus.run_worker(records=3000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the limit")
        remount(folder, "nr_inodes=1000")
        bus.run_worker(first_worker=1, records=3000)
        bus.stop_sidecar()
        count, lost = check_account(bus, 6000)
        check_equal((count.reported_drops, lost), (0, 0), "drops, and the handler's")
        check(len(bus.files()) > 6, "files")


def test_no_descriptor_for_a_worker():
    """A worker without a descriptor to attach with: told once, stderr takes the records; later they go to the bus"""
    with Bus() as bus:
        os.rmdir(bus.directory)
        worker = bus.worker(records=FOREVER, pause_us=20_000)
        wait_for(lambda: said(worker)[1] > 0, "records on stderr")
        before = set_limit(worker.pid, "NOFILE", 3)
        os.mkdir(bus.directory)
        bus.start_sidecar()
        wait_for(lambda: "Too many open files" in said(worker)[0][-1], "it says why it has no bus now")
        set_limit(worker.pid, "NOFILE", before)
        wait_for(lambda: bus.stat()["records"]["drained"] > 1000, "records come by the bus")
        worker.kill()
        worker.wait()
        own, on_stderr = said(worker)
        check_equal(len(own), 3, f"what it says: {own}")
        bus.stop_sidecar()
        check_equal(int(next(iter(bus.lines())).split()[-1]), on_stderr, "the first record on the bus is the next one")


def test_no_descriptor_for_the_sidecar():
    """logbusd without a descriptor: it keeps the bus, rotation waits, and nothing is lost"""
    for handler in ({}, ROTATING, {"class": "logging.handlers.WatchedFileHandler"}) if SOAK else (ROTATING,):
        with Bus() as bus:
            bus.handler = {**bus.handler, **handler}
            bus.start_sidecar()
            bus.run_worker(records=100)
            wait_for(lambda: drained(bus), "all is drained")
            used = len(os.listdir(f"/proc/{bus.sidecar.pid}/fd"))
            before = set_limit(bus.sidecar.pid, "NOFILE", 3)
            if "Watched" in bus.handler["class"]:
                os.rename(bus.file, bus.file + ".1")
            worker = bus.worker(first_worker=1, records=2000, pause_us=1000, stay_ms=60_000)
            if handler:
                wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the limit")
            time.sleep(AGAIN)  # the sidecar looks after the bus's name each second
            check_equal(bus.sidecar.poll(), None, "logbusd's exit code")
            check_equal(bus.holder(), bus.sidecar.pid, "holder of the lease")
            set_limit(bus.sidecar.pid, "NOFILE", before)
            bus.run_worker(first_worker=2, records=2000, pause_us=1000)
            wait_for(lambda: drained(bus), "all is drained")
            check_equal(said(worker)[0], [], "what the worker says")
            check("was removed" not in read_text(bus.sidecar.errors), "the bus is where it was")
            bus.stop_sidecar()
            count, lost = check_account(bus, 4100)
            check_equal((count.reported_drops, lost), (0, 0), f"drops, and the handler's ({used} descriptors)")


def test_file_size_limit_of_the_sidecar():
    """A log file at logbusd's RLIMIT_FSIZE: no signal, whole lines, told; with room the rest is written"""
    for handler in ({}, {**ROTATING, "maxBytes": 40_000}):
        with Bus() as bus:
            bus.handler = {**bus.handler, **handler}
            bus.start_sidecar()
            limit = 20_000
            before = set_limit(bus.sidecar.pid, "FSIZE", limit)
            bus.run_worker(records=2000)
            wait_for(lambda: bus.sidecar.poll() is not None or handler_of(bus)["errors"] > 0, "the handler meets the limit")
            check_equal(bus.sidecar.poll(), None, "logbusd's exit code")
            check(limit - 200 < os.path.getsize(bus.file) <= limit, f"{os.path.getsize(bus.file)} bytes")
            with open(bus.file, "rb") as file:
                check_equal(file.read()[-1:], b"\n", "last byte")
            check("File too large" in read_text(bus.sidecar.errors), "the reason is told")
            set_limit(bus.sidecar.pid, "FSIZE", before)
            bus.run_worker(first_worker=1, records=2000)
            bus.stop_sidecar()
            count, lost = check_account(bus, 4000)
            check_equal((count.reported_drops, lost), (0, 0), "drops, and the handler's")


def test_file_size_limit_of_a_worker():
    """A worker whose RLIMIT_FSIZE is below the bus's size: it can't make one, and says so; it can use one"""
    with Bus() as bus:
        worker = bus.spawn([WORKER, "--records", 10], "worker", **limited(FSIZE=100_000))
        finish(worker, "worker")
        own, on_stderr = said(worker)
        check_equal((len(own), on_stderr), (1, 10), "lines on stderr")
        check("RLIMIT_FSIZE" in own[0], f"what it says: {own}")
        bus.start_sidecar()
        worker = bus.spawn([WORKER, "--records", 20_000, "--pause-us", 100], "worker", **limited(FSIZE=1000))
        finish(worker, "worker")
        bus.stop_sidecar()
        check_account(bus, 20_000)


def test_stderr_at_its_limit():
    """A worker without a bus whose stderr takes no more (RLIMIT_FSIZE, a pipe nobody reads): it lives on"""
    with Bus() as bus:
        del bus.env["LOGBUS_BUS"]
        finish(bus.spawn([WORKER, "--records", 1000], "worker", **limited(FSIZE=5000)), "worker")
        env = dict(bus.env, LOGBUS_BUS="t", LOGBUS_DIR="/nowhere")
        for environment in (bus.env, env):
            child = subprocess.Popen([WORKER, "--records", "1000", "--pause-us", "20000"], stderr=subprocess.PIPE,
                                     env=environment)
            bus.children.append(child)
            child.stderr.close()
            check_equal(child.wait(20), 0, "exit code")


def test_address_space():
    """A worker with little address space: what it can't map is told or counted, and it lives on"""
    with Bus(lanes=64, lane_size="16 MiB") as bus:
        bus.start_sidecar()
        told = 0
        calls = 0
        on_stderr = 0
        for i, megabytes in enumerate((16, 24, 32, 40, 48, 64, 80, 160, 320)):
            worker = bus.spawn([WORKER, "--first-worker", i, "--records", 500, "--pause-us", 1000],
                               "worker", **limited(AS=megabytes * MIB, STACK=256 * KIB))
            not_ours = ("std::system_error", "loading shared libraries")  # its thread can't be made, it can't begin
            if worker.wait(60) != 0 and any(text in read_text(worker.errors) for text in not_ours):
                continue
            finish(worker, f"worker of {megabytes} MiB")
            own, count = said(worker)
            told += bool(own)
            on_stderr += count
            calls += 500
        bus.stop_sidecar()
        count, _ = check_account(bus, calls, on_stderr)
        print(f"# {calls} calls, {count.records} on the bus, {on_stderr} on stderr, {count.reported_drops} drops")
        check(told > 0, "nobody met a limit: the test is too weak")


def test_locked_memory():
    """mlockall: a worker's lanes take no more memory than they hold"""
    with Bus(lanes=64, lane_size="16 MiB") as bus:
        bus.start_sidecar()
        before = os.stat(bus.segment).st_blocks * 512
        worker = bus.spawn([WORKER, "--records", 1000, "--trick", "mlockall", "--stay-ms", 60_000], "worker")
        wait_for(lambda: worker.poll() is not None or bus.stat()["records"]["drained"] == 1000, "all is drained")
        if "mlockall" in read_text(worker.errors):
            raise Skip("memory can't be locked here")
        check_equal(worker.poll(), None, "the worker's exit code")
        more = os.stat(bus.segment).st_blocks * 512 - before
        print(f"# {more // KIB} KiB")
        check(more < 16 * MIB + 4 * MIB, f"{more} bytes more than the sites' arena and a lane's steps")


@contextlib.contextmanager
def memory_group(limit):
    """A control group with that much memory (version 2 or 1)."""
    name = f"logbus-test-{os.getpid()}"
    for top, file in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        path = os.path.join(top, name)
        with contextlib.suppress(OSError):
            os.mkdir(path)
            if os.path.exists(os.path.join(path, file)):
                break
            os.rmdir(path)
    else:
        raise Skip("no memory control group can be made here")
    try:
        with open(os.path.join(path, file), "w") as limit_file:
            limit_file.write(str(limit))
        yield os.path.join(path, "cgroup.procs")
    finally:
        wait_for(lambda: not read_text(os.path.join(path, "cgroup.procs")), "the group is empty")
        os.rmdir(path)


def test_memory_group():
    """A worker whose control group has little memory: max_per_process keeps it alive; without it only that one dies"""
    for per_process, survives in (("4 MiB", True), ("1 GiB", False)):
        with Bus(memory="1 GiB", max_per_process=per_process, lanes=16, lane_size="64 MiB") as bus, memory_group(24 * MIB) as procs:
            bus.start_sidecar()
            bus.stop_sidecar()
            join = ["sh", "-c", f'echo $$ > {procs} && exec "$@"', "sh"]
            worker = bus.spawn([*join, WORKER, "--threads", 4, "--records", 10_000, "--payload", 1000], "worker")
            code = worker.wait(120)
            if survives:
                check_equal(code, 0, "exit code")
            elif code == 0:
                raise Skip("this machine's control group does not limit shared memory")
            else:
                check_equal(code, -9, "exit code")
            bus.start_sidecar()
            bus.run_worker(first_worker=1, threads=4, records=1000)
            wait_for(lambda: drained(bus), "all is drained")
            bus.stop_sidecar()
            count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
            check_equal([count.next[(1, t)] for t in range(4)], [1000] * 4, "records of the other worker")
            if survives:
                check_account(bus, 44_000)
            print(f"# {per_process}: exit code {code}, {count.records} records, {count.reported_drops} drops")


if __name__ == "__main__":
    tap.run(globals())
