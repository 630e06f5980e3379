# SPDX-License-Identifier: MIT
"""Memory: of a lane, of a worker, of the sidecar; and what a call costs that gets some.

usage: memory.py BUILD SECONDS    the sidecar's memory under full load for that long, a line every tenth of it
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

from scale import FILE, feeders, idle_lanes
from sidecar import Failure, Sidecar, output, program

ROOMY = {"memory": "1 GiB", "max_per_process": "1 GiB"}


def file_bytes(sidecar):
    return os.stat(os.path.join(sidecar.directory, "bench.logbus")).st_blocks * 512


def lane_bytes(build, records, lanes=100):
    """Memory of the bus that one more lane costs, two seconds after its thread's records have been drained."""
    with Sidecar(build, FILE, **ROOMY) as sidecar, idle_lanes(build, sidecar, 1, 1):  # one is there, and the site
        before = file_bytes(sidecar)
        with idle_lanes(build, sidecar, 1, lanes, records):
            time.sleep(2)
            after = file_bytes(sidecar)
            if sidecar.counters()["dropped"] != 0:
                raise Failure("records were dropped: the lanes have not been what they should have been")
    return (after - before) / lanes


def private_bytes(command, env, segment):
    """What a process has for itself: dirty pages that nobody shares, but for those of the bus, and page tables."""
    child = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if child.stdout.readline() != b"ready\n":
            raise Failure(f"{command[0]} does not get ready")
        dirty, of_bus = 0, False
        with open(f"/proc/{child.pid}/smaps") as smaps:
            for line in smaps:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    of_bus = segment in line
                elif line.startswith("Private_Dirty:") and not of_bus:
                    dirty += int(line.split()[1]) * 1024
        with open(f"/proc/{child.pid}/status") as status:
            tables = int(re.search(r"VmPTE:\s+(\d+)", status.read())[1]) * 1024
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()
    return dirty, tables


def worker_bytes(build):
    """Of an idle worker over the same program without logbus: dirty pages, page tables."""
    with Sidecar(build, FILE) as sidecar:
        segment = os.path.join(sidecar.directory, "bench.logbus")
        ours = private_bytes([program(build, "bench_worker")], sidecar.env, segment)
        bare = private_bytes([program(build, "bench_worker_bare")], sidecar.env, segment)
    return [a - b for a, b in zip(ours, bare)]


def rss_anon(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) * 1024


def sidecar_under_load(build, seconds, tell=lambda *figures: None):
    """RssAnon at ten moments of a run in which two workers never stop. The file is emptied now and then."""
    samples = []
    with Sidecar(build, FILE, overflow="block", block_timeout="60 s") as sidecar:
        children = feeders(build, sidecar, 2, 2_000_000_000)
        try:
            began = time.monotonic()
            while len(samples) < 10:
                while time.monotonic() < began + seconds * (len(samples) + 1) / 10:
                    time.sleep(0.1)
                    if os.path.exists(sidecar.file) and os.path.getsize(sidecar.file) > 1 << 28:
                        os.truncate(sidecar.file, 0)
                samples.append(rss_anon(sidecar.process.pid))
                tell(time.monotonic() - began, samples[-1], sidecar.counters()["committed"])
        finally:
            for child in children:
                child.kill()
                child.wait()
    return samples


def growing_calls(build, records):
    """Nobody drains: the lane grows by a step about once in a thousand calls."""
    with Sidecar(build, FILE, lane_size="64 MiB", memory="128 MiB", max_per_process="128 MiB") as sidecar:
        sidecar.process.send_signal(signal.SIGSTOP)
        try:
            return json.loads(output([program(build, "bench_scale"), "grow", str(records)], sidecar.env, "bench_scale"))
        finally:
            sidecar.process.send_signal(signal.SIGCONT)


def measure(build, table, quick):
    found = {"idle_lane": lane_bytes(build, 1), "lane_after_burst": {}}
    table.add("memory of an idle lane that never burst", found["idle_lane"] / 1024, "KiB", limit=8)
    for records in (20_000,) if quick else (3000, 20_000, 60_000):
        value = found["lane_after_burst"][records] = lane_bytes(build, records)
        table.add(f"  two seconds after a burst of {records:,} records", value / 1024, "KiB", limit=72)
    dirty, tables = worker_bytes(build)
    found.update(worker_private=dirty, worker_page_tables=tables)
    table.add("an idle worker's private memory", (dirty + tables) / 1024, "KiB", limit=200,
              note=f"over the same program without logbus; {dirty / 1024:.0f} KiB of dirty pages outside the bus's "
                   f"file, {tables / 1024:.0f} KiB of page tables")
    samples = found["sidecar_rss_anon"] = sidecar_under_load(build, 4 if quick else 10)
    table.add("the sidecar's RssAnon under full load", max(samples) / (1 << 20), "MiB", limit=30)
    table.add("  at the end", samples[-1] / (1 << 20), "MiB", samples[len(samples) // 2] / (1 << 20), "half way",
              at_most=1.05)
    grow = found["grow"] = growing_calls(build, 300_000 if quick else 1_000_000)
    table.add("a call that grows its lane: p99", grow["grow"]["p99_us"], "us", grow["grow"]["p50_us"], "p50", limit=100)
    table.add("  of a thousand calls, nobody draining", grow["per_thousand"], "calls", limit=1.5)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sidecar_under_load(
        os.path.abspath(sys.argv[1]), float(sys.argv[2]),
        lambda at, rss, records: print(f"{at:6.0f} s  RssAnon {rss / (1 << 20):.2f} MiB  {records:,} records", flush=True))
