#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SMTPHandler against aiosmtpd and postfix, CPython's bytes, and against servers that mean ill."""

import email
import email.policy
import logging
import logging.handlers
import os
import random
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import warnings

import tap
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from netbus import Certificates, NetBus, Server, free_ports, record
from tap import check, check_equal, wait_for

USER, PASSWORD = "logbus", "pa ss:wörd"
FROM, TO = "logbus@example.org", ["ops@example.org"]


def handler(port, **keys):
    return {
        "class": "logging.handlers.SMTPHandler",
        "mailhost": ["127.0.0.1", port],
        "fromaddr": FROM,
        "toaddrs": TO,
        "subject": "trouble",
        **keys,
    }


class Mails(Controller):
    """aiosmtpd on a free port. Keeps all mails; `refuse` maps an address to the reply that its RCPT gets."""

    def __init__(self, refuse=None, certificates=None, auth=False, answer="250 OK", port=0, certificate="server"):
        self.mails = []
        self.peers = []
        self.refuse = refuse or {}
        self.answer = answer
        self.options = {"decode_data": False}
        if certificates:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificates(certificate + ".pem"), certificates(certificate + ".key"))
            self.options.update(tls_context=context, require_starttls=False)
        if auth:
            self.options.update(authenticator=self.authenticate, auth_require_tls=bool(certificates), auth_required=True)
        super().__init__(self, hostname="127.0.0.1", port=port or free_ports(1)[0])

    def factory(self):
        return SMTP(self, enable_SMTPUTF8=False, **self.options)

    def authenticate(self, server, session, envelope, mechanism, data):
        good = data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.mails.append((envelope, session.ssl is not None, session.peer, session.host_name))
        return self.answer

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def bytes(self):
        return [envelope.content for envelope, *_ in self.mails]

    def texts(self):
        messages = [email.message_from_bytes(content, policy=email.policy.default) for content in self.bytes()]
        return ["\n".join(message.get_content().splitlines()) for message in messages]


def without_date(content):
    return re.sub(rb"\r\nDate: [^\r]*", b"", content)


def random_text(random):
    letters = random.choice(["abc .\n", "abcdefgh     \n", "aäö漢😀 \n", "a=.\t \r\n", "From \n.", "ä", "x"])
    return "".join(random.choices(letters, k=random.choice([0, 1, 5, 70, 76, 77, 78, 79, 80, 200, 1200])))


def random_subject(random):
    letters = random.choice(["abc ", "abcdefgh", "aäö漢😀 ", "abcdefghijk lmn ä", "a=?_.\t ", "ä"])
    text = "".join(random.choices(letters, k=random.choice([1, 5, 30, 60, 65, 69, 70, 76, 77, 78, 79, 80, 200])))
    return text.replace("=?", "==")


def test_bytes():
    """Bodies of all kinds have the bytes that CPython's SMTPHandler sends, and the date is now"""
    seed = int(os.environ.get("SEED", time.time()))
    print(f"# SEED={seed}")
    numbers = random.Random(seed)
    texts = ["", ".", "..\n.\n", "From me\nFrom you", "a\rb\r\nc", "x" * 78, "ä" * 39, "ä" * 40, " ", "a\n\n", "tail \t"]
    texts += [random_text(numbers) for _ in range(120)]
    with Mails() as ours, Mails() as cpython:
        theirs = logging.handlers.SMTPHandler(("127.0.0.1", cpython.port), FROM, ["a@x.org", "Ops <b@x.org>"], "trouble")
        failures = []
        theirs.handleError = failures.append
        for text in texts:
            theirs.emit(logging.makeLogRecord(record(text)))
        check_equal(failures, [], "failures of CPython")
        with NetBus({"mail": handler(ours.port, toaddrs=["a@x.org", "Ops <b@x.org>"], backlog="8 MiB")}) as bus:
            bus.start_sidecar()
            bus.emit(*(record(text) for text in texts))
            wait_for(lambda: len(ours.mails) == len(texts), "all mails")
            bus.stop_sidecar()
            check("Logging error" not in bus.errors(), bus.errors())
        for text, got, wanted in zip(texts, ours.mails, cpython.mails):
            check_equal(without_date(got[0].content), without_date(wanted[0].content), f"mail of {text!r}")
            check_equal((got[0].mail_from, got[0].rcpt_tos), (FROM, ["a@x.org", "b@x.org"]), "envelope")
        date = email.utils.parsedate_to_datetime(email.message_from_bytes(ours.bytes()[-1])["Date"])
        check(abs(date.timestamp() - time.time()) < 60, f"date {date}")
        check(ours.mails[0][3] == cpython.mails[0][3] or "." in ours.mails[0][3], f"EHLO {ours.mails[0][3]}")


