#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SysLogHandler end to end: what rsyslogd and syslog-ng have written of what was logged; CPython's own for the bytes."""

import collections
import contextlib
import ctypes
import fcntl
import itertools
import json
import logging
import logging.handlers
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import types

import tap
from bus import LOGBUSD, Bus, finish, read_text
from syslog_servers import Certificates, Rsyslogd, SyslogNg, free_port
from tap import check, check_equal, wait_for

DGRAM, STREAM = "ext://socket.SOCK_DGRAM", "ext://socket.SOCK_STREAM"
SYSLOG = "logging.handlers.SysLogHandler"


class NetBus(Bus):
    """Its root logger has several handlers; each is given as the keys of a SysLogHandler."""

    def __init__(self, handlers, formats=None, **settings):
        super().__init__(**settings)
        self.handlers = {name: {"class": SYSLOG, "formatter": "line", **keys} for name, keys in handlers.items()}
        self.formats = {"line": {"format": "%(name)s: %(message)s"}, **(formats or {})}

    def config(self):
        path = os.path.join(self.home, "logbusd.yaml")
        with open(path, "w") as file:
            json.dump({"version": 1, "logbus": self.settings, "formatters": self.formats, "handlers": self.handlers,
                       "root": {"level": "DEBUG", "handlers": list(self.handlers)}}, file)
        return path

    def emit(self, *records):
        lines = [json.dumps({"name": "app", "levelname": "INFO", "levelno": 20, "process": 4711, "processName": "shop",
                             **({"msg": r} if isinstance(r, str) else r)}) for r in records]
        self.tool("emit", "--json", text="\n".join(lines).encode())

    def counters(self, name):
        """Zeros before its first batch."""
        found = (handler for handler in self.stat()["handlers"] if handler["handler"] == name)
        return next(found, collections.defaultdict(int))


def file_handler(bus):
    return {"class": "logging.FileHandler", "filename": bus.file, "formatter": "line"}


RECORDS = [
    {"msg": "plain %s", "args": ["text"]},
    {"msg": "häm-späm €", "levelname": "WARNING", "levelno": 30},
    {"msg": "failed", "levelname": "ERROR", "levelno": 40, "exc_text": "Traceback:\nValueError: x"},
    {"msg": "own level", "levelname": "NOTICE", "levelno": 25},
    {"msg": "order", "levelname": "CRITICAL", "levelno": 50, "order": 42, "who": 'a"b]c\\d é'},
]
PRIORITIES = [["info"], ["warning"], ["err", "error"], ["warning"], ["crit", "critical"]]
TEXTS = ["app: plain text", "app: häm-späm €", "app: failed\nTraceback:\nValueError: x", "app: own level", "app: order"]
DATA = '[extra@32473 order="42" who="a\\"b\\]c\\\\d é"]'


def fields(lines):
    """Records of seven fields, whose last may go on over lines that have none."""
    records = []
    for line in lines:
        if line.count("|") >= 6:
            records.append(line.split("|", 6))
        else:
            records[-1][6] += "\n" + line
    return records


def check_records(server, name, rfc5424=False, newline="\n"):
    wait_for(lambda: len(fields(server.lines(name))) >= len(RECORDS), f"{server.path(name)} has all", 10)
    got = fields(server.lines(name))
    check_equal(len(got), len(RECORDS), f"records in {name}")
    for (facility, severity, app, process, kind, data, text), priority, wanted in zip(got, PRIORITIES, TEXTS):
        check_equal(facility, "local3", f"{name}: facility of {wanted}")
        check(severity in priority, f"{name}: severity of {wanted}: {severity}, wanted {priority}")
        if rfc5424:
            check_equal([app, process, kind], ["shop", "4711", "app"], f"{name}: header of {wanted}")
            # One server gives structured data as it came, the other anew.
            check_equal(data.replace("-", ""), DATA if "order" in wanted else "", f"{name}: structured data of {wanted}")
            check_equal(text.lstrip("\ufeff "), wanted.replace("\n", newline), f"{name}: text")
        else:
            # Both take `app: ` for the name of a program.
            check_equal([app, text.lstrip()], ["app", wanted.removeprefix("app: ").replace("\n", newline)], f"{name}: text")


