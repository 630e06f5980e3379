#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stored segment of this layout version: what later versions must be able to dump and to drain.

tests/process/golden/layout-N.xz is a segment of dead workers with records of call sites and without, a gap, names and a torn
tail; layout-N.dump and layout-N.log are what `logbus dump` and `logbusd --drain` make of it. Each layout version has its own;
those of older versions stay as long as they can be read. Made anew, only if the layout has changed, by

    LOGBUS_BUILD=build PYTHONPATH=tests/process/support tests/process/golden/golden.py make
"""

import json
import lzma
import os
import re
import signal
import struct
import subprocess
import sys

import tap
from bus import LOGBUS, Bus, finish
from tap import check, check_equal, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = 3
PAGE = 4096


def stored(ending):
    return os.path.join(HERE, f"layout-{VERSION}.{ending}")


def regions(data):
    return [struct.unpack_from("<3Q", data, 144 + 24 * i) for i in range(11)]


def write_sparse(path, data):
    with open(path, "wb") as file:
        for at in range(0, len(data), PAGE):
            if any(data[at : at + PAGE]):
                file.seek(at)
                file.write(data[at : at + PAGE])
        file.truncate(len(data))
    os.chmod(path, 0o600)


def tear(data):
    """The worker of lane 0 died in the middle of a record of its first site; the machine has been started since."""
    at, _, stride = regions(data)[6]
    lane_at, _, lane_stride = regions(data)[10]
    for lane in range(struct.unpack_from("<I", data, 80)[0]):
        line = at + lane * stride
        committed, origin, other = struct.unpack_from("<3Q", data, line)
        if struct.unpack_from("<Q", data, line + 64)[0] >> 62 != 1 or committed == 0:
            continue
        first = lane_at + lane * lane_stride
        tag = struct.unpack_from("<I", data, first + 4)[0]
        end = first + committed - max(origin, other)
        struct.pack_into("<II", data, end, 64, tag)
        data[end + 16 : end + 24] = b"\x93\xd2torn!!"
        struct.pack_into("<I", data, line + 32, 1 | tag << 2 & 0xFFFFFFFF)
        break
    else:
        raise AssertionError("no lane of a worker that died")
    slots, size, slot_stride = regions(data)[5]
    for slot in range(slots, slots + size, slot_stride):
        if data[slot + 248]:
            data[slot + 248 : slot + 504] = b"/usr/bin/worker".ljust(256, b"\0")
    data[40:80] = b"01234567-89ab-cdef-0123-456789abcdef".ljust(40, b"\0")


def make():
    with Bus(lanes=4, lane_size="64 KiB", sites=64, memory="256 KiB") as bus:
        bus.env.update(LOGBUS_PROCESS_NAME="golden")
        bus.start_sidecar()
        bus.stop_sidecar()
        # Until it is full; then a WARNING has room: a gap, names, fields.
        bus.run_worker(first_worker=1, records=40, payload=2000, thread_name="renamed")
        objects = [
            {"name": "json", "levelno": 40, "levelname": "ERROR", "msg": "%s of %d", "args": ["one", 2], "who": "emit"},
            {"name": "json", "msg": "%(a)s", "args": [{"a": "b"}], "levelno": 20, "levelname": "INFO", "exc_text": "E: why"},
        ]
        bus.tool("emit", "--json", text="".join(json.dumps(o) + "\n" for o in objects).encode())
        dying = bus.worker(first_worker=2, records=5, stay_ms=10**7)
        wait_for(lambda: bus.stat()["records"]["committed"] >= 5 + 20 + 2, "it has logged")
        dying.send_signal(signal.SIGKILL)
        dying.wait()
        with open(bus.segment, "rb") as file:
            data = bytearray(file.read())
    tear(data)
    with open(stored("xz"), "wb") as file:
        file.write(lzma.compress(bytes(data), preset=9 | lzma.PRESET_EXTREME))
    for ending, text in (("dump", dumped()), ("log", drained())):
        with open(stored(ending), "w") as file:
            file.write(text)


def unpacked():
    with open(stored("xz"), "rb") as file:
        return lzma.decompress(file.read())


def short(text):
    """With long runs of one letter as their length."""
    return re.sub(r"x{100,}", lambda run: f"<{len(run[0])} x>", text)


def dumped():
    with Bus() as bus:
        write_sparse(os.path.join(bus.home, "golden.logbus"), unpacked())
        done = subprocess.run(
            [LOGBUS, "dump", "golden.logbus"], env=dict(bus.env, TZ="UTC"), cwd=bus.home, capture_output=True, text=True
        )
        check_equal((done.returncode, done.stderr), (0, ""), "logbus dump")
        return short(done.stdout)


def drained():
    with Bus() as bus:
        bus.env.update(TZ="UTC")
        write_sparse(bus.segment, unpacked())
        bus.drain()
        check_equal([name for name in os.listdir(bus.directory) if name != "t.logbus"], [], "left-overs")
        return short("".join(bus.lines()))


def same(ending, text):
    with open(stored(ending)) as file:
        wanted = file.read()
    for number, (line, due) in enumerate(zip(text.splitlines(), wanted.splitlines()), 1):
        check_equal(line, due, f"line {number}")
    check_equal(text, wanted, "all")


def test_dump():
    """The stored segment of this layout version is dumped as it was when it was made"""
    same("dump", dumped())


def test_drain():
    """It is drained to the same lines as then, and its file goes"""
    same("log", drained())


def refused(offset, value, *words):
    """Worker, sidecar and tools say why they leave it alone."""
    with Bus() as bus:
        data = bytearray(unpacked())
        data[offset] = value
        write_sparse(bus.segment, data)
        sidecar = bus.start_sidecar(wait=False)
        check_equal(sidecar.wait(20), 1, "exit code of logbusd")
        worker = bus.worker(records=1)
        finish(worker, "worker")
        bus.tool("dump", code=1)
        for what, said in (("logbusd", open(sidecar.errors).read()), ("worker", open(worker.errors).read()), ("dump", bus.tool_errors)):
            for word in words:
                check(word in said, f"{what}: no {word!r} in {said!r}")
        with open(bus.segment, "rb") as file:
            check(file.read() == data, "the file was touched")


def test_newer_layout():
    """A segment of a later layout version, or an earlier one: who can't read it says so and leaves it alone"""
    refused(7, VERSION + 1, f"layout version {VERSION + 1}", "made by a newer logbus")
    refused(7, VERSION - 1, f"layout version {VERSION - 1}", "made by an older logbus")


def test_unknown_feature():
    """A segment with a feature that this version does not know"""
    refused(8 + 3, 0x80, "made by a newer logbus", "0x80000000")


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    else:
        tap.run(globals())
