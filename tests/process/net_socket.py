#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SocketHandler and DatagramHandler of a sidecar, against receivers as Python programs have them."""

import json
import logging
import logging.handlers
import os
import pickle
import random
import socket
import struct
import sys
import threading
import time

import net_servers
import tap
from bus import Bus, count_records, finish, read_text
from net_servers import KilledServer, Serving, whole_frames
from tap import check, check_equal, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "reference"))
import random_record

SOCKET = "logging.handlers.SocketHandler"
DATAGRAM = "logging.handlers.DatagramHandler"
# LogRecord.__dict__ since Python 3.12.
ATTRIBUTES = ("name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
              "msecs relativeCreated thread threadName processName process taskName").split()  # fmt: skip
QUICK_RETRIES = {"retryStart": 0.02, "retryMax": 0.1}


class NetBus(Bus):
    """Beside the file, handlers that have a server; `handlers` may be filled until the sidecar is started."""

    def __init__(self, **settings):
        super().__init__(lane_size="4 MiB", overflow="block", block_timeout="20 s", **settings)
        self.handlers = {}

    def add(self, name, server, kind=SOCKET, attributes=QUICK_RETRIES, **keys):
        host, port = server if isinstance(server, tuple) else (server.host, server.port)
        self.handlers[name] = {"class": kind, "host": host, "port": port, ".": attributes, **keys}

    def config(self):
        path = super().config()
        with open(path) as file:
            config = json.load(file)
        config["handlers"].update(self.handlers)
        config["root"]["handlers"] += list(self.handlers)
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def counters(self, name):
        return next(handler for handler in self.stat()["handlers"] if handler["handler"] == name)

    def handled(self, name):
        counters = self.counters(name)
        return counters["records"] + counters["dropped"]

    def send(self, records):
        """JSON objects, or texts."""
        lines = [json.dumps(record if isinstance(record, dict) else {"msg": record, "levelno": 20}) for record in records]
        self.tool("emit", "--json", text=("\n".join(lines) + "\n").encode())


class Receivers:
    """Servers of all kinds on threads of this process, each with a handler on the bus."""

    def __init__(self, bus):
        self.all = {}
        for name, kind, address, loads in [
            ("tcp", net_servers.TcpServer, ("127.0.0.1", 0), pickle.loads),
            ("tcp6", net_servers.Tcp6Server, ("::1", 0), pickle.loads),
            ("unix", net_servers.UnixServer, os.path.join(bus.home, "stream"), pickle.loads),
            ("msgpack", net_servers.TcpServer, ("127.0.0.1", 0), net_servers.msgpack_loads),
            ("udp", net_servers.UdpServer, ("127.0.0.1", 0), pickle.loads),
            ("datagram", net_servers.UnixDatagramServer, os.path.join(bus.home, "datagram"), pickle.loads),
        ]:
            server = self.all[name] = Serving(kind, address, loads)
            kind = DATAGRAM if name in ("udp", "datagram") else SOCKET
            keys = {"codec": "msgpack"} if name == "msgpack" else {}
            bus.add(name, server, kind, **keys)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for server in self.all.values():
            server.stop()

    def wait(self, count, names=None):
        for name in names or self.all:
            received = self.all[name].received
            wait_for(lambda: len(received.records) >= count, f"{count} records at {name}, of which there are {len(received.records)}")
            check_equal(received.problems, [], name)
            check_equal(len(received.records), count, f"records at {name}")


def python_sends(made):
    """What CPython's own SocketHandler puts into its pickle, or None if it doesn't."""
    args = made["args"]
    if isinstance(args, list):  # LogRecord's constructor takes a mapping out of its tuple
        args = args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else tuple(args)
    record = logging.makeLogRecord(made | {"args": args})
    try:
        payload = logging.handlers.SocketHandler("", 0).makePickle(record)[4:]
    except Exception:
        return None
    return pickle.loads(payload)


def test_receivers():
    """CPython's receiver gets every record, over all kinds of sockets"""
    with NetBus() as bus, Receivers(bus) as receivers:
        bus.start_sidecar()
        bus.run_worker(threads=1, records=120)  # as many as a UDP socket's buffer holds, should its reader be late
        receivers.wait(120)
        for name, server in receivers.all.items():
            check_equal(server.received.messages(), [f"w 0 t 0 n {number}" for number in range(120)], name)
            record = server.received.records[0]
            check_equal(record.keys, ATTRIBUTES, f"attributes at {name}")
            check_equal((record.name, record.levelname, record.args, record.processName), ("load", "INFO", None, "bus_worker"), name)
            check_equal(record.filename, "bus_worker.cc", name)
        # Bytes that are no UTF-8, and a MiB, which no datagram holds; told once.
        bus.run_worker(text="caf\udce9 \u20ac")
        receivers.wait(121)
        for name, server in receivers.all.items():
            check_equal(server.received.messages()[-1], "caf\\xe9 \u20ac", name)
        large = "x" * (300 << 10)
        bus.send([large, large, "small"])
        receivers.wait(124, [name for name in receivers.all if name not in ("udp", "datagram")])
        check_equal(receivers.all["tcp"].received.messages()[-3:], [large, large, "small"], "large records")
        receivers.wait(122, ["udp", "datagram"])
        bus.stop_sidecar()
        for name in receivers.all:
            counters = bus.counters(name)
            datagrams = name in ("udp", "datagram")
            check_equal((counters["records"], counters["dropped"]), (122, 2) if datagrams else (124, 0), name)
            check_equal(counters["errors"], 1 if datagrams else 0, f"errors of {name}")
        check_equal(read_text(bus.sidecar.errors).count("too large for a datagram"), 2, "told of large records, by two handlers")