def tls_for(folder):
    certificates = Certificates(folder)
    cert, key = certificates.sign("localhost", "DNS:localhost,IP:127.0.0.1")
    return certificates, types.SimpleNamespace(ca=certificates.ca, cert=cert, key=key)


def all_servers_get(bus, server, with_rfc5424=()):
    bus.emit(*RECORDS)
    bus.drain(20)
    check_equal(read_text(bus.sidecar.errors).count("Logging error"), 0, "errors told")
    for name, handler in bus.handlers.items():
        check_records(server, name, "header" in handler, "#012" if handler.get("framing") == "lf" else "\n")


def test_rsyslogd():
    """rsyslogd over UDP, TCP, a Unix socket and TLS, with RFC 5424's header, with octets counted"""
    tcp, counted, lf, tls = (free_port() for _ in range(4))
    udp = free_port(socket.SOCK_DGRAM)
    more = {"facility": "local3"}
    rfc5424 = {"header": "rfc5424", "hostname": "h", **more}
    with NetBus({}) as bus:
        _, files = tls_for(os.path.join(bus.home, "certs"))
        dev = os.path.join(bus.home, "dev")
        secure = 'streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"'
        with Rsyslogd(os.path.join(bus.home, "rsyslogd"), {
            "udp": f'type="imudp" address="127.0.0.1" port="{udp}"',
            "tcp": f'type="imtcp" address="127.0.0.1" port="{tcp}" disableLFDelimiter="on"',
            "counted": f'type="imtcp" address="127.0.0.1" port="{counted}"',
            "lf": f'type="imtcp" address="127.0.0.1" port="{lf}"',
            "tls": f'type="imtcp" address="127.0.0.1" port="{tls}" {secure}',
            "dev": f'type="imuxsock" Socket="{dev}"',
        }, tls=files, ports=(tcp, counted, lf, tls), sockets=(dev,)) as server:
            bus.handlers = {name: {"class": SYSLOG, "formatter": "line", **keys} for name, keys in {
                "udp": {"address": ["127.0.0.1", udp], **rfc5424},
                "tcp": {"address": ["localhost", tcp], "socktype": STREAM, **more},
                "counted": {"address": ["127.0.0.1", counted], "socktype": STREAM, "framing": "octet-counting", **rfc5424},
                "lf": {"address": ["127.0.0.1", lf], "socktype": STREAM, "framing": "lf", **more},
                "tls": {"address": ["localhost", tls], "tls": {"ca_certs": files.ca}, **rfc5424},
                "dev": {"address": dev, **more},
            }.items()}
            all_servers_get(bus, server)


def test_ipv6():
    """rsyslogd over UDP and TCP with IPv6"""
    try:
        tcp, udp = free_port(socket.SOCK_STREAM, "::1"), free_port(socket.SOCK_DGRAM, "::1")
    except OSError as error:
        raise tap.Skip(f"no IPv6: {error}") from None
    more = {"facility": "local3"}
    with NetBus({
        "udp": {"address": ["::1", udp], **more},
        "tcp": {"address": ["::1", tcp], "socktype": STREAM, "header": "rfc5424", **more},
    }) as bus, Rsyslogd(os.path.join(bus.home, "rsyslogd"), {
        "udp": f'type="imudp" address="::1" port="{udp}"',
        "tcp": f'type="imtcp" address="::1" port="{tcp}" disableLFDelimiter="on"',
    }, ports=(tcp,)) as server:
        all_servers_get(bus, server)


