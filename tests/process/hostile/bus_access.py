# SPDX-License-Identifier: MIT
"""Who may open a bus, other people's tricks with its name, and what must not reach a terminal."""

import itertools
import json
import os
import random
import re
import socket
import stat
import subprocess

import tap
from bus import LOGBUS, LOGBUSD, WORKER, Bus, read_text
from tap import SOAK, Skip, check, check_equal, wait_for

NOBODY = 65534
CONTROLS = "\x1b]0;owned\x07\x9b31m\x7f\x01"
RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|(?<![\xc2-\xf4\x80-\xbf])[\x80-\xbf]")


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def with_umask(mask, function, *arguments, **options):
    before = os.umask(mask)
    try:
        return function(*arguments, **options)
    finally:
        os.umask(before)


def run(bus, *command, seconds=20, **options):
    """The exit code and what it said; a hang is a failure."""
    done = subprocess.run(
        [os.fspath(a) for a in command], env=options.pop("env", bus.env), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, **options
    )
    return done.returncode, done.stdout + done.stderr


def as_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def test_mode_whatever_the_umask():
    """A bus is 0600, or as configured, whatever the umask is and whoever makes it."""
    for mask in (0o000, 0o077, 0o777):
        with Bus() as bus:
            with_umask(mask, bus.run_worker, records=1)
            check_equal(mode_of(bus.segment), 0o600, f"made by a worker with umask {mask:o}")
        with Bus() as bus:
            bus.env.update(LOGBUS_MODE="0640", LOGBUS_GROUP=str(os.getegid()))
            with_umask(mask, bus.run_worker, records=1)
            check_equal(mode_of(bus.segment), 0o640, f"made by a worker with LOGBUS_MODE and umask {mask:o}")
            check_equal(os.stat(bus.segment).st_gid, os.getegid(), "its group")
    for mask, settings, mode in ((0o000, {}, 0o600), (0o077, {"permissions": "0660", "group": os.getegid()}, 0o660)):
        with Bus(**settings) as bus:
            with_umask(mask, bus.start_sidecar)
            check_equal(mode_of(bus.segment), mode, f"made by logbusd with umask {mask:o}")
            bus.stop_sidecar()
            check_equal(mode_of(bus.file), 0o666 & ~mask, "the log file has what the umask leaves, as Python's")


def test_group_by_name_of_another():
    """A group of the configuration is the bus's, and its members may write to it, others not."""
    need_root()
    with Bus(permissions="0660", group=NOBODY) as bus:
        bus.start_sidecar()
        os.chmod(bus.directory, 0o755)
        os.chmod(bus.home, 0o755)
        check_equal(os.stat(bus.segment).st_gid, NOBODY, "the bus's group")
        code, said = run(bus, WORKER, "--text", "from the group", preexec_fn=as_nobody)
        check_equal((code, said), (0, b""), "a worker of the group")
        wait_for(lambda: "from the group" in read_text(bus.file), "its record is written")
        os.chmod(bus.segment, 0o600)
        code, said = run(bus, WORKER, "--text", "from outside", preexec_fn=as_nobody)
        check(b"ermission denied" in said, f"a worker that may not open it says so: {said!r}")
        bus.stop_sidecar()
        check("from outside" not in read_text(bus.file), "a record of one who may not write")


