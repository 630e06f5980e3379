# SPDX-License-Identifier: MIT
"""End to end: lines a second from the first call to the last line in the file."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile

from sidecar import Failure, Sidecar, program


def count_lines(path):
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def run_workers(commands, env):
    """Starts all, gives the seconds from the first call of any to the last line of all being in its file."""
    children = [subprocess.Popen(c, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    times = []
    for child in children:
        out, err = child.communicate(timeout=300)
        if child.returncode != 0:
            raise Failure(f"bench_lines ended with {child.returncode}: {err[-500:]}")
        times.append(json.loads(out))
    return (max(t["end"] for t in times) - min(t["begin"] for t in times)) / 1e9


def cpu_seconds():
    """Of all processes that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def logbus_lines(build, workers, records):
    settings = {"overflow": "block", "block_timeout": "60 s"}
    handler = {"class": "logging.FileHandler", "filename": "FILE", "formatter": "line"}
    before = cpu_seconds()
    with Sidecar(build, handler, **settings) as sidecar:
        took = run_workers([[program(build, "bench_lines"), "logbus", str(records)]] * workers, sidecar.env)
        written = count_lines(sidecar.file)  # flush() has returned: all of it must be there, the sidecar still running
        sidecar.stop()
        if written != workers * records or count_lines(sidecar.file) != written:
            raise Failure(f"logbus wrote {written} lines of {workers * records}")
    return workers * records / took, (cpu_seconds() - before) / (workers * records)


def spdlog_lines(build, workers, records):
    """Each process writes a file of its own: spdlog's processes can't share one without tearing lines."""
    home = tempfile.mkdtemp(prefix="logbus-bench-")
    before = cpu_seconds()
    try:
        files = [os.path.join(home, f"{i}.log") for i in range(workers)]
        commands = [[program(build, "bench_lines"), "spdlog", str(records), file] for file in files]
        took = run_workers(commands, dict(os.environ))
        written = sum(count_lines(file) for file in files)
        if written != workers * records:
            raise Failure(f"spdlog wrote {written} lines of {workers * records}")
    finally:
        shutil.rmtree(home)
    return workers * records / took, (cpu_seconds() - before) / (workers * records)


def has_spdlog(build):
    done = subprocess.run([program(build, "bench_lines"), "spdlog", "1", "/dev/null"], capture_output=True)
    return done.returncode == 0


def measure(build, table, quick):
    """Taken in turns. The best run of each is the one that was least disturbed by whatever else the machine does."""
    records, rounds = (200_000, 3) if quick else (500_000, 7)
    peer = has_spdlog(build)
    found = {}
    for workers in (1, 2):
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(logbus_lines(build, workers, records // workers))
            if peer:
                theirs.append(spdlog_lines(build, workers, records // workers))
        here = found[workers] = {}
        for name, runs in (("logbus", ours), ("spdlog", theirs)):
            if runs:
                here[name] = max(rate for rate, _ in runs)
                here[name + "_cpu_ns"] = statistics.median(cpu for _, cpu in runs) * 1e9
                here[name + "_runs"] = runs
        table.add(f"lines/s to a file, {workers} worker{'s' * (workers > 1)} + sidecar, best", here["logbus"], "/s",
                  here.get("spdlog"), "spdlog async", at_least=8, floor=10e6)
        table.add("  CPU a line, all processes, median", here["logbus_cpu_ns"], "ns", here.get("spdlog_cpu_ns"),
                  "spdlog async")
    if not peer:
        print("spdlog is not there: nothing to compare with")
    return found