def test_syslog_ng():
    """syslog-ng over UDP, TCP, both kinds of Unix sockets and TLS that asks for a certificate, with RFC 5424's header"""
    tcp, counted, tls = (free_port() for _ in range(3))
    udp = free_port(socket.SOCK_DGRAM)
    more = {"facility": 19}
    rfc5424 = {"header": "rfc5424", **more}
    with NetBus({}) as bus:
        certificates, files = tls_for(os.path.join(bus.home, "certs"))
        cert, key = certificates.sign("client", "DNS:client")
        folder = os.path.join(bus.home, "syslog-ng")
        stream, dgram = os.path.join(bus.home, "stream"), os.path.join(bus.home, "dgram")
        secure = f'key-file("{files.key}") cert-file("{files.cert}") ca-file("{files.ca}") peer-verify(required-trusted)'
        flags = "flags(no-multi-line)"
        with SyslogNg(folder, {
            "udp": f'network(ip("127.0.0.1") port({udp}) transport("udp"))',
            "tcp": f'network(ip("127.0.0.1") port({tcp}) transport("tcp") {flags})',
            "counted": f'syslog(ip("127.0.0.1") port({counted}) transport("tcp"))',
            "tls": f'syslog(ip("127.0.0.1") port({tls}) transport("tls") tls({secure}))',
            "stream": f'unix-stream("{stream}" {flags})',
            "dgram": f'unix-dgram("{dgram}")',
        }, ports=(tcp, counted, tls), sockets=(stream, dgram)) as server:
            bus.handlers = {name: {"class": SYSLOG, "formatter": "line", **keys} for name, keys in {
                "udp": {"address": ["127.0.0.1", udp], **more},
                "tcp": {"address": ["localhost", tcp], "socktype": STREAM, "framing": "lf", **more},
                "counted": {"address": ["127.0.0.1", counted], "socktype": STREAM, "framing": "octet-counting", **rfc5424},
                "tls": {"address": ["127.0.0.1", tls],
                        "tls": {"ca_certs": files.ca, "certfile": cert, "keyfile": key}, **rfc5424},
                "stream": {"address": stream, "framing": "lf", "socktype": STREAM, **more},
                "dgram": {"address": dgram, **more},
            }.items()}
            all_servers_get(bus, server)


class Capture:
    """A socket that keeps what comes: a list of datagrams, or the bytes of all connections in their order."""

    def __init__(self, kind, address=("127.0.0.1", 0)):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.kind, self.got, self.connection, self.connections = kind, [], None, 0
        self.socket = socket.socket(family, kind)
        self.socket.bind(address)
        self.address = address if isinstance(address, str) else list(self.socket.getsockname())
        if kind == socket.SOCK_STREAM:
            self.socket.listen(8)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                if self.kind == socket.SOCK_DGRAM:
                    self.got.append(self.socket.recv(1 << 20))
                    continue
                self.connection, _ = self.socket.accept()
                self.connections += 1
                while data := self.connection.recv(1 << 16):
                    self.got.append(data)

    def all(self):
        """All that came."""
        return self.got if self.kind == socket.SOCK_DGRAM else b"".join(self.got)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for opened in filter(None, (self.socket, self.connection)):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        self.thread.join(5)


def test_same_bytes_as_cpython():
    """CPython's own SysLogHandler and logbusd send the same bytes"""
    attributes = [{}, {"append_nul": False, "ident": "häm-späm "}, {"priority_map": {"NOTICE": "notice", "INFO": "debug"}}]
    facilities = [1, "local3", "solaris-cron"]
    with NetBus({}) as bus, contextlib.ExitStack() as stack:
        oracles, wanted = [], {}
        for number, (kind, place) in enumerate(itertools.product((socket.SOCK_DGRAM, socket.SOCK_STREAM), ("inet", "unix"))):
            for which, (extra, facility) in enumerate(zip(attributes, facilities)):
                name = f"h{number}{which}"
                address = lambda who: ("127.0.0.1", 0) if place == "inet" else os.path.join(bus.home, name + who)
                python, ours = (stack.enter_context(Capture(kind, address(who))) for who in ("p", "o"))
                options = {"address": ours.address, "facility": facility, ".": extra}
                if kind == socket.SOCK_STREAM and place == "inet":
                    options["socktype"] = STREAM
                bus.handlers[name] = {"class": SYSLOG, "formatter": "line", **options}
                where = python.address if place == "unix" else tuple(python.address)
                oracle = logging.handlers.SysLogHandler(
                    where, facility, None if place == "unix" else kind)  # which finds out what is there
                oracle.setFormatter(logging.Formatter("%(name)s: %(message)s"))
                for key, value in extra.items():
                    setattr(oracle, key, value)
                oracles.append(oracle)
                wanted[name] = (python, ours)
        for record in RECORDS:
            for oracle in oracles:
                values = {"name": "app", "levelname": "INFO", "levelno": 20, **record}
                oracle.handle(logging.makeLogRecord({**values, "args": tuple(record.get("args", ()))}))
        for oracle in oracles:
            oracle.close()
        bus.emit(*RECORDS)
        bus.drain(20)
        for name, (python, ours) in wanted.items():
            wait_for(lambda: len(python.all()) > 0 and python.all() == ours.all(),
                     f"{name}: {ours.all()} is as CPython's {python.all()}", 5)


