#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad days: no directory, no room, no lane, damaged files, records that are too long or not text."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess

import tap
from bus import LOGBUSD, WORKER, Bus, count_records, read_text
from tap import Skip, check, check_equal, wait_for


def run_worker(bus, *arguments, **options):
    """The worker's own work never fails because logging does: exit code 0. Gives what it wrote to stderr."""
    done = subprocess.run(
        [WORKER, *map(str, arguments)], env=bus.env, capture_output=True, text=True, timeout=60, **options
    )
    check_equal(done.returncode, 0, f"exit code of the worker; {done.stderr[-1000:]!r}")
    return done.stderr


def run_sidecar(bus, code, *arguments, **options):
    done = subprocess.run(
        [LOGBUSD, "--config", bus.config(), *arguments],
        env=bus.env,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=bus.home,
        **options,
    )
    check_equal(done.returncode, code, f"exit code of logbusd; {done.stderr[-1000:]!r}")
    return done.stderr


def check_sentence(text, *parts):
    for part in parts:
        check(part in text, f"{part!r} is not in {text[:1000]!r}")


# --- the directory


def test_directory_missing():
    """No such directory: the worker logs to stderr, logbusd and the tools say so"""
    with Bus() as bus:
        bus.env["LOGBUS_DIR"] = missing = os.path.join(bus.home, "nowhere")
        text = run_worker(bus, "--records", 3)
        check_sentence(text, missing, "No such file or directory", "w 0 t 0 n 2")
        check_sentence(run_sidecar(bus, 1), missing, "No such file or directory")
        bus.tool("stat", code=1)
        check_sentence(bus.tool_errors, missing)
        check(not os.path.exists(missing) and not os.path.exists(bus.file), "something was made")


