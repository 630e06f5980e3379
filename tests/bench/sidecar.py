# SPDX-License-Identifier: MIT
"""Starts what the benchmarks measure: programs of the build, and a sidecar on a bus of its own."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

LINE = "%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"


class Failure(Exception):
    """A benchmark that did not run, or that lost something: its figures would mean nothing."""


def program(build, name):
    return os.path.join(build, "tests", "bench", name)


def output(arguments, env, what):
    done = subprocess.run(arguments, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{what} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


class Sidecar:
    """A bus in a directory of its own, and logbusd on it, for the time of a `with` block."""

    def __init__(self, build, handler, beside=None, **settings):
        """beside: a handler with a queue of its own that gets all records too."""
        self.build, self.handler, self.beside, self.settings = build, handler, beside, settings

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="logbus-bench-")
        self.directory = tempfile.mkdtemp(prefix="logbus-bench-", dir="/dev/shm")
        self.env = dict(os.environ, LOGBUS_BUS="bench", LOGBUS_DIR=self.directory)
        self.env.pop("LOGBUS_LEVEL", None)
        self.file = os.path.join(self.home, "out.log")
        handler = {key: self.file if value == "FILE" else value for key, value in self.handler.items()}
        config = {
            "version": 1,
            "logbus": self.settings,
            "formatters": {"line": {"format": LINE}},
            "handlers": {"it": handler},
            "root": {"level": "DEBUG", "handlers": ["it"]},
        }
        if self.beside is not None:
            queue = {"class": "logging.handlers.QueueHandler", "handlers": ["beside"]}
            config["handlers"].update(beside=self.beside, queue=queue)
            config["root"]["handlers"].append("queue")
        path = os.path.join(self.home, "bench.yaml")
        with open(path, "w") as file:
            json.dump(config, file)
        self.errors = os.path.join(self.home, "logbusd.err")
        with open(self.errors, "wb") as err:
            self.process = subprocess.Popen(
                [os.path.join(self.build, "consumer", "logbusd"), "--config", path], stderr=err, env=self.env
            )
        deadline = time.monotonic() + 15
        while "draining" not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.said()
                self.__exit__()
                raise Failure(f"logbusd does not start: {said}")
            time.sleep(0.02)
        return self

    def said(self):
        with open(self.errors, errors="replace") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise Failure(f"logbusd ended with {self.process.returncode}: {self.said()}")

    def stat(self):
        """What `logbus stat --format json` says of the bus."""
        command = [os.path.join(self.build, "tools", "logbus"), "stat", "--format", "json"]
        return json.loads(output(command, self.env, "logbus stat"))

    def counters(self):
        return self.stat()["records"]

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
