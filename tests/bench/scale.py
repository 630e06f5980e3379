# SPDX-License-Identifier: MIT
"""What a fleet costs the sidecar: many workers, many idle lanes, nothing to do, and how soon it wakes up."""

import contextlib
import glob
import json
import os
import statistics
import struct
import subprocess
import time

from sidecar import Failure, Sidecar, output, program

FILE = {"class": "logging.FileHandler", "filename": "FILE", "formatter": "line"}
# The sidecar passes at most once in this time, and a pass has one membarrier.
PASS_INTERVAL = 200e-6
PASSES = 216  # offset of the counter in the consumer control (layout.h)


def cpu_seconds(pid):
    """What all threads of a process have used. CPU times in /proc/PID/stat are too coarse for what is idle."""
    used = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as file:
            used += int(file.read().split()[0])
    return used / 1e9


def passes(sidecar):
    with open(os.path.join(sidecar.directory, "bench.logbus"), "rb") as file:
        file.seek(144)  # the preamble's first region: the consumer control
        file.seek(struct.unpack("<Q", file.read(8))[0] + PASSES)
        return struct.unpack("<Q", file.read(8))[0]


@contextlib.contextmanager
def idle_lanes(build, sidecar, processes, threads, records=1):
    """So many lanes whose threads have logged so much and now do nothing."""
    command = [program(build, "bench_scale"), "idle", str(threads), str(records)]
    children = []
    try:
        for _ in range(processes):
            children.append(
                subprocess.Popen(command, env=sidecar.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for child in children:
            if child.stdout.readline() != b"ready\n":
                raise Failure("bench_scale idle: its records are not drained")
        yield children
    finally:
        for child in children:
            child.stdin.close()
        for child in children:
            child.wait()
            child.stdout.close()


def feeders(build, sidecar, workers, records, rate=0):
    command = [program(build, "bench_scale"), "feed", str(records), str(rate)]
    return [subprocess.Popen(command, env=sidecar.env) for _ in range(workers)]


def finish(children):
    if any(child.wait(300) != 0 for child in children):
        raise Failure("bench_scale feed: its records are not drained")


def cpu_per_record(build, workers, records, rate=0):
    with Sidecar(build, FILE, overflow="block", block_timeout="60 s") as sidecar:
        before = cpu_seconds(sidecar.process.pid)
        finish(feeders(build, sidecar, workers, records // workers, rate // workers))
        used = cpu_seconds(sidecar.process.pid) - before
        if sidecar.counters()["dropped"] != 0:
            raise Failure("records were dropped: what the others cost says nothing")
    return used / (records // workers * workers) * 1e9


def pass_under_load(build, lanes, seconds):
    """CPU of a pass, and passes a second, while one worker logs a little all the time."""
    with Sidecar(build, FILE) as sidecar, idle_lanes(build, sidecar, 1 if lanes else 0, lanes):
        children = feeders(build, sidecar, 1, int(1000 * (seconds + 1)), 1000)
        time.sleep(0.5)
        began, used, count = time.monotonic(), cpu_seconds(sidecar.process.pid), passes(sidecar)
        time.sleep(seconds)
        took = time.monotonic() - began
        used, count = cpu_seconds(sidecar.process.pid) - used, passes(sidecar) - count
        finish(children)
    return used / count * 1e6, count / took


def idle_share(build, processes, threads, seconds):
    """Per cent of a core that the sidecar of an idle bus uses."""
    with Sidecar(build, FILE) as sidecar, idle_lanes(build, sidecar, processes, threads):
        time.sleep(3)  # memory has been trimmed
        began, used = time.monotonic(), cpu_seconds(sidecar.process.pid)
        time.sleep(seconds)
        return (cpu_seconds(sidecar.process.pid) - used) / (time.monotonic() - began) * 100


def wakeup(build, lanes, rounds):
    with Sidecar(build, FILE) as sidecar, idle_lanes(build, sidecar, 1 if lanes else 0, lanes):
        return json.loads(
            output([program(build, "bench_scale"), "wakeup", sidecar.file, str(rounds)], sidecar.env, "bench_scale"))


def measure(build, table, quick):
    rounds, records, seconds = (1, 1_280_000, 3) if quick else (3, 3_200_000, 8)
    found = {}

    runs = {1: [], 64: []}
    for _ in range(rounds):
        for workers, of in runs.items():
            of.append(cpu_per_record(build, workers, records))
    one, many = (statistics.median(runs[workers]) for workers in (1, 64))
    found["cpu_ns_a_record"] = runs
    table.add("sidecar's CPU a record, 64 workers", many, "ns", one, "1 worker", at_most=1.2)
    rate = 200_000
    one, many = (cpu_per_record(build, workers, rate * (1 if quick else 3), rate) for workers in (1, 64))
    found["cpu_ns_a_record_at_200k"] = {1: one, 64: many}
    table.add("  the same at 200,000 records a second in all", many, "ns", one, "1 worker")

    alone, _ = pass_under_load(build, 0, seconds / 2)
    crowded, rate = pass_under_load(build, 1000, seconds / 2)
    found.update(pass_us={0: alone, 1000: crowded}, passes_a_second=rate)
    table.add("a pass with 1,000 idle lanes, all of it", crowded, "us", alone, "without them")
    table.add("  what the lanes add", max(crowded - alone, 0), "us", limit=20)
    table.add("  passes, each with one membarrier", rate, "/s", limit=1 / PASS_INTERVAL)

    cases = {"no worker": (0, 0), "1,000 idle lanes of a process": (1, 1000), "1,000 idle processes": (1000, 1)}
    found["idle_percent"] = {}
    for what, (processes, threads) in cases.items():
        if quick and processes > 1:
            continue
        share = found["idle_percent"][what] = idle_share(build, processes, threads, seconds)
        table.add(f"idle bus, {what}", share, "% core", limit=0.1)

    found["wakeup"] = {}
    for lanes in (0, 1000):
        times = found["wakeup"][lanes] = wakeup(build, lanes, 200 if quick else 500)
        table.add(f"asleep to the line in the file, {lanes:,} idle lanes: p50", times["wakeup"]["p50_us"], "us",
                  times["floor"]["p50_us"], "futex and write", limit=100)
        table.add("  p99", times["wakeup"]["p99_us"], "us", times["floor"]["p99_us"], "futex and write")
    return found