def test_delivery():
    """A mail a record; several recipients, of whom one may be refused; nobody is refused for ever"""
    refuse = {"gone@x.org": "550 no such user", "full@x.org": "452 mailbox full"}
    with Mails(refuse) as server:
        handlers = {
            "some": handler(server.port, toaddrs=["a@x.org, gone@x.org", "full@x.org"], subject="some"),
            "none": handler(server.port, toaddrs="gone@x.org", subject="none"),
        }
        with NetBus(handlers) as bus:
            bus.start_sidecar()
            bus.emit(*(record(f"message {number}") for number in range(3)))
            wait_for(lambda: len(server.mails) == 3, "three mails")
            wait_for(lambda: bus.counters("none")["dropped"] == 3, "refused")
            check_equal(bus.counters("some")["dropped"], 0, "dropped")
            bus.stop_sidecar()
            told = bus.errors()
        check_equal(server.texts(), [f"message {number}" for number in range(3)], "texts")
        check_equal(server.mails[0][0].rcpt_tos, ["a@x.org"], "recipients")
        check("a recipient is refused: '550 no such user'" in told and "'452 mailbox full'" in told, told)


def test_starttls():
    """Credentials over STARTTLS, with a certificate that is verified; never without TLS where it is asked for"""
    with Certificates() as certificates:
        ca = {"ca_certs": certificates("ca.pem")}
        secure = lambda server, host="localhost", tls=ca, password=PASSWORD: handler(
            server.port, mailhost=[host, server.port], credentials=[USER, password], secure=tls, retry_start=600, retry_max=600
        )
        with Mails(certificates=certificates, auth=True) as good, Mails(certificates=certificates, certificate="expired") as expired, Mails() as plain, Mails(auth=True) as clear:
            handlers = {
                "good": secure(good),
                "wrong_password": secure(good, password="guessed"),
                "wrong_name": secure(good, host="127.0.0.1"),
                "unknown_ca": secure(good, tls=[]),
                "expired": secure(expired),
                "no_starttls": secure(plain),
                "clear": handler(clear.port, credentials=[USER, PASSWORD]),
            }
            with NetBus(handlers) as bus:
                bus.start_sidecar()
                bus.emit(record("secret"))
                wait_for(lambda: bus.counters("wrong_password")["dropped"] == 1, "a wrong password is refused")
                for name in ("wrong_name", "unknown_ca", "expired", "no_starttls"):
                    wait_for(lambda: bus.counters(name)["errors"] == 1, f"{name} is told")
                wait_for(lambda: good.mails and clear.mails, "mails")
                bus.stop_sidecar()
                told = bus.errors()
            check_equal([with_tls for _, with_tls, *_ in good.mails], [True], "mails over TLS")
            check_equal((len(clear.mails), len(expired.mails), len(plain.mails)), (1, 0, 0), "mails")
            check("STARTTLS" in told and "certificate has expired" in told and "535" in told, told)
            check("guessed" not in told and "pa ss" not in told, told)


def test_digest():
    """A MemoryHandler's records are one mail; a server that was away gets all"""
    (port,) = free_ports(1)
    handlers = {
        "mail": handler(port, digest=True, subject="digest ü", formatter="plain", retry_start=0.05, retry_max=0.1),
        "memory": {"class": "logging.handlers.MemoryHandler", "capacity": 1000, "flushLevel": "CRITICAL", "target": "mail"},
    }
    with NetBus(handlers) as bus:
        bus.start_sidecar()
        batches = [[record(f"{batch} {number}") for number in range(50)] + [record("now", levelname="CRITICAL", levelno=50)] for batch in range(2)]
        with Mails(port=port) as server:
            bus.emit(*batches[0])
            wait_for(lambda: server.mails, "a mail")
        bus.emit(*batches[1])
        wait_for(lambda: bus.counters("mail")["errors"] >= 1, "a try without a server")
        with Mails(port=port) as again:
            wait_for(lambda: again.mails, "the second mail")
            bus.stop_sidecar()
        for batch, mails in enumerate((server, again)):
            check_equal(len(mails.mails), 1, "mails")
            check_equal(mails.texts()[0].splitlines(), [f"WARNING {batch} {number}" for number in range(50)] + ["CRITICAL now"], "text")
            check(b"Subject: digest =?utf-8?q?=C3=BC?=\r\n" in mails.bytes()[0], "subject")


