#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program `logbus`: exit codes, options, signals, colors. What it shows of a bus is tested elsewhere."""

import json
import os
import pty
import signal
import subprocess

import tap
from bus import LOGBUS, Bus
from tap import check, check_equal, wait_for


def test_usage():
    """Usage errors exit 2, help and version 0"""
    with Bus() as bus:
        for arguments in (
            [],
            ["bogus"],
            ["dump", "--bogus"],
            ["dump", "--format", "xml"],
            ["dump", "--only", "lane,bogus"],
            ["dump", "-l", "LOUD"],
            ["dump", "-S", "soon"],
            ["dump", "-g", "("],
            ["dump", "-n", "-3"],
            ["emit", "--timeout", "10"],
            ["emit", "--bus", "a/b"],
            ["rm"],
            ["stat", "--watch", "0"],
            ["stat", "--format", "prometheus"],
            ["tail"],
        ):
            bus.tool(*arguments, code=2)
            check(bus.tool_errors, f"{arguments}: nothing said")
        check(bus.tool("--version").startswith("logbus "), "version")
        for command in ("dump", "stat", "emit", "ls", "rm"):
            check("--directory" in bus.tool(command, "--help"), f"help of {command}")


def test_no_bus():
    """No such bus: exit 1 and a sentence with its path"""
    with Bus() as bus:
        for command in ("dump", "stat", "rm"):
            bus.tool(command, "nobody", code=1)
            check("nobody.logbus" in bus.tool_errors, f"{command}: {bus.tool_errors!r}")
        check_equal(bus.tool("ls"), "", "ls of an empty directory")
        bus.tool("ls", "--directory", bus.home + "/none", code=1)
        check(bus.home + "/none" in bus.tool_errors, bus.tool_errors)


def test_bus_by_position_option_environment():
    """BUS by position, by --bus, from $LOGBUS_BUS; the directory by option"""
    with Bus() as bus:
        bus.tool("emit", "--bus", "other", text=b"hello\n")
        for arguments in (["dump", "other"], ["dump", "--bus", "other"]):
            check("hello" in bus.tool(*arguments), str(arguments))
        env = dict(bus.env, LOGBUS_BUS="other")
        check("hello" in bus.tool("dump", env=env), "$LOGBUS_BUS")
        del env["LOGBUS_DIR"]
        check("hello" in bus.tool("--directory", bus.directory, "dump", env=env), "--directory before")
        check("hello" in bus.tool("dump", "--directory", bus.directory, env=env), "--directory behind")
        check("hello" in bus.tool("dump", os.path.join(bus.directory, "other.logbus")), "a path")


def test_ls_and_rm():
    """ls shows who is attached; rm exits 75 while somebody is"""
    with Bus() as bus:
        bus.tool("emit", "--bus", "idle", text=b"x\n")
        feeder = subprocess.Popen([LOGBUS, "emit", "--bus", "busy"], env=bus.env, stdin=subprocess.PIPE)
        try:
            feeder.stdin.write(b"x\n" * 10000)
            feeder.stdin.flush()

            def listed():
                return {b["bus"]: b for b in map(json.loads, bus.tool("ls", "--format", "json").splitlines())}

            wait_for(lambda: listed().get("busy", {}).get("workers_live") == 1, "the worker is attached")
            check_equal(listed()["busy"]["state"], "live", "state")
            check_equal(listed()["idle"]["state"], "idle", "state")
            check(listed()["idle"]["resident_bytes"] > 0, "size")
            check_equal(bus.tool("ls", "-q").split(), ["busy", "idle"], "names")
            bus.tool("rm", "busy", code=75)
            check("busy" in bus.tool_errors, bus.tool_errors)
            bus.tool("rm", "idle")
            check_equal(bus.tool("ls", "-q").split(), ["busy"], "names")
        finally:
            feeder.stdin.close()
            feeder.wait(60)
        bus.tool("rm", "busy")
        check_equal(os.listdir(bus.directory), [], "files")
        with open(os.path.join(bus.directory, "bad.logbus"), "w") as file:
            file.write("x" * 100)
        check("damaged" in bus.tool("ls"), "a file that is no bus")