def numbers(lines):
    return [int(found[1]) for found in (re.search(r"number (\d+)\b", line) for line in lines) if found]


def numbered(first, count):
    return [f"number {n}" for n in range(first, first + count)]


def test_unix_server_comes_late_and_again():
    """/dev/log is absent, comes, goes and comes again: nothing is lost, and a file beside it gets all at once"""
    with NetBus({}) as bus:
        dev = os.path.join(bus.home, "dev")
        bus.handlers = {"file": file_handler(bus), "dev": {"class": SYSLOG, "address": dev, "formatter": "line"}}
        bus.start_sidecar()
        bus.emit(*numbered(0, 50))
        wait_for(lambda: bus.counters("dev")["records"] == 50, "50 records wait")
        check_equal(len(list(bus.lines())), 50, "lines of the file")
        check(bus.counters("dev")["errors"] >= 1 and "dev" in read_text(bus.sidecar.errors), "the failure is told")
        with Rsyslogd(os.path.join(bus.home, "r"), {"dev": f'type="imuxsock" Socket="{dev}" RateLimit.Interval="0"'},
                      sockets=(dev,)) as server:
            check_equal(numbers(server.wait_for_lines("dev", 50)), list(range(50)), "what waited")
            server.stop()
            bus.emit(*numbered(50, 50))
            wait_for(lambda: bus.counters("dev")["records"] == 100, "50 more records wait")
            server.start()
            bus.emit(*numbered(100, 10))
            check_equal(numbers(server.wait_for_lines("dev", 110)), list(range(110)), "all, in order")
            check_equal(bus.counters("dev")["dropped"], 0, "dropped")
            bus.stop_sidecar(20)


def test_restarts_under_load():
    """rsyslogd over TCP is killed and started again under load: all that its kernel had not taken comes again"""
    with NetBus({}) as bus:
        port, count, restarts = free_port(), 24000, 3
        with Rsyslogd(os.path.join(bus.home, "r"), {"tcp": f'type="imtcp" address="127.0.0.1" port="{port}"'},
                      ports=(port,)) as server:
            bus.handlers = {"tcp": {"class": SYSLOG, "address": ["127.0.0.1", port], "socktype": STREAM, "formatter": "line",
                                    "framing": "octet-counting"}}
            bus.start_sidecar()
            worker = bus.worker(records=count, pause_us=15000)
            seen = 0
            for _ in range(restarts):
                seen = len(server.wait_for_lines("tcp", seen + 1000, 20))
                server.stop(signal.SIGKILL)
                server.start()
            finish(worker, "worker", 30)
            wait_for(lambda: f" n {count - 1}\n" in server.read("tcp"), "the last record came", 20)
            bus.stop_sidecar(20)
            got = [int(found) for found in re.findall(r" n (\d+)\n", server.read("tcp"))]
            lost = sorted(set(range(count)) - set(got))
            gaps = [n for n in lost if n - 1 not in lost]
            repeated = len(got) - len(set(got))
            print(f"# {restarts} restarts: {len(lost)} lost in the server's kernel or in the server, {repeated} repeated")
            # rsyslogd closes its socket without reading what is there, and that may have been acknowledged.
            check(len(gaps) <= restarts, f"{restarts} restarts, and records are lost at {gaps}")
            counters = bus.counters("tcp")
            check(counters["errors"] >= 1, "no restart was noticed")
            check_equal(counters["dropped"], 0, "dropped")
            check_equal(counters["records"], count, "records")


