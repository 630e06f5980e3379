#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is alive, and whose lane it is: pids used again, other namespaces, overlayfs, descriptors closed, stops, exec, crowds."""

import collections
import contextlib
import os
import random
import re
import shutil
import signal
import struct
import time

import tap
from bus import SLOTS, WORKER, Bus, count_records, finish, read_text
from machine import in_pid_namespace, mounted
from tap import SOAK, Skip, check, check_equal, wait_for

FOREVER = 10**12
WEAK = 1  # a slot's flag: its lock is kept by a descriptor


def returned(path):
    """Calls of one thread that have returned."""
    try:
        with open(path, "rb") as file:
            return struct.unpack("=Q", file.read(8))[0]
    except (FileNotFoundError, struct.error):
        return 0


def slots(bus):
    """(state, pid, flags) of each process slot."""
    return [(word >> 62, pid, flags) for word, pid, flags in bus.entries(SLOTS, "<QI20xI")]


def drained(bus):
    """By positions: of a process that was killed the count of records may be one off."""
    return bus.stat()["records"]["lag"] == 0


def on_stderr(bus):
    """Records by worker that are there, since all slots were taken by those that were not drained yet."""
    found = collections.Counter()
    for name in os.listdir(bus.home):
        if name.endswith(".err"):
            found.update(re.findall(r"^INFO:load:w (\d+) t ", read_text(os.path.join(bus.home, name)), re.M))
    return collections.Counter({int(worker): count for worker, count in found.items()})


def check_boards(count, boards, elsewhere):
    """A call that was interrupted has committed or it has not; all others have."""
    for worker, calls in boards.items():
        lines = count.next[(worker, 0)] + elsewhere[worker]
        check(lines in (calls, calls + 1), f"worker {worker}: {calls} calls, {lines} lines")


