# SPDX-License-Identifier: MIT
"""A bus of its own for one test case: a directory, a sidecar, workers, and what they leave behind.

Everything is started by this module, ended by process id, and removed at the end of the `with` block.
"""

import collections
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile

from tap import check, check_equal, wait_for

BUILD = os.environ["LOGBUS_BUILD"]
LOGBUSD = os.path.join(BUILD, "consumer", "logbusd")
LOGBUS = os.path.join(BUILD, "tools", "logbus")
WORKER = os.path.join(BUILD, "tests", "process", "bus_worker")

# Regions of the segment, by their places in the preamble's table (FORMAT.md)
CONSUMER_CONTROL, SHARED_CONTROL, SLOTS, PRODUCER_LINES = 0, 4, 5, 6

# created has a fixed width until 2286: texts compare as times do
FORMAT = "%(created).6f %(process)d %(levelname)s %(name)s %(message)s"
DROPPED = re.compile(r"(\d+) records dropped")


class Bus:
    def __init__(self, **settings):
        """settings: keys of the configuration's `logbus:` part."""
        self.home = tempfile.mkdtemp(prefix="logbus-test-")
        self.directory = tempfile.mkdtemp(prefix="logbus-test-", dir="/dev/shm")
        self.name = "t"
        self.settings = settings
        self.file = os.path.join(self.home, "out.log")
        self.handler = {"class": "logging.FileHandler", "filename": self.file, "formatter": "line"}
        self.env = dict(os.environ, LOGBUS_BUS=self.name, LOGBUS_DIR=self.directory)
        self.env.pop("LOGBUS_LEVEL", None)
        self.env.pop("LOGBUS_PROCESS_NAME", None)
        self.sidecar = None
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        if kind is not None:
            told = set()  # a hundred workers say the same
            for name in sorted(os.listdir(self.home)):
                if name.endswith(".err"):
                    with open(os.path.join(self.home, name), errors="replace") as file:
                        for line in file.readlines()[-10:]:
                            if line not in told:
                                print(f"# {name}: {line.rstrip()}")
                            told.add(line)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def segment(self):
        return os.path.join(self.directory, self.name + ".logbus")

    # --- processes

    def spawn(self, arguments, name, **options):
        options.setdefault("env", self.env)
        out = open(os.path.join(self.home, f"{name}.{len(self.children)}.out"), "wb")
        err = open(os.path.join(self.home, f"{name}.{len(self.children)}.err"), "wb")
        with out, err:
            child = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.home, **options
            )
        child.errors = err.name
        child.output = out.name
        self.children.append(child)
        return child

    def worker(self, **options):
        """Starts a bus_worker; options as its own, '-' written as '_'."""
        arguments = [WORKER]
        for key, value in options.items():
            arguments += ["--" + key.replace("_", "-"), value]
        return self.spawn(arguments, "worker")

    def run_worker(self, seconds=120, **options):
        finish(self.worker(**options), "worker", seconds)

    def config(self):
        config = {
            "version": 1,
            "logbus": dict(self.settings),
            "formatters": {"line": {"format": FORMAT}},
            "handlers": {"file": self.handler},
            "root": {"level": "DEBUG", "handlers": ["file"]},
        }
        path = os.path.join(self.home, "logbusd.yaml")
        with open(path, "w") as file:
            json.dump(config, file)  # JSON is YAML
        return path

    def start_sidecar(self, *arguments, wait=True):
        """Returns once it holds the lease."""
        self.sidecar = self.spawn([LOGBUSD, "--config", self.config(), *arguments], "logbusd")
        if wait:
            sidecar = self.sidecar
            wait_for(lambda: sidecar.poll() is not None or self.holder() == sidecar.pid, "logbusd holds the lease")
            check(sidecar.poll() is None, f"logbusd ended with {sidecar.returncode}: {read_text(sidecar.errors)}")
        return self.sidecar

    def stop_sidecar(self, seconds=120):
        """SIGTERM: it drains and exits 0."""
        self.sidecar.send_signal(signal.SIGTERM)
        finish(self.sidecar, "logbusd", seconds)

    def drain(self, seconds=120):
        """`logbusd --drain`: handles what is there and ends."""
        finish(self.start_sidecar("--drain", wait=False), "logbusd --drain", seconds)

    def tool(self, *arguments, code=0, text=None, env=None):
        """Runs `logbus`, checks its exit code, gives its output."""
        done = subprocess.run(
            [LOGBUS, *map(str, arguments)], env=env or self.env, input=text, capture_output=True, timeout=120
        )
        out = done.stdout.decode(errors="replace")
        err = done.stderr.decode(errors="replace")
        check_equal(done.returncode, code, f"exit code of logbus {' '.join(map(str, arguments))}\n{out[-2000:]}{err[-2000:]}")
        self.tool_errors = err
        return out

    def stat(self):
        return json.loads(self.tool("stat", "--format", "json"))

    def holder(self):
        """Pid of the process that holds the lease, by the kernel's list of locks; 0: none."""
        try:
            inode = os.stat(self.segment).st_ino
        except FileNotFoundError:
            return 0
        # The lease is the byte below 2^62; the lock belongs to an open file, so the kernel names no process: whether
        # it is held is all that can be seen, and only this test's sidecar can be the one.
        with open("/proc/locks") as locks:
            for line in locks:
                fields = line.split()
                if fields[1] == "OFDLCK" and fields[5].endswith(f":{inode}") and fields[6] == str(2**62 - 1):
                    return self.sidecar.pid
        return 0

    # --- what the segment's file says (FORMAT.md)

    def region(self, number):
        """Its bytes, and how far apart its entries are."""
        with open(self.segment, "rb") as file:
            file.seek(144 + 24 * number)
            offset, size, stride = struct.unpack("<3Q", file.read(24))
            file.seek(offset)
            return file.read(size), stride

    def entries(self, number, layout, at=0):
        """Of each entry of a region the fields that begin `at` so many bytes."""
        data, stride = self.region(number)
        return [struct.unpack_from(layout, data, start + at) for start in range(0, len(data), stride)]

    def free_lanes(self):
        """Lanes that nobody has."""
        return [i for i, (word,) in enumerate(self.entries(PRODUCER_LINES, "<Q", 64)) if word >> 62 == 0]

    def waiting_lanes(self):
        """How many lanes' writers wait for room: the bits of the blocked bitmap."""
        return int.from_bytes(self.region(SHARED_CONTROL)[0][128:], "little").bit_count()

    def sleeping(self):
        """The reader waits to be woken: the lowest bit of `attention`, the shared control's first word."""
        return self.region(SHARED_CONTROL)[0][0] & 1 != 0

    # --- what was written

    def files(self):
        """The log's files, oldest first."""
        backups = []
        for name in os.listdir(self.home):
            match = re.fullmatch(r"out\.log\.(\d+)", name)
            if match:
                backups.append((-int(match[1]), os.path.join(self.home, name)))
        return [path for _, path in sorted(backups)] + ([self.file] if os.path.exists(self.file) else [])

    def lines(self):
        for path in self.files():
            with open(path, encoding="utf-8", errors="strict") as file:
                for line in file:
                    check(line.endswith("\n"), f"{path}: the last line is not whole: {line!r}")
                    yield line


