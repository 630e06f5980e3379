# SPDX-License-Identifier: MIT
"""StreamHandler and FileHandler: what is written, where, and when."""

from casebook import append, case, chmod, error, file_config, info, mkdir, one_handler, rename, rmtree, truncate, unlink, warning, write

FILE = "logging.FileHandler"
ODD = "\r\n tab\there \x00 \x1b[31m \x7f \x85 é ✓ 😀 \u2028 \ufeff"


def stream(**more):
    return one_handler({"class": "logging.StreamHandler", **more})


def two_files(**more):
    return {"version": 1, "handlers": {"a": {"class": FILE, "filename": "a.log"}, "b": {"class": FILE, "filename": "b.log", **more}},
            "root": {"level": "INFO", "handlers": ["a", "b"]}}  # fmt: skip


CASES = [
    case("a StreamHandler writes to stderr unless told otherwise", stream(), [info("one"), info("two\nlines"), info("ü")]),
    case("a StreamHandler writes to stdout", stream(stream="ext://sys.stdout"), [info("one"), info(ODD), info("")]),
    case("a StreamHandler writes to stderr by name", stream(stream="ext://sys.stderr"), [info("one")]),
    case("an NTEventLogHandler says that there is no event log, and the others go on",
         {"version": 1, "root": {"level": "DEBUG", "handlers": ["n", "f"]}, "handlers": {
             "n": {"class": "logging.handlers.NTEventLogHandler", "appname": "a", "dllname": "b.dll", "logtype": "System"},
             "f": {"class": "logging.FileHandler", "filename": "a.log"}}},
         [info("one"), warning("bad %d", "x")]),
    case("an NTEventLogHandler without a name", one_handler({"class": "logging.handlers.NTEventLogHandler"}), [info("one")]),
    case("a terminator by the attributes' key", stream(stream="ext://sys.stdout", **{".": {"terminator": "\r\n--\r\n"}}),
         [info("one"), info("two\n")]),
    case("an empty terminator", file_config(**{".": {"terminator": ""}}), [info("one"), info("two")]),
    case("a file is made at once, and empty", file_config(), []),
    case("a delayed file is not made before its first record", file_config(delay=True, level="ERROR"), [info("i")]),
    case("a delayed file is made by its first record", file_config(delay=True, level="ERROR"), [info("i")], [error("e"), error("f")]),
    case("a file is appended to", file_config(), info("new"), files={"a.log": "old without an end"}),
    case("mode w starts anew", file_config(mode="w"), [info("new"), info("er")], files={"a.log": "old\n"}),
    case("mode w with a delay starts anew at the first record", file_config(mode="w", delay=True), [info("new"), info("er")], files={"a.log": "old\n"}),
    case("mode w with a delay keeps the file that gets no record", file_config(mode="w", delay=True, level="ERROR"), info("i"), files={"a.log": "old\n"}),
    case("mode x makes a file that is not there", file_config(mode="x"), [info("one"), info("two")]),
    *(case(f"mode {mode}", file_config(mode=mode), [info("one"), info("two")], files={"a.log": "old\n"}) for mode in ["at", "wt", "a+", "w+", "aw", ""]),
    case("mode x refuses a file that is there", file_config(mode="x"), info("one"), files={"a.log": "old\n"}),
    case("a file in a folder, by a relative name", file_config(filename="sub/./x/../a.log"), info("m"), files={"sub/x/": None}),
    case("a folder that is missing is refused", file_config(filename="none/a.log"), info("m")),
    case("a file name that is a folder is refused", file_config(filename="sub"), info("m"), files={"sub/": None}),
    case("a name with spaces and letters of all kinds", file_config(filename="é ✓ $HOME ~ %s.log"), info("m")),
    case("a tilde is a folder's name like others", file_config(filename="~/a.log"), info("m"), files={"~/": None}),
    case("no newline is translated, no control byte changed", file_config(), [info(ODD), info("a\r\nb\rc"), info("\n"), info("")]),
    case("messages of almost a mebibyte", file_config(), [info("x" * 1048000), info("é" * 524000), info("after")]),
    case("a message of a mebibyte", file_config(), [info("x" * (1 << 20)), info("after")]),
    case("many records in one batch", file_config("%(levelname)s %(message)s %(process)d"), [info("number %d", n) for n in range(3000)]),
    case("a terminator of letters beyond ASCII", file_config(**{".": {"terminator": "¶\n"}}), [info("one"), info("two")]),
    case("two handlers on one file write in turn",
         {"version": 1, "formatters": {"f": {"format": "second %(message)s"}},
          "handlers": {"a": {"class": FILE, "filename": "a.log"}, "b": {"class": FILE, "filename": "a.log", "formatter": "f"}},
          "root": {"level": "INFO", "handlers": ["a", "b"]}}, [info("one"), info("two"), info("three")]),
    case("a renamed file is written on", file_config(), info("one"), rename("a.log", "b.log"), info("two")),
    case("an unlinked file is written on, by nobody's name", file_config(), info("one"), unlink("a.log"), info("two")),
    case("a file that is cut is appended to", file_config(), info("one"), truncate("a.log"), info("two")),
    case("what others append stays between", file_config(), info("one"), append("a.log", "theirs\n"), info("two")),
    case("a file made by others takes no part", file_config(), info("one"), write("b.log", "theirs\n"), info("two")),
    case("a folder removed under the file", file_config(filename="sub/a.log"), info("one"), rmtree("sub"), info("two"), files={"sub/": None}),
    case("a delayed file whose folder comes late", file_config(filename="sub/a.log", delay=True), mkdir("sub"), [info("one")], [info("two")]),
    case("a delayed file whose folder never comes", two_files(filename="sub/b.log", delay=True), [info("one"), info("two")]),
    case("a delayed file whose name becomes a folder", two_files(delay=True), mkdir("b.log"), [info("one")], [info("two")]),
    *(case(f"a delayed {name} is made by a record that can't be formatted too",
           file_config("%(nope)s", **{"class": f"logging.{name}", "delay": True}), info("one"))
      for name in ["FileHandler", "handlers.RotatingFileHandler", "handlers.WatchedFileHandler"]),
    case("permissions are those of the file that is there", file_config(), chmod("a.log", 0o600), info("one")),
    case("a record that can't be formatted is missed in one file only",
         {"version": 1, "formatters": {"bad": {"format": "%(nope)s"}, "good": {"format": "%(message)s"}},
          "handlers": {"a": {"class": FILE, "filename": "a.log", "formatter": "bad"}, "b": {"class": FILE, "filename": "b.log", "formatter": "good"}},
          "root": {"level": "INFO", "handlers": ["a", "b"]}},
         [info("one"), info("two", nope="there"), info("%d", "x"), info("three")]),
]  # fmt: skip
