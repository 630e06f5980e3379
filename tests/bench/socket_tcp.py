# SPDX-License-Identifier: MIT
"""Records a second over TCP to a receiver of SocketHandler's frames, which counts them. Beside CPython's SocketHandler."""

import json
import subprocess
import sys

from sidecar import Failure, Sidecar, output, program

PYTHON_SENDER = """
import logging, logging.handlers, sys
logger = logging.getLogger("bench")
logger.setLevel(logging.INFO)
logger.addHandler(logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1])))
for i in range(int(sys.argv[2])):
    logger.info("Iteration: %s int: %s double: %s", i, 2 * i, i / 2.0)
logging.shutdown()
"""


class Receiver:
    def __init__(self, build, records):
        self.process = subprocess.Popen([program(build, "frame_receiver"), str(records)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def result(self):
        try:
            out, _ = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise Failure("the receiver waits for records that do not come") from None
        if self.process.returncode != 0:
            raise Failure(f"the receiver ended with {self.process.returncode}")
        got = json.loads(out)
        return {"rate": got["records"] / got["seconds"], "bytes": got["bytes"] / got["records"]}

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def logbus(build, records, codec):
    with Receiver(build, records) as receiver:
        handler = {"class": "logging.handlers.SocketHandler", "host": "127.0.0.1", "port": receiver.port, "codec": codec}
        with Sidecar(build, handler, overflow="block", block_timeout="60 s") as sidecar:
            output([program(build, "bench_lines"), str(records)], sidecar.env, "bench_lines")
            result = receiver.result()
            sidecar.stop()
            counters = sidecar.stat()["handlers"][0]
            if counters["dropped"] or counters["records"] != records:
                raise Failure(f"the handler has {counters}")
    return result


def python(build, records):
    with Receiver(build, records) as receiver:
        output([sys.executable, "-c", PYTHON_SENDER, str(receiver.port), str(records)], None, "the Python sender")
        return receiver.result()


def measure(build, table, quick):
    """In turns, so that whatever else the machine does strikes all of them."""
    records, python_records, rounds = (500_000, 30_000, 2) if quick else (2_000_000, 100_000, 5)
    kinds = {
        "pickle": lambda: logbus(build, records, "pickle"),
        "msgpack": lambda: logbus(build, records, "msgpack"),
        "python": lambda: python(build, python_records),
    }
    runs = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            runs[name].append(run())
    best = {name: max(run["rate"] for run in found) for name, found in runs.items()}
    peer = "CPython's SocketHandler"
    table.add("SocketHandler over TCP", best["pickle"], "records/s", best["python"], peer, at_least=20,
              note=f"{runs['pickle'][0]['bytes']:.0f} bytes a record, CPython's {runs['python'][0]['bytes']:.0f}")
    table.add("  codec: msgpack", best["msgpack"], "records/s", best["python"], peer)
    return runs