def test_server_that_reads_nothing():
    """A server that stands still: the backlog fills, what doesn't fit in is counted, the rest comes when it goes on"""
    with NetBus({}, overflow="block", block_timeout="10 s") as bus:
        port, count = free_port(), 12000
        with Rsyslogd(os.path.join(bus.home, "r"), {"tcp": f'type="imtcp" address="127.0.0.1" port="{port}"'},
                      ports=(port,)) as server:
            bus.handlers = {"file": file_handler(bus),
                            "tcp": {"class": SYSLOG, "address": ["127.0.0.1", port], "socktype": STREAM, "formatter": "line",
                                    "timeout": 0.2, "backlog": "200 KiB"}}
            bus.start_sidecar()
            server.signal(signal.SIGSTOP)
            bus.run_worker(records=count, payload=1000)
            wait_for(lambda: len(list(bus.lines())) == count, "the file has all", 10)
            handled = lambda counters: counters["records"] + counters["dropped"] == count
            wait_for(lambda: handled(bus.counters("tcp")), "all are sent, waiting or dropped")
            stuck = bus.counters("tcp")
            check_equal(stuck["dropped_by_reason"]["backlog_full"], stuck["dropped"], "all were dropped for the same reason")
            check(stuck["dropped"] > 0, "the kernel's buffers have taken all: no test of this")
            check_equal(read_text(bus.sidecar.errors).count("backlog is full"), 1, "told once")
            server.signal(signal.SIGCONT)
            wanted = count - stuck["dropped"]
            wait_for(lambda: server.read("tcp").count(" w 0 t 0 n ") == wanted, f"{wanted} records came", 20)
            bus.stop_sidecar(20)


