# SPDX-License-Identifier: MIT
"""Where the sidecar's SocketHandler sends to: a server that reads slowly at times, and hangs up in the middle of a record.

Delivery is at least once, and what a killed sidecar had not sent is gone: what comes must be whole, and must have been logged.
"""

import collections
import pickle
import random
import re
import struct

from netbus import Server

NUMBERED = re.compile(r"w (\d+) t (\d+) n (\d+)(?: p (\d+) ([a-z]*))?$")
MOST_BYTES = 4 << 20


class Receiver:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.faults = []
        self.last = collections.defaultdict(int)  # (worker, thread) -> the highest number
        self.counts = collections.Counter()
        self.server = Server(self.read)
        self.port = self.server.port

    def read(self, connection, _):
        self.counts["connections"] += 1
        left = self.rng.expovariate(1 / 400_000)  # bytes until we hang up
        data = b""
        while more := connection.recv(self.rng.choice((100, 4096, 65536))):
            data = self.take(data + more)
            left -= len(more)
            if left < 0:
                return

    def take(self, data):
        while len(data) >= 4:
            (size,) = struct.unpack_from(">L", data)
            if size > MOST_BYTES:
                self.fault(f"a record of {size} bytes")
                return b""
            if len(data) < 4 + size:
                break
            try:
                self.judge(pickle.loads(data[4 : 4 + size]))
            except Exception as error:  # whatever unpickling bytes can raise
                self.fault(f"{error!r}: {data[4:104]!r}")
            data = data[4 + size :]
        return data

    def judge(self, record):
        self.counts["records received"] += 1
        if record["name"] == "logbus":
            return
        found = NUMBERED.match(record["msg"])
        if not found or (found[4] and (len(found[5]) != int(found[4]) or len(set(found[5])) > 1)):
            self.fault(f"not a whole record: {record['msg'][:200]!r}")
            return
        key = (int(found[1]), int(found[2]))
        self.last[key] = max(self.last[key], int(found[3]))

    def fault(self, what):
        if len(self.faults) < 5:
            self.faults.append(f"SocketHandler: {what}")

    def end(self, threads):
        """Gives the faults. `threads`: of the boards."""
        self.server.close()
        for thread in self.server.threads:
            thread.join(10)
        if self.server.failure:
            self.fault(repr(self.server.failure))
        begun = {thread.key: thread.begun for thread in threads}
        for key, number in self.last.items():
            if number >= begun.get(key, 0):
                self.fault(f"{key}: number {number} of {begun.get(key, 0)} calls")
        return self.faults