def test_random_records():
    """The attributes and their order are those that CPython's SocketHandler would send"""
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}")
    rng = random.Random(seed)
    made = [random_record.make(rng, ["a", "a.b"], ["x", "y z"]) for _ in range(300)]
    made = [record for record in made if record["levelno"] >= logging.DEBUG]
    wanted = [attributes for attributes in map(python_sends, made) if attributes is not None]
    check(len(wanted) > 100, f"only {len(wanted)} records")
    with NetBus() as bus:
        server = Serving(net_servers.TcpServer, ("127.0.0.1", 0))
        try:
            bus.add("tcp", server)
            bus.start_sidecar()
            got = []
            server.received.take = lambda payload: got.append(pickle.loads(payload))
            bus.send(made)
            wait_for(lambda: bus.handled("tcp") == len(made), "all handled")
            bus.stop_sidecar()
            wait_for(lambda: len(got) >= len(wanted), f"{len(wanted)} records, of which there are {len(got)}")
        finally:
            server.stop()
        for mine, python in zip(got, wanted):
            check_equal(repr(list(mine.items())), repr(list(python.items())), "a record's attributes")
        check_equal(len(got), len(wanted), "records")


def test_kills():
    """Servers that are killed 50 times under load: no record is lost but what a killed one's kernel had acknowledged"""
    rounds, records, workers = 50, 3000, []
    with NetBus() as bus:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = probe.getsockname()
        folders = {name: os.path.join(bus.home, name) for name in ("tcp", "unix")}
        path = os.path.join(bus.home, "socket")
        bus.add("tcp", address, backlog="8 MiB")
        bus.add("unix", (path, None), backlog="8 MiB")
        bus.start_sidecar()
        acknowledged = {}
        servers = {}

        def start():
            servers["unix"] = KilledServer(folders["unix"], socket.AF_UNIX, path)
            servers["tcp"] = KilledServer(folders["tcp"], socket.AF_INET, address)

        def under_load(condition):
            if not workers or workers[-1].poll() is not None:
                workers.append(bus.worker(threads=1, records=records, pause_us=10000, first_worker=len(workers)))
            return condition()

        for _ in range(rounds):
            start()
            wait_for(lambda: under_load(lambda: all(server.has_read() for server in servers.values())), "both servers read")
            for server in servers.values():
                acknowledged.update(server.kill())
        start()
        for worker in workers:
            finish(worker, "worker")
        wanted = {f"w {worker} t 0 n {number}" for worker in range(len(workers)) for number in range(records)}
        wait_for(lambda: bus.stat()["records"]["drained"] == len(wanted), "all records drained")
        bus.stop_sidecar()
        for server in servers.values():
            acknowledged.update(server.kill())
        for name, folder in folders.items():
            read, left = [], []
            for file in os.listdir(folder):
                if file.endswith(".count"):
                    continue
                rest = acknowledged.pop(file, b"") if name == "tcp" else b""
                data, all_of_it = net_servers.read_and_left(os.path.join(folder, file), rest)
                mine = whole_frames(data)
                read += mine
                left += whole_frames(all_of_it)[len(mine):]
            if name == "tcp":
                left += [message for rest in acknowledged.values() for message in whole_frames(rest)]
            lost = wanted - set(read)
            counters = bus.counters(name)
            repeated = len(read) + len(left) - len(wanted | set(read) | set(left))
            print(f"# {name}: {len(lost)} records lost that the killed servers' kernels had, {repeated} came twice; {counters}")
            check_equal(lost - set(left), set(), f"records lost over {name}")
            check(name == "tcp" or not lost, f"{len(lost)} records lost over a Unix socket")
            check_equal((counters["records"], counters["dropped"]), (len(wanted), 0), f"{name}'s counters")
            check(counters["errors"] >= rounds - 1, f"{counters['errors']} errors of {name}")
            check(repeated <= counters["retries"], f"{counters['retries']} retries of {name}")
        check_equal(count_records(bus.lines()).records, len(wanted), "records in the file")


def accept(listener, seconds=10):
    listener.settimeout(seconds)
    connection, _ = listener.accept()
    connection.settimeout(seconds)
    return connection


