# SPDX-License-Identifier: MIT
"""The accounts of a scheduled_worker fleet: what its boards say was called, against what files and gap reports say.

A board is what support/board.h maps. Lines have bus.FORMAT.
"""

import collections
import re
import struct

PAGE = 4096
NOTED = re.compile(rb"(\d+) records dropped")
UNATTACHED = re.compile(r":load:w (\d+) t (\d+) n (\d+)")


class Thread:
    """An entry of a board."""

    def __init__(self, worker, index, words):
        self.key = (worker, index)
        self.begun, self.returned, self.pid, self.tid, self.stage, self.slow = words[:6]
        noted = words[6 : 6 + 2 * min(self.slow, 250)]
        self.slow_calls = dict(zip(noted[::2], noted[1::2]))  # number -> ns
        self.all_slow_noted = self.slow <= 250


class Board:
    def __init__(self, path, worker):
        self.path = path
        self.worker = worker
        with open(path, "ab"):  # the worker gives it its size
            pass

    def stop(self):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=Q", 1))

    def bad_status(self):
        return self._header()[2]

    def threads(self, *, brief=False):
        """`brief`: without the slow calls."""
        used = min(self._header()[1], 4095)
        found = []
        try:
            with open(self.path, "rb") as file:
                for index in range(used):
                    file.seek(PAGE * (1 + index))
                    words = struct.unpack("=6Q", file.read(48)) if brief else struct.unpack("=506Q", file.read(4048))
                    found.append(Thread(self.worker, index, words[:5] + (0,) if brief else words))
        except FileNotFoundError:
            pass
        return [thread for thread in found if thread.pid]

    def _header(self):
        try:
            with open(self.path, "rb") as file:
                return struct.unpack("=3Q", file.read(24))
        except (FileNotFoundError, struct.error):  # not made yet
            return (0, 0, 0)


class Deliveries:
    """What one handler's files hold, in their order."""

    def __init__(self, exactly_once=True):
        self.exactly_once = exactly_once
        self.next = collections.defaultdict(int)  # (worker, thread) -> number after the last
        self.lines = collections.Counter()  # (worker, thread) -> records
        self.pids = {}  # (worker, thread) -> whose its records are said to be
        self.told = collections.Counter()  # pid -> records told to be lost
        self.repeated = 0
        self.late = []  # (worker, thread), number, seconds behind the newest line before it
        self.faults = []  # lines that none should have written, at most a few
        self.others = 0  # of the sidecar

    def fault(self, path, line, what):
        if len(self.faults) < 20:
            self.faults.append(f"{path}: {what}: {line[:200]!r}")

    def read(self, path):
        newest = getattr(self, "newest", b"")
        following = self.next
        lines = self.lines
        with open(path, "rb") as file:
            for line in file:
                fields = line.split(b" ")
                if len(fields) < 5 or not line.endswith(b"\n"):
                    self.fault(path, line, "not a whole line")
                    continue
                if fields[3] != b"load":
                    self._own(path, line, fields)
                    continue
                try:
                    key = (int(fields[5]), int(fields[7]))
                    number = int(fields[9])
                    if len(fields) == 13:
                        letters = fields[12][:-1]
                        whole = len(letters) == int(fields[11]) and letters == letters[:1] * len(letters)
                    else:
                        whole = len(fields) == 10
                except (ValueError, IndexError):
                    whole = False
                if not whole:
                    self.fault(path, line, "a torn line")
                    continue
                if number < following[key]:
                    self.repeated += 1
                    if self.exactly_once:
                        self.fault(path, line, f"{following[key]} was due: repeated, or not in order")
                    continue
                following[key] = number + 1
                lines[key] += 1
                if self.pids.setdefault(key, fields[1]) != fields[1]:
                    self.fault(path, line, f"of process {self.pids[key].decode()}")
                if fields[0] < newest:
                    self.late.append((key, number, float(newest) - float(fields[0])))
                else:
                    newest = fields[0]
        self.newest = newest

    def _own(self, path, line, fields):
        dropped = NOTED.search(line) if fields[3] == b"logbus" else None
        if dropped:
            self.told[int(fields[1])] += int(dropped[1])
        elif fields[3] == b"logbus":
            self.others += 1
            self.fault(path, line, "the sidecar complains")
        else:
            self.fault(path, line, "nobody has logged this")


def written_to_stderr(paths):
    """Records of workers that had no bus: (worker, thread) -> count."""
    count = collections.Counter()
    for path in paths:
        with open(path, errors="replace") as file:
            for line in file:
                found = UNATTACHED.search(line)
                if found:
                    count[int(found[1]), int(found[2])] += 1
    return count


class Balance:
    def __init__(self):
        self.issued = self.delivered = self.dropped = self.in_flight = self.stderr = 0
        self.faults = []

    def __str__(self):
        return (
            f"{self.issued} issued = {self.delivered} delivered + {self.dropped} dropped and told"
            f" + {self.stderr} on stderr; {self.in_flight} in flight at death"
        )


def balance(threads, deliveries, on_stderr=(), *, by_process=True):
    """Every call that has returned was delivered, or is among the losses told of its process; and nothing else was.

    Not `by_process`: of any process.
    """
    result = Balance()
    missing = collections.Counter()  # pid -> returned and not delivered
    in_flight = collections.Counter()  # pid -> begun, not returned, not delivered
    known = set()
    for thread in threads:
        known.add(thread.key)
        delivered = deliveries.lines[thread.key]
        last = deliveries.next[thread.key]
        if last > thread.begun:
            result.faults.append(f"{thread.key}: number {last - 1} delivered, {thread.begun} calls begun")
        elsewhere = on_stderr[thread.key] if on_stderr else 0
        overhang = max(0, last - thread.returned)  # committed by a call that never returned
        missing[thread.pid] += thread.returned - (delivered - overhang) - elsewhere
        in_flight[thread.pid] += thread.begun - thread.returned - overhang
        result.issued += thread.returned + overhang
        result.delivered += delivered
        result.stderr += elsewhere
        result.in_flight += thread.begun - thread.returned
    for key in deliveries.lines:
        if key not in known:
            result.faults.append(f"{key}: {deliveries.lines[key]} records of a thread that does not exist")
    told = deliveries.told
    if not by_process:
        missing, in_flight, told = (collections.Counter(any=sum(count.values())) for count in (missing, in_flight, told))
    for pid in set(missing) | set(told):
        result.dropped += told[pid]
        if not missing[pid] <= told[pid] <= missing[pid] + in_flight[pid]:
            result.faults.append(
                f"process {pid}: {missing[pid]} calls returned and not delivered, {told[pid]} told to be lost"
                f" ({in_flight[pid]} in flight)"
            )
    return result
