# SPDX-License-Identifier: MIT
"""For the tests of handlers that talk to servers: a bus with such handlers, a server that does as it is told, certificates."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from bus import LOGBUSD, Bus, read_text
from tap import check_equal, wait_for


def record(message="hello", **attributes):
    """What `logbus emit --json` and makeLogRecord take."""
    return {"name": "shop.orders", "msg": message, "levelname": "WARNING", "levelno": 30, **attributes}


class NetBus(Bus):
    """A bus whose sidecar gives every record to all the handlers, by name."""

    def __init__(self, handlers, formatters=None, **settings):
        super().__init__(**settings)
        self.handlers = handlers
        self.formatters = formatters or {"plain": {"format": "%(levelname)s %(message)s"}}

    def config(self):
        behind = {target for handler in self.handlers.values() for target in [handler.get("target")]}
        config = {
            "version": 1,
            "logbus": self.settings,
            "formatters": self.formatters,
            "handlers": self.handlers,
            "root": {"level": "DEBUG", "handlers": [name for name in self.handlers if name not in behind]},
        }
        path = os.path.join(self.home, "logbusd.yaml")
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def check_config(self, code=0):
        """What --check says."""
        done = subprocess.run([LOGBUSD, "--config", self.config(), "--check"], capture_output=True, text=True, timeout=60)
        check_equal(done.returncode, code, f"exit code of --check: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def emit(self, *records):
        self.tool("emit", "--json", text=b"".join(json.dumps(each).encode() + b"\n" for each in records))

    def counters(self, name):
        return next(handler for handler in self.stat()["handlers"] if handler["handler"] == name)

    def wait_handled(self, name, records):
        """Until the handler has got so many; some may wait for a later try."""
        wait_for(lambda: (c := self.counters(name))["records"] + c["dropped"] >= records, f"{records} records given to {name}")
        return self.counters(name)

    def errors(self):
        return read_text(self.sidecar.errors)


class Server:
    """A TCP server on loopback. `answer(connection, number)` is run on a thread for each connection."""

    def __init__(self, answer, port=0):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.answer = answer
        self.failure = None
        self.connections = []
        self.threads = []  # of the connections
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.threads.append(threading.Thread(target=self.serve, args=(connection, len(self.connections)), daemon=True))
            self.threads[-1].start()

    def serve(self, connection, number):
        try:
            with connection:
                self.answer(connection, number)
        except OSError:
            pass  # the other side has had enough
        except Exception as failure:
            self.failure = failure

    def close(self):
        """Lets nobody in any more, and ends all connections; some threads may still be at their answers."""
        self.listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self.accepting.join()
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()
        if kind is None and self.failure is not None:
            raise self.failure


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def openssl(*arguments, folder):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    check_equal(done.returncode, 0, f"openssl {arguments[0]}: {done.stderr}")


class Certificates:
    """A CA made on the spot, and what it has signed: NAME.pem and NAME.key in `folder`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="logbus-test-")
        self.make_ca("ca")
        self.make_ca("other-ca")
        self.sign("server", "localhost")
        self.sign("wrong", "elsewhere.example")
        self.sign("expired", "localhost", expired=True)
        self.sign("client", "logbus")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def __call__(self, name):
        return os.path.join(self.folder, name)

    def make_ca(self, name):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=self.folder)

    def sign(self, name, host, expired=False):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", *key, "-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=self.folder)
        with open(self(f"{name}.ext"), "w") as file:
            file.write(f"subjectAltName=DNS:{host}\n")
        days = "-1" if expired else "2"
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", days,
            "-extfile", f"{name}.ext", "-out", f"{name}.pem", folder=self.folder,
        )  # fmt: skip
