# SPDX-License-Identifier: MIT
"""One bus from its making to its end: faults at random, then all accounts must balance."""

import collections
import errno
import os
import random
import signal
import time

from bus import LOGBUS, Bus, read_text
from bus_full_disk import PAGE, SmallDisk, libc_call
from fleet import GOOD_DEATHS, Fleet
from ledger import Deliveries, balance, written_to_stderr
from receiver import Receiver
from sidecar import MOST_BYTES, Sidecar
from tap import Skip

DISK_PAGES = 160 << 8  # 160 MiB
TOOL_S = 30
CLOCKS_S = 2e-6  # from one sidecar to the next, stamps may become times a little differently


def fill(disk, pages_left):
    """Others write to it meanwhile."""
    with open(disk.filler, "wb") as file:
        while (pages := os.statvfs(disk.path).f_bavail - pages_left) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.tell(), pages * PAGE)
                return
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


class Episode:
    def __init__(self, seed, seconds, options):
        self.seed = seed
        self.seconds = seconds
        self.options = options
        self.rng = random.Random(seed)
        kind = random.Random(f"{seed} kind")  # of its own: what a seed does stays what it was
        self.rings = kind.random() < 0.25 if options.rings is None else options.rings
        self.receiver = Receiver(seed) if kind.random() < 0.3 else None
        self.counts = collections.Counter()
        self.faults = []
        self.tools = {}  # Popen -> when it was started
        self.known = {}  # pid -> Popen
        self.ending_s = self.settling_s = float("nan")

    def run(self):
        """True: no fault."""
        with Bus() as bus:
            self.bus = bus
            folder = os.path.join(bus.home, "disk")
            try:
                self.disk = SmallDisk(folder, DISK_PAGES)
            except Skip:
                self.disk = None
            self.full_until = 0
            try:
                port = self.receiver.port if self.receiver else 0
                self.sidecar = Sidecar(bus, self.rng, self.counts, folder, self.options, self.rings, port)
                if self.rings and self.rng.random() < 0.5:
                    bus.env["LOGBUS_OVERFLOW"] = "overwrite"  # else what a worker makes is not one of rings
                self.fleet = Fleet(bus, self.rng, self.counts, self.rng.randint(2, 8))
                self.live()
                self.judge()
            except (AssertionError, OSError) as error:
                self.faults.append(str(error))
            finally:
                self.clean_up(folder)
        return not self.faults

    # --- chaos

    def live(self):
        sidecar = self.sidecar
        fleet = self.fleet
        actions = {
            fleet.start: 8,
            fleet.kill: 3,
            fleet.stop: 4,
            fleet.emit: 1,
            sidecar.kill: 2,
            sidecar.terminate: 1,
            sidecar.stop: 1,
            sidecar.reload: 2,
            sidecar.move_files: 3,
            sidecar.reopen: 0.5,
            sidecar.remove_bus: 0.3 if self.options.removals else 0,
            sidecar.take_over: 0.7 if self.options.takeovers else 0,
            self.fill_disk: 0.5 if self.disk else 0,
            self.start_tool: 2,
        }
        sidecar.wait_until_up(self.reap)  # it makes the bus as configured
        step = 0
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and self.written() < MOST_BYTES[sidecar.family] and not self.faults:
            self.rng.seed(f"{self.seed} {step}")  # what happened before does not change what happens now
            step += 1
            [action] = self.rng.choices(list(actions), list(actions.values()))
            action()
            pause_until = time.monotonic() + self.rng.expovariate(1 / 0.05)
            while True:
                self.reap()
                sidecar.look_after()
                fleet.look_after()
                self.look_after_disk()
                if time.monotonic() >= pause_until:
                    break
                time.sleep(0.005)
        self.free_disk()
        if sidecar.stopped_until:
            sidecar.stopped_until = time.monotonic()
            sidecar.look_after()
        since = time.monotonic()
        fleet.end(self.reap)
        self.ending_s = time.monotonic() - since
        sidecar.settle(self.reap)
        self.settling_s = time.monotonic() - since - self.ending_s
        for tool in list(self.tools):
            tool.send_signal(signal.SIGTERM)
        self.reap()

    def written(self):
        """Bytes, about: files are renamed meanwhile."""
        total = 0
        for entry in os.scandir(self.sidecar.folder):
            try:
                total += entry.stat().st_size if entry.name != "filler" else 0
            except FileNotFoundError:
                pass
        return total

    def fill_disk(self):
        if not self.full_until:
            fill(self.disk, self.rng.randrange(4))
            self.full_until = time.monotonic() + self.rng.expovariate(1 / 0.3)
            self.counts["full disks"] += 1

    def look_after_disk(self):
        if self.full_until and self.full_until <= time.monotonic():
            self.free_disk()

    def free_disk(self):
        if self.full_until:
            self.disk.free()
            self.full_until = 0

    def start_tool(self):
        if len(self.tools) > 2:
            return
        name = self.rng.choice(("stat", "stat", "dump", "ls"))
        arguments = {
            "stat": ["stat", self.bus.name, "--per-process"],
            "dump": ["dump", self.bus.name],
            "ls": ["ls"],
        }[name]
        self.tools[self.bus.spawn([LOGBUS, *arguments], "tool")] = time.monotonic()
        self.counts["tools"] += 1

    # --- deaths

    def reap(self):
        """Of all that have died: children, and orphans of theirs."""
        for child in self.bus.children[len(self.known) :]:
            self.known[child.pid] = child
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            code = os.waitstatus_to_exitcode(status)
            child = self.known.get(pid)
            if child is not None and child.returncode is not None:
                child = None  # an orphan with a pid of before
            if child is not None:
                child.returncode = code
            self.judge_death(child, pid, code)
        now = time.monotonic()
        for tool, since in list(self.tools.items()):
            if tool.returncode is None and now - since > TOOL_S:
                self.faults.append(f"hangs: {tool.args}")
            if tool.returncode is not None:
                del self.tools[tool]

    def judge_death(self, child, pid, code):
        if child in self.fleet.emitters:
            good = (0, 1, 75)  # without a sidecar it does not wait for room; it could not attach
            what = "logbus emit"
        elif child is None or child in self.fleet.groups or "worker" in os.path.basename(child.errors):
            good = GOOD_DEATHS
            what = f"worker process {pid}"
        elif child in self.sidecar.started:
            good = child.wanted
            what = f"logbusd {pid}"
        else:
            good = (0, 1, -signal.SIGTERM)  # 1: there is no bus at the moment
            what = f"{child.args}"
        if code not in good:
            said = "" if child is None else f"; it said {read_text(child.errors)[-600:]!r}"
            self.faults.append(f"{what} ended with {code}{said}")

    # --- the accounts

    def judge(self):
        sidecar = self.sidecar
        exact = self.options.exactly_once or not self.counts["sidecar kills"]
        main = Deliveries(exact)
        for path in sidecar.files(sidecar.main, sidecar.family):
            main.read(path)
        other = Deliveries(exact)
        for path in sidecar.files(sidecar.other, sidecar.other_family):
            other.read(path)
        errors = [child.errors for child in self.bus.children if "worker" in os.path.basename(child.errors)]
        threads = self.fleet.threads()
        # Whoever has a ring now is told of what was lost there, also if others had written that.
        self.account = balance(threads, main, written_to_stderr(errors), by_process=not self.rings)
        if self.receiver:
            self.faults += self.receiver.end(threads)
            self.counts.update(self.receiver.counts)
        self.counts["repeated"] += main.repeated + other.repeated
        self.counts["late"] += len(main.late)
        self.faults += main.faults + other.faults + self.account.faults
        if sidecar.one_segment:
            overwritten = sidecar.counters.get("overwritten", 0)
            told = sum(main.told.values()) - overwritten
            self.compare("committed", sum(main.lines.values()) + overwritten)
            late = sum(behind_s > CLOCKS_S for _, _, behind_s in main.late)
            if sidecar.counters["late"] < late:
                self.compare("late", late)
            if sidecar.counters["dropped"] > told:  # those of slots let again are not counted
                self.compare("dropped", told)
        for board in self.fleet.boards:
            if board.bad_status():
                self.faults.append(f"a child of worker {board.worker} died with status {board.bad_status()}")

    def compare(self, what, found):
        counted = self.sidecar.counters[what]
        if counted != found:
            self.faults.append(f"{what}: {counted} counted in the bus, {found} in the files")

    def clean_up(self, folder):
        for child in list(self.bus.children):
            if "worker" in os.path.basename(child.errors):
                self.fleet.signal_group(child, signal.SIGKILL)
            if child.returncode is None:
                child.kill()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            time.sleep(0.005)
        for child in self.bus.children:
            child.returncode = child.returncode or 0
        if self.faults and self.options.keep:
            self.keep(folder)
        if self.disk:
            libc_call("umount2", folder.encode(), 2)  # MNT_DETACH

    def keep(self, folder):
        target = os.path.join(self.options.keep, f"seed-{self.seed}")
        os.makedirs(self.options.keep, exist_ok=True)
        os.system(f"rm -rf '{target}'; cp -r '{self.bus.home}' '{target}'; cp -r --sparse=always '{self.bus.directory}' '{target}/shm'")
        print(f"# kept in {target}")
