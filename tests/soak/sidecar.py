# SPDX-License-Identifier: MIT
"""The sidecar of an episode: its configurations, its deaths, and what is done to its files."""

import json
import os
import re
import signal
import struct
import time

from bus import FORMAT, LOGBUSD, read_text
from tap import check, wait_for

FAMILIES = ("plain", "watched", "rotating", "timed")
MOST_BYTES = {"plain": 80 << 20, "watched": 80 << 20, "rotating": 30 << 20, "timed": 80 << 20}


class Sidecar:
    def __init__(self, bus, rng, counts, folder, options, rings, port):
        self.bus = bus
        self.rng = rng
        self.counts = counts
        self.folder = folder  # of the log files
        self.may_be_killed = options.kills
        self.rings = rings  # lanes that overwrite
        self.port = port  # of a server; 0: none
        self.process = None
        self.started = []  # all of them
        self.absent_until = 0
        self.stopped_until = 0
        self.moves = 0
        self.family = rng.choice(FAMILIES)
        self.other_family = rng.choice(FAMILIES)
        self.main = os.path.join(folder, "main.log")
        self.other = os.path.join(folder, "other.log")
        self.leaving = None  # another one takes over from it
        self.one_segment = True  # all the time
        self.sizes = self.choose_sizes()
        self.choose(0)

    # --- configuration

    def handler(self, path, family):
        rng = self.rng
        handler = {"filename": path, "formatter": "line"}
        if family == "plain":
            return {"class": "logging.FileHandler", **handler}
        if family == "watched":
            return {"class": "logging.handlers.WatchedFileHandler", **handler}
        if family == "rotating":
            size = rng.choice((100 << 10, 100 << 10, 150 << 10, 200 << 10))
            return {"class": "logging.handlers.RotatingFileHandler", "maxBytes": size, "backupCount": 9999, **handler}
        return {"class": "logging.handlers.TimedRotatingFileHandler", "when": "S", "interval": rng.randint(1, 2), **handler}

    def choose_sizes(self):
        sizes = {"lanes": self.rng.choice((16, 64, 256)), "lane_size": self.rng.choice(("64 KiB", "256 KiB", "1 MiB"))}
        if self.rings and sizes["lane_size"] == "64 KiB":
            sizes["lane_size"] = "128 KiB"
        return sizes

    def choose(self, other_sizes=0.15):
        """Writes another configuration. `main` always gets every record."""
        rng = self.rng
        if rng.random() < other_sizes:
            self.one_segment = False
            self.sizes = self.choose_sizes()  # another segment
        handlers = {"main": self.handler(self.main, self.family)}
        if rng.random() < 0.5:
            handlers["other"] = {**self.handler(self.other, self.other_family), "level": rng.choice(("INFO", "WARNING"))}
        if rng.random() < 0.3:
            handlers["none"] = {"class": "logging.NullHandler"}
        if self.port:
            handlers["net"] = {"class": "logging.handlers.SocketHandler", "host": "127.0.0.1", "port": self.port, "level": "WARNING"}
        names = list(handlers)
        rng.shuffle(names)
        logbus = {
            **self.sizes,
            "on_write_error": "hold",
            "hold_max": "1000 s",
            "drain_timeout": "30 s",
            "overflow": rng.choice(("drop", "block")),
            "block_timeout": f"{rng.choice((1, 20, 200))} ms",
            "memory": rng.choice(("1 MiB", "4 MiB", "32 MiB")),
            "max_hold": f"{rng.choice((5, 50))} ms",
        }
        if self.rings:
            logbus["overflow"] = "overwrite"
        config = {
            "version": 1,
            "logbus": logbus,
            "formatters": {"line": {"format": FORMAT}},
            "handlers": handlers,
            "root": {"level": "DEBUG", "handlers": names},
        }
        self.path = os.path.join(self.bus.home, "logbusd.yaml")
        with open(self.path + ".new", "w") as file:
            json.dump(config, file)
        os.rename(self.path + ".new", self.path)

    # --- life and death

    def alive(self):
        return self.process is not None and self.process.returncode is None

    def running(self):
        """Neither stopped nor told to end."""
        return self.alive() and not self.stopped_until and not self.process.wanted and not self.leaving

    def start(self, *arguments):
        self.process = self.bus.sidecar = self.bus.spawn([LOGBUSD, "--config", self.path, *arguments], "logbusd")
        self.process.wanted = ()
        self.started.append(self.process)
        self.counts["sidecars"] += 1

    def has_lease(self):
        return self.alive() and self.bus.holder() != 0

    def kill(self):
        if not (self.may_be_killed and self.alive()) or self.keeps_removed_bus():
            return
        self.counts["sidecar kills"] += 1
        if self.leaving:
            self.leaving.wanted += (-signal.SIGKILL,)
            self.leaving.send_signal(signal.SIGKILL)
            return
        self.expect(-signal.SIGKILL, *self.process.wanted)
        self.process.send_signal(signal.SIGKILL)
        self.stopped_until = 0
        self.absent_until = time.monotonic() + self.absence()

    def terminate(self):
        if not self.running() or self.keeps_removed_bus():
            return
        # A signal that comes before the program has set itself up kills it, as any other program. 75: it has only
        # waited for room on the disk, to write what a killed one has left.
        self.expect(0, -signal.SIGTERM, 75)
        self.process.send_signal(signal.SIGTERM)
        self.absent_until = time.monotonic() + self.absence()
        self.counts["sidecar ends"] += 1

    def absence(self):
        return self.rng.choice((0, 0, 0.05, 0.5)) * self.rng.random()

    def expect(self, *codes):
        self.process.wanted = codes

    def stop(self):
        if self.running():
            self.process.send_signal(signal.SIGSTOP)
            self.stopped_until = time.monotonic() + self.rng.expovariate(1 / 0.1)
            self.counts["sidecar stops"] += 1

    def look_after(self):
        now = time.monotonic()
        if self.leaving and self.leaving.returncode is not None:
            self.leaving = None
        if self.stopped_until and self.stopped_until <= now:
            self.process.send_signal(signal.SIGCONT)
            self.stopped_until = 0
        if not self.alive() and self.absent_until <= now:
            self.start()
            if self.rng.random() < 0.2:  # killed while it starts
                time.sleep(self.rng.uniform(0, 0.02))
                self.kill()

    def keeps_removed_bus(self):
        """It drains a bus without a name: what is in there dies with it."""
        try:
            with open(f"/proc/{self.process.pid}/maps") as maps:
                return any(self.bus.directory in line and "(deleted)" in line for line in maps)
        except OSError:
            return False

    # --- what people do

    def ready(self):
        """It has set up its signals, and serves the bus."""
        return self.running() and self.has_lease() and "draining" in read_text(self.process.errors)

    def reload(self):
        self.choose()
        if self.ready():
            self.process.send_signal(signal.SIGHUP)
            self.counts["reloads"] += 1

    def move_files(self):
        for path, family in ((self.main, self.family), (self.other, self.other_family)):
            if family in ("plain", "watched") and os.path.exists(path):
                self.moves += 1
                os.rename(path, f"{path}.{self.moves}")
                self.counts["moved files"] += 1
        if self.family == "plain" or self.rng.random() < 0.2:
            self.reopen()

    def reopen(self):
        if self.ready():
            self.process.send_signal(signal.SIGUSR1)
            self.counts["SIGUSR1"] += 1

    def remove_bus(self):
        """While nobody but the sidecar and the workers can save what is in it."""
        if not self.ready() or self.keeps_removed_bus():
            return
        if self.rng.random() < 0.5:
            self.bus.tool("rm", "--force", self.bus.name)
        else:
            os.unlink(self.bus.segment)
        self.one_segment = False
        self.counts["removed buses"] += 1

    def take_over(self):
        if not self.ready() or self.keeps_removed_bus():
            return
        self.expect(0)
        self.leaving = self.process
        self.start("--takeover")
        self.counts["takeovers"] += 1

    # --- the files

    def files(self, path, family):
        """Oldest first."""
        folder, base = os.path.split(path)
        names = [name for name in os.listdir(folder) if name.startswith(base + ".")]
        if family == "timed":
            names.sort()
        else:
            numbered = [name for name in names if re.fullmatch(r"\d+", name[len(base) + 1 :])]
            check(len(numbered) == len(names), f"unknown files: {names}")
            names.sort(key=lambda name: int(name[len(base) + 1 :]), reverse=family == "rotating")
        return [os.path.join(folder, name) for name in names] + ([path] if os.path.exists(path) else [])

    def lanes_of_bus(self):
        """A worker may have made it, with other settings."""
        with open(self.bus.segment, "rb") as file:
            return struct.unpack_from("<I", file.read(84), 80)[0]

    def wait_until_up(self, reap):
        def up():
            reap()
            self.look_after()
            return self.ready()

        wait_for(up, "the sidecar is up", 60)

    def settle(self, reap):
        """All that is in the bus is written, all lanes are free, and it ends as it should."""
        self.may_be_killed = False
        self.wait_until_up(reap)

        def all_drained():
            reap()
            self.counters = self.bus.stat()["records"]
            return self.counters["lag"] == 0

        wait_for(all_drained, "all that was committed is drained", 60)
        try:
            wait_for(lambda: len(self.bus.free_lanes()) == self.lanes_of_bus(), "all lanes are free", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {who_has(self.bus.segment)}") from None
        wait_for(lambda: not self.keeps_removed_bus(), "removed buses are let go", 60)
        self.counters = self.bus.stat()["records"]
        self.expect(0)
        self.process.send_signal(signal.SIGTERM)

        def ended():
            reap()
            return not self.alive()

        wait_for(ended, "the last sidecar ends", 60)


def who_has(path):
    """The processes that have the file open or mapped, and its locks."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/maps") as maps:
                mapped = sum(path in line for line in maps)
            opened = sum(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(path) for fd in os.listdir(f"/proc/{pid}/fd"))
            with open(f"/proc/{pid}/cmdline") as command:
                name = command.read().split("\0")[0]
        except OSError:
            continue
        if mapped or opened:
            found.append(f"{pid} {name} {mapped} mappings {opened} descriptors")
    with open("/proc/locks") as locks:
        inode = f":{os.stat(path).st_ino} "
        held = [line.split()[6] for line in locks if inode in line]
    return f"attached: {found}; locks: {held}"
