# SPDX-License-Identifier: MIT
"""Compares what this project reads from YAML with what PyYAML's safe_load does.

usage: yaml_reference.py HELPER [ROUNDS [SEED]]   (run by the Python that is the reference)

Documents by hand, then random ones of the kind that people write: block and flow, three ways of quoting, anchors, merges,
comments, duplicates, other line ends. A difference is shrunk line by line before it is shown.
"""

import datetime
import random
import subprocess
import sys

import yaml

REFUSED = "refused"


class Helper:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, text):
        self.process.stdin.write(text + b"\0")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def quoted(text):
    return '"' + "".join(
        chr(b) if 0x20 <= b <= 0x7E and b not in b'"\\' else f"\\x{b:02x}" for b in text.encode()) + '"'  # fmt: skip


def canonical(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return "float " + ("nan" if value != value else "%.17g" % value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return "date"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + "".join(canonical(item) + "," for item in value) + "]"
    return "{" + "".join(f"{canonical(k)}:{canonical(v)}," for k, v in value.items()) + "}"


def python_reads(text):
    try:
        return canonical(yaml.safe_load(text))
    except RecursionError:
        return f"{REFUSED}: a value that holds itself"
    except Exception as error:  # noqa: BLE001: whatever it raises, it is refused
        return f"{REFUSED}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def differs(helper, text):
    ours, theirs = helper.read(text), python_reads(text)
    if ours.startswith(REFUSED) and theirs.startswith(REFUSED):
        return None
    # libyaml is PyYAML's scanner in C. It differs from the one in Python in tabs, and in a ':' that touches a bracket.
    one_refuses = ours.startswith(REFUSED) != theirs.startswith(REFUSED)
    if one_refuses and (b"\t" in text or ours.startswith(REFUSED) and "found unexpected ':'" in ours):
        return None
    return None if ours == theirs else (ours, theirs)


def shrunk(helper, text):
    """Without the lines, then the characters, that the difference doesn't need."""
    for parts, glue in ((lambda t: t.splitlines(True), b""), (lambda t: [t[i : i + 1] for i in range(len(t))], b"")):
        pieces = parts(text)
        at = 0
        while at < len(pieces):
            rest = pieces[:at] + pieces[at + 1 :]
            if differs(helper, glue.join(rest)):
                pieces = rest
            else:
                at += 1
        text = glue.join(pieces)
    return text


WORDS = ["no", "on", "y", "null", "~", "yes", "010", "0x1F", "1e6", "1.0e+6", "12:30:00", "1:30", "2024-01-01", "1_000", "08", "0o10", ".5",
         "a", "INFO", "ext://sys.stdout", "cfg://a.b[1]", "a b", "a:b", "x#y", "%Y", "()", "1.", "10MB", "0.0", "-1", "+1", "\u00e9\u2713", "'", '"', "a'b",
         "<<", "=", "-", "?x", "{message}", "[x]", "*", "&a", "!x", "|", ">", "@", "`", ", ", "a, b", ": ", "a: b", " #", "a #b", "", " a", "a ", "\t",
         "\u00a0", "\\n", "\\", "trUe", "Null", "NO", "Off", "infinity", ".inf", ".nan", "0b11", "1:2:3.5", "2001-12-14 21:59:43", "2024-13-45"]  # fmt: skip
KEYS = ["version", "class", "()", ".", "on", "no", "1", "a", "b", "c", "handlers", "x y", "'quoted'", '"d"', "~", "1.5", "<<"]


class Writer:
    """A random document."""

    def __init__(self, generator):
        self.random = generator
        self.anchors = []  # of values that are written
        self.count = 0

    def scalar(self):
        word = self.random.choice(WORDS)
        kind = self.random.randrange(4)
        if kind == 0:
            return "'" + word.replace("'", "''") + "'"
        if kind == 1:
            return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
        return word  # as it is, whatever that means

    def key(self):
        return self.random.choice(KEYS)

    def value(self, indent, depth):
        """Text behind `key:` or `-`, with its line end."""
        if self.random.randrange(10) != 0:
            return self.content("", indent, depth)
        self.count += 1
        name = f"a{self.count}"
        text = self.content(f" &{name}", indent, depth)
        self.anchors.append(name)
        return text

    def content(self, anchor, indent, depth):
        choice = self.random.randrange(12)
        if choice == 0 and self.anchors:
            return f" *{self.random.choice(self.anchors)}\n"
        if choice == 1 and depth < 4:
            return f"{anchor}\n" + self.block_map(indent + 2, depth + 1)
        if choice == 2 and depth < 4:
            return f"{anchor}\n" + self.block_list(indent + self.random.choice((0, 2)), depth + 1)
        if choice == 3:
            return f"{anchor} {self.flow(depth)}\n"
        if choice == 4:
            return f"{anchor} {self.random.choice(['|', '>', '|-', '>+', '|2'])}\n" + self.lines(indent + 2)
        if choice == 5:
            return f"{anchor} {self.scalar()} # comment\n"
        if choice == 6:
            return f"{anchor}\n"
        if choice == 7:
            return f"{anchor} {self.scalar()}\n{' ' * (indent + 2)}{self.scalar()}\n"
        return f"{anchor} {self.scalar()}\n"

    def lines(self, indent):
        return "".join(" " * (indent + self.random.choice((0, 0, 1))) + self.random.choice(WORDS) + "\n"
                       for _ in range(self.random.randrange(1, 4)))  # fmt: skip

    def flow(self, depth):
        if depth > 4 or self.random.randrange(3) == 0:
            return self.scalar()
        if self.random.randrange(2):
            return "[" + ", ".join(self.flow(depth + 1) for _ in range(self.random.randrange(4))) + "]"
        return "{" + ", ".join(f"{self.key()}: {self.flow(depth + 1)}" for _ in range(self.random.randrange(4))) + "}"

    def block_map(self, indent, depth):
        text = ""
        for _ in range(self.random.randrange(1, 5)):
            if self.anchors and self.random.randrange(8) == 0:
                text += f"{' ' * indent}<<: *{self.random.choice(self.anchors)}\n"
            else:
                text += f"{' ' * indent}{self.key()}:{self.value(indent, depth)}"
            if self.random.randrange(10) == 0:
                text += self.random.choice(["\n", "# comment\n", f"{' ' * indent}# comment\n", "   \n"])
        return text

    def block_list(self, indent, depth):
        return "".join(f"{' ' * indent}-{self.value(indent, depth)}" for _ in range(self.random.randrange(1, 4)))

    def document(self):
        text = self.block_map(0, 0) if self.random.randrange(5) else self.block_list(0, 0)
        if self.random.randrange(8) == 0:
            text = "---\n" + text
        if self.random.randrange(12) == 0:
            text += "...\n"
        if self.random.randrange(12) == 0:
            text = text.replace("\n", self.random.choice(["\r\n", "\r"]))
        if self.random.randrange(20) == 0:
            text = text.rstrip("\r\n")
        data = text.encode()
        return b"\xef\xbb\xbf" + data if self.random.randrange(20) == 0 else data


BY_HAND = [
    b"", b"\n", b"# only a comment\n", b"---\n", b"...\n", b"---\n...\n", b"--- a\n--- b\n", b"a: 1\n---\n", b"--- \n# x\n", b"null", b"~",
    b"a: %(message)s\n", b"a: {message}\n", b"a: {asctime} {message}\n", b"a:\tb\n", b"a:\n\tb: 1\n", b"a: b\t\n", b"\ta: 1\n", b"a: 'x\ty'\n",
    b"on: 1\nyes: 2\n", b"a: 1\na: 2\n", b"a: {b: 1, b: 2}\n", b"1: a\n1.0: b\ntrue: c\n", b"0x10: a\n16: b\n", b"~: a\nnull: b\n",
    b"a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n", b"a: &x {k: 1}\nb: {k: 2, <<: *x, l: 3}\n", b"b: {<<: [{k: 1}, {k: 2, l: 3}], m: 4}\n",
    b"b: {<<: 5}\n", b"b: {<<: [5]}\n", b"b: {<<: {k: 1}, <<: {l: 2}}\n", b"b: {<<: {k: 1}, <<: {k: 2}}\n", b"a: *nope\n", b"a: &x [*x]\n", b"b: {<<: null}\n",
    b"a: &x 1\nb: &x 2\nc: *x\n", b"'<<': 1\n", b"a: \"<<\"\n", b"- <<\n", b"a: =\n", b"=: 1\n",
    b"a: !!str 10\nb: !!int '10'\nc: !!float 1\nd: !!bool 'no'\ne: !!null ''\n", b"a: !!python/object:os.system x\n", b"a: !x 1\n",
    b"a: !!binary aGk=\n", b"a: !!set {x, y}\n", b"a: !!omap [x: 1]\n", b"a: !!timestamp 2024-01-01\n", b"a: !!map {x: 1}\nb: !!seq [1]\n",
    b"a: 12:30:00\nb: 190:20:30.15\nc: 1:60\nd: 0:30\n", b"a: 2024-01-01\nb: 2024-1-1\nc: 2024-02-30\nd: 2024-01-01 25:00:00\n",
    b"a: 2024-02-30\n", b"a: 2024-01-01 25:00:00\n", b"a: 0000-01-01\n", b"a: 2024-01-01T10:00:00+99:00\n", b"a: 2023-02-29\n", b"a: 2024-02-29\n",
    b"a: 0b\nb: 0x\nc: 0b_\n", b"a: 0b_\n", b"a: 0x_\n", b"a: 1__0\nb: 0_8\nc: 0_7\n", b"a: 1e6\nb: 1.0e+6\nc: 1.0e6\nd: .1e+1\ne: 1.e+3\n",
    b"a: |\n  x\n   y\n\n  z\nb: >\n  x\n  y\n\n  z\nc: |+\n  x\n\nd: >-\n  x\n", b"a: |2\n    x\n", b"a: |\n x\n  y\n",
    b"a: 'it''s'\nb: \"\\x41\\u00e9\\t\\e\\0\\N\\_\\L\\P\\/\"\n", b"a: \"x\n  y\n\n  z\"\n", b"a: 'x\n  y\n\n  z'\n", b"a: x\n  y\n\n  z\n",
    b"a: \"\\q\"\n", b"a: \"\\ud83d\\ude00\"\n", b"a: [1, 2, ]\nb: {x: 1, }\n", b"a: [1,, 2]\n", b"a: {x, y: 1}\n", b"a: [x: 1]\n", b"a: {x: [}\n",
    b"? a\n: b\n", b"? [a]\n: b\n", b"[a]: b\n", b"{a: 1}: b\n", b"- a\n-b\n", b"-\n- \n", b"- - a\n  - b\n", b"a: - b\n", b"a: b: c\n", b"a:b\n", b"a :b\n",
    b"a: @x\n", b"a: `x\n", b"a: x @y\n", b"%YAML 1.1\n---\na: 1\n", b"%YAML 1.2\n---\na: 1\n", b"%TAG ! tag:x,2000:\n---\na: 1\n",
    b"\xef\xbb\xbfa: 1\n", b"a: 1\r\nb: 2\r\n", b"a: 1\rb: 2\r", b"a: \xe9\n", b"\xff\xfea\x00:\x00 \x001\x00\n\x00", b"a: \xc3\xa9\n", b"a: \x01\n", b"a: \"\x01\"\n",
    b"a: \x7f\n", b"a: \xc2\x85b\n", b"a: x\xe2\x80\xa8b\n", b"a: \xef\xbb\xbfb\n", b"a: \xf0\x9f\x98\x80\n", b"a: \xed\xa0\x80\n", b"a: \xc0\x80\n",
    b"a: " + b"[" * 30 + b"]" * 30, b"a: !<tag:yaml.org,2002:str> 5\n", b"a: ! 5\n", b"a: !!str\n", b"a: !!int x\n", b"a: !!bool x\n", b"a: !!null x\n",
    b"a: [\n1,\n2\n]\n", b"a: {\nb: 1\n}\n", b"a:\n- 1\n- 2\n", b"a:\n b:\n  - 1\n c: 2\n", b"a: 1\n b: 2\n", b"a:\n  b: 1\n c: 2\n", b"a: 'x\n", b"a: \"x\n",
    b"a: 99999999999999999999\n", b"a: [a,b]#c\n", b"a: b#c\n", b"a: b #c\n", b"a: '#c'\n", b"a: #c\n", b"#a\nb: 1 # c\n#d\n", b"a: ''\nb: \"\"\n",
    b"a: ?\n", b"a: ?x\n", b"a: -\n", b"a: -x\n", b"a: :x\n", b"a: :\n", b"{a: 1}\n", b"[1, 2]\n", b"{a:1}\n", b"{a: 1, b}\n", b"{'a':1}\n", b"{\"a\":1}\n", b"[a, 'b':c]\n",
    b"a: &b\nc: *b\n", b"&a a: 1\nb: *a\n", b"a: &x !!str 5\nb: !!str &y 5\n", b"*x : 1\n", b"a: !!merge x\n",
]  # fmt: skip
# Integers beyond 64 bits and files of more than one kind of nesting than anybody writes are ours to refuse.
OURS_TO_REFUSE = (b"99999999999999999999", b"!!binary", b"!!set", b"!!omap", b"!!timestamp", b"*x]")


def main(helper_path, rounds="4000", seed="20260321"):
    helper = Helper(helper_path)
    generator = random.Random(int(seed))
    found = 0
    documents = [d for d in BY_HAND if not any(mark in d for mark in OURS_TO_REFUSE)]
    documents += [Writer(generator).document() for _ in range(int(rounds))]
    refused = 0
    for document in documents:
        if b"\0" in document:
            continue
        refused += python_reads(document).startswith(REFUSED)
        if differs(helper, document):
            least = shrunk(helper, document)
            ours, theirs = differs(helper, least)
            print(f"document {least!r}\n  ours   {ours}\n  PyYAML {theirs}", flush=True)
            found += 1
    helper.close()
    print(f"{len(documents)} documents, {refused} of them refused by PyYAML, {found} differences, seed {seed}")
    sys.exit(found != 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
