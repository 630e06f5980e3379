# SPDX-License-Identifier: MIT
"""Our side: one case through `logbus emit --json` and `logbusd`, on a bus of its own."""

import json
import os
import re
import signal
import subprocess
import time

BUILD = os.environ.get("LOGBUS_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
LOGBUSD = os.path.abspath(os.path.join(BUILD, "consumer", "logbusd"))
LOGBUS = os.path.abspath(os.path.join(BUILD, "tools", "logbus"))
DEADLINE = 30
REFUSED = 78


class Sidecar:
    def __init__(self, case, folder, scratch, env):
        self.case = case
        self.folder = folder
        self.scratch = scratch
        self.env = env
        self.emitted = 0
        with open(self.at("config.yaml"), "wb") as file:
            file.write(case.config if isinstance(case.config, bytes) else case.config.encode())

    def at(self, name):
        return os.path.join(self.scratch, name)

    def logbus(self, *arguments, text=None):
        done = subprocess.run(
            [LOGBUS, *arguments, "--bus", "t", "--directory", self.scratch], input=text, capture_output=True,
            env={"PATH": os.environ["PATH"]}, timeout=DEADLINE
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"logbus {arguments[0]}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def emit(self, batch):
        self.logbus("emit", "--json", text=b"".join(json.dumps(record).encode() + b"\n" for record in batch))
        self.emitted += len(batch)

    def stat(self):
        return json.loads(self.logbus("stat", "--format", "json"))

    def start(self, *arguments):
        with open(self.at("stdout"), "wb") as out, open(self.at("stderr"), "wb") as err:
            self.process = subprocess.Popen(
                [LOGBUSD, "--config", self.at("config.yaml"), "--bus", "t", "--directory", self.scratch, *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.folder.path, env=self.env
            )  # fmt: skip

    def output(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def wait_until(self, condition, what):
        """False if logbusd ended first."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise RuntimeError(f"logbusd: not within {DEADLINE} s: {what}")
            time.sleep(0.002)
        return True

    def drained(self):
        records = self.stat()["records"]
        return records["lag"] == 0 and self.emitted <= records["committed"] == records["drained"]

    def errors(self):
        return sum(handler["errors"] for handler in self.stat()["handlers"])

    def run_live(self):
        self.start()
        # its line after the handlers are made
        if not self.wait_until(lambda: b": draining " in self.output("stderr"), "the handlers are made"):
            return
        for step in self.case.steps:
            if isinstance(step, tuple) and step[0] == "emit":
                self.emit(step[1])
                continue
            if isinstance(step, tuple) and step[0] == "errors":
                self.wait_until(lambda: self.errors() >= step[1], "the handlers tell of errors")
                continue
            if isinstance(step, tuple):
                self.folder.act(step)
                continue
            self.emit(step)
            if not self.wait_until(self.drained, "the batch is handled"):
                return
        self.process.send_signal(signal.SIGTERM)

    def run(self):
        """As oracle.run(), with the process's exit code."""
        try:
            if len(self.case.steps) == 1 and isinstance(self.case.steps[0], list) and self.case.clock is None:
                self.emit(self.case.steps[0])
                self.start("--drain", "--timeout", f"{DEADLINE} s")
            else:
                self.run_live()
            code = self.process.wait(DEADLINE)
        finally:
            if hasattr(self, "process") and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        stderr = self.output("stderr").decode(errors="replace")
        if code == REFUSED:
            return {"refused": stderr, "errors": 0, "told": []}
        if code != 0:
            raise RuntimeError(f"logbusd: exit {code}: {stderr}")
        # What is told at most: some lines are left out in a burst, and the last resort has no counter.
        errors = max(self.errors(), stderr.count("--- Logging error ---\n"))
        return {"refused": None, "errors": errors, "told": stderr.splitlines()[-12:]}

    def handlers_stderr(self):
        """What handlers wrote there, without the program's own lines; None if it told of errors, whose text is free."""
        text = self.output("stderr")
        if b"--- Logging error ---\n" in text:
            return None
        own = re.compile(rb"logbusd\[\d+\]: |" + re.escape(self.at("config.yaml").encode()) + b":")
        return b"".join(line for line in text.splitlines(True) if not own.match(line))
