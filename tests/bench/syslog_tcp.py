# SPDX-License-Identifier: MIT
"""Messages a second into rsyslogd over TCP: from the first call until rsyslogd has written the last one.

Beside CPython's own SysLogHandler, and a sender that only repeats a buffer: how much rsyslogd itself takes. The same
once more into a receiver that reads and counts: what the senders could do.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from sidecar import Failure, Sidecar, program

FORMAT = "%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"
PYTHON = f"""
import logging.handlers, socket, sys, time
handler = logging.handlers.SysLogHandler(("127.0.0.1", int(sys.argv[1])), socktype=socket.SOCK_STREAM)
handler.setFormatter(logging.Formatter({FORMAT!r}))
logger = logging.getLogger("bench")
logger.addHandler(handler)
logger.setLevel(logging.INFO)
logger.propagate = False
begin = time.monotonic_ns()
for i in range(int(sys.argv[2])):
    logger.info("Iteration: %s int: %s double: %s", i, 2 * i, i / 2.0)
print(begin)
handler.close()
"""
MESSAGE = b"<14>2026-03-01 09:14:02,118 4711 bench INFO Iteration: 500000 int: 1000000 double: 250000.0\0"


class Rsyslogd:
    """On a free port; writes each message as a line."""

    name = "rsyslogd"

    def __enter__(self):
        daemon = shutil.which("rsyslogd", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
        if daemon is None:
            raise Failure("rsyslogd is not installed")
        self.home = tempfile.mkdtemp(prefix="logbus-bench-")
        self.file = os.path.join(self.home, "out")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(self.home, "rsyslog.conf")
        with open(config, "w") as file:
            file.write(f'global(workDirectory="{self.home}")\n'
                       'main_queue(queue.size="1000000" queue.dequeueBatchSize="4096")\n'
                       'module(load="imtcp" AddtlFrameDelimiter="0")\n'
                       f'input(type="imtcp" address="127.0.0.1" port="{self.port}")\n'
                       'template(name="line" type="string" string="%rawmsg%\\n")\n'
                       f'action(type="omfile" file="{self.file}" template="line")\n')
        self.process = subprocess.Popen([daemon, "-n", "-f", config, "-i", os.path.join(self.home, "pid")],
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise Failure("rsyslogd does not start") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def wait_for(self, count, seconds=60):
        """The time at which so many messages are written, and the file is emptied for the next run."""
        deadline, seen = time.monotonic() + seconds, 0
        with open(self.file, "rb") as file:
            while seen < count:
                chunk = file.read(1 << 20)
                seen += chunk.count(b"\n")
                if not chunk:
                    if time.monotonic() > deadline:
                        raise Failure(f"rsyslogd has written {seen} messages of {count}")
                    time.sleep(0.005)
        end = time.monotonic_ns()
        if seen != count:
            raise Failure(f"rsyslogd has written {seen} messages of {count}")
        os.truncate(self.file, 0)  # which rsyslogd appends to
        return end

    def prepare(self):
        open(self.file, "ab").close()


class Counter:
    """Reads what comes, and counts messages by their NULs."""

    name = "who only counts"

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.count = 0
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def run(self):
        buffer = bytearray(1 << 20)
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            while size := connection.recv_into(buffer):
                self.count += buffer.count(0, 0, size)

    def prepare(self):
        self.count = 0

    def wait_for(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while self.count < count:
            if time.monotonic() > deadline:
                raise Failure(f"{self.count} messages of {count} came")
            time.sleep(0.002)
        return time.monotonic_ns()


def output(command, env=None):
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failure(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def logbus(build, server, count):
    handler = {"class": "logging.handlers.SysLogHandler", "formatter": "line", "address": ["127.0.0.1", server.port],
               "socktype": "ext://socket.SOCK_STREAM"}
    with Sidecar(build, handler, overflow="block", block_timeout="60 s") as sidecar:
        begin = json.loads(output([program(build, "bench_lines"), str(count)], sidecar.env))["begin"]
        end = server.wait_for(count)
        sidecar.stop()
    return count / (end - begin) * 1e9


def cpython(_, server, count):
    begin = int(output([sys.executable, "-c", PYTHON, str(server.port), str(count)]))
    return count / (server.wait_for(count) - begin) * 1e9


def repeated(_, server, count):
    batch = 1000
    buffer = MESSAGE * batch
    with socket.create_connection(("127.0.0.1", server.port)) as sender:
        begin = time.monotonic_ns()
        for _ in range(count // batch):
            sender.sendall(buffer)
    return count / (server.wait_for(count) - begin) * 1e9


def measure(build, table, quick):
    scale = 4 if quick else 1
    senders = {"logbus": (logbus, 1_000_000 // scale), "CPython": (cpython, 100_000 // scale),
               "repeated": (repeated, 1_000_000 // scale)}
    found = {}
    for kind in (Rsyslogd, Counter):
        with kind() as server:
            best = {}
            for _ in range(1 if quick else 3):
                for name, (send, count) in senders.items():
                    server.prepare()
                    best[name] = max(best.get(name, 0), send(build, server, count))
        found[server.name] = best
        table.add(f"syslog messages/s over TCP to {server.name}", best["logbus"], "/s", best["CPython"],
                  "CPython's handler", at_least=20)
        table.add("  beside a sender that only repeats a buffer", best["logbus"], "/s", best["repeated"], "all it takes",
                  at_least=0.8 if kind is Rsyslogd else None)
    return found