def test_later():
    """4xx is tried again, 5xx is refused; a server that comes back gets all in order"""
    with Mails(answer="451 later") as later, Mails(answer="554 never") as never:
        quick = dict(retry_start=0.05, retry_max=0.1)
        with NetBus({"later": handler(later.port, **quick), "never": handler(never.port, **quick)}) as bus:
            bus.start_sidecar()
            bus.emit(*(record(f"message {number}") for number in range(4)))
            wait_for(lambda: bus.counters("never")["dropped"] == 4, "all refused")
            wait_for(lambda: bus.counters("later")["errors"] >= 3, "tried again")
            later.answer = "250 OK"
            wait_for(lambda: len(later.mails) == 4, "all mails")
            bus.stop_sidecar()
            check("'554 never'" in bus.errors(), bus.errors())
        check_equal(later.texts(), [f"message {number}" for number in range(4)], "texts")


def test_hostile():
    """Endless, silent, dripping and broken servers: within the time; the good-bye too"""

    def greet(connection, forever):
        while True:
            connection.sendall(forever)

    def talk(connection, *, drip=0.0, after_data=b"250 OK\r\n", quit=b"221 bye\r\n"):
        connection.sendall(b"220 hello\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go\r\n")
                while lines.readline() != b".\r\n":
                    pass
                connection.sendall(after_data)
            elif line.upper().startswith(b"QUIT"):
                connection.sendall(quit)
                if not quit:
                    time.sleep(20)
            else:
                for byte in b"250 fine with me\r\n":
                    connection.sendall(bytes([byte]))
                    time.sleep(drip)

    behaviours = {
        "endless": (lambda c, n: greet(c, b"220-" + b"x" * 500 + b"\r\n"), False),
        "one_line": (lambda c, n: greet(c, b"x" * 65536), False),
        "silent": (lambda c, n: time.sleep(20), False),
        "drip": (lambda c, n: talk(c, drip=0.05), False),
        "closes": (lambda c, n: c.sendall(b"220 hello\r\n"), False),
        "no_smtp": (lambda c, n: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), False),
        "no_bye": (lambda c, n: talk(c, quit=b""), True),
        "fine": (lambda c, n: talk(c), True),
    }
    limit = 0.4
    servers = {name: Server(behaviour) for name, (behaviour, _) in behaviours.items()}
    handlers = {name: handler(server.port, timeout=limit, retry_start=600, retry_max=600) for name, server in servers.items()}
    with NetBus(handlers) as bus:
        bus.start_sidecar()
        began = time.monotonic()
        bus.emit(record())
        for name, (_, delivered) in behaviours.items():
            wait_for(lambda: (c := bus.counters(name))["records"] == 1 and c["errors"] == (0 if delivered else 1), name)
        spent = time.monotonic() - began
        check(spent < limit * len(behaviours) + 1, f"{spent:.1f} s in all")
        bus.sidecar.kill()  # a stop would try each once more
        bus.sidecar.wait()
    for server in servers.values():
        server.__exit__(None, None, None)


def test_gone():
    """A recipient that is refused is not the server's answer to the mail: without one the record waits"""

    def talk(connection, number):
        connection.sendall(b"220 hello\r\n")
        reply = b""
        for line in connection.makefile("rb"):
            command = line.upper()
            if command.startswith(b"DATA"):
                return connection.sendall(b"" if b"550" in reply else b"354 go\r\n")
            reply = b"550 not here\r\n" if b"NOBODY" in command else b"250 fine with me\r\n"
            connection.sendall(reply)

    nobody, keys = ["nobody@example.org"], dict(retry_start=600, retry_max=600)
    with Server(talk) as server:
        handlers = {
            "before_data": handler(server.port, toaddrs=TO + nobody, **keys),
            "in_data": handler(server.port, toaddrs=nobody + TO, **keys),
        }
        with NetBus(handlers) as bus:
            bus.start_sidecar()
            bus.emit(record())
            for name in handlers:
                wait_for(lambda: bus.counters(name)["errors"] == 1, "the failure")
                counters = bus.counters(name)
                check_equal((counters["dropped"], counters["queue"]), (0, 1), f"{name}: lost and waiting")
            bus.sidecar.kill()
            bus.sidecar.wait()


