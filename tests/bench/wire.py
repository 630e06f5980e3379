# SPDX-License-Identifier: MIT
"""What a record is in the shared memory, in bytes: as it lies there."""

import json
import os

from sidecar import Failure, Sidecar, output, program


def measure(build, table, quick):
    with Sidecar(build, {"class": "logging.NullHandler"}) as sidecar:
        output([program(build, "bench_lines"), "100"], sidecar.env, "bench_lines")
        command = [os.path.join(build, "tools", "logbus"), "dump", "--format", "json"]
        entries = [json.loads(line) for line in output(command, sidecar.env, "logbus dump").splitlines()]
    records = [entry for entry in entries if entry["type"] == "record"]
    if not records or records[-1]["message"] != "Iteration: 99 int: 198 double: 49.5":
        raise Failure("logbus dump doesn't end with the last record")
    # From where the last one begins to what its lane has committed.
    lane = next(e for e in entries if e["type"] == "lane" and e["lane"] == records[-1]["lane"])
    size = lane["committed"] - records[-1]["position"]
    table.add("a record with int, int, double in memory", size, "B", limit=48, note="header and padding included")
    return {"bytes": size}
