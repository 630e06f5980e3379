# SPDX-License-Identifier: MIT
"""The workers of an episode: started, stopped, continued, killed; their boards outlive them."""

import os
import signal
import time

from bus import LOGBUS, WORKER
from ledger import Board, Thread
from tap import wait_for

# A worker that is not killed ends with 0, or by the abort() of its schedule.
GOOD_DEATHS = (0, -signal.SIGKILL, -signal.SIGABRT)
# What the sidecar can write to small rotated files while others use the processor too.
PAUSES_US = (500, 2000, 2000, 5000, 5000)


class Fleet:
    def __init__(self, bus, rng, counts, most):
        self.bus = bus
        self.rng = rng
        self.counts = counts
        self.most = most
        self.boards = []
        self.groups = {}  # Popen -> its board; the pid is the process group's
        self.stopped = {}  # Popen -> when it goes on
        self.emitters = {}  # Popen -> its entry in a board that does not exist

    def start(self):
        if len(self.groups) >= self.most:
            return self.kill()
        rng = self.rng
        number = len(self.boards)
        path = os.path.join(self.bus.directory, f"board.{number}")
        board = Board(path, number)
        storm = rng.random() < 0.1  # of a few threads that log without a pause, and that is all they do
        options = ["--schedule", 0 if storm else rng.randrange(1, 2**32), "--board", path, "--worker", number]
        options += ["--threads", rng.randint(1, 4), "--records", rng.randrange(5000) if storm else 0]
        options += ["--pause-us", 0 if storm else rng.choice(PAUSES_US)]
        options += ["--payload", rng.choice((0, 100, 100, 1000, 20_000))]
        options += ["--membarrier", 0 if rng.random() < 0.2 else 1]
        child = self.bus.spawn([WORKER, *options], "worker", process_group=0)
        self.boards.append(board)
        self.groups[child] = board
        self.counts["workers"] += 1

    def emit(self):
        """`logbus emit` has no board: what it was given counts when it has ended well."""
        number = len(self.boards) + 100_000 + len(self.emitters)
        lines = self.rng.randrange(1, 2000)
        path = os.path.join(self.bus.home, f"lines.{number}")
        with open(path, "w") as file:
            file.writelines(f"w {number} t 0 n {i}\n" for i in range(lines))
        arguments = ["emit", "--bus", self.bus.name, "--name", "load", path]
        child = self.bus.spawn([LOGBUS, *arguments], "worker", process_group=0)
        self.emitters[child] = Thread(number, 0, (lines, 0, child.pid, child.pid, 1, 0))
        self.counts["emitters"] += 1

    def some_group(self):
        return self.rng.choice(list(self.groups)) if self.groups else None

    def kill(self):
        """One process of a worker and its children, or all of them."""
        child = self.some_group()
        if child is None:
            return
        if self.rng.random() < 0.5:
            self.signal_group(child, signal.SIGKILL)
        else:
            pids = {thread.pid for thread in self.groups[child].threads(brief=True) if thread.stage == 1}
            alive = sorted(pid for pid in pids if group_of(pid) == child.pid)
            if alive:
                os.kill(self.rng.choice(alive), signal.SIGKILL)
        self.counts["worker kills"] += 1

    def stop(self):
        child = self.some_group()
        if child is None or child in self.stopped:
            return
        self.signal_group(child, signal.SIGSTOP)
        self.stopped[child] = time.monotonic() + self.rng.expovariate(1 / 0.1)
        self.counts["worker stops"] += 1

    def look_after(self):
        now = time.monotonic()
        for child in [child for child, until in self.stopped.items() if until <= now]:
            self.signal_group(child, signal.SIGCONT)
            del self.stopped[child]
        for child in [child for child in self.groups if not has_members(child.pid)]:
            del self.groups[child]
            self.stopped.pop(child, None)

    def signal_group(self, child, number):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass

    def end(self, reap):
        """All end by themselves, and soon: nobody waits for a sidecar for ever."""
        for board in self.boards:
            board.stop()

        def all_gone():
            reap()
            for child in self.groups:
                self.signal_group(child, signal.SIGCONT)
            self.look_after()
            return not self.groups and all(child.returncode is not None for child in self.emitters)

        try:
            wait_for(all_gone, "the workers end when they are told to", 60)
        except AssertionError:
            for child in self.groups:
                for pid in members(child.pid):
                    print(f"# {where(pid)}")
            raise

    def threads(self):
        for child, thread in self.emitters.items():
            if child.returncode == 0:
                thread.returned = thread.begun
        return [thread for board in self.boards for thread in board.threads(brief=True)] + list(self.emitters.values())


def group_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[2])
    except (FileNotFoundError, ProcessLookupError):
        return None


def has_members(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def members(group):
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and group_of(int(name)) == group]


def where(pid):
    """What its threads wait for."""
    told = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/wchan") as wchan, open(f"/proc/{pid}/task/{tid}/syscall") as call:
                told.append(f"{tid}: {wchan.read()} {call.read().strip()}")
    except OSError as error:
        told.append(str(error))
    return f"process {pid}: " + "; ".join(told)
