# SPDX-License-Identifier: MIT
"""rsyslogd and syslog-ng on loopback, each with a folder of its own, and what they have written."""

import glob
import os
import shutil
import signal
import socket
import subprocess

from tap import check, wait_for


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """One that nobody has just now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as found:
        found.bind((host, 0))
        return found.getsockname()[1]


def unpacked(package):
    """The folder where ./dev setup has put what .ci/unpacked lists."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or "/root", ".cache")
    folder = os.path.join(cache, "logbus-dev", package)
    check(os.path.isdir(folder), f"{package} is missing: ./dev setup puts it into {folder}")
    return folder


class Server:
    """Started by a `with`, ended by its process id at the end of it."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        os.mkdir(folder)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start(self):
        with open(self.path("err"), "ab") as err:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                            cwd=self.folder, env=dict(os.environ, **self.env()))
        try:
            wait_for(lambda: self.process.poll() is not None or self.ready(), f"{self.folder} is ready", 10)
            check(self.process.poll() is None, f"{self.folder} ended: {self.read('err')}")
        except AssertionError:
            self.stop()
            raise

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(how)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def signal(self, how):
        self.process.send_signal(how)

    def env(self):
        return {}

    def listens(self, *ports):
        """Whether somebody listens on all these TCP ports (a connect would be in the server's log)."""
        listening = set()
        for path in ("/proc/net/tcp", "/proc/net/tcp6"):
            if os.path.exists(path):
                with open(path) as table:
                    for line in list(table)[1:]:
                        fields = line.split()
                        if fields[3] == "0A":
                            listening.add(int(fields[1].rpartition(":")[2], 16))
        return listening.issuperset(ports)

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def lines(self, name):
        return self.read(name).split("\n")[:-1]

    def wait_for_lines(self, name, count, seconds=10):
        wait_for(lambda: len(self.lines(name)) >= count, f"{count} lines in {self.path(name)}", seconds)
        return self.lines(name)


class Rsyslogd(Server):
    """Each input (a name, its parameters) writes the file of its name: facility|severity|app|procid|msgid|data|msg."""

    FIELDS = "%syslogfacility-text%|%syslogseverity-text%|%app-name%|%procid%|%msgid%|%structured-data%|%msg%\\n"

    def __init__(self, folder, inputs, tls=None, ports=(), sockets=(), raw=False):
        super().__init__(folder)
        self.ports, self.sockets = ports, sockets
        text = f'global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"'
        if tls:
            text += (f' defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{tls.ca}"'
                     f' defaultNetstreamDriverCertFile="{tls.cert}" defaultNetstreamDriverKeyFile="{tls.key}"')
        text += ')\nmain_queue(queue.size="2000000" queue.highWatermark="1900000" queue.dequeueBatchSize="4096")\n'
        text += 'module(load="imuxsock" SysSock.Use="off")\nmodule(load="imudp")\nmodule(load="imtcp" AddtlFrameDelimiter="0")\n'
        text += f'template(name="fields" type="string" string="{"%rawmsg%" + chr(92) + "n" if raw else self.FIELDS}")\n'
        for name, parameters in inputs.items():
            text += f'ruleset(name="{name}") {{ action(type="omfile" file="{self.path(name)}" template="fields") }}\n'
            text += f'input({parameters} ruleset="{name}")\n'
        self.config = self.write("rsyslog.conf", text)

    def command(self):
        daemon = shutil.which("rsyslogd", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
        check(daemon, "rsyslogd is missing: ./dev setup installs it")
        return [daemon, "-n", "-f", self.config, "-i", self.path("pid")]

    def ready(self):
        return self.listens(*self.ports) and all(os.path.exists(path) for path in self.sockets)


class SyslogNg(Server):
    """Each source (a name, its driver) writes the file of its name, in the same fields."""

    FIELDS = "$FACILITY|$PRIORITY|$PROGRAM|$PID|$MSGID|$SDATA|$MSG\\n"

    def __init__(self, folder, sources, ports=(), sockets=()):
        super().__init__(folder)
        self.ports, self.sockets = ports, sockets
        self.home = unpacked("syslog-ng-core")
        text = "@version: 3.38\noptions { stats-freq(0); keep-hostname(yes); dns-cache(no); use-dns(no); };\n"
        for name, driver in sources.items():
            text += f"source s_{name} {{ {driver}; }};\n"
            text += f'destination d_{name} {{ file("{self.path(name)}" template("{self.FIELDS}")); }};\n'
            text += f"log {{ source(s_{name}); destination(d_{name}); }};\n"
        self.config = self.write("syslog-ng.conf", text)

    def command(self):
        (modules,) = glob.glob(f"{self.home}/usr/lib/syslog-ng/[0-9]*")
        return [f"{self.home}/usr/sbin/syslog-ng", "--foreground", "--no-caps", f"--cfgfile={self.config}",
                f"--module-path={modules}", f"--persist-file={self.path('persist')}", f"--control={self.path('ctl')}",
                f"--pidfile={self.path('pid')}"]

    def env(self):
        return {"LD_LIBRARY_PATH": f"{self.home}/usr/lib/syslog-ng"}

    def ready(self):
        return self.listens(*self.ports) and all(os.path.exists(path) for path in self.sockets)


class Certificates:
    """A CA, made on the spot, and what it has signed."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca, self.ca_key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=test " + name, "-keyout", self.ca_key, "-out", self.ca)

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, timeout=30)
        check(done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}")

    def sign(self, name, alternatives, not_after=None):
        """Gives (certificate, key): for `alternatives` such as DNS:localhost; `not_after` such as 20200101000000Z."""
        cert, key, request = (os.path.join(self.folder, f"{name}.{end}") for end in ("pem", "key", "csr"))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key, "-out", request)
        settings = os.path.join(self.folder, f"{name}.cnf")
        with open(settings, "w") as file:
            file.write(f"[ca]\ndefault_ca=it\n[it]\ndatabase={name}.index\nnew_certs_dir=.\nrand_serial=yes\n"
                       f"default_md=sha256\npolicy=any\nx509_extensions=ext\n[any]\nCN=supplied\n"
                       f"[ext]\nsubjectAltName={alternatives}\n")
        open(os.path.join(self.folder, f"{name}.index"), "w").close()
        dates = ["-startdate", "20200101000000Z", "-enddate", not_after] if not_after else ["-days", "2"]
        self.openssl("ca", "-batch", "-notext", "-config", settings, "-cert", self.ca, "-keyfile", self.ca_key,
                     "-in", request, "-out", cert, *dates)
        return cert, key
