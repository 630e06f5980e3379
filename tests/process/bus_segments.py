#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The life of segments: rolled, left behind by a crash or an earlier boot, handed over, truncated and removed under load."""

import concurrent.futures
import os
import random
import re
import signal
import struct
import subprocess
import threading
import time

import tap
from bus import CONSUMER_CONTROL, LOGBUSD, Bus, Load, count_records, finish, read_text
from tap import SOAK, check, check_equal, wait_for

SEED = int(os.environ.get("LOGBUS_SEED", 7))
LEFT_OVER = re.compile(r"t\.[0-9a-f]{8}\.(retired|stale|damaged)$")


def left_overs(bus):
    return [name for name in os.listdir(bus.directory) if LEFT_OVER.match(name)]


def lanes_of(path):
    with open(path, "rb") as file:
        return struct.unpack_from("<I", file.read(408), 80)[0]


def reload_with(bus, **settings):
    bus.settings.update(settings)
    bus.config()
    bus.sidecar.send_signal(signal.SIGHUP)


def kill(child):
    child.send_signal(signal.SIGKILL)
    child.wait()


def check_all(bus, issued):
    count = count_records(bus.lines(), in_time_order=False)
    check_equal(count.others, [], "lines that nobody logged")
    check_equal(dict(count.next), issued, "records of each thread")
    return count