def put(bus, kind):
    """Something else under the bus's name."""
    path = bus.segment
    with Bus() as other:
        other.run_worker(records=1)
        if kind in ("symlink", "hard link", "writable by all", "of another user"):
            os.rename(other.segment, path + ".other")
    if kind == "symlink":
        os.symlink(path + ".other", path)
    elif kind == "hard link":
        os.link(path + ".other", path)
    elif kind == "writable by all":
        os.rename(path + ".other", path)
        os.chmod(path, 0o666)
    elif kind == "of another user":
        os.rename(path + ".other", path)
        os.chown(path, NOBODY, NOBODY)
    elif kind == "dangling symlink":
        os.symlink(bus.directory + "/elsewhere", path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
    elif kind == "device":
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    return path


def test_other_things_under_the_name():
    """Symlinks, hard links, FIFOs, devices, files of others: refused by all, at once, untouched."""
    kinds = ["symlink", "dangling symlink", "hard link", "writable by all", "fifo", "directory", "socket"]
    if os.geteuid() == 0:
        kinds += ["of another user", "device"]
    for kind in kinds:
        with Bus() as bus:
            os.chmod(bus.directory, 0o1777)  # sticky
            path = put(bus, kind)
            before = os.lstat(path)
            code, said = run(bus, LOGBUSD, "--config", bus.config())
            check(code == 1 and b"t.logbus" in said, f"{kind}: logbusd gives {code}, {said!r}")
            code, said = run(bus, WORKER, "--text", "hello")
            check(code == 0 and b"hello" in said and b"t.logbus" in said, f"{kind}: a worker gives {code}, {said!r}")
            if kind not in ("writable by all", "of another user"):  # those may be removed by who may
                code, said = run(bus, LOGBUS, "rm", bus.name)
                check(code == 1, f"{kind}: logbus rm gives {code}, {said!r}")
            for command in ("stat", "dump"):
                code, said = run(bus, LOGBUS, command, bus.name)
                good = kind in ("hard link", "writable by all", "of another user")  # who may read it may look
                check_equal(code, 0 if good else 1, f"{kind}: logbus {command}, {said!r}")
            code, said = run(bus, LOGBUS, "ls")
            check_equal(code, 0, f"{kind}: logbus ls, {said!r}")
            after = os.lstat(path)
            check_equal((after.st_ino, after.st_mode, after.st_uid), (before.st_ino, before.st_mode, before.st_uid), f"{kind} is left as it was")
            check(not os.path.lexists(bus.directory + "/elsewhere"), f"{kind}: made through a symlink")


def test_controls_never_reach_a_terminal():
    """Control characters in names and texts are escaped by dump, stat, ls and all messages."""
    with Bus() as bus:
        bus.env["LOGBUS_PROCESS_NAME"] = CONTROLS
        odd = os.path.join(bus.home, CONTROLS)
        os.mkdir(odd)
        bus.directory, directory = odd, bus.directory
        bus.env["LOGBUS_DIR"] = odd
        bus.run_worker(text=CONTROLS)
        record = {"name": CONTROLS, "msg": CONTROLS, "levelname": CONTROLS, "funcName": CONTROLS, CONTROLS: CONTROLS, "threadName": CONTROLS}
        bus.tool("emit", "--json", text=json.dumps(record).encode())
        config = os.path.join(bus.home, CONTROLS + ".yaml")

        def write(handlers, **more):
            with open(config, "w") as file:
                json.dump({"version": 1, "handlers": handlers, "root": {"handlers": list(handlers), "level": 1}, **more}, file)

        looks = [["dump", "t"], ["dump", "--format", "json", "t"], ["stat", "t"], ["stat", "--format", "json", "t"], ["ls"], ["ls", "--names"],
                 ["dump", CONTROLS], ["stat", CONTROLS], ["rm", CONTROLS], [CONTROLS], ["ls", "--" + CONTROLS], ["ls", "--directory", CONTROLS],
                 ["emit", "--level", CONTROLS]]  # fmt: skip

        def look():
            for arguments in looks:
                code, said = run(bus, LOGBUS, *arguments)
                check(said and not RAW.search(said), f"logbus {arguments}: {said!r}")

        look()
        # What logbusd says: of a bad file, of a good one, of a handler that fails.
        for content in ({CONTROLS: {"class": CONTROLS}}, {"x": {"class": "logging.FileHandler", "filename": "/no/" + CONTROLS, CONTROLS: 1}}):
            write(content, filters={CONTROLS: {"()": CONTROLS}}, **{CONTROLS: 1})
            code, said = run(bus, LOGBUSD, "--config", config)
            check(code != 0 and not RAW.search(said), f"logbusd: {said!r}")
        with open(config, "w") as file:
            file.write(f"{json.dumps(CONTROLS)}: &a [*b, '\n")
        for arguments in (["--config", config], ["--config", CONTROLS], ["--" + CONTROLS], ["--config", config, "--bus", CONTROLS]):
            code, said = run(bus, LOGBUSD, *arguments)
            check(code != 0 and not RAW.search(said), f"logbusd {arguments}: {said!r}")
        write({CONTROLS: {"class": "logging.FileHandler", "filename": "/dev/full"}})
        code, said = run(bus, LOGBUSD, "--config", config, "--drain", "--timeout", "10 s")
        check(said and not RAW.search(said), f"logbusd: {said!r}")
        look()
        bus.directory = directory


SECRET = "Xy9S3CR3T"


def shapes(secret):
    """Ways to write credentials, good, bad and worse, as YAML."""
    quoted = f'"{secret}"'
    yield from (f"[user, {secret}]", f"[user, {quoted}]", f"{secret}", f"[{secret}]", f"[user, [{secret}]]", f"[user, {secret}, 3]")
    yield from (f"{{user: {secret}}}", f"{{user: u, password: {secret}}}", f"[user, !!int {secret}]", f"[user, !!float {quoted}]")
    yield from (f"[user, !!timestamp {secret}]", f"[user, !!bool {secret}]", f"[user, !{secret}]", f"[user, *{secret}]", f"[user, &{secret}]")
    yield from (f"[user, &{secret} a, &{secret} b]", f'[user, "{secret}', f"[user, {secret}", f"[user: {secret}: x]", f"[user, @{secret}]")
    yield from (f"[user, %{secret}]", f"[user, ext://{secret}]", f"[user, cfg://{secret}]", f"ext://{secret}", f"cfg://handlers.{secret}")
    yield from (f"[user, '{secret}\\x']", f'[user, "\\z{secret}"]', f"[user, {secret}\x01]", f"? {secret}", f"!!binary {secret}", f"[u, !!binary '{secret}']")
    yield from (f"{{{secret}: 1}}", f"[1, {secret}]", f"[[u, {secret}]]", f"|\n      {secret}\n", f"[null, {secret}]", f"!!set {{{secret}}}")


def configurations():
    smtp = "  h:\n    class: logging.handlers.SMTPHandler\n    mailhost: {host}\n    fromaddr: a@b\n    toaddrs: [c@d]\n    subject: s\n    {key}: {value}\n"
    http = "  h:\n    class: logging.handlers.HTTPHandler\n    host: {host}\n    url: {url}\n    {key}: {value}\n"
    def one(handler, host="127.0.0.1:9", url="/x", key="credentials", value="[u, p]"):
        return "version: 1\nhandlers:\n" + handler.format(host=host, url=url, key=key, value=value) + "root: {handlers: [h]}\n"

    for handler, value in itertools.product((smtp, http), shapes(SECRET)):
        yield one(handler, value=value)
    for key in ("credential", "Credentials", "password", "passwd", "token"):
        for handler in (smtp, http):
            yield one(handler, key=key, value=f"[user, {SECRET}]")
            yield one(handler, key=key, value=SECRET)
    for host in (f"user:{SECRET}@127.0.0.1", f"http://user:{SECRET}@127.0.0.1/", f"'user:{SECRET}@127.0.0.1:x'"):
        yield one(smtp, host=host)
        yield one(http, host=host)
        yield one(http, url=host)
        yield one(smtp, host=f"[{host}, 99999]")
    syslog = "version: 1\nhandlers:\n  h:\n    class: logging.handlers.{}\n    {}: 'http://user:{}@127.0.0.1/'\n    port: 9\nroot: {{handlers: [h]}}\n"
    yield syslog.format("SocketHandler", "host", SECRET)
    yield syslog.format("SysLogHandler", "address", SECRET)


def test_secrets_are_not_told():
    """Passwords of the configuration are in no message, whatever is wrong with them."""
    with Bus() as bus:
        count = 0
        all_of_them = list(configurations())
        seed = int(os.environ.get("LOGBUS_SEED", "20260301"))
        for text in all_of_them if SOAK else random.Random(seed).sample(all_of_them, 24):
            path = os.path.join(bus.home, "secret.yaml")
            with open(path, "w") as file:
                file.write(text)
            code, said = run(bus, LOGBUSD, "--config", path, "--check")
            check(code in (0, 78), f"{text}: {code}, {said!r}")
            check(SECRET.encode() not in said, f"{text}: {said!r}")
            count += 1
        print(f"# seed {seed}: {count} of {len(all_of_them)} configurations")
        # In use: where nobody listens, what cannot be delivered is told, without the password.
        for text in (
            "handlers:\n  h: {class: logging.handlers.HTTPHandler, host: '127.0.0.1:9', url: /x, method: POST, credentials: [user, %s]}\n",
            "handlers:\n  h: {class: logging.handlers.SMTPHandler, mailhost: [127.0.0.1, 9], fromaddr: a, toaddrs: b, subject: s, credentials: [user, %s]}\n",
        ):
            with open(path, "w") as file:
                file.write("version: 1\n" + text % SECRET + "root: {handlers: [h]}\nlogbus: {drain_timeout: 200 ms}\n")
            bus.run_worker(text="hello")
            code, said = run(bus, LOGBUSD, "--config", path, "--drain", "--timeout", "1 s")
            check(b"draining" in said and SECRET.encode() not in said, f"{said!r}")
            for arguments in (["stat"], ["stat", "--format", "json"], ["dump"]):
                code, said = run(bus, LOGBUS, *arguments)
                check(code == 0 and SECRET.encode() not in said, f"logbus {arguments}: {said!r}")


tap.run(globals())
