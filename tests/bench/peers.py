# SPDX-License-Identifier: MIT
"""Other ways to get a line out of a process, on this machine and in this run. What is not installed is said to be."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

import calls
import lines
from sidecar import Failure, output, program

NAMES = {
    "peer_spdlog": "spdlog async",
    "peer_boost_log": "Boost.Log, IPC queue",
    "peer_message_queue": "Boost message_queue",
    "peer_lttng": "LTTng-UST",
}
BURSTS = ("2000", "600")


class Tracing:
    """A session of LTTng's with our tracepoint in it, and its daemon if none is there, for the time of a `with` block."""

    def __enter__(self):
        if shutil.which("lttng-sessiond") is None:
            raise Failure("lttng-tools is not installed")
        self.home = tempfile.mkdtemp(prefix="logbus-bench-")
        self.shared = set(os.listdir("/dev/shm"))
        # A caller waits for room, so that no event is lost.
        self.env = dict(os.environ, LTTNG_HOME=self.home, LTTNG_UST_ALLOW_BLOCKING="1")
        self.session = f"logbus-bench-{os.getpid()}"
        self.daemon = None
        try:
            if not self.answers():
                self.daemon = subprocess.Popen(
                    ["lttng-sessiond", "--no-kernel", "--quiet"], env=self.env,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                )
            deadline = time.monotonic() + 10
            while not self.answers():
                if time.monotonic() > deadline:
                    raise Failure("lttng-sessiond does not answer")
                time.sleep(0.05)
            self.lttng("create", self.session, "--output", os.path.join(self.home, "trace"))
            self.lttng("enable-channel", "--userspace", "--session", self.session, "--subbuf-size", "1M",
                       "--num-subbuf", "8", "--blocking-timeout", "inf", "calls")
            self.lttng("enable-event", "--userspace", "--session", self.session, "--channel", "calls", "logbus_bench:line")
            self.lttng("start", self.session)
        except BaseException:
            self.__exit__()
            raise
        return self

    def answers(self):
        return subprocess.run(["lttng", "--no-sessiond", "list"], env=self.env, capture_output=True).returncode == 0

    def lttng(self, *arguments):
        return output(["lttng", "--no-sessiond", *arguments], self.env, "lttng " + arguments[0])

    def stop(self):
        """Gives when all events were in the trace."""
        self.lttng("stop", self.session)
        return time.monotonic_ns()

    def __exit__(self, *unused):
        if self.answers():
            subprocess.run(["lttng", "--no-sessiond", "destroy", self.session], env=self.env, capture_output=True)
        if self.daemon is not None:
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        for name in set(os.listdir("/dev/shm")) - self.shared:
            if name.startswith("lttng-ust-wait"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join("/dev/shm", name))
        shutil.rmtree(self.home, ignore_errors=True)


def call_times(command, env):
    return json.loads(output([command, "calls", *BURSTS], env, os.path.basename(command)))["call"]


def one(build, peer, records):
    command = program(build, peer)
    if not os.path.exists(command):
        raise Failure("its library is not installed")
    if peer == "peer_lttng":
        with Tracing() as tracing:
            times = call_times(command, tracing.env)
            # Many: it takes a fifth of a second to hear that the trace is complete.
            events = 3_000_000
            run = json.loads(output([command, "lines", str(events), "-"], tracing.env, peer))
            return {"call": times, "events_per_s": events / (tracing.stop() - run["begin"]) * 1e9}
    env = dict(os.environ)
    found = {"call": call_times(command, env)}
    if peer == "peer_message_queue":
        took, _ = lines.run_all([[command, "lines", str(records), "-"]], env)
        found["messages_per_s"] = records / took
    else:
        found["lines_per_s"] = max(lines.to_files([command, "lines"], records)["rate"] for _ in range(3))
    return found


def measure(build, table, quick):
    records = 200_000 if quick else 500_000
    bursts = calls.bursts(build, *(int(n) for n in BURSTS))
    ours = bursts["call"]
    rate = max(lines.logbus(build, 1, 2_000_000)["rate"] for _ in range(3))
    floor = max(lines.to_files([program(build, "floor_lines")], 2_000_000)["rate"] for _ in range(3))
    found = {"logbus": {"call": ours, "lines_per_s": rate}, "floor": {"call": bursts["floor"], "lines_per_s": floor}}
    for peer, name in NAMES.items():
        try:
            found[name] = one(build, peer, records)
        except Failure as failure:
            print(f"absent: {name}: {failure}")
            found[name] = {"absent": str(failure)}
    at_most = {"spdlog async": 1 / 20, "LTTng-UST": 1 / 5}
    for name, peer in found.items():
        if name in NAMES.values() and "call" in peer:
            table.add(f"call, 2 ms pauses: p50, beside {name}", ours["whole"]["p50"], "ns", peer["call"]["whole"]["p50"],
                      name, at_most=at_most.get(name))
    for name, peer in found.items():
        for kind, what in (("lines_per_s", "lines/s to a file"), ("messages_per_s", "lines/s, beside raw messages"),
                           ("events_per_s", "lines/s, beside binary events")):
            if name in NAMES.values() and kind in peer:
                table.add(what, rate, "/s", peer[kind], name)
    return found
