# SPDX-License-Identifier: MIT
"""Files that can't be written, and records that nobody would write on purpose."""

from casebook import (case, chmod, emit, error, errors, file_config, fill_disk, info, mkdir, one_handler, rename, rmtree, symlink,
                      unlink, warning)  # fmt: skip

FILE = "logging.FileHandler"
ROTATING = "logging.handlers.RotatingFileHandler"
ESCAPES = "".join(map(chr, range(1, 32))) + "\x7f\x9b31m\u202e"


def beside(handler, **more):
    """This handler h and a file that always works."""
    made = one_handler(handler, **more)
    made["handlers"]["w"] = {"class": FILE, "filename": "works.log"}
    made["root"]["handlers"] = ["w", "h"]
    return made


def first(config):
    config["root"]["handlers"].reverse()
    return config


CASES = [
    case("each record of a batch that is lost is an error of its own", beside({"class": FILE, "filename": "/dev/full"}), [info("one"), info("two"), info("three")]),
    case("a device without room loses its record and no other", beside({"class": FILE, "filename": "/dev/full"}),
         [info("one")], [info("two")], [info("three")]),
    case("a rotating device without room never rolls", beside({"class": ROTATING, "filename": "/dev/full", "maxBytes": 5, "backupCount": 2}),
         [info("one")], [info("two")]),
    case("a file below a file is refused", beside({"class": FILE, "filename": "f/a.log"}), info("one"), files={"f": "a file\n"}),
    case("a file below a file, opened late", beside({"class": FILE, "filename": "f/a.log", "delay": True}), [info("one")], [info("two")],
         files={"f": "a file\n"}),
    case("a file that can't be opened late keeps no other from its record",
         first(beside({"class": FILE, "filename": "f/a.log", "delay": True})), [info("one")], [info("two")], files={"f": "a file\n"},
         expect={"tree": {"f": "a file\n", "works.log": "one\ntwo\n"}},
         why="in Python the exception leaves emit(), and ends a QueueListener's thread: here it is the handler's error"),
    case("a name that is too long is refused", beside({"class": FILE, "filename": "x" * 256}), info("one")),
    case("a loop of links is refused", beside({"class": FILE, "filename": "loop/a.log"}), info("one"), files={"y/": None}),
    case("a link that leads nowhere is followed", file_config(delay=True), symlink("there.log", "a.log"), [info("one")]),
    case("a link that becomes a loop", beside({"class": FILE, "filename": "a.log", "delay": True}), symlink("a.log", "a.log"), [info("one")], [info("two")]),
    case("a fifo is written to", file_config(), [info("one"), info("two\nlines")], files={"a.log|": None}),
    case("a fifo of a WatchedFileHandler", one_handler({"class": "logging.handlers.WatchedFileHandler", "filename": "a.log"}),
         [info("one")], [info("two")], files={"a.log|": None}),
    case("a fifo never rolls", one_handler({"class": ROTATING, "filename": "a.log", "maxBytes": 10, "backupCount": 2}),
         [info("one"), info("two"), info("three")], [info("four")], files={"a.log|": None}),
    case("a fifo as a timed file", one_handler({"class": "logging.handlers.TimedRotatingFileHandler", "filename": "a.log", "when": "D"}),
         [info("one"), info("two")], files={"a.log|": None}),
    case("a socket's or a folder's name comes late", beside({"class": FILE, "filename": "a.log", "delay": True}), mkdir("a.log"),
         [info("one")], [info("two")]),
    case("a folder is deleted while its files are written",
         beside({"class": ROTATING, "filename": "sub/a.log", "maxBytes": 12, "backupCount": 2}),
         [info("one")], rmtree("sub"), [info("two")], [info("three")], [info("four")], mkdir("sub"), [info("five")], files={"sub/": None}),
    case("a folder is renamed while its files are written",
         beside({"class": ROTATING, "filename": "sub/a.log", "maxBytes": 12, "backupCount": 2}),
         [info("one")], rename("sub", "moved"), [info("two")], [info("three")], [info("four")], files={"sub/": None}),
    case("a backup's name is a folder with something in it: strict loses records as Python does",
         beside({"class": ROTATING, "filename": "a.log", "maxBytes": 8, "backupCount": 2}, logbus={"compat": "strict"}),
         [info("aaaa")], [info("bbbb")], [info("cccc")], [info("dddd")], files={"a.log.2/x": "in the way\n", "a.log.1": "old\n"}),
    case("a backup's name is a folder with something in it: the file grows on",
         one_handler({"class": ROTATING, "filename": "a.log", "maxBytes": 8, "backupCount": 2}),
         [info("aaaa"), info("bbbb"), info("cccc"), info("dddd")], files={"a.log.2/x": "in the way\n", "a.log.1": "old\n"},
         expect={"tree": {"a.log": "aaaa\nbbbb\ncccc\ndddd\n", "a.log.1": "old\n", "a.log.2/": None, "a.log.2/x": "in the way\n"}, "errors": None},
         why="differs from Python: no record is lost for a name that is taken"),
    case("a file without permissions is root's all the same", file_config(), chmod("a.log", 0), [info("one")]),
    case("a link over the file", file_config(), [info("one")], unlink("a.log"), symlink("b.log", "a.log"), [info("two")]),
    case("control bytes stay what they are", file_config("%(message)s|%(name)r"), [info(ESCAPES, name=ESCAPES), info("%s", ESCAPES), info("\0"), info("\0\0%s", "\0")]),
    case("forged lines stay forged unless the sidecar escapes", file_config("%(levelname)s %(message)s"),
         [info("login %s", "x\nCRITICAL root is here"), warning("\r\x1b[2K")]),
    case("a message of many lines", file_config(), [info("\n" * 5000), info("x\n" * 5000)]),
    case("half a mebibyte of one argument", file_config("%(message)s|%(message).5s"), [info("%s|%s", "é" * 250000, "end")]),
    case("a thousand arguments", file_config(), [info("%s " * 1000, *range(1000))]),
    case("a thousand fields", file_config("%(f999)s %(f0)s"), [info("m", **{f"f{n}": n for n in range(1000)})]),
    case("deep containers", file_config("%(x)s"), [info("m", x=[[[[[[[[[["deep"]]]]]]]]]]), info("%r", {"a": {"b": {"c": [{"d": None}]}}})]),
    case("a width of ten thousand", file_config("%(message)10000s"), [info("m"), info("%5000d|%-5000d|", 1, 2)]),
    case("names like paths and patterns", file_config("%(name)s %(message)s"), [info("m", name=name) for name in (
         "../../etc/passwd", "a/b", "%s", "{x}", "$x", "*", "a b", "\n", "." * 50, "a." * 200 + "z")]),
    case("a record that can't be formatted, between others, in each of three files", {"version": 1,
         "formatters": {"d": {"format": "%(x)d"}, "s": {"format": "%(x)s"}, "m": {"format": "%(message)s"}},
         "handlers": {name: {"class": FILE, "filename": f"{name}.log", "formatter": name} for name in "dsm"},
         "root": {"level": "INFO", "handlers": ["d", "s", "m"]}},
         [info("1", x=1), info("2", x="two"), info("3"), info("%d", "four", x=4), info("5", x=5.5), error("6", x=None)]),
    case("a disk that is full keeps what it can't write until there is room", beside({"class": FILE, "filename": "disk/a.log"}),
         [info("before")], fill_disk("disk/filler"), emit(info("x" * 5000)), errors(1), unlink("disk/filler"), [info("after")],
         files={"disk/": 65536}, expect={"errors": None}, why="tries again by itself"),
    case("a disk that is full and stays so", beside({"class": FILE, "filename": "disk/a.log", "delay": True}),
         fill_disk("disk/filler"), emit(info("never written" * 500)), errors(1), files={"disk/": 65536},
         expect={"errors": None}, why="tries again by itself"),
]  # fmt: skip