def read_all(connection):
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


def test_reset():
    """A connection that is reset in the middle of a frame: the frame comes whole over the next one"""
    with NetBus() as bus, socket.create_server(("127.0.0.1", 0)) as listener:
        bus.add("tcp", listener.getsockname())
        bus.start_sidecar()
        bus.send(["x" * 100_000])
        connection = accept(listener)
        check_equal(len(connection.recv(1000)), 1000, "bytes of the frame")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        bus.send(["next"])
        connection = accept(listener)
        wait_for(lambda: bus.counters("tcp")["records"] == 2, "both records handled")
        bus.stop_sidecar()
        messages = whole_frames(read_all(connection))
        check_equal(messages[-1], "next", "the last record")
        check(messages[:-1] in ([], ["x" * 100_000]), f"{len(messages)} records")  # the kernel may have had all of it


def test_absent_servers():
    """Servers that refuse, or have no address: told, the file goes on, what waits and what is lost is counted"""
    with NetBus(on_write_error="hold") as bus:  # that is for disks
        with socket.create_server(("127.0.0.1", 0)) as probe:
            bus.add("refused", probe.getsockname(), backlog=4000)
        bus.add("nameless", ("no-such-host.invalid", 1), attributes={})
        bus.add("pathless", (os.path.join(bus.home, "none"), None), DATAGRAM)
        bus.start_sidecar()
        bus.run_worker(threads=1, records=2000)
        wait_for(lambda: bus.stat()["records"]["drained"] == 2000, "all records drained")
        check_equal(count_records(bus.lines()).records, 2000, "records in the file")
        wait_for(lambda: 1900 < bus.counters("refused")["dropped"] < 2000, "losses published")
        bus.stop_sidecar()
        for name in ("refused", "nameless", "pathless"):
            counters = bus.counters(name)
            check_equal((counters["records"], counters["dropped"]), (0, 2000), f"{name}'s counters")
        said = read_text(bus.sidecar.errors)
        for text in ("Connection refused", "cannot find the address of no-such-host.invalid:1", "No such file or directory",
                     "the backlog is full"):  # fmt: skip
            check(text in said, f"{text} in {said}")


def test_slow_server():
    """A server that reads a byte a second holds nobody up for longer than the timeout, and once"""
    records, text = 20000, 1000
    with NetBus() as bus, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        bus.add("slow", listener.getsockname(), timeout="200 ms", backlog="64 KiB")
        bus.start_sidecar()
        bus.send(["first"])
        connection = accept(listener)
        stop = threading.Event()
        parts = []

        def trickle():
            while not stop.wait(1):
                parts.append(connection.recv(1))

        reader = threading.Thread(target=trickle)
        reader.start()
        try:
            began = time.monotonic()
            bus.run_worker(threads=1, records=records, payload=text)
            wait_for(lambda: bus.stat()["records"]["drained"] == records + 1, "all records drained")
            took = time.monotonic() - began
            check(took < 10, f"{records} records took {took:.1f} s")
            lines = sum(1 for _ in bus.lines())
            check_equal(lines, records + 1, "lines in the file")
            wait_for(lambda: bus.handled("slow") == records + 1, "all records counted")
            check(bus.counters("slow")["dropped"] > records / 2, "records that found no room")
        finally:
            stop.set()
            reader.join()
        # It reads on: what waited comes, and nothing of it is broken.
        rest = threading.Thread(target=lambda: parts.append(read_all(connection)))
        rest.start()
        bus.stop_sidecar()
        rest.join(20)
        check_equal(len(whole_frames(b"".join(parts))), bus.counters("slow")["records"], "records that came")


def test_half_open():
    """Packets that are dropped: records wait, the file goes on, and all come when the packets do"""
    with NetBus() as bus, socket.create_server(("127.0.0.1", 0)) as listener:
        bus.add("tcp", listener.getsockname(), timeout="100 ms")
        bus.start_sidecar()
        bus.send(["before"])
        connection = accept(listener)
        check(b"before" in connection.recv(65536), "the first record")
        net_servers.drop_packets(connection)
        bus.run_worker(threads=1, records=1000)
        wait_for(lambda: bus.stat()["records"]["drained"] == 1001, "all records drained")
        check_equal(sum(1 for _ in bus.lines()), 1001, "lines in the file")
        connection.setblocking(False)
        try:
            check(False, f"{connection.recv(1)} came")
        except BlockingIOError:
            pass
        net_servers.take_packets(connection)
        connection.settimeout(20)
        data = b""
        while len(messages := whole_frames(data)) < 1000:
            data += connection.recv(1 << 20)
        check_equal(messages, [f"w 0 t 0 n {number}" for number in range(1000)], "records")
        bus.stop_sidecar()
        counters = bus.counters("tcp")
        check_equal((counters["records"], counters["dropped"], counters["errors"]), (1001, 0, 0), "counters")


if __name__ == "__main__":
    tap.run(dict(globals()))
