#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HTTPHandler against nginx, whose access log is the oracle, against CPython's bytes, and against servers that mean ill."""

import email.utils
import json
import logging
import logging.handlers
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

import tap
from netbus import Certificates, NetBus, Server, free_ports, record
from tap import check, check_equal, wait_for

PASSWORD = "pa:ss wörd"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def handler(host, url="/log", **keys):
    return {"class": "logging.handlers.HTTPHandler", "host": host, "url": url, **keys}


def read_request(connection):
    """(head, body) of the next request, or None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


class Recorder(Server):
    """Keeps all requests, and says yes, or what `say(number of the request)` gives."""

    def __init__(self, say=lambda number: OK, port=0):
        self.requests = []
        self.times = []
        self.say = say
        super().__init__(self.keep, port)

    def keep(self, connection, _):
        while (request := read_request(connection)) is not None:
            self.requests.append(request)
            self.times.append(time.monotonic())
            connection.sendall(self.say(len(self.requests)))


class Nginx:
    """In the foreground, with a folder of its own."""

    def __init__(self, certificates=None):
        self.folder = tempfile.mkdtemp(prefix="logbus-test-")
        names = ("plain", "tls", "wrong", "expired", "mutual", "sink")
        self.ports = dict(zip(names, free_ports(len(names))))
        tls = "".join(self.tls_server(certificates, *names) for names in (("tls", "server"), ("wrong", "wrong"), ("expired", "expired"), ("mutual", "server"))) if certificates else ""
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, timeout=30).stdout
        self.write("users", "logbus:" + hashed)
        self.write("nginx.conf", f"""
            daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log; user root;
            events {{ }}
            http {{
              log_format all escape=json '{{"status":$status,"connection":$connection,"request":"$request","user":"$remote_user","client":"$ssl_client_verify","type":"$content_type","body":"$request_body"}}';
              access_log {self.folder}/access.log all;
              client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/f;
              uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s; large_client_header_buffers 4 32k;
              client_body_buffer_size 1m; client_max_body_size 1m;
              server {{ listen 127.0.0.1:{self.ports['sink']}; access_log off; location / {{ return 200; }} }}
              server {{
                listen 127.0.0.1:{self.ports['plain']};
                location / {{ proxy_pass http://127.0.0.1:{self.ports['sink']}; }}
                location /private {{
                  auth_basic logs; auth_basic_user_file {self.folder}/users; proxy_pass http://127.0.0.1:{self.ports['sink']};
                }}
                location /503 {{
                  if (-f {self.folder}/away) {{ add_header Retry-After 1 always; return 503; }}
                  proxy_pass http://127.0.0.1:{self.ports['sink']};
                }}
                location /429 {{
                  if (-f {self.folder}/away) {{ return 429; }}
                  proxy_pass http://127.0.0.1:{self.ports['sink']};
                }}
              }}
              {tls}
            }}""")  # fmt: skip
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", f"{self.folder}/nginx.conf"], stderr=open(f"{self.folder}/stderr", "wb"))

    def tls_server(self, certificates, port, name):
        client = f"ssl_verify_client on; ssl_client_certificate {certificates('ca.pem')};" if port == "mutual" else ""
        return f"""server {{
            listen 127.0.0.1:{self.ports[port]} ssl; {client}
            ssl_certificate {certificates(name + '.pem')}; ssl_certificate_key {certificates(name + '.key')};
            location / {{ proxy_pass http://127.0.0.1:{self.ports['sink']}; }} }}"""

    def __enter__(self):
        def listens():
            check(self.process.poll() is None, f"nginx has ended: {self.read('stderr')}")
            try:
                socket.create_connection(("127.0.0.1", self.ports["plain"]), 1).close()
                return True
            except OSError:
                return False

        try:
            wait_for(listens, "nginx listens")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def host(self, name="plain"):
        return f"localhost:{self.ports[name]}"

    def log(self):
        whole_lines = self.read("access.log").rpartition("\n")[0]
        return [json.loads(line) for line in whole_lines.splitlines()]


def fields(entry):
    """The form of a line of the access log."""
    method, target, _ = entry["request"].split(" ")
    query = entry["body"] if method == "POST" else urllib.parse.urlsplit(target).query
    return dict(urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True))


def random_record(random):
    letters = "abcXYZ019 -_.~+&=%?/#\\\"'<>\n\täöü€漢😀"
    text = lambda: "".join(random.choices(letters, k=random.randrange(12)))
    value = lambda: random.choice([text(), random.randrange(-5, 10**12), random.random() * 10 ** random.randrange(-8, 20), None, True, [1, text()], {"k": text()}])
    return {
        "name": text(), "msg": text(), "args": random.choice([[], [random.randrange(9), text()]]), "levelname": text(), "levelno": random.randrange(10, 60), "pathname": "/" + text(),
        "filename": text(), "module": text(), "exc_info": None, "exc_text": random.choice([None, text() + "x"]), "stack_info": None, "lineno": random.randrange(9999),
        "funcName": text(), "created": 1.7e9 + random.randrange(10**9) / 1e6, "msecs": float(random.randrange(1000)), "relativeCreated": random.randrange(10**9) / 1e3,
        "thread": random.randrange(2**47), "threadName": text(), "processName": text(), "process": random.randrange(2**22), "taskName": None,
        "order": value(), "grüße": value(),
    }  # fmt: skip


def test_bytes():
    """GET and POST have the bytes that CPython's HTTPHandler sends"""
    seed = int(os.environ.get("SEED", time.time()))
    print(f"# SEED={seed}")
    numbers = random.Random(seed)
    records = [random_record(numbers) for _ in range(40)]
    kinds = {
        "get": ("/log", "get", None),
        "post": ("/log?a=1&b=%20", "POST", ["us er", PASSWORD]),
        "query": ("/?key=1", "GET", ["u", "p"]),
    }
    for name, (url, method, credentials) in kinds.items():
        with Recorder() as ours, Recorder() as cpython:
            theirs = logging.handlers.HTTPHandler(cpython.host, url, method, credentials=credentials and tuple(credentials))
            failures = []
            theirs.handleError = failures.append
            for each in records:
                # Ours have no tuples, and Python's record has the taskName before what is not its own
                attributes = dict(each, args=tuple(each["args"]))
                made = logging.makeLogRecord(attributes)
                made.__dict__ = {key: made.__dict__[key] for key in each}
                theirs.emit(made)
            check_equal(failures, [], "failures of CPython")
            with NetBus({"http": handler(ours.host, url, method=method, credentials=credentials)}) as bus:
                bus.start_sidecar()
                bus.emit(*records)
                bus.wait_handled("http", len(records))
                bus.stop_sidecar()
                check_equal(bus.errors().count("Logging error"), 0, "errors")
            wait_for(lambda: len(cpython.requests) == len(records), "CPython's requests")
            check_equal(len(ours.connections), 1, f"connections, {name}")
            check_equal(len(ours.requests), len(records), f"requests, {name}")
            for got, wanted in zip(ours.requests, cpython.requests):
                wanted_head = wanted[0].replace(cpython.host.encode(), ours.host.encode())
                check_equal(got, (wanted_head, wanted[1]), f"request, {name}")


def test_nginx():
    """nginx gets each record once, as a form, a user with his password, and on one connection"""
    with Nginx() as nginx:
        private = dict(method="POST", credentials=["logbus", PASSWORD])
        handlers = {
            "get": handler(nginx.host(), "/get?a=1"),
            "post": handler(nginx.host(), "/private", **private),
            "wrong": handler(nginx.host(), "/private/wrong", method="POST", credentials=["logbus", "guessed"]),
        }
        with NetBus(handlers) as bus:
            bus.start_sidecar()
            bus.emit(*(record("message %d", args=[number], number=number, text="a&b=c ü") for number in range(100)))
            for name in handlers:
                bus.wait_handled(name, 100)
            # Given is not answered: some may still be under way.
            wait_for(lambda: bus.counters("wrong")["dropped"] == 100, "all that has the wrong password is refused")
            refused = bus.counters("wrong")
            bus.stop_sidecar()
            told = bus.errors()
        for target, user in (("/get?a=1&", ""), ("/private ", "logbus")):
            entries = [entry for entry in nginx.log() if entry["request"].split(" ", 1)[1].startswith(target)]
            check_equal([entry["status"] for entry in entries], [200] * 100, target)
            check_equal([fields(entry)["number"] for entry in entries], [str(number) for number in range(100)], "numbers")
            check_equal({entry["user"] for entry in entries}, {user}, "user")
            check_equal(len({entry["connection"] for entry in entries}), 1, "connections")
            sent = fields(entries[7])
            check_equal((sent["msg"], sent["args"], sent["text"], sent["levelname"]), ("message %d", "(7,)", "a&b=c ü", "WARNING"), "form")
        wrong = [entry["status"] for entry in nginx.log() if "/wrong" in entry["request"]]
        check_equal(wrong, [401] * 100, "wrong password")
        check_equal((refused["records"], refused["dropped"]), (0, 100), "counters of what was refused")
        check("the server says 401" in told and "401 Authorization Required" in told, told)
        check("guessed" not in told and "pa:ss" not in told and "Basic" not in told, told)


def test_json():
    """body: json sends objects, and batch arrays of them, none longer than that"""
    with Nginx() as nginx:
        both = dict(method="POST", body="json")
        handlers = {
            "object": handler(nginx.host(), "/object", **both),
            "array": handler(nginx.host(), "/array", batch=64, formatter="json", **both),
        }
        formatters = {"json": {"()": "logbus.JsonFormatter", "format": "%(levelname)s %(message)s"}}
        with NetBus(handlers, formatters) as bus:
            bus.start_sidecar()
            bus.emit(*(record("message %d ü", args=[number], number=number) for number in range(1000)))
            for name in handlers:
                bus.wait_handled(name, 1000)
            bus.stop_sidecar()
        log = nginx.log()
        objects = [json.loads(entry["body"]) for entry in log if "/object" in entry["request"]]
        check_equal([each["number"] for each in objects], list(range(1000)), "objects")
        check_equal((objects[5]["message"], objects[5]["level"], objects[5]["logger"]), ("message 5 ü", "WARNING", "shop.orders"), "an object")
        arrays = [json.loads(entry["body"]) for entry in log if "/array" in entry["request"]]
        check_equal([each["number"] for array in arrays for each in array], list(range(1000)), "arrays")
        check(all(1 <= len(array) <= 64 for array in arrays), "lengths of arrays")
        check(len(arrays) < 300, f"{len(arrays)} requests for 1000 records")
        check_equal(arrays[0][0], {"levelname": "WARNING", "message": "message 0 ü", "number": 0}, "formatted")
        check_equal({entry["type"] for entry in log}, {"application/json"}, "type")


def test_tls():
    """TLS: a certificate for the name and from the CA, else nothing is sent; a client's certificate"""
    with Certificates() as certificates, Nginx(certificates) as nginx:
        ca = {"ca_certs": certificates("ca.pem")}
        own = dict(ca, certfile=certificates("client.pem"), keyfile=certificates("client.key"))
        tls = lambda port, url, **context: handler(nginx.host(port), url, method="POST", secure=True, retry_start=60, context=context)
        handlers = {
            "good": tls("tls", "/good", **ca),
            "mutual": tls("mutual", "/mutual", **own),
            "no_client": tls("mutual", "/no_client", **ca),
            "unknown": tls("tls", "/unknown", ca_certs=certificates("other-ca.pem")),
            "system": tls("tls", "/system"),
            "wrong": tls("wrong", "/wrong", **ca),
            "expired": tls("expired", "/expired", **ca),
            "unverified": tls("expired", "/unverified", verify=False),
            "not_tls": tls("plain", "/not_tls", **ca),
        }
        with NetBus(handlers) as bus:
            check("any server will do" in bus.check_config(), "a warning")
            bus.start_sidecar()
            bus.emit(record("for your eyes"))
            for name in handlers:
                bus.wait_handled(name, 1)
            bus.stop_sidecar()
            told = bus.errors()
        arrived = {entry["request"].split(" ")[1]: entry for entry in nginx.log() if entry["status"] == 200}
        check_equal(sorted(arrived), ["/good", "/mutual", "/unverified"], "delivered")
        check_equal(arrived["/mutual"]["client"], "SUCCESS", "the client's certificate")
        for name, why in {"unknown": "unable to get local issuer", "wrong": "no alternative certificate subject name", "expired": "expired", "no_client": "says 400"}.items():
            lines = [line for line in told.splitlines() if f"/{name}: " in line]
            check(lines and why in lines[0], f"{name}: {told}")


def test_later():
    """503 and 429: the same record again after Retry-After, in order, none twice"""
    with Nginx() as nginx:
        quick = dict(retry_start=0.05, retry_max=0.2)
        handlers = {name: handler(nginx.host(), f"/{name}", **quick) for name in ("503", "429")}
        with NetBus(handlers) as bus:
            nginx.write("away", "")
            bus.start_sidecar()
            bus.emit(*(record(number=number) for number in range(20)))
            wait_for(lambda: bus.counters("429")["errors"] >= 3 and bus.counters("503")["errors"] >= 1, "tried again")
            os.remove(os.path.join(nginx.folder, "away"))
            for name in handlers:
                wait_for(lambda: len([e for e in nginx.log() if f"/{name}?" in e["request"] and e["status"] == 200]) == 20, f"all of {name}")
                counters = bus.counters(name)
                check_equal((counters["records"], counters["dropped"]), (20, 0), "counters")
            bus.stop_sidecar()
        for name in handlers:
            entries = [entry for entry in nginx.log() if f"/{name}?" in entry["request"]]
            check_equal([fields(entry)["number"] for entry in entries if entry["status"] == 200], [str(n) for n in range(20)], name)
        put_off = [entry for entry in nginx.log() if entry["status"] == 503]
        check(len(put_off) <= 2, f"{len(put_off)} tries within a second")


def test_retry_after():
    """Retry-After as a number and as a date; without end it is not obeyed for ever"""
    later = {"number": lambda: "1", "date": lambda: email.utils.formatdate(time.time() + 2, usegmt=True)}
    say = lambda name: lambda number: OK if number > 1 else f"HTTP/1.1 429 Slow\r\nRetry-After: {later[name]()}\r\nContent-Length: 0\r\n\r\n".encode()
    with Recorder(say("number")) as number, Recorder(say("date")) as date:
        with NetBus({"n": handler(number.host, retry_start=0.01), "d": handler(date.host, retry_start=0.01)}) as bus:
            bus.start_sidecar()
            bus.emit(record())
            for server in (number, date):
                wait_for(lambda: len(server.requests) == 2, "a second request")
                waited = server.times[1] - server.times[0]
                check(0.8 < waited < 4, f"waited {waited:.2f} s")
                check_equal(server.requests[0], server.requests[1], "the same request")
            bus.stop_sidecar()


def test_server_away():
    """What is sent while there is no server is delivered when it is there; what finds no room is counted"""
    (port,) = free_ports(1)
    quick = dict(retry_start=0.05, retry_max=0.1)
    handlers = {
        "room": handler(f"127.0.0.1:{port}", "/room", **quick),
        "small": handler(f"127.0.0.1:{port}", "/small", backlog=2000, **quick),
    }
    with NetBus(handlers) as bus:
        bus.start_sidecar()
        bus.emit(*(record(number=number) for number in range(50)))
        for name in handlers:
            bus.wait_handled(name, 50)
        dropped = bus.counters("small")["dropped"]
        check(0 < dropped < 50, f"{dropped} dropped")
        with Recorder(port=port) as server:
            wait_for(lambda: len(server.requests) == 100 - dropped, "all requests")
            bus.stop_sidecar()
            for name, count in (("room", 50), ("small", 50 - dropped)):
                targets = [head.split(b" ")[1].decode() for head, _ in server.requests if f"/{name}?".encode() in head]
                numbers = [int(urllib.parse.parse_qs(target)["number"][0]) for target in targets]
                check_equal(numbers, list(range(count)), name)


def test_connections():
    """A server that closes its connection after each response, without a word before, gets each record once"""

    def once(connection, _):
        requests.append(read_request(connection))
        connection.sendall(OK)

    requests = []
    with Server(once) as server:
        with NetBus({"http": handler(server.host, method="POST", retry_start=0.05)}) as bus:
            bus.start_sidecar()
            for number in range(5):
                bus.emit(record(number=number))
                wait_for(lambda: len(requests) == number + 1, f"request {number}")
            check_equal(bus.counters("http")["errors"], 0, "errors")
            bus.stop_sidecar()
        check_equal(len(requests), 5, "requests")


def test_stop():
    """A server that never answers holds up a stop for its timeout and no longer; what is lost is counted and told"""
    with Server(lambda connection, _: read_request(connection) and time.sleep(60)) as server:
        with NetBus({"http": handler(server.host, timeout=0.3, retry_start=0.1)}) as bus:
            bus.start_sidecar()
            bus.emit(*(record(number=number) for number in range(5)))
            wait_for(lambda: bus.counters("http")["errors"] >= 1, "a try")
            began = time.monotonic()
            bus.stop_sidecar()
            check(time.monotonic() - began < 3, f"a stop took {time.monotonic() - began:.1f} s")
            check("5 records could not be delivered" in bus.errors(), bus.errors())


def flood(connection, head, piece):
    read_request(connection)
    connection.sendall(head)
    while True:
        connection.sendall(piece)


def drip(connection, bytes_at_once):
    read_request(connection)
    for byte in bytes_at_once:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def reset(connection):
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def say(connection, answer):
    read_request(connection)
    connection.sendall(answer)


def test_hostile():
    """Endless and huge responses, redirects, resets, drips: within the limits, and not a byte to anybody else"""
    limit = 0.4
    with Recorder() as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: http://{elsewhere.host}/stolen\r\nContent-Length: 0\r\n\r\n".encode()
        endless = b"HTTP/1.1 200 OK\r\n\r\n"
        behaviours = {  # what is done, and what becomes of the record
            "endless_body": (lambda c, n: flood(c, endless, b"x" * 65536), "delivered"),
            "endless_chunks": (lambda c, n: flood(c, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 4096), "delivered"),
            "huge_headers": (lambda c, n: flood(c, b"HTTP/1.1 200 OK\r\n", b"X-Many: " + b"y" * 1000 + b"\r\n"), "waits"),
            "one_header": (lambda c, n: flood(c, b"HTTP/1.1 200 OK\r\nX-Long: ", b"y" * 65536), "waits"),
            "continue": (lambda c, n: flood(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), "waits"),
            "redirect": (lambda c, n: say(c, redirect), "refused"),
            "reset": (lambda c, n: reset(c), "waits"),
            "half": (lambda c, n: say(c, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "delivered"),
            "half_head": (lambda c, n: say(c, b"HTTP/1.1 200 OK\r\nContent-Le"), "waits"),
            "drip_head": (lambda c, n: drip(c, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "waits"),
            "drip_body": (lambda c, n: drip(c, endless + b"x" * 1000), "waits"),
            "silent": (lambda c, n: time.sleep(30), "waits"),
            "not_http": (lambda c, n: say(c, b"SSH-2.0-OpenSSH_9.2\r\n"), "waits"),
            "escapes": (lambda c, n: say(c, b"HTTP/1.1 418 Teapot\r\nContent-Length: 7\r\n\r\n\x1b[2J\nx\xff"), "refused"),
        }  # fmt: skip
        servers = {name: Server(behaviour) for name, (behaviour, _) in behaviours.items()}
        handlers = {name: handler(server.host, f"/{name}", timeout=limit, retry_start=600, retry_max=600, method="POST") for name, server in servers.items()}
        with NetBus(handlers) as bus:
            bus.start_sidecar()
            began = time.monotonic()
            bus.emit(record())
            for name, (_, outcome) in behaviours.items():
                wait_for(lambda: (c := bus.counters(name))["records"] + c["dropped"] == 1, name)
            wait_for(lambda: bus.counters("escapes")["dropped"] == 1, "the last one")
            spent = time.monotonic() - began
            for name, (_, outcome) in behaviours.items():
                counters = bus.counters(name)
                got = "refused" if counters["dropped"] else "waits" if counters["errors"] else "delivered"
                check_equal(got, outcome, name)
            check(spent < limit * len(behaviours) + 2, f"{spent:.1f} s in all")
            with open(f"/proc/{bus.sidecar.pid}/status") as status:
                resident = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
            check(resident < 64 * 1024, f"{resident} KiB of memory")
            bus.sidecar.kill()  # a stop would try each once more
            bus.sidecar.wait()
            told = bus.errors()
        for server in servers.values():
            server.__exit__(None, None, None)
        check_equal(elsewhere.requests, [], "requests that followed the redirect")
        check("\x1b" not in told and r"'\x1b[2J\nx\xff'" in told, told)
        check("/redirect: the server says 302" in told, told)


def test_strict():
    """compat: strict: one try, and what the server says doesn't matter"""
    with Recorder(lambda number: b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n") as server:
        with NetBus({"http": handler(server.host), "gone": handler(f"127.0.0.1:{free_ports(1)[0]}")}, compat="strict") as bus:
            bus.start_sidecar()
            bus.emit(record(number=1), record(number=2))
            counters = bus.wait_handled("http", 2)
            check_equal((counters["records"], counters["dropped"]), (2, 0), "counters")
            counters = bus.wait_handled("gone", 2)
            check_equal((counters["records"], counters["dropped"]), (0, 2), "counters without a server")
            bus.stop_sidecar()
        check_equal(len(server.requests), 2, "requests")
        check_equal(len(server.connections), 2, "connections")


def test_check():
    """--check finds what is wrong, names the key, and never a password"""
    secret = "hunter2"
    good = handler("logs.example.org", credentials=["me", secret])
    wrong = {
        "host": ["", "a/b", "user@host", "a b", 5, None, "a\r\nb"],
        "url": ["log", "", "/a b", "/a\r\nHost: b", "/ü", None],
        "method": ["PUT", 5],
        "credentials": [f"me:{secret}", ["me"], ["me", secret, "x"], ["m:e", secret], [secret, 5], {"me": secret}],
        "context": [{"ca_certs": "/nowhere.pem"}, "x", {"password": secret}],
        "body": ["xml"],
        "batch": [0, 5, "x"],
        "timeout": [0, -1, "fast", "2 days"],
        "retries": [-1],
        "colour": ["red"],
    }
    for key, values in wrong.items():
        for value in values:
            changed = dict(good, **{key: value})
            if key == "context":
                changed["secure"] = True
            with NetBus({"http": changed}) as bus:
                said = bus.check_config(78)
            check(f"handlers.http.{key}" in said or key in said, f"{key} {value!r}: {said}")
            check(secret not in said, f"{key} {value!r}: {said}")
    with NetBus({"http": good}) as bus:
        said = bus.check_config()
        check("warning: handlers.http.credentials: go over the network as clear text" in said and secret not in said, said)


tap.run(globals())
