# SPDX-License-Identifier: MIT
"""What a Python program runs to receive records: socketserver, pickle.loads and logging.makeLogRecord, as the logging
cookbook has it; and servers that can be killed, of which is known afterwards what they have read."""

import array
import ctypes
import logging
import os
import pickle
import signal
import socket
import socketserver
import struct
import threading

import msgpack


class Received:
    """The records of one server, in the order in which they came."""

    def __init__(self, loads=pickle.loads):
        self.loads = loads
        self.records = []
        self.problems = []

    def take(self, payload):
        attributes = self.loads(payload)
        record = logging.makeLogRecord(attributes)
        record.keys = list(attributes)
        self.records.append(record)

    def messages(self):
        return [record.getMessage() for record in self.records]


class StreamHandler(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(4)) == 4:
            (size,) = struct.unpack(">L", head)
            payload = self.rfile.read(size)
            if len(payload) < size:
                self.server.received.problems.append(f"a frame of {size} bytes ends after {len(payload)}")
                return
            self.server.received.take(payload)


class DatagramHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data = self.request[0]
        if struct.unpack(">L", data[:4])[0] != len(data) - 4:
            self.server.received.problems.append(f"a datagram of {len(data)} bytes says {data[:4]}")
        self.server.received.take(data[4:])


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Tcp6Server(TcpServer):
    address_family = socket.AF_INET6


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class DatagramMixin:
    max_packet_size = 1 << 20


class UdpServer(DatagramMixin, socketserver.UDPServer):
    pass


class UnixDatagramServer(DatagramMixin, socketserver.UnixDatagramServer):
    pass


class Serving:
    """A server on a thread; .host and .port are what a handler is configured with."""

    def __init__(self, kind, address, loads=pickle.loads):
        stream = kind in (TcpServer, Tcp6Server, UnixServer)
        self.server = kind(address, StreamHandler if stream else DatagramHandler)
        self.server.received = self.received = Received(loads)
        if isinstance(address, str):
            self.host, self.port = address, None
        else:
            self.host, self.port = self.server.server_address[:2]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def msgpack_loads(payload):
    return msgpack.unpackb(payload, strict_map_key=True)


# --- a server that is killed

DROP_ALL = array.array("B", struct.pack("HBBI", 6, 0, 0, 0))  # BPF: return 0


def drop_packets(sock):
    """From now on the socket gets no packet any more, and answers none."""
    SO_ATTACH_FILTER = 26
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, DROP_ALL.buffer_info()[0]))


def take_packets(sock):
    SO_DETACH_FILTER = 27
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def read_connection(connection, path):
    """Writes down what it reads before it counts as read: nothing is read and forgotten when the process is killed."""
    read = 0
    with open(path, "ab", buffering=0) as file, open(path + ".count", "wb", buffering=0) as count:
        while data := connection.recv(65536, socket.MSG_PEEK):
            file.write(data)
            connection.recv(len(data))
            read += len(data)
            os.pwrite(count.fileno(), struct.pack("Q", read), 0)


def read_and_left(path, rest):
    """What the server has read of a connection, and that with what it left: the last piece may be in both."""
    with open(path, "rb") as file, open(path + ".count", "rb") as count:
        data, read = file.read(), count.read()
    last = data[struct.unpack("Q", read)[0] if read else 0 :]
    return data, data + (rest[len(last) :] if last and rest.startswith(last) else rest)


class KilledServer:
    """A process that takes connections and writes each one's bytes to a file of its own, and that is killed.

    TCP: the connections are this process's too, so that after the kill it can be seen what the server's kernel had
    acknowledged and the server had not read: kill() gives those bytes, of each connection in turn."""

    def __init__(self, folder, family, address):
        self.folder, self.family = folder, family
        os.makedirs(folder, exist_ok=True)
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_UNIX:
            if os.path.exists(address):
                os.unlink(address)
        else:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(8)
        self.count = 0
        self.ours, self.theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.serve()
            finally:
                os._exit(0)
        self.theirs.close()
        if family == socket.AF_UNIX:
            self.listener.close()

    def serve(self):
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a test that fails leaves nobody behind
        self.ours.close()
        while True:
            connection, _ = self.listener.accept()
            if self.family != socket.AF_UNIX:
                socket.send_fds(self.theirs, [b"c"], [connection.fileno()])
            self.count += 1
            path = os.path.join(self.folder, f"{os.getpid()}.{self.count}")
            try:
                read_connection(connection, path)
            except ConnectionError:
                pass
            connection.close()

    def has_read(self):
        names = [name for name in os.listdir(self.folder) if name.startswith(f"{self.pid}.") and name.endswith(".count")]
        return any(os.path.getsize(os.path.join(self.folder, name)) for name in names)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        left = []
        if self.family != socket.AF_UNIX:
            # The other side does not know yet: it makes no new connection until one of these ends.
            connections = list(self.connections())
            self.listener.close()
            left = [self.rest(connection) for connection in connections]
        self.ours.close()
        return left

    def connections(self):
        self.ours.setblocking(False)
        number = 0
        while True:
            try:
                _, descriptors, _, _ = socket.recv_fds(self.ours, 1, 1)
            except BlockingIOError:
                break
            if not descriptors:
                break
            number += 1
            yield f"{self.pid}.{number}", socket.socket(fileno=descriptors[0])
        self.listener.setblocking(False)
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(True)
            number += 1
            yield f"{self.pid}.{number}", connection

    @staticmethod
    def rest(named):
        """Ends our side of it, so that the other one sends no more, and reads what was on its way. One that has nothing
        to send does not notice; what it sent later would be refused, and sent again."""
        name, connection = named
        rest = b""
        with connection:
            connection.settimeout(0.2)
            try:
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(65536):
                    rest += data
            except (ConnectionError, TimeoutError):
                pass
        return name, rest


def whole_frames(data):
    """The messages of the frames in the bytes of one connection, as far as they are whole."""
    at, messages = 0, []
    while at + 4 <= len(data):
        (size,) = struct.unpack_from(">L", data, at)
        if at + 4 + size > len(data):
            break
        messages.append(pickle.loads(data[at + 4 : at + 4 + size])["msg"])
        at += 4 + size
    return messages
