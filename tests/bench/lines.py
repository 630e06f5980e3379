# SPDX-License-Identifier: MIT
"""End to end: lines a second, from the first call to the last line in the file. Beside a floor program and spdlog."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from sidecar import Failure, Sidecar, program


def count_lines(path):
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def run_all(commands, env):
    """Starts all; gives the seconds from the first call of any to the last line of all, and their processor time."""
    children = [subprocess.Popen(c, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    times = []
    for child, command in zip(children, commands):
        out, err = child.communicate(timeout=120)
        if child.returncode != 0:
            raise Failure(f"{os.path.basename(command[0])} ended with {child.returncode}: {err[-500:]}")
        times.append(json.loads(out))
    return (max(t["end"] for t in times) - min(t["begin"] for t in times)) / 1e9, sum(t["cpu_ns"] for t in times)


def cpu_ns(process_id):
    """All that a living process has used: what clock_getcpuclockid(3) makes of its id."""
    return time.clock_gettime_ns((~process_id << 3) | 2)


def logbus(build, workers, records):
    settings = {"overflow": "block", "block_timeout": "60 s"}
    handler = {"class": "logging.FileHandler", "filename": "FILE", "formatter": "line"}
    with Sidecar(build, handler, **settings) as sidecar:
        before = cpu_ns(sidecar.process.pid)
        took, cpu = run_all([[program(build, "bench_lines"), str(records // workers)]] * workers, sidecar.env)
        cpu += cpu_ns(sidecar.process.pid) - before
        written = count_lines(sidecar.file)  # flush() has returned: all of it must be there, the sidecar still running
        sidecar.stop()
        if written != records or count_lines(sidecar.file) != written:
            raise Failure(f"logbus wrote {written} lines of {records}")
    return {"rate": records / took, "cpu_ns": cpu / records}


def to_files(command, records, writers=1):
    """A program that takes the number of its lines and its file. Two processes can't share one without tearing lines."""
    home = tempfile.mkdtemp(prefix="logbus-bench-")
    try:
        files = [os.path.join(home, f"{i}.log") for i in range(writers)]
        took, cpu = run_all([command + [str(records // writers), file] for file in files], dict(os.environ))
        written = sum(count_lines(file) for file in files)
        if written != records:
            raise Failure(f"{os.path.basename(command[0])} wrote {written} lines of {records}")
    finally:
        shutil.rmtree(home)
    return {"rate": records / took, "cpu_ns": cpu / records}


def best(runs):
    """The best run is the one that was least disturbed by whatever else the machine does."""
    return {"rate": max(run["rate"] for run in runs), "cpu_ns": statistics.median(run["cpu_ns"] for run in runs),
            "runs": runs}


def measure(build, table, quick):
    """In turns, so that whatever else the machine does strikes all of them."""
    # What takes less than a fifth of a second says little.
    records, peer_records, rounds = (1_000_000, 200_000, 3) if quick else (2_000_000, 500_000, 5)
    kinds = {
        "1 worker": lambda: logbus(build, 1, records),
        "floor": lambda: to_files([program(build, "floor_lines")], records),
        "4 workers": lambda: logbus(build, 4, records),
    }
    spdlog = program(build, "peer_spdlog")
    if os.path.exists(spdlog):
        kinds["spdlog"] = lambda: to_files([spdlog, "lines"], peer_records)
        kinds["spdlog, 4"] = lambda: to_files([spdlog, "lines"], peer_records, 4)
    else:
        print("spdlog is not there: nothing to compare with")
    runs = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            runs[name].append(run())
    found = {name: best(of) for name, of in runs.items()}
    rate = lambda name: found[name]["rate"] if name in found else None
    table.add("lines/s to a file, 1 worker + sidecar, best", rate("1 worker"), "/s", rate("spdlog"), "spdlog async",
              at_least=8, floor=10e6)
    table.add("  beside a bare program with one format", rate("1 worker"), "/s", rate("floor"), "floor program",
              at_least=0.65)
    table.add("  4 workers + sidecar, in all", rate("4 workers"), "/s", rate("1 worker"), "1 worker", at_least=0.8)
    table.add("  4 workers, beside 4 processes of spdlog", rate("4 workers"), "/s", rate("spdlog, 4"), "spdlog async")
    for name, beside in (("1 worker", "floor"), ("4 workers", "spdlog, 4")):
        table.add(f"  CPU a line, all processes, {name}, median", found[name]["cpu_ns"], "ns",
                  found.get(beside, {}).get("cpu_ns"), beside)
    return found
