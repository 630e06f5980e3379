# SPDX-License-Identifier: MIT
"""What a log call costs: in bursts, warm and with cold caches, in tight loops, disabled. Beside its floor."""

import json
import os
import re
import signal
import statistics

from sidecar import Failure, Sidecar, output, program

# The pauses between bursts: in microseconds, with the number of bursts. After 2 ms the sidecar has drained and still
# looks; after 20 ms it sleeps, and the first call of a burst has to wake it.
PAUSES = {"2 ms": (2000, 4000), "15 us": (15, 20_000), "20 ms": (20_000, 100)}
COLD = (15, 2000)
# So few that they fit a lane which nobody reads.
UNDRAINED = (2000, 200)


def of_all_runs(runs):
    """Median over the runs of every figure."""
    if isinstance(runs[0], dict):
        return {key: of_all_runs([run[key] for run in runs]) for key in runs[0]}
    return statistics.median(runs)


def bursts(build, pause_us, number, how="", *, runs=1):
    """how: "cold", "undrained" (the sidecar is stopped meanwhile), or neither."""
    found = []
    for _ in range(runs):
        with Sidecar(build, {"class": "logging.NullHandler"}) as sidecar:
            if how == "undrained":
                sidecar.process.send_signal(signal.SIGSTOP)
            command = [program(build, "bench_bursts"), str(pause_us), str(number // runs)] + [how] * bool(how)
            found.append(json.loads(output(command, sidecar.env, "bench_bursts")))
            sidecar.process.send_signal(signal.SIGCONT)
            if sidecar.counters()["dropped"] != 0:
                raise Failure("bench_bursts: records were dropped, so that is not what a call costs")
    return of_all_runs(found)


def loops(build, quick):
    path = program(build, "logbus_bench")
    if not os.path.exists(path):
        return {}
    with Sidecar(build, {"class": "logging.NullHandler"}) as sidecar:
        arguments = [path, "--benchmark_format=json", f"--benchmark_min_time={0.05 if quick else 0.3}"]
        arguments += ["--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true"]
        found = json.loads(output(arguments, sidecar.env, "logbus_bench"))
        if sidecar.counters()["dropped"] != 0:
            raise Failure("logbus_bench: records were dropped, so that is not what a call costs")
    return {
        re.sub("/(manual_time|iterations:[0-9]+)", "", item["run_name"]): item.get("p50_ns", item["real_time"])
        for item in found["benchmarks"]
        if item.get("aggregate_name") == "median"
    }


def add_bursts(table, found, pause, undrained=None):
    clock, floor, call = found["clock"], found["floor"], found["call"]
    row = lambda what, name, p, **target: table.add(what, call[name][p], "ns", floor[name][p], "floor", **target)
    row(f"call int+int+double, bursts, {pause} pauses: p50", "whole", "p50", at_most=1.3)
    if undrained:
        note = f"reading the clock alone costs {clock['whole']['p50']:.1f} ns in this run"
        table.add("  the same, absolute", call["whole"]["p50"], "ns", limit=15, note=note)
        table.add("  the same, while the sidecar is stopped", undrained["call"]["whole"]["p50"], "ns",
                  undrained["floor"]["whole"]["p50"], "floor",
                  note="the difference is the lines of the lane that come back from the reader's cache")
    row("  each call timed: p50", "single", "p50")
    row("  p99", "single", "p99")
    row("  p99.9", "single", "p999", at_most=10)
    row("  first call of a burst: p50", "first", "p50")
    for name, what in (("string", "string_view"), ("c_string", "const char*")):
        table.add(f"call with 64 bytes, {what}, {pause}: p50", found[name]["whole"]["p50"], "ns",
                  found[name + "_floor"]["whole"]["p50"], "its own floor", at_most=1.3)


def measure(build, table, quick):
    found = {}
    for pause, (pause_us, number) in PAUSES.items():
        found[pause] = bursts(build, pause_us, number // 4 if quick else number, runs=1 if quick else 3)
    found["undrained"] = bursts(build, *UNDRAINED, "undrained")
    add_bursts(table, found["2 ms"], "2 ms", found["undrained"])
    add_bursts(table, found["15 us"], "15 us")
    woken = found["20 ms"]
    table.add("call that wakes the sidecar (20 ms pauses): p50", woken["call"]["first"]["p50"], "ns",
              woken["floor"]["first"]["p50"], "floor")
    cold = found["cold"] = bursts(build, COLD[0], COLD[1] // 4 if quick else COLD[1], "cold")
    for what, name, p in (("burst of 20, cold caches: p50 a call", "whole", "p50"), ("  p99", "whole", "p99"),
                          ("  first call of a burst: p50", "first", "p50"), ("  p99", "first", "p99")):
        table.add(what, cold["call"][name][p], "ns", cold["floor"][name][p], "floor, cold")
    by_name = loops(build, quick)
    for name, value in by_name.items():
        if name.startswith("enabled"):
            floor = by_name[name.replace("enabled", "floor_of")]
            table.add("tight loop: " + name, value, "ns", floor, "its own floor",
                      at_most=1.5 if name.startswith("enabled_call") else None)
    if by_name:
        table.add("disabled call", by_name["disabled_call"], "ns", by_name["empty_loop"], "empty loop", less=1)
    else:
        print("Google Benchmark is not there: its part is left out")
    return {"bursts": found, "google_benchmark": by_name}