def test_check():
    """--check finds what is wrong, header injection too, and never tells a password"""
    secret = "hunter2"
    good = handler(25, mailhost="mail.example.org", credentials=["me", secret])
    wrong = {
        "mailhost": ["", "a b", ["x"], ["x", 70000], ["x", "25"], 5, None],
        "fromaddr": ["", "a\nBcc: b@x.org", "a@x.org\r\n", "a b@x.org", "ä@x.org", "a@x.org, b@x.org", None],
        "toaddrs": ["", [], ["a\n@x.org"], [5], "ä@x.org", None],
        "subject": ["a\nb", "a\r\nBcc: b@x.org", "a\0", None, 5],
        "credentials": [f"me:{secret}", ["me"], {"me": secret}, [["me"], secret]],
        "secure": [True, "yes", ["a", "b", "c"], ["/nowhere.pem"], {"ca_certs": "/nowhere.pem"}, {"password": secret}],
        "timeout": [0, "fast"],
        "digest": ["yes"],
    }
    for key, values in wrong.items():
        for value in values:
            with NetBus({"mail": dict(good, **{key: value})}) as bus:
                said = bus.check_config(78)
            check(f"handlers.mail.{key}" in said or f"'{key}'" in said, f"{key} {value!r}: {said}")
            check(secret not in said, f"{key} {value!r}: {said}")
    with NetBus({"mail": good}) as bus:
        said = bus.check_config()
        check("warning: handlers.mail.credentials: go over the network as clear text" in said and secret not in said, said)
    with NetBus({"mail": dict(handler(25), secure=[])}) as bus:
        check("has no effect without credentials" in bus.check_config(), "a warning")


class Postfix:
    """With its own configuration, queue and ports. Delivers what is for root into one mailbox."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="logbus-test-")
        os.chmod(self.folder, 0o755)
        (self.port,) = free_ports(1)
        self.mailbox = os.path.join(self.folder, "box", "root")
        for name in ("queue", "data", "etc", "box"):
            os.mkdir(os.path.join(self.folder, name))
        shutil.chown(os.path.join(self.folder, "data"), "postfix")
        shutil.chown(os.path.join(self.folder, "box"), "nobody")
        with open(os.path.join(self.folder, "etc", "main.cf"), "w") as file:
            file.write(f"""
                compatibility_level = 3.6
                queue_directory = {self.folder}/queue
                data_directory = {self.folder}/data
                maillog_file = {self.folder}/log
                maillog_file_prefixes = {self.folder}
                myhostname = mail.example.org
                mydestination = example.org
                inet_interfaces = 127.0.0.1
                inet_protocols = ipv4
                mynetworks = 127.0.0.0/8
                local_recipient_maps =
                alias_maps =
                mail_spool_directory = {self.folder}/box
                default_privs = nobody
                smtpd_recipient_restrictions = permit_mynetworks, reject
            """.replace("\n                ", "\n"))
        with open(os.path.join(self.folder, "etc", "master.cf"), "w") as file:
            file.write(f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
local unix - n n - - local
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
""")

    def run(self, *arguments):
        return subprocess.run(["postfix", "-c", f"{self.folder}/etc", *arguments], capture_output=True, text=True, timeout=60)

    def __enter__(self):
        done = self.run("start")
        try:
            check_equal(done.returncode, 0, f"postfix start: {done.stdout}{done.stderr}{self.log()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.run("stop")
        shutil.rmtree(self.folder)

    def log(self):
        try:
            with open(f"{self.folder}/log") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def test_postfix():
    """postfix delivers into a mailbox: headers, non-ASCII subject, dots and long lines"""
    with Postfix() as postfix:
        text = "Zeile 1: 5 €\n.\n..zwei\n" + "lang " * 60
        mail = handler(postfix.port, fromaddr="Wächter <logbus@example.org>", toaddrs="root@example.org", subject="Störung")
        with NetBus({"mail": mail}) as bus:
            bus.start_sidecar()
            bus.emit(record(text))
            bus.wait_handled("mail", 1)
            bus.stop_sidecar()
            check("Logging error" not in bus.errors(), bus.errors())
        wait_for(lambda: os.path.exists(postfix.mailbox) and os.path.getsize(postfix.mailbox), f"delivery; {postfix.log()}")
        with open(postfix.mailbox, "rb") as file:
            content = file.read()
        got = email.message_from_bytes(content.split(b"\n", 1)[1], policy=email.policy.default)
        check_equal(got["Subject"], "Störung", "subject")
        check_equal((got["From"].addresses[0].display_name, got["To"]), ("Wächter", "root@example.org"), "addresses")
        check_equal(got.get_content().rstrip("\n"), text, "text")


warnings.simplefilter("ignore")  # aiosmtpd's, of what is tested here
logging.getLogger("mail").setLevel(logging.CRITICAL + 1)
tap.run(globals())
