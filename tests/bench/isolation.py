# SPDX-License-Identifier: MIT
"""Lines a second into a file, alone and beside a handler behind a queue whose server is stopped with SIGSTOP."""

import os
import signal
import statistics
import subprocess
import sys

from lines import count_lines, run_all
from sidecar import Failure, Sidecar, program

ROUNDS = 5
BEFORE = 50_000  # lines after which the server's buffers, the handler's backlog and its queue are full
FILE = {"class": "logging.FileHandler", "filename": "FILE", "formatter": "line"}
SETTINGS = {"overflow": "block", "block_timeout": "60 s", "async": {"shutdown_timeout": "100 ms"}}
# Reads all that comes, until it is stopped.
SERVER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    while connection.recv(1 << 16):
        pass
"""


def rate(sidecar, records):
    command = program(sidecar.build, "bench_lines")
    run_all([[command, str(BEFORE)]], sidecar.env)
    took, _ = run_all([[command, str(records)]], sidecar.env)
    sidecar.stop()
    if count_lines(sidecar.file) != BEFORE + records:
        raise Failure("the file lost lines")
    return records / took


def alone(build, records):
    with Sidecar(build, FILE, **SETTINGS) as sidecar:
        return rate(sidecar, records)


def beside_stopped(build, records):
    """With the counters of the end, from which no record may be missing."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        socket = {"class": "logging.handlers.SocketHandler", "host": "127.0.0.1", "port": int(server.stdout.readline())}
        with Sidecar(build, FILE, socket, **SETTINGS) as sidecar:
            os.kill(server.pid, signal.SIGSTOP)
            lines = rate(sidecar, records)
            counters = {handler["handler"]: handler for handler in sidecar.stat()["handlers"]}
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    queue, handler = counters["queue"], counters["beside"]
    counted = handler["records"] + handler["dropped"] + queue["dropped"]
    if counted != BEFORE + records or queue["queue"] + handler["queue"] != 0:
        raise Failure(f"{BEFORE + records - counted} records are not counted: {queue}, {handler}")
    return lines, queue["dropped"]


def measure(build, table, quick):
    records = 300_000 if quick else 3_000_000
    rates = {"alone": [], "beside": []}
    dropped = []
    for number in range(2 if quick else ROUNDS):
        for which in ("alone", "beside") if number % 2 == 0 else ("beside", "alone"):  # neither is always the first
            if which == "alone":
                rates[which].append(alone(build, records))
            else:
                lines, lost = beside_stopped(build, records)
                rates[which].append(lines)
                dropped.append(lost)
    table.add("lines/s to a file beside a stopped server", statistics.median(rates["beside"]), "/s",
              statistics.median(rates["alone"]), "without it", at_least=0.95)
    return {"records": records, "rates": rates, "dropped": dropped}