def test_rolls_under_load():
    """Rolled again and again under load: each record once, in its thread's order, no file left behind"""
    rolls = 200 if SOAK else 10
    with Bus(overflow="block", block_timeout="60 s", lanes=32, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        idle = bus.worker(first_worker=9, records=1, stay_ms=10**7)
        load = Load(bus, 2, threads=3, pause_us=500)
        wait_for(lambda: os.path.exists(bus.file) and os.path.getsize(bus.file) > 10_000, "records come")
        for i in range(rolls):
            lanes = 33 + i
            reload_with(bus, lanes=lanes)
            wait_for(lambda: lanes_of(bus.segment) == lanes, "the new segment has the name")
        issued = load.end()
        wait_for(lambda: len(left_overs(bus)) == 1, "only the segment of the idle worker is left")
        kill(idle)
        wait_for(lambda: not left_overs(bus), "that goes too")
        bus.stop_sidecar()
        count = check_all(bus, issued | {(9, 0): 1})
        print(f"# {rolls} rolls, {count.records} records")


def test_killed_while_it_rolls():
    """The sidecar killed at random while it rolls, and started with other sizes: each record once, nothing left behind"""
    rng = random.Random(SEED)
    kills = 300 if SOAK else 7
    with Bus(lanes=32, lane_size="4 MiB") as bus:  # room for what comes while there is no sidecar
        bus.start_sidecar()
        load = Load(bus, 2, threads=2, pause_us=5000)
        most = 0
        for i in range(kills):
            reload_with(bus, lanes=33 + i)
            time.sleep(rng.uniform(0, 0.02))  # somewhere in the roll, or before or behind it
            kill(bus.sidecar)
            most = max(most, len(left_overs(bus)))
            bus.settings["lanes"] = 65 + i  # rolls at its start
            bus.start_sidecar("--bus", "t", wait=False)
            wait_for(lambda: lanes_of(bus.segment) == 65 + i, "the new segment has the name")
        issued = load.end()
        wait_for(lambda: not left_overs(bus), "the segments left by the killed are drained and removed")
        bus.stop_sidecar()
        count = check_all(bus, issued)
        print(f"# {kills} kills, {most} segments at once, {count.records} records")
        check(most > 1, "no kill left a segment behind")


def test_left_overs():
    """Segments of an earlier boot and of a killed sidecar are drained before the bus, then removed"""
    with Bus(lanes=8, lane_size="64 KiB") as bus:
        for first_worker, fate in ((0, "stale"), (1, "retired"), (2, None)):
            bus.run_worker(first_worker=first_worker, records=100)
            if fate == "stale":
                with open(bus.segment, "r+b") as file:
                    file.seek(40)  # the boot id
                    file.write(b"00000000-0000-0000-0000-000000000000")
            if fate == "retired":
                os.rename(bus.segment, os.path.join(bus.directory, "t.01234567.retired"))
        check_equal(sorted(name.split(".")[-1] for name in left_overs(bus)), ["retired", "stale"], "left-overs")
        bus.drain()
        check_equal(left_overs(bus), [], "left-overs")
        lines = list(bus.lines())
        check_equal([line.split()[5] for line in lines], ["0"] * 100 + ["1"] * 100 + ["2"] * 100, "workers, oldest first")
        now = time.time()
        for line in lines:
            check(now - 60 < float(line.split()[0]) < now + 1, f"the time of {line!r}")


def test_table_of_sites():
    """Three quarters of the table of sites used: the bus gets one with more"""
    with Bus(lanes=8, lane_size="64 KiB", sites=64) as bus:
        bus.start_sidecar()
        bus.run_worker(records=10)
        with open(bus.segment, "r+b") as file:
            (offset,) = struct.unpack_from("<Q", file.read(408), 144 + 4 * 24)
            file.seek(offset + 64 + 16)  # sites_used
            file.write(struct.pack("<Q", 48))
        wait_for(lambda: struct.unpack_from("<I", open(bus.segment, "rb").read(408), 88)[0] == 128, "a table of 128 sites")
        bus.run_worker(first_worker=1, records=10)
        bus.stop_sidecar()
        check_equal(count_records(bus.lines()).records, 20, "records")
        bus.start_sidecar()
        check_equal(struct.unpack_from("<I", open(bus.segment, "rb").read(408), 88)[0], 128, "sites after a restart")


def take_over(bus, *arguments):
    """A second sidecar asks the first one for the bus; gives the first one."""
    first = bus.sidecar
    bus.start_sidecar("--takeover", *arguments, wait=False)
    return first


def holder_pid(bus):
    """What the holder of the lease says of itself (FORMAT.md, consumer control)."""
    return struct.unpack_from("<I", bus.region(CONSUMER_CONTROL)[0], 8)[0]


def handover_requested(bus):
    """Somebody holds the lock of those that ask, and has written the lease's epoch (FORMAT.md)."""
    epoch, request = struct.unpack_from("<Q24xQ", bus.region(CONSUMER_CONTROL)[0])
    inode = os.stat(bus.segment).st_ino
    with open("/proc/locks") as locks:
        asking = any(f":{inode} {2**62 - 2} " in line for line in locks if "OFDLCK" in line)
    return asking and request == epoch


def goes_on(bus, sidecar):
    """False: it has ended. It looks for a request before it obeys a second signal."""
    for _ in range(2):
        if sidecar.poll() is not None:
            break
        os.rename(bus.file, f"{bus.file}.{1000 - len(bus.files())}")  # the older, the higher, as of a rotation
        sidecar.send_signal(signal.SIGUSR1)
        wait_for(lambda: sidecar.poll() is not None or os.path.exists(bus.file), "the sidecar ends, or has a new file")
    return sidecar.poll() is None


def test_takeover():
    """Handed over from sidecar to sidecar under load: each record once; without --takeover a second one refuses"""
    times = 100 if SOAK else 3
    with Bus(lanes=32, lane_size="4 MiB") as bus:
        bus.start_sidecar()
        load = Load(bus, 2, threads=2, pause_us=5000)
        second = bus.spawn([LOGBUSD, "--config", bus.config()], "second")
        check_equal(second.wait(20), 75, "exit code of a second sidecar")
        for _ in range(times):
            first = take_over(bus)
            finish(first, "the sidecar that hands over", 20)
            wait_for(lambda: holder_pid(bus) == bus.sidecar.pid, "the new sidecar has the lease")
        issued = load.end()
        bus.stop_sidecar()
        check_all(bus, issued)


def test_takeover_that_fails():
    """A stopped sidecar is named, not replaced; one killed while it hands over, or the one that asks, harms nothing"""
    with Bus(lanes=32, lane_size="4 MiB") as bus:
        bus.start_sidecar()
        load = Load(bus, 2, threads=2, pause_us=5000)
        first = bus.sidecar
        first.send_signal(signal.SIGSTOP)
        take_over(bus, "--timeout", "300 ms")
        check_equal(bus.sidecar.wait(20), 75, "exit code")
        said = read_text(bus.sidecar.errors)
        check(f"does not let go: pid {first.pid}" in said, f"it said {said!r}")
        take_over(bus)
        wait_for(lambda: handover_requested(bus), "the next one asks")
        bus.sidecar.send_signal(signal.SIGTERM)
        check_equal(bus.sidecar.wait(20), 75, "exit code of one that is ended while it waits")
        # The request of a sidecar that has gone is none.
        first.send_signal(signal.SIGCONT)
        bus.sidecar = first
        check(goes_on(bus, first), "the sidecar obeyed a request of nobody")
        for asked in (False, True):
            take_over(bus)
            if asked:
                wait_for(lambda: handover_requested(bus) or first.poll() is not None, "the second asks")
            kill(bus.sidecar)
            if goes_on(bus, first):  # else it has let go before
                bus.sidecar = first
            else:
                finish(first, "the sidecar that hands over")
                first = bus.start_sidecar()
        take_over(bus)
        kill(first)
        wait_for(lambda: holder_pid(bus) == bus.sidecar.pid, "the new sidecar has the lease")
        issued = load.end()
        bus.stop_sidecar()
        check_all(bus, issued)


def take_lease(bus):
    """As another sidecar would, where the kernel's locks are none (FORMAT.md, consumer control)."""
    with open(bus.segment, "r+b") as file:
        (offset,) = struct.unpack_from("<Q", file.read(408), 144)
        file.seek(offset)
        epoch, pid = struct.unpack("<QI", file.read(12))
        file.seek(offset)
        file.write(struct.pack("<QI", epoch + 1, 4711))


def test_lost_lease():
    """A sidecar whose lease another one has got writes nothing more, ends with 75, and what it leaves is complete"""
    with Bus(lanes=32, lane_size="4 MiB") as bus:
        bus.handler |= {"class": "logging.handlers.RotatingFileHandler", "maxBytes": 500_000, "backupCount": 10_000}
        for busy in (True, False):
            bus.start_sidecar()
            if busy:
                load = Load(bus, 2, threads=2, pause_us=5000)
                wait_for(lambda: len(bus.files()) > 2, "records come")
            wait_for(lambda: holder_pid(bus) == bus.sidecar.pid, "it has said who it is")
            take_lease(bus)
            check_equal(bus.sidecar.wait(20), 75, "exit code")
            check("has another sidecar by now, pid 4711" in read_text(bus.sidecar.errors), read_text(bus.sidecar.errors))
            if not busy:
                bus.run_worker(first_worker=9, records=1)
        bus.start_sidecar()
        issued = load.end()
        bus.stop_sidecar()
        check_all(bus, issued | {(9, 0): 1})


def size_of_parts(path):
    """Where the consumer's lines, the slots, the producer lines, and the lanes' data begin."""
    with open(path, "rb") as file:
        regions = struct.unpack_from("<33Q", file.read(408), 144)
    return regions[3], regions[15], regions[18], regions[30]


def punch(path, offset, size):
    done = subprocess.run(["fallocate", "-p", "-o", str(offset), "-l", str(size), path], capture_output=True)
    check_equal(done.returncode, 0, done.stderr)


def test_segments_damaged_under_everybody():
    """Truncated, punched, replaced, moved, unlinked under running workers: nobody dies, a new bus takes their records"""
    page = 4096

    def replace(bus):
        with open(bus.segment + ".new", "wb") as file:
            file.write(b"something else " * 1000)
        os.rename(bus.segment + ".new", bus.segment)
        wait_for(lambda: "is not a logbus segment" in read_text(bus.sidecar.errors), "the sidecar says so")
        os.remove(bus.segment)

    ways = {
        "truncated to nothing": (lambda bus: os.truncate(bus.segment, 0), True),
        "truncated in the preamble": (lambda bus: os.truncate(bus.segment, 100), True),
        "truncated in the consumer's tables": (lambda bus: os.truncate(bus.segment, size_of_parts(bus.segment)[0] + page), True),
        "truncated in the producers' tables": (lambda bus: os.truncate(bus.segment, size_of_parts(bus.segment)[2]), True),
        "truncated before the lanes": (lambda bus: os.truncate(bus.segment, size_of_parts(bus.segment)[3]), True),
        "truncated in a lane": (lambda bus: os.truncate(bus.segment, size_of_parts(bus.segment)[3] + page), True),
        "punched from end to end": (lambda bus: punch(bus.segment, 0, os.path.getsize(bus.segment)), True),
        "replaced": (replace, False),
        "moved": (lambda bus: os.rename(bus.segment, bus.segment + ".elsewhere"), False),
        "unlinked": (lambda bus: os.remove(bus.segment), False),
    }
    with concurrent.futures.ThreadPoolExecutor(5) as pool:  # mostly they wait
        cases = [pool.submit(harm_segment, what, *way) for what, way in ways.items()]
        for what, way in ways.items():
            if not way[1]:  # what was dropped before must be told after all
                cases.append(pool.submit(harm_segment, what + " while its lanes are full", *way, full=True))
        for case in cases:
            case.result()


def harm_segment(what, harm, lossy, full=False):
    with Bus(lanes=16, lane_size="1 MiB") as bus:
        bus.start_sidecar()
        idle = bus.worker(first_worker=8, records=1, stay_ms=10**7)
        board = os.path.join(bus.home, "board")
        child = bus.worker(threads=2, records=10**9, pause_us=3000, board=board)
        wait_for(lambda: os.path.exists(bus.file) and os.path.getsize(bus.file) > 50_000, "records come")
        inode = os.stat(bus.segment).st_ino
        if full:
            bus.sidecar.send_signal(signal.SIGSTOP)
            wait_for(lambda: "records are being dropped" in read_text(child.errors), f"{what}: lanes are full")
            threading.Timer(0.1, bus.sidecar.send_signal, [signal.SIGCONT]).start()
        harm(bus)
        wait_for(lambda: os.path.exists(bus.segment) and os.stat(bus.segment).st_ino != inode, f"{what}: a new bus")
        check(child.poll() is None, f"{what}: the worker died with {child.returncode}: {read_text(child.errors)!r}")
        wait_for(lambda: holder_pid(bus) == bus.sidecar.pid, f"{what}: the sidecar has the new bus")
        before = os.path.getsize(bus.file)
        wait_for(lambda: os.path.getsize(bus.file) > before + 50_000, f"{what}: records come from the new bus")
        check(idle.poll() is None, f"{what}: the idle worker died")
        kill(child)
        kill(idle)
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        told = [line for line in count.others if "has been truncated or overwritten" in line]
        check_equal(len(told), int(lossy), f"{what}: how often the loss is told")
        if not lossy:
            check_equal(count.others, [], f"{what}: lines that nobody logged")
            # While there is no bus that the worker could use, they go to its stderr.
            aside = read_text(child.errors).count("INFO:load:w 0 ")
            with open(board, "rb") as file:
                returned = sum(struct.unpack("<2Q", file.read(16)))
            issued = count.records + aside + count.reported_drops
            check(
                returned <= issued <= returned + 2,  # one call of each thread may have been under way
                f"{what}: {returned} calls, {count.records} records, {aside} on stderr, {count.reported_drops} drops told",
            )


if __name__ == "__main__":
    tap.run(globals())
