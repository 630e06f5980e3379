# SPDX-License-Identifier: MIT
"""What a log call costs: in bursts, in tight loops, disabled."""

import json
import os
import re
import statistics

from sidecar import Failure, Sidecar, output, program


def bursts(build, rounds):
    """Median over several runs of each percentile."""
    runs = []
    for _ in range(rounds):
        with Sidecar(build, {"class": "logging.NullHandler"}) as sidecar:
            runs.append(json.loads(output([program(build, "bench_bursts")], sidecar.env, "bench_bursts")))
            if sidecar.counters()["dropped"] != 0:
                raise Failure("bench_bursts: records were dropped, so that is not what a call costs")
    return {
        what: {figure: statistics.median(run[what][figure] for run in runs) for figure in runs[0][what]}
        for what in runs[0]
    }


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


def measure(build, table, quick):
    calls = bursts(build, 1 if quick else 3)
    floor, call, text = calls["floor"], calls["call"], calls["string_64"]
    table.add("call int+int+double, bursts of 20: p50", call["p50_ns"], "ns", floor["p50_ns"], "floor", at_most=1.3)
    table.add("  the same, each call timed: p50", call["single_p50_ns"], "ns", floor["single_p50_ns"], "floor")
    table.add("  p99", call["p99_ns"], "ns", floor["p99_ns"], "floor")
    table.add("  p99.9", call["p999_ns"], "ns", floor["p999_ns"], "floor", at_most=10)
    table.add("call with a string of 64, bursts of 20: p50", text["p50_ns"], "ns", floor["p50_ns"], "floor")
    by_name = loops(build, quick)
    for name, value in by_name.items():
        if name.startswith("enabled"):
            floor_here = "floor_of_call/threads:2" if name.endswith("threads:2") else "floor_of_call"
            table.add("tight loop: " + name, value, "ns", by_name[floor_here], "floor",
                      at_most=1.5 if name.startswith("enabled_call") else None)
    if by_name:
        table.add("disabled call", by_name["disabled_call"], "ns", by_name["empty_loop"], "empty loop", less=1)
    else:
        print("Google Benchmark is not there: its part is left out")
    return {"bursts": calls, "google_benchmark": by_name}