def test_interrupt():
    """^C exits 130"""
    with Bus() as bus:
        bus.tool("emit", text=b"x\n")
        watcher = subprocess.Popen(
            [LOGBUS, "stat", "--watch", "0.1"], env=bus.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        check(watcher.stdout.readline().startswith(b"bus      t"), "first line")
        watcher.send_signal(signal.SIGINT)
        _, err = watcher.communicate(timeout=60)
        check_equal(watcher.returncode, 130, "exit code")
        check_equal(err, b"", "stderr")


def test_closed_pipe():
    """A reader that goes away ends it quietly"""
    with Bus() as bus:
        bus.tool("emit", text=b"some words\n" * 20000)
        reader = subprocess.Popen(
            [LOGBUS, "dump"], env=bus.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False
        )
        reader.stdout.readline()
        reader.stdout.close()
        check_equal(reader.stderr.read(), b"", "stderr")
        reader.stderr.close()
        check_equal(reader.wait(60), -signal.SIGPIPE, "how it ended")


def test_full_disk():
    """Output that can't be written: exit 1 and a sentence"""
    with Bus() as bus:
        bus.tool("emit", text=b"x\n")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LOGBUS, "dump"], env=bus.env, stdout=full, stderr=subprocess.PIPE)
        check_equal(done.returncode, 1, "exit code")
        check(b"standard output" in done.stderr, repr(done.stderr))


def on_terminal(arguments, env):
    master, slave = pty.openpty()
    child = subprocess.Popen(arguments, env=env, stdout=slave)
    os.close(slave)
    output = b""
    while True:
        try:
            some = os.read(master, 65536)
        except OSError:
            break
        if not some:
            break
        output += some
    os.close(master)
    check_equal(child.wait(60), 0, "exit code")
    return output


def test_color():
    """Colors on a terminal only, never with $NO_COLOR, always when told"""
    with Bus() as bus:
        bus.tool("emit", "--level", "ERROR", text=b"x\n")
        env = dict(bus.env)
        env.pop("NO_COLOR", None)
        check(b"\x1b[31m" in on_terminal([LOGBUS, "dump"], env), "terminal")
        check(b"\x1b" not in on_terminal([LOGBUS, "dump"], dict(env, NO_COLOR="1")), "NO_COLOR")
        check(b"\x1b" not in on_terminal([LOGBUS, "dump", "--color", "never"], env), "never")
        check("\x1b" not in bus.tool("dump", env=env), "no terminal")
        check("\x1b[31m" in bus.tool("dump", "--color", "always", env=env), "always")


def test_no_raw_control_bytes():
    """Nothing that a record holds reaches the terminal as a control byte"""
    with Bus() as bus:
        bad = bytes(range(1, 32)) + b"\x7f\xc2\x9b\xff"
        text = bad.replace(b"\n", b"")
        bus.tool("emit", "--name", text.decode("latin-1").replace("\xff", ""), text=text + b"\n")
        for arguments in (["dump"], ["dump", "--format", "json"]):
            done = subprocess.run([LOGBUS, *arguments], env=bus.env, capture_output=True, timeout=60)
            raw = [b for b in done.stdout if (b < 32 and b != 10) or b == 127]
            check_equal(raw, [], f"control bytes of {arguments}")
            check(b"\xc2\x9b" not in done.stdout, f"C1 control of {arguments}")


def test_filters_by_time():
    """--since and --until, with an offset and as an age"""
    with Bus() as bus:
        old = b'{"msg":"old","created":1000000000.5}\n'
        bus.tool("emit", "--json", text=old + b'{"msg":"new"}\n')

        def messages(*arguments):
            lines = bus.tool("dump", "--format", "json", "--only", "record", *arguments).splitlines()
            return [json.loads(line)["message"] for line in lines]

        check_equal(messages("-S", "1 hour ago"), ["new"], "since an hour ago")
        check_equal(messages("-S", "-1h"), ["new"], "-1h")
        check_equal(messages("-U", "2001-09-09T01:46:41Z"), ["old"], "until")
        check_equal(messages("-S", "2001-09-09 01:46:41", "--utc"), ["new"], "local time is UTC with --utc")
        check("2001-09-09T01:46:40.500000+00:00" in bus.tool("dump", "--utc"), "text in UTC")


if __name__ == "__main__":
    tap.run(globals())