def test_directory_unwritable():
    """A directory that may not be written: the same, with the reason"""
    if os.geteuid() != 0:
        raise Skip("needs root, to become nobody")
    nobody = pwd.getpwnam("nobody")
    with Bus() as bus:
        os.chmod(bus.directory, 0o755)
        os.chmod(bus.home, 0o755)
        if not os.access(WORKER, os.X_OK) or not can_run_as(nobody, bus):
            raise Skip("nobody can't run the build's programs")
        text = run_worker(bus, "--records", 3, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
        check_sentence(text, bus.directory, "Permission denied", "w 0 t 0 n 2")


def can_run_as(user, bus):
    try:
        return subprocess.run([WORKER, "--records", "0"], env=dict(bus.env, LOGBUS_BUS=""), user=user.pw_uid,
                              capture_output=True, timeout=20).returncode == 0
    except PermissionError:
        return False


def in_small_tmpfs(bus, size, script):
    """Runs a shell script in a mount namespace where the bus's directory is a tmpfs of `size`."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise Skip("needs root and unshare, for a mount namespace")
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    if probe.returncode != 0:
        raise Skip("no mount namespaces here")
    command = f'mount -t tmpfs -o size={size} none "$LOGBUS_DIR" && {script}'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], env=bus.env, capture_output=True, text=True, timeout=120, cwd=bus.home
    )
    return done


def test_no_room_for_the_segment():
    """/dev/shm too small for the tables: the worker logs to stderr, logbusd says so"""
    with Bus() as bus:
        done = in_small_tmpfs(bus, "256k", f"{WORKER} --records 3")
        check_equal(done.returncode, 0, f"exit code of the worker; {done.stderr!r}")
        check_sentence(done.stderr, bus.directory, "No space left on device", "w 0 t 0 n 2")
        done = in_small_tmpfs(bus, "256k", f"{LOGBUSD} --config {bus.config()}")
        check_equal(done.returncode, 1, f"exit code of logbusd; {done.stderr!r}")
        check_sentence(done.stderr, bus.directory, "No space left on device")


def test_full_while_logging():
    """/dev/shm fills up under the workers: records are dropped and counted, nobody dies of SIGBUS"""
    with Bus() as bus:
        config = bus.config()
        done = in_small_tmpfs(
            bus,
            "24m",
            # The first record makes the bus; then the rest of the file system is filled by somebody else.
            f"{WORKER} --records 1 && (cat /dev/zero > $LOGBUS_DIR/fill; true) && "
            f"{WORKER} --first-worker 1 --processes 2 --threads 2 --records 20000 && rm $LOGBUS_DIR/fill && "
            f"{LOGBUSD} --config {config} --drain",
        )
        check_equal(done.returncode, 0, f"exit code; {done.stderr[-2000:]!r}")
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, 80_001, "lines and drops told")


# --- the tables


def test_all_lanes_taken():
    """More threads than lanes: their records are dropped and counted, they go on, and lanes are found again later"""
    with Bus(lanes=4, overflow="block", block_timeout="60 s") as bus:
        bus.start_sidecar()
        bus.run_worker(first_worker=10, threads=12, records=2000, pause_us=2000)
        wait_for(lambda: len(bus.free_lanes()) == 4, "all lanes are free again")
        bus.run_worker(first_worker=100, threads=2, records=100)
        bus.stop_sidecar()
        count = count_records(bus.lines(), with_gaps=True, in_time_order=False)
        check(count.reported_drops > 0, "nothing was dropped: the test is too weak")
        check_equal(count.records + count.reported_drops, 12 * 2000 + 200, "lines and drops told")
        check_equal([count.next[(100, t)] for t in range(2)], [100, 100], "records of those who come later")


# --- damaged files


def damaged(change):
    """What worker, sidecar and tools do with a file changed by `change(path)`."""
    with Bus() as bus:
        bus.run_worker(records=10)
        change(bus.segment)
        size = os.path.getsize(bus.segment)
        text = run_worker(bus, "--records", 3)
        check_sentence(text, bus.segment, "w 0 t 0 n 2")
        sidecar = run_sidecar(bus, 1)
        check_sentence(sidecar, bus.segment)
        bus.tool("dump", code=1)
        check_sentence(bus.tool_errors, bus.segment)
        check_equal(os.path.getsize(bus.segment), size, "size of the damaged file afterwards")
        return sidecar + bus.tool_errors


def overwrite(offset, data):
    def change(path):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    return change


def test_not_a_segment():
    """A file that is no segment is left alone"""
    check_sentence(damaged(overwrite(0, b"#!/bin/sh\n")), "not a")


def test_other_version():
    """A segment of another layout version is left alone, the version named"""
    check_sentence(damaged(overwrite(7, bytes([99]))), "99")


def cut_off(size):
    """The file is moved aside, workers and sidecar go on with a new one."""
    with Bus() as bus:
        bus.run_worker(records=10)
        os.truncate(bus.segment, size)
        bus.tool("dump", code=1)
        check_sentence(bus.tool_errors, bus.segment)
        bus.run_worker(records=3)
        (aside,) = [name for name in os.listdir(bus.directory) if name.endswith(".damaged")]
        check_equal(os.path.getsize(os.path.join(bus.directory, aside)), size, "size of the damaged file afterwards")
        bus.drain()
        check_equal(sum(1 for _ in bus.lines()), 3, "lines")


def test_empty_file():
    """An empty file in the bus's place is moved aside"""
    cut_off(0)


def test_truncated_segment():
    """A truncated segment is moved aside"""
    cut_off(200_000)


def test_truncated_under_the_reader():
    """A segment truncated while everybody is attached: nobody but perhaps the writers dies"""
    with Bus() as bus:
        bus.start_sidecar()
        bus.run_worker(records=100)
        wait_for(lambda: bus.stat()["records"]["drained"] == 100, "drained")
        os.truncate(bus.segment, os.path.getsize(bus.segment) // 2)
        bus.sidecar.send_signal(signal.SIGTERM)
        code = bus.sidecar.wait(30)
        check(code in (0, 1), f"logbusd ended with {code}: {read_text(bus.sidecar.errors)!r}")
        check_equal(sum(1 for _ in bus.lines()), 100, "lines")


def test_unread_records_truncated_away():
    """Records truncated away before they are read: the sidecar says so, and neither dies nor stops"""
    with Bus() as bus:
        bus.start_sidecar()
        bus.sidecar.send_signal(signal.SIGSTOP)
        bus.run_worker(records=100)
        with open(bus.segment, "rb") as file:
            preamble = file.read(408)
        os.truncate(bus.segment, int.from_bytes(preamble[408 - 24 : 408 - 16], "little"))
        bus.sidecar.send_signal(signal.SIGCONT)
        bus.stop_sidecar()
        check(any("makes no sense at position" in line for line in bus.lines()), "the lane's loss was not told")


def test_garbage_in_a_lane():
    """A lane overwritten with noise is quarantined and told; the others go on"""
    with Bus() as bus:
        bus.run_worker(threads=2, records=50)
        found = [json.loads(line) for line in bus.tool("dump", "--only", "lane", "--format", "json").splitlines()]
        check_equal(len([lane for lane in found if lane["committed"] > 0]), 2, "lanes in use")
        with open(bus.segment, "r+b") as file:
            preamble = file.read(408)
            data = int.from_bytes(preamble[408 - 24 : 408 - 16], "little")
            file.seek(data + 480)
            file.write(b"\xff" * 64)
        bus.drain()
        lines = list(bus.lines())
        check(sum(" load " in line for line in lines) >= 50, "records of the lane that was left alone")
        check(any(" ERROR logbus " in line for line in lines), f"nothing was told: {lines[-3:]}")


# --- records


def test_one_mebibyte():
    """A record of 1 MiB fits the default"""
    with Bus() as bus:
        bus.start_sidecar()
        bus.run_worker(records=1, payload=1 << 20)
        bus.stop_sidecar()
        lines = list(bus.lines())
        check_equal(len(lines), 1, "lines")
        check_equal(lines[0].count("x"), 1 << 20, "characters of the payload")


def test_too_long():
    """A longer record is cut, marked and counted, and told of"""
    with Bus() as bus:
        bus.start_sidecar()
        bus.run_worker(records=1, payload=5 << 20)
        bus.run_worker(first_worker=1, records=1, payload=3 << 20)
        bus.stop_sidecar()
        lines = [line for line in bus.lines() if " load " in line]
        check_equal(len(lines), 2, "lines")
        for line in lines:
            check(2_000_000 < line.count("x") <= 2 << 20, f"characters of the payload: {line.count('x')}")
        check_equal(bus.stat()["records"]["truncated"], 2, "records counted as truncated")


def test_longer_than_a_small_lane_takes():
    """Lanes of 64 KiB: a record of 100 KiB is cut to half of the lane"""
    with Bus(lane_size="64 KiB") as bus:
        bus.start_sidecar()
        bus.run_worker(records=1, payload=100 << 10)
        bus.stop_sidecar()
        lines = [line for line in bus.lines() if " load " in line]
        check_equal(len(lines), 1, "lines")
        check(31_000 < lines[0].count("x") <= 32768, f"characters of the payload: {lines[0].count('x')}")


def test_invalid_utf8():
    """Bytes that are no UTF-8 are written as \\xNN and counted"""
    with Bus() as bus:
        bus.start_sidecar()
        text = b"caf\xe9 \xff\xc3(\xe2\x82 \xf0\x9f\x98\x80 ok"
        done = subprocess.run([WORKER.encode(), b"--text", text], env=bus.env, timeout=30)
        check_equal(done.returncode, 0, "exit code of the worker")
        bus.stop_sidecar()
        lines = list(bus.lines())
        check_equal(len(lines), 1, "lines")
        check_sentence(lines[0], "caf\\xe9 \\xff\\xc3(\\xe2\\x82 \U0001f600 ok\n")
        check_equal(bus.stat()["records"]["invalid_utf8"], 1, "records counted")
        bus.start_sidecar()
        bus.run_worker(records=1)
        bus.stop_sidecar()
        check_equal(bus.stat()["records"]["invalid_utf8"], 1, "those that an earlier sidecar has counted")


# --- emit


def test_json_lines():
    """emit --json: a line that is no JSON object is named, the rest goes on the bus, exit code 1"""
    with Bus() as bus:
        good = [{"msg": "n %d", "args": [i], "name": "load", "levelno": 20, "levelname": "INFO"} for i in range(4)]
        text = "\n".join(
            [json.dumps(good[0]), "{not json", json.dumps(good[1]), "[1, 2]", "", '"text"', json.dumps(good[2]),
             '{"msg": "cut', json.dumps(good[3])]
        )
        bus.tool("emit", "--json", code=1, text=text.encode())
        for line in (2, 4, 6, 8):
            check(re.search(rf"\b{line}\b", bus.tool_errors), f"line {line} is not named: {bus.tool_errors!r}")
        bus.drain()
        written = [line.split(" load ", 1)[1] for line in bus.lines()]
        check_equal(written, [f"n {i}\n" for i in range(4)], "lines")


def test_plain_lines():
    """emit: lines with control bytes and without a newline at the end"""
    with Bus() as bus:
        bus.tool("emit", "--name", "plain", "--level", "ERROR", text=b"one\ntwo {} %s\n\x1b[31mred\nlast")
        bus.drain()
        written = [line.split(" plain ", 1)[1] for line in bus.lines()]
        check_equal(written, ["one\n", "two {} %s\n", "\x1b[31mred\n", "last\n"], "lines")


def test_no_such_bus():
    """The tools on a bus that is not there: exit code 1 and its path"""
    with Bus() as bus:
        for command in ("dump", "stat"):
            bus.tool(command, "nobody", code=1)
            check_sentence(bus.tool_errors, os.path.join(bus.directory, "nobody.logbus"))
        check_equal(os.listdir(bus.directory), [], "files made by looking")


def test_rm():
    """rm: 75 while a process is attached, then gone"""
    with Bus() as bus:
        worker = bus.worker(records=10, stay_ms=60_000)
        wait_for(lambda: os.path.exists(bus.segment) and bus.stat()["records"]["committed"] == 10, "it has logged")
        bus.tool("rm", "t", code=75)
        check(os.path.exists(bus.segment), "removed all the same")
        worker.kill()
        worker.wait()
        bus.tool("rm", "t")
        check(not os.path.exists(bus.segment), "still there")


# --- configuration (the rest of it: unit tests of the sidecar)


def test_bad_configuration():
    """A configuration error: file, line, column and key; exit code 78, nothing touched"""
    with Bus() as bus:
        path = os.path.join(bus.home, "bad.yaml")
        with open(path, "w") as file:
            file.write(
                "version: 1\n"
                "handlers:\n"
                "  file:\n"
                "    class: logging.FileHandler\n"
                f"    filename: {bus.file}\n"
                "    levle: INFO\n"
                "root:\n"
                "  handlers: [file]\n"
            )
        for extra in ([], ["--check"]):
            done = subprocess.run([LOGBUSD, "--config", path, *extra], env=bus.env, capture_output=True, text=True, timeout=30)
            check_equal(done.returncode, 78, f"exit code; {done.stderr!r}")
            check(re.search(r"bad\.yaml:6:\d+", done.stderr), f"file, line, column: {done.stderr!r}")
            check_sentence(done.stderr, "levle")
        check(not os.path.exists(bus.file) and os.listdir(bus.directory) == [], "something was touched")


if __name__ == "__main__":
    tap.run(globals())