class Load:
    """Processes that log until they are told that it is enough."""

    def __init__(self, bus, processes, threads, **options):
        self.who = [(worker, thread) for worker in range(processes) for thread in range(threads)]
        self.board, self.enough = os.path.join(bus.home, "board"), os.path.join(bus.home, "enough")
        options |= {"records": 100, "until": self.enough, "board": self.board}
        self.child = bus.worker(processes=processes, threads=threads, **options)

    def logged(self):
        """How many records each thread has logged so far, in the order of `who`."""
        try:
            with open(self.board, "rb") as file:
                return struct.unpack(f"<{len(self.who)}Q", file.read(8 * len(self.who)))
        except (FileNotFoundError, struct.error):  # it has not begun
            return (0,) * len(self.who)

    def end(self):
        """How many records each thread of each process has logged."""
        open(self.enough, "w").close()
        finish(self.child, "workers")
        return dict(zip(self.who, self.logged()))


def finish(child, what, seconds=120):
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{what} did not end within {seconds} s") from None
    check_equal(code, 0, f"exit code of {what}; it said {read_text(child.errors)!r}")


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Count:
    """What the lines of a log hold of the numbered records."""

    def __init__(self):
        self.next = collections.defaultdict(int)  # (worker, thread) -> next number
        self.records = 0
        self.reported_drops = 0
        self.others = []


def count_records(lines, *, with_gaps=False, in_time_order=True):
    """Checks each thread's numbers (1, 2, 3 ..., or rising `with_gaps`) and the order of time over all lines."""
    count = Count()
    following = count.next
    last = ""
    for line in lines:
        fields = line.split(" ", 10)
        if fields[3] == "load" and len(fields) >= 10 and fields[4] == "w":
            who = (int(fields[5]), int(fields[7]))
            number = int(fields[9])
            expected = following[who]
            if number != expected and not (with_gaps and number > expected):
                raise AssertionError(f"worker, thread {who}: number {number} where {expected} was due: {line!r}")
            following[who] = number + 1
            count.records += 1
        else:
            dropped = DROPPED.search(line) if fields[3] == "logbus" else None
            if dropped:
                count.reported_drops += int(dropped[1])
            else:
                count.others.append(line)
            if with_gaps:
                continue  # the time of a loss told afterwards is when it is told
        if in_time_order and fields[0] < last:
            raise AssertionError(f"not in the order of time: {line!r} after {last}")
        last = fields[0]
    return count
