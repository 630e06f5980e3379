#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""logbusd killed with SIGKILL under load, at random moments and around its writes and renames: its files hold every
record once, whole and in order.

LOGBUS_SEED repeats a run; LOGBUS_SOAK=1 kills 1,000 times.
"""

import json
import os
import random
import re
import signal
import subprocess
import time

import tap
from bus import BUILD, DROPPED, FORMAT, Bus, count_records, finish, read_text
from bus_full_disk import bus_on_small_disk, handler_of
from tap import SOAK, check, check_equal, wait_for

KILLS = 1000 if SOAK else 20
ROUND = 5  # kills between two looks at the files
RECORDS = 15_000  # of a thread in a round: they fit into a lane, since nobody waits for room without a sidecar
STEPS = os.path.join(BUILD, "tests", "process", "die_at_step.so")  # none with a sanitizer
LINE = re.compile(r"(?:[AB] )?\d+\.\d{6} \d+ INFO (\w+) w (\d+) t (\d+) n (\d+)")
# What another program has appended, perhaps behind a line of ours that the kill had cut.
FOREIGN = re.compile(r".*foreign \d+")


class Ledger:
    """What the lines of one handler have shown so far: the numbers of each logger and thread rise by one."""

    def __init__(self, name):
        self.name = name
        self.next = {}
        self.foreign = self.missing = self.dropped = 0

    def read(self, path):
        with open(path, encoding="utf-8", errors="strict", newline="\n") as file:
            for number, line in enumerate(file, 1):
                where = f"{self.name}: {os.path.basename(path)}:{number}: {line!r}"
                check(line.endswith("\n"), f"{where} is not whole")
                match = LINE.fullmatch(line, 0, len(line) - 1)
                if match is None:
                    if dropped := DROPPED.search(line):  # told, and counted: a worker had no room
                        self.dropped += int(dropped[1])
                        continue
                    check(FOREIGN.fullmatch(line, 0, len(line) - 1), f"{where} is torn")
                    self.foreign += 1
                    continue
                who = (match[1], int(match[2]), int(match[3]))
                due = self.next.get(who, 0)
                check(int(match[4]) >= due, f"{where} is repeated: number {due} was due")
                self.missing += int(match[4]) - due
                self.next[who] = int(match[4]) + 1


class Fleet:
    """A bus whose sidecar is killed again and again, and what its handlers have written."""

    def __init__(self, bus, rng):
        self.bus, self.rng = bus, rng
        self.ledgers = {name: Ledger(name) for name in ("rot", "all", "watched", "timed", "moving", "a", "b")}
        self.starts = self.kills = self.deaths = self.moves = self.appends = 0
        bus.config = self.config

    def path(self, name):
        return os.path.join(self.bus.home, name)

    def config(self):
        handler = lambda kind, name, **more: {"class": kind, "filename": self.path(name), "formatter": "line", **more}
        handlers = {
            "rot": handler("logging.handlers.RotatingFileHandler", "rot.log", maxBytes=102_400, backupCount=5000),
            "all": handler("logging.FileHandler", "all.log", mode="w"),
            "watched": handler("logging.handlers.WatchedFileHandler", "watched.log"),
            "timed": handler("logging.handlers.TimedRotatingFileHandler", "timed.log", when="S", backupCount=0),
            # Another file after each start: what the one before has sealed belongs into its own.
            "moving": handler("logging.FileHandler", f"moving.{self.starts:05}.log"),
            "a": handler("logging.FileHandler", "pair.log", formatter="a"),
            "b": handler("logging.FileHandler", "pair.log", formatter="b"),
        }
        names = ["rot", "all", "watched", "timed", "moving"]
        self.rng.shuffle(names)
        config = {
            "version": 1,
            "logbus": self.bus.settings,
            "formatters": {"line": {"format": FORMAT}, "a": {"format": "A " + FORMAT}, "b": {"format": "B " + FORMAT}},
            "handlers": handlers,
            "loggers": {
                "pair": {"handlers": ["a", "b"], "propagate": False},
                "quiet": {"level": "CRITICAL"},  # its records go nowhere
            },
            "root": {"level": "DEBUG", "handlers": names},
        }
        path = self.path("logbusd.yaml")
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def start(self, wait):
        self.starts += 1
        self.bus.start_sidecar(wait=wait)

    def start_to_die(self):
        """At a write or a rename, or soon."""
        env = self.bus.env
        self.bus.env = dict(env, LD_PRELOAD=STEPS)
        if self.rng.random() < 0.3:  # the last rename of a rotation
            self.bus.env["LOGBUS_DIE_BEHIND"] = self.path("rot.log")
        else:
            self.bus.env["LOGBUS_DIE_AT"] = str(int(2 ** self.rng.uniform(0, 11)))
        self.start(wait=False)
        self.bus.env = env
        try:
            check_equal(self.bus.sidecar.wait(0.3), -signal.SIGKILL, "how logbusd ended")
            self.deaths += 1
        except subprocess.TimeoutExpired:  # there were fewer
            pass

    def kill_once(self):
        if os.path.exists(STEPS) and self.rng.random() < 0.5:
            self.start_to_die()
        else:
            self.start_to_be_killed()
        self.bus.sidecar.kill()
        self.bus.sidecar.wait()
        self.kills += 1
        if self.rng.random() < 0.3:
            self.move_watched()
        # Somebody else makes the file that a rotation has just renamed: it is not to be renamed in its place.
        with open(self.path("rot.log"), "a"):
            pass
        if self.rng.random() < 0.3:
            self.appends += 1
            with open(self.path("all.log"), "a") as file:
                file.write(f"foreign {self.appends}\n")

    def start_to_be_killed(self):
        soon = self.rng.random() < 0.3  # also while it starts, and completes what the one before has left
        self.start(wait=not soon)
        time.sleep(self.rng.uniform(0, 0.025))
        if self.rng.random() < 0.3:
            self.move_watched()
        check(self.bus.sidecar.poll() is None, "logbusd ended by itself")

    def move_watched(self):
        """As logrotate does."""
        self.moves += 1
        try:
            os.rename(self.path("watched.log"), self.path(f"watched.log.{self.moves:05}"))
        except FileNotFoundError:
            pass

    def round(self, kills):
        """Kills while two workers log; a clean end; then what all files hold, which are removed."""
        options = {"threads": 2, "records": RECORDS}
        first = 2 * self.kills
        workers = [
            self.bus.worker(first_worker=first, also="pair:100", **options),
            self.bus.worker(first_worker=first + 1, also="quiet:3", **options),
        ]
        for _ in range(kills):
            self.kill_once()
        self.start(wait=True)
        for worker in workers:
            finish(worker, "worker")
        self.bus.stop_sidecar()
        for name, ledger in self.ledgers.items():
            for path in self.files(name):
                ledger.read(path)
            dropped = max(other.dropped for other in self.ledgers.values())  # not told in every file
            check(ledger.missing <= dropped, f"{name}: {ledger.missing} records are lost, {dropped} were told as dropped")
        for name in os.listdir(self.bus.home):
            if re.match(r"(rot|all|watched|timed|moving|pair)\.", name):
                os.unlink(self.path(name))

    def files(self, name):
        """Of one handler, oldest first."""
        names = os.listdir(self.bus.home)
        if name == "rot":
            numbers = sorted(int(n[8:]) for n in names if n.startswith("rot.log."))
            check_equal(numbers, list(range(1, len(numbers) + 1)), "numbers of the rotated files")
            found = [f"rot.log.{n}" for n in reversed(numbers)] + ["rot.log"]
        elif name in ("watched", "timed"):
            found = sorted(n for n in names if n.startswith(f"{name}.log.")) + [f"{name}.log"]
        elif name == "moving":
            found = sorted(n for n in names if n.startswith("moving."))
        elif name == "all":
            found = ["all.log"]
        else:
            return [self.part_of_pair(name)]
        return [self.path(n) for n in found if os.path.exists(self.path(n))]

    def part_of_pair(self, name):
        """The lines of one of two handlers in a file; each record has one of both, A before B."""
        part = self.path(f"pair.{name}")
        due, last = "A", None
        with open(self.path("pair.log")) as file, open(part, "w") as to:
            for line in file:
                check(line.startswith(due + " "), f"pair.log: a line of {due} was due: {line!r}")
                check(due == "A" or line[2:] == last, f"pair.log: {line!r} behind {last!r}")
                due, last = "B" if due == "A" else "A", line[2:]
                if line.startswith(name.upper()):
                    to.write(line)
        return part


def test_kills():
    """logbusd killed under load with rotation: no line lost, none repeated, none torn"""
    seed = int(os.environ.get("LOGBUS_SEED", 6))
    kills = int(os.environ.get("LOGBUS_KILLS", KILLS))
    print(f"# LOGBUS_SEED={seed} LOGBUS_KILLS={kills}", flush=True)
    rng = random.Random(seed)
    with Bus(memory="256 MiB", lanes=64, drain_timeout="100 s") as bus:
        fleet = Fleet(bus, rng)
        started = time.monotonic()
        try:
            while fleet.kills < kills:
                fleet.round(min(ROUND, kills - fleet.kills))
        except AssertionError:
            print(f"# after {fleet.kills} kills and {time.monotonic() - started:.1f} s", flush=True)
            raise
        stat = bus.stat()["records"]
        counts = {name: sum(ledger.next.values()) for name, ledger in fleet.ledgers.items()}
        check_equal(counts["a"], counts["b"], "lines of both handlers of one file")
        check_equal(counts["rot"], 4 * RECORDS * -(-kills // ROUND), "last numbers")
        check(counts["a"] > 0, f"nothing was written: {counts}")
        for name in ("all", "watched", "timed", "moving"):
            check_equal(fleet.ledgers[name].next, fleet.ledgers["rot"].next, f"what {name} and rot hold")
        print(f"# {stat['dropped']} records dropped, {fleet.ledgers['rot'].missing} of them due in rot")
        print(f"# {fleet.kills} kills, {fleet.deaths} at a step, {counts}, {fleet.ledgers['all'].foreign} foreign lines, {fleet.moves} moves")


def test_full_disk():
    """on_write_error: hold: killed while the disk is full, and again while it waits for room: nothing lost or repeated"""
    settings = {"on_write_error": "hold", "hold_max": "1000 s", "memory": "64 MiB"}
    handler = {"class": "logging.handlers.RotatingFileHandler", "maxBytes": 102_400, "backupCount": 99}
    with bus_on_small_disk(1024, handler, **settings) as (bus, disk):
        bus.start_sidecar()
        disk.fill(20)
        bus.run_worker(records=20_000)
        wait_for(lambda: handler_of(bus)["errors"] > 0, "the handler meets the full disk")
        bus.sidecar.kill()
        bus.sidecar.wait()
        for _ in range(3):
            bus.start_sidecar(wait=False)
            wait_for(lambda: "waiting for room" in read_text(bus.sidecar.errors), "the restart waits for room")
            bus.sidecar.kill()
            bus.sidecar.wait()
        before = sum(os.path.getsize(path) for path in bus.files())
        bus.start_sidecar(wait=False)
        disk.free()
        wait_for(lambda: bus.stat()["records"]["lag"] == 0, "all is written")
        bus.stop_sidecar()
        check(sum(os.path.getsize(path) for path in bus.files()) > before, "the disk was not full: the test is too weak")
        count = count_records(bus.lines())
        check_equal(count.records, 20_000, "records")
        check_equal(count.others, [], "lines that nobody logged")


if __name__ == "__main__":
    tap.run(globals())