def test_pid_used_again():
    """A pid that is used again, and again: each process has its own slot, lane and name, and loses nothing"""
    rounds = 500 if SOAK else 25
    with Bus(overflow="block", block_timeout="60 s", lanes=8, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        board = os.path.join(bus.home, "board.")

        def work():
            for i in range(rounds):
                with open("/proc/sys/kernel/ns_last_pid", "w") as file:
                    file.write("999")
                child = bus.worker(first_worker=i, records=FOREVER, pause_us=i % 2 * 1000, board=board + str(i))
                check_equal(child.pid, 1000, "pid")
                wait_for(lambda: returned(board + str(i)) > 100, f"worker {i} logs")
                child.kill()
                child.wait()

        in_pid_namespace(work)
        wait_for(lambda: drained(bus), "all that was committed is drained")
        wait_for(lambda: len(bus.free_lanes()) == 8, "all lanes are free again")
        bus.stop_sidecar()
        lines = list(bus.lines())
        count = count_records(lines, in_time_order=False)
        check_equal(count.others, [], "lines that nobody logged")
        check_equal({line.split()[1] for line in lines}, {"1000"}, "pids")
        check_boards(count, {i: returned(board + str(i)) for i in range(rounds)}, on_stderr(bus))
        print(f"# {rounds} processes of one pid, {count.records} records")


def test_other_namespaces():
    """Workers in other pid, mount and time namespaces, the directory mounted elsewhere: one bus, one order"""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        raise Skip("needs unshare(1) and root")
    with Bus(overflow="block", block_timeout="60 s", max_hold="30 s") as bus:
        bus.start_sidecar()
        inner = os.path.join(bus.home, "inner")
        os.mkdir(inner)
        # The directory's own name is gone there.
        script = f'mount --bind {bus.directory} {inner} && mount -t tmpfs none /dev/shm && exec "$@"'
        env = dict(bus.env, LOGBUS_DIR=inner)
        records = 20_000
        began = time.time()
        children = [bus.worker(first_worker=0, records=records, pause_us=500)]
        for i, days in enumerate((0, 1, -1)):
            clock = ["--time", "--monotonic", days * 86400, "--boottime", days * 86400] if days > 0 else []
            children.append(bus.spawn(
                ["unshare", "--pid", "--fork", "--kill-child", "--mount", *clock, "sh", "-c", script, "sh", WORKER,
                 "--first-worker", i + 1, "--records", records, "--pause-us", 500], "inside", env=env))
        for child in children:
            finish(child, "worker")
        bus.stop_sidecar()
        lines = list(bus.lines())
        count = count_records(lines)
        check_equal(dict(count.next), {(i, 0): records for i in range(4)}, "records by worker")
        check(all(began - 1 < float(line.split()[0]) < time.time() + 1 for line in lines), "times of this test")


@contextlib.contextmanager
def bus_on_overlay(**settings):
    """Where a mapping does not keep the lock of the descriptor it was made from."""
    with Bus(**settings) as bus:
        layers = [os.path.join(bus.home, name) for name in ("lower", "layers")]
        for path in layers:
            os.mkdir(path)
        with mounted("tmpfs", layers[1], "size=512m"):
            for name in ("upper", "work"):
                os.mkdir(os.path.join(layers[1], name))
            options = f"lowerdir={layers[0]},upperdir={layers[1]}/upper,workdir={layers[1]}/work"
            with mounted("overlay", bus.directory, options):
                yield bus


def test_overlay():
    """On overlayfs: slots are weak, the dead are found, their lanes and slots come back"""
    with bus_on_overlay(overflow="block", block_timeout="60 s", lanes=4, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        boards = {}
        for i in range(100 if SOAK else 10):
            board = os.path.join(bus.home, f"board.{i}")
            child = bus.worker(first_worker=i, records=FOREVER, pause_us=i % 2 * 1000, board=board)
            wait_for(lambda: returned(board) > 100, "it logs")
            check_equal([flags for _, pid, flags in slots(bus) if pid == child.pid], [WEAK], "flags of its slot")
            child.kill()
            child.wait()
            boards[i] = returned(board)
        wait_for(lambda: drained(bus), "all that was committed is drained")
        wait_for(lambda: len(bus.free_lanes()) == 4, "all lanes are free again")
        bus.stop_sidecar()
        check_boards(count_records(bus.lines(), in_time_order=False), boards, on_stderr(bus))


def overlay_without_descriptors(prefix):
    with bus_on_overlay(overflow="block", block_timeout="60 s", lanes=4, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        records = 200_000 if SOAK else 8000
        child = bus.spawn([*prefix, WORKER, "--first-worker", 10**6, "--records", records, "--pause-us", 10_000,
                           "--trick", "close-fds"], "daemon")
        # Meanwhile each slot and lane is wanted by somebody.
        others = 0
        while child.poll() is None:
            bus.run_worker(first_worker=others, records=50)
            others += 1
        finish(child, "the daemon")
        wait_for(lambda: drained(bus), "all that was committed is drained")
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=False)
        check_equal(count.others, [], "lines that nobody logged")
        check_equal(count.next.pop((10**6, 0)), records, "records of the daemon")
        elsewhere = on_stderr(bus).total()
        check_equal(sum(count.next.values()) + elsewhere, 50 * others, "records of the others, and lines on stderr")
        print(f"# {others} others in the meantime")


def test_overlay_without_descriptors():
    """On overlayfs, a worker that closes all its descriptors, and with them its lock: it keeps its slot and lane"""
    overlay_without_descriptors([])


def test_overlay_without_descriptors_in_a_pid_namespace():
    """The same in a pid namespace, where its pid is nobody's outside: no proof of its death"""
    if shutil.which("unshare") is None:
        raise Skip("needs unshare(1)")
    pid = next(pid for pid in range(30_000, 1000, -7) if not os.path.exists(f"/proc/{pid}"))
    script = f'echo {pid - 1} > /proc/sys/kernel/ns_last_pid; "$@" & wait $!'
    overlay_without_descriptors(["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"])


def test_overlay_child_that_stays():
    """On overlayfs, a child that lives on does not keep its dead parent's slot"""
    with bus_on_overlay(overflow="block", block_timeout="60 s", lanes=4, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        rounds = 30 if SOAK else 2
        for i in range(rounds):
            child = bus.worker(first_worker=i, records=100, trick="child-stays", stay_ms=20_000)
            wait_for(lambda: drained(bus) and bus.stat()["records"]["drained"] >= 100 * (i + 1), "it has logged")
            with open(f"/proc/{child.pid}/task/{child.pid}/children") as file:
                stays = int(file.read())
            child.kill()
            child.wait()
            try:
                wait_for(lambda: len(bus.free_lanes()) == 4, "the lane comes back", 5)
                os.kill(stays, 0)  # it was there all the time
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stays, signal.SIGKILL)
        bus.stop_sidecar()
        check_equal(dict(count_records(bus.lines()).next), {(i, 0): 100 for i in range(rounds)}, "records")


def test_daemon():
    """A worker that closes all its descriptors goes on, and is found when it dies"""
    with Bus(overflow="block", block_timeout="60 s", lanes=4, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        child = bus.worker(first_worker=0, records=40_000, trick="close-fds", stay_ms=60_000)
        wait_for(lambda: drained(bus) and bus.stat()["records"]["drained"] == 40_000, "all is drained")
        check_equal(len(bus.free_lanes()), 3, "free lanes while it lives")
        child.kill()
        child.wait()
        wait_for(lambda: len(bus.free_lanes()) == 4, "its lane comes back")
        bus.stop_sidecar()
        check_equal(dict(count_records(bus.lines()).next), {(0, 0): 40_000}, "records")


def test_exec():
    """exec: the old program's slot and lane come back, the new one attaches"""
    with Bus(overflow="block", block_timeout="60 s", lanes=2, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        for i in range(0, 20, 2):
            bus.run_worker(first_worker=i, records=1000, trick="exec")
            wait_for(lambda: len(bus.free_lanes()) == 2, "both lanes come back")
        bus.stop_sidecar()
        count = count_records(bus.lines())
        check_equal(dict(count.next), {(i, 0): 1000 if i % 2 else 500 for i in range(20)}, "records by worker")
        check_equal(count.reported_drops, 0, "drops told")


def test_stopped():
    """Workers stopped and continued at any moment, one for long: nothing torn or lost, what comes late is counted"""
    seed = int(os.environ.get("LOGBUS_SEED", 7))
    print(f"# LOGBUS_SEED={seed}")
    rng = random.Random(seed)
    stops, long_stop = (2000, 150) if SOAK else (40, 1.2)
    with Bus(overflow="block", block_timeout="300 s", lane_size="256 KiB", lanes=8) as bus:
        bus.start_sidecar()
        boards = [os.path.join(bus.home, f"board.{i}") for i in range(4)]
        workers = [bus.worker(first_worker=i, records=FOREVER, pause_us=20_000 if SOAK else 1000 if i else 300, board=boards[i]) for i in range(4)]
        wait_for(lambda: all(returned(board) for board in boards), "all log")
        workers[3].send_signal(signal.SIGSTOP)
        end = time.monotonic() + long_stop
        stopped = 0
        while stopped < stops or time.monotonic() < end:
            victim = rng.choice(workers[:3])
            victim.send_signal(signal.SIGSTOP)
            time.sleep(rng.choice((0.0001, 0.001, 0.01, 0.07)))  # max_hold is 50 ms
            victim.send_signal(signal.SIGCONT)
            time.sleep(rng.uniform(0, 0.003))
            stopped += 1
        before = returned(boards[3])
        workers[3].send_signal(signal.SIGCONT)
        wait_for(lambda: returned(boards[3]) > before + 1000, "it goes on")
        for worker in workers:
            worker.kill()
            worker.wait()
        calls = {i: returned(board) for i, board in enumerate(boards)}
        wait_for(lambda: drained(bus), "all is drained")
        wait_for(lambda: len(bus.free_lanes()) == 8, "all lanes are free again")
        stat = bus.stat()["records"]
        bus.stop_sidecar()
        count = count_records(bus.lines(), in_time_order=False)
        check_boards(count, calls, on_stderr(bus))
        check_equal(count.reported_drops, 0, "drops told")
        print(f"# {stopped} stops, {count.records} records, {stat['late']} late")


def test_short_lived():
    """Short-lived processes in a row on a small bus: slots and lanes come back in time"""
    processes = 2000 if SOAK else 150
    with Bus(lanes=8, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        for i in range(processes):
            bus.run_worker(first_worker=i, threads=2, records=20)
        wait_for(lambda: len(bus.free_lanes()) == 8, "all lanes are free again")
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True)
        elsewhere = on_stderr(bus).total()
        drops = count.reported_drops
        print(f"# {processes} processes, {elsewhere} lines on stderr, {drops} drops")
        check_equal((count.records + elsewhere + drops, count.others), (processes * 40, []), "lines and drops told, others")
        # The sidecar may be late for the four processes that have all lanes; seldom.
        check(elsewhere + drops <= processes * 40 // 10, "lanes and slots come back too late")


def test_dead_crowd_on_a_sleeping_bus():
    """A crowd dies while the bus sleeps: who comes next has its lanes at once"""
    with Bus(lanes=64, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        crowd = [bus.worker(first_worker=i, records=1, stay_ms=600_000) for i in range(64)]
        wait_for(lambda: drained(bus) and bus.stat()["records"]["drained"] == 64, "all have logged")
        wait_for(bus.sleeping, "the sidecar has gone to sleep")
        for child in crowd:
            child.kill()
        for child in crowd:
            child.wait()
        bus.run_worker(first_worker=100, threads=60, records=3)
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True)
        check_equal((count.records, count.reported_drops), (64 + 180, 0), "lines, drops told")
        check_equal({read_text(child.errors) for child in bus.children[1:]}, {""}, "what the workers said")


def test_more_threads_than_lanes():
    """More threads than lanes, in processes that end at once: each call is a line, or a drop that is told"""
    processes = 300 if SOAK else 20
    with Bus(lanes=4, lane_size="64 KiB") as bus:
        bus.start_sidecar()
        for i in range(processes):
            bus.run_worker(first_worker=i, threads=12, records=50)
        wait_for(lambda: len(bus.free_lanes()) == 4, "all lanes are free again")
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops + on_stderr(bus).total(), processes * 600, "lines, drops told, lines on stderr")


if __name__ == "__main__":
    tap.run(globals())