@contextlib.contextmanager
def network_of_its_own():
    """This process and those that it starts see a loopback of their own; gives a function that takes it down or up."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newnet, siocsifflags, iff_up = 0x40000000, 0x8914, 1

    def set_loopback(up):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh14x", b"lo", iff_up if up else 0))

    with open("/proc/self/ns/net") as before:
        if libc.unshare(clone_newnet) != 0:
            raise tap.Skip(f"needs a network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            set_loopback(True)
            yield set_loopback
        finally:
            check_equal(libc.setns(before.fileno(), clone_newnet), 0, "setns")


def test_half_open():
    """Packets are dropped for a while, then once more while the servers are killed: nobody waits, and all comes"""
    with network_of_its_own() as set_loopback, NetBus({}) as bus, contextlib.ExitStack() as stack:
        _, good = tls_for(os.path.join(bus.home, "certs"))
        tcp, tls = free_port(), free_port()
        servers = {
            "tcp": Rsyslogd(os.path.join(bus.home, "r"), {"tcp": f'type="imtcp" address="127.0.0.1" port="{tcp}"'}, ports=(tcp,)),
            "tls": SyslogNg(os.path.join(bus.home, "n"), {
                "tls": f'syslog(ip("127.0.0.1") port({tls}) transport("tls") tls(cert-file("{good.cert}") '
                       f'key-file("{good.key}") peer-verify(optional-untrusted)))'}, ports=(tls,)),
        }
        for server in servers.values():
            stack.enter_context(server)
        bus.handlers = {
            "file": file_handler(bus),
            "tcp": {"class": SYSLOG, "address": ["127.0.0.1", tcp], "socktype": STREAM, "framing": "octet-counting",
                    "formatter": "line"},
            "tls": {"class": SYSLOG, "address": ["127.0.0.1", tls], "tls": {"ca_certs": good.ca}, "formatter": "line"},
        }
        bus.start_sidecar()
        bus.emit(*numbered(0, 10))
        for name, server in servers.items():
            server.wait_for_lines(name, 10)
        set_loopback(False)
        bus.emit(*numbered(10, 1000))
        wait_for(lambda: len(list(bus.lines())) == 1010, "the file has all", 5)
        for name, server in servers.items():
            check_equal(len(server.lines(name)), 10, f"{name}: what came while packets are dropped")
        set_loopback(True)
        for name, server in servers.items():
            check_equal(numbers(server.wait_for_lines(name, 1010)), list(range(1010)), f"{name}: all, once, in order")
        # Now nobody ever acknowledges what is in the kernel's buffers.
        set_loopback(False)
        bus.emit(*numbered(1010, 1000))
        wait_for(lambda: all(bus.counters(name)["records"] == 2010 for name in servers), "all are sent or wait", 5)
        for server in servers.values():
            server.stop(signal.SIGKILL)
        set_loopback(True)
        for server in servers.values():
            server.start()
        for name, server in servers.items():
            wait_for(lambda: set(numbers(server.lines(name))) == set(range(2010)), f"{name}: all", 20)
            check_equal(bus.counters(name)["dropped"], 0, f"{name}: dropped")
        bus.stop_sidecar(20)


def test_too_large_for_a_datagram():
    """A message that no datagram holds is counted and told; the next one goes"""
    with NetBus({}) as bus, Capture(socket.SOCK_DGRAM) as server:
        bus.handlers = {"udp": {"class": SYSLOG, "address": server.address, "formatter": "line"}}
        bus.emit("before", "x" * 200000, "after")
        bus.drain(20)
        check_equal(server.got, [b"<14>app: before\0", b"<14>app: after\0"], "what came")
        counters = bus.counters("udp")
        check_equal([counters["records"], counters["dropped_by_reason"]["too_large"]], [2, 1], "sent, too large")
        check_equal(read_text(bus.sidecar.errors).count("too large"), 1, "told once")


def start_refused(bus):
    """Starts logbusd with `compat: strict`, which must not start, as Python; gives what it says."""
    settings, bus.settings = bus.settings, {**bus.settings, "compat": "strict"}
    done = subprocess.run([LOGBUSD, "--config", bus.config()], env=bus.env, cwd=bus.home, capture_output=True, text=True,
                          timeout=20)
    bus.settings = settings
    check(done.returncode != 0, "logbusd has started")
    return done.stderr


def test_certificates():
    """An expired certificate, another host's, an unknown CA's: logbusd says which, and sends nothing"""
    with NetBus({}) as bus:
        certificates, good = tls_for(os.path.join(bus.home, "certs"))
        other = Certificates(os.path.join(bus.home, "other"), "other")
        expired = certificates.sign("expired", "DNS:localhost", "20210101000000Z")
        elsewhere = certificates.sign("elsewhere", "DNS:elsewhere.example")
        folder = lambda name: os.path.join(bus.home, name)
        ports = {name: free_port() for name in ("good", "expired", "elsewhere")}
        pairs = {"good": (good.cert, good.key), "expired": expired, "elsewhere": elsewhere}
        with SyslogNg(folder("n"), {
            name: f'syslog(ip("127.0.0.1") port({ports[name]}) transport("tls") '
                  f'tls(cert-file("{cert}") key-file("{key}") peer-verify(optional-untrusted)))'
            for name, (cert, key) in pairs.items()
        }, ports=tuple(ports.values())) as server:
            for name, tls, wanted in [
                ("expired", {"ca_certs": good.ca}, "certificate has expired"),
                ("elsewhere", {"ca_certs": good.ca}, "hostname mismatch"),
                ("good", {"ca_certs": other.ca}, "unable to get local issuer certificate"),
                ("good", {"ca_certs": good.ca, "server_hostname": "elsewhere.example"}, "hostname mismatch"),
            ]:
                bus.handlers = {"tls": {"class": SYSLOG, "address": ["localhost", ports[name]], "tls": tls}}
                said = start_refused(bus)
                check(wanted in said and str(ports[name]) in said, f"{name}: {said!r}, wanted {wanted!r}")
            for name, tls in [("elsewhere", {"ca_certs": good.ca, "server_hostname": "elsewhere.example"}),
                              ("expired", {"verify": False})]:
                bus.handlers = {"tls": {"class": SYSLOG, "address": ["localhost", ports[name]], "tls": tls}}
                bus.emit(f"to {name}")
                bus.drain(20)
                server.wait_for_lines(name, 1)
            check_equal(server.lines("good"), [], "what came over connections that were refused")


def test_tls_with_nobody_who_answers():
    """A server that takes the connection and says nothing: given up after the timeout"""
    with NetBus({}) as bus, Capture(socket.SOCK_STREAM) as server:
        bus.handlers = {"tls": {"class": SYSLOG, "address": server.address, "tls": True, "timeout": 0.2}}
        said = start_refused(bus)
        check("no TLS handshake with 127.0.0.1" in said, said)


def test_client_without_certificate():
    """A server that wants a certificate, of which there is none: told at the start, not after records are lost"""
    with NetBus({}) as bus:
        _, good = tls_for(os.path.join(bus.home, "certs"))
        port = free_port()
        with SyslogNg(os.path.join(bus.home, "n"), {
            "tls": f'syslog(ip("127.0.0.1") port({port}) transport("tls") tls(cert-file("{good.cert}") '
                   f'key-file("{good.key}") ca-file("{good.ca}") peer-verify(required-trusted)))',
        }, ports=(port,)):
            bus.handlers = {"tls": {"class": SYSLOG, "address": ["localhost", port], "tls": {"ca_certs": good.ca}}}
            said = start_refused(bus)
            check("certificate required" in said, said)


def test_tls_server_comes_again():
    """A TLS server is stopped and started again: what was logged meanwhile comes"""
    with NetBus({}) as bus:
        _, good = tls_for(os.path.join(bus.home, "certs"))
        port = free_port()
        with SyslogNg(os.path.join(bus.home, "n"), {
            "tls": f'syslog(ip("127.0.0.1") port({port}) transport("tls") tls(cert-file("{good.cert}") '
                   f'key-file("{good.key}") peer-verify(optional-untrusted)))',
        }, ports=(port,)) as server:
            bus.handlers = {"tls": {"class": SYSLOG, "address": ["localhost", port], "tls": {"ca_certs": good.ca},
                                    "formatter": "line"}}
            bus.start_sidecar()
            bus.run_worker(records=20000)
            server.wait_for_lines("tls", 20000, 20)
            server.stop()
            bus.emit(*numbered(0, 20))
            wait_for(lambda: bus.counters("tls")["records"] == 20020, "20 records wait")
            server.start()
            wait_for(lambda: "number 19\n" in server.read("tls"), "the last record came")
            check_equal(numbers(server.lines("tls")), list(range(20)), "what waited")
            check_equal(bus.counters("tls")["dropped"], 0, "dropped")
            bus.stop_sidecar(20)


def test_strict():
    """compat: strict: a Unix socket is connected again for the record at hand, TCP never; what fails is lost"""
    with NetBus({}, compat="strict") as bus:
        dev = os.path.join(bus.home, "dev")
        with contextlib.ExitStack() as stack:
            tcp, unix = stack.enter_context(Capture(socket.SOCK_STREAM)), stack.enter_context(Capture(socket.SOCK_STREAM, dev))
            bus.handlers = {"tcp": {"class": SYSLOG, "address": tcp.address, "socktype": STREAM},
                            "dev": {"class": SYSLOG, "address": dev}}
            bus.start_sidecar()
            bus.emit("one")
            wait_for(lambda: unix.all() and tcp.all(), "the first record came")
            port = tcp.address[1]
        os.unlink(dev)
        # TCP takes the first record after the end of its server, as Python's does.
        bus.emit("two", "three", "four")
        wait_for(lambda: bus.counters("dev")["dropped"] == 3 and bus.counters("tcp")["dropped"] >= 2, "what fails is lost")
        with Capture(socket.SOCK_STREAM, dev) as unix, Capture(socket.SOCK_STREAM, ("127.0.0.1", port)) as tcp:
            bus.emit("five")
            wait_for(lambda: unix.all() == b"<14>five\0", "the Unix server's next record")
            wait_for(lambda: bus.counters("tcp")["dropped"] >= 3, "TCP stays broken")
            check_equal(tcp.connections, 0, "connections to the TCP server's next life")
            bus.stop_sidecar(20)


def test_nobody_there():
    """A server that isn't there at the start is told at once, and gets what was logged when it comes; strict: refused"""
    with NetBus({}) as bus:
        port = free_port()
        bus.handlers = {"tcp": {"class": SYSLOG, "address": ["127.0.0.1", port], "socktype": STREAM}}
        said = start_refused(bus)
        check(f"127.0.0.1:{port}" in said and "refused" in said, said)
        bus.handlers = {"udp": {"class": SYSLOG, "address": ["no-such-host.invalid", 514]}}
        said = start_refused(bus)
        check("no-such-host.invalid" in said, said)
        bus.handlers = {"tcp": {"class": SYSLOG, "address": ["127.0.0.1", port], "socktype": STREAM},
                        "udp": {"class": SYSLOG, "address": ["no-such-host.invalid", 514]}}
        bus.start_sidecar()
        for sentence in (f"cannot connect to 127.0.0.1:{port}", "the address of no-such-host.invalid"):
            wait_for(lambda: sentence in read_text(bus.sidecar.errors), sentence)
        bus.emit("early")
        wait_for(lambda: bus.counters("tcp")["records"] == bus.counters("udp")["records"] == 1, "the record waits")
        with Capture(socket.SOCK_STREAM, ("127.0.0.1", port)) as server:
            wait_for(lambda: server.all() == b"<14>early\0", "the record comes")
            bus.stop_sidecar(20)


if __name__ == "__main__":
    tap.run(globals())
