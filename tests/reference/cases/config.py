# SPDX-License-Identifier: MIT
"""What a configuration may be: YAML, references, names, types; what Python refuses is refused, before any file is made."""

from casebook import case, debug, error, file_config, info, one_handler, record, warning

LINES = [debug("d", name="a"), info("i", name="a.b"), warning("w"), error("e", name="b")]
FILE = {"class": "logging.FileHandler", "filename": "a.log"}
FORMAT = {"format": "%(levelname)s:%(name)s:%(message)s"}


def whole(**changes):
    """A sound configuration with these top-level keys in place of its own; None: without that key."""
    made = {"version": 1, "formatters": {"f": FORMAT}, "handlers": {"h": {**FILE, "formatter": "f"}},
            "root": {"level": "DEBUG", "handlers": ["h"]}, **changes}  # fmt: skip
    return {key: value for key, value in made.items() if value is not Ellipsis}


def handler(**keys):
    return whole(handlers={"h": {**FILE, **keys}})


def formatter(**keys):
    return whole(formatters={"f": keys})


def shape(name, config, **more):
    return case(name, config, LINES, **more)


def text(name, yaml, **more):
    return case(name, yaml, LINES, **more)


REST = """
handlers: {h: {class: logging.FileHandler, filename: a.log}}
root: {level: DEBUG, handlers: [h]}
"""

CASES = [
    shape("a sound one", whole()),
    # the whole
    *[shape(f"version {value!r}", whole(version=value)) for value in (..., 2, 0, "1", 1.0, True, None, [1], 1.5)],
    text("an empty file", ""),
    text("null alone", "~\n"),
    text("a list", "- version: 1\n"),
    text("a text", "version\n"),
    shape("unknown keys at the top are nobody's business", whole(x={"y": [1]}, formater={}, loger=5)),
    shape("no sections at all", {"version": 1}),
    shape("empty sections", whole(formatters={}, filters={}, handlers={}, loggers={}, root={})),
    *[shape(f"{section} is {value!r}", whole(**{section: value}))
      for section in ("formatters", "filters", "handlers", "loggers") for value in (None, [], "x", "", 0, False)],
    *[shape(f"root is {value!r}", whole(root=value)) for value in (None, [], "", "x", ["h"])],
    *[shape(f"disable_existing_loggers is {value!r}", whole(disable_existing_loggers=value)) for value in (True, False, "no", None, 0)],
    shape("incremental is false", whole(incremental=False)),

    # names of others
    shape("a handler names a formatter that is not there", handler(formatter="nope")),
    shape("a handler names a filter that is not there", handler(filters=["nope"])),
    shape("root names a handler that is not there", whole(root={"handlers": ["h", "nope"]})),
    shape("a logger names a handler that is not there", whole(loggers={"a": {"handlers": ["nope"]}})),
    shape("a logger names a filter that is not there", whole(loggers={"a": {"filters": ["nope"]}})),
    *[shape(f"a handler's formatter is {value!r}", handler(formatter=value)) for value in (None, "", 0, 5, ["f"])],
    *[shape(f"a handler's filters are {value!r}", handler(filters=value)) for value in (None, [], "", 5)],
    shape("handlers of root as a text", whole(root={"level": "DEBUG", "handlers": "h"}),
          expect={"refused": True, "tree": {}}, why="Python takes each letter for a name"),
    shape("a number as a handler's name", whole(handlers={"h": FILE, "5": FILE})),
    text("a number as a handler's name in YAML", "version: 1\nhandlers: {5: {class: logging.NullHandler}}\nroot: {handlers: [5]}\n",
         expect={"refused": True}, why="a name that is a number is refused with a place, so that nobody looks for '5' later"),

    # levels
    *[shape(f"a level {value!r}", whole(root={"level": value, "handlers": ["h"]})) for value in (
        "INFO", "WARN", "FATAL", "NOTSET", "debug", "Info", "10", "", None, 10, 0, -5, 25, True, False, 10.0, ["INFO"], "TRACE", " INFO")],
    *[shape(f"a handler's level {value!r}", handler(level=value)) for value in ("ERROR", "error", 30, None, "nope", 30.5)],
    *[shape(f"a logger's level {value!r}", whole(loggers={"a": {"level": value}})) for value in ("ERROR", "error", None, 0)],

    # classes
    *[shape(f"a handler of class {value!r}", handler(**{"class": value})) for value in (
        "logging.FileHandler", "FileHandler", "logging.NoHandler", "nope.Handler", "logging", "", None, 5, "logging.Formatter")],
    shape("a handler without a class", whole(handlers={"h": {"filename": "a.log"}})),
    shape("a handler made by a factory", whole(handlers={"h": {"()": "logging.FileHandler", "filename": "a.log"}})),
    shape("a factory that is not there", whole(handlers={"h": {"()": "nope.make"}})),
    shape("a keyword that the class does not take", handler(colour="red")),
    shape("a keyword that is no identifier", handler(**{"not an identifier": 1}),
          expect={"refused": True}, why="Python drops it without a word; here it is told as any unknown key"),
    shape("a handler that is no mapping", whole(handlers={"h": "logging.StreamHandler"})),
    shape("a file without its name", whole(handlers={"h": {"class": "logging.FileHandler"}})),
    shape("a file in a folder that is not there", handler(filename="no/such/a.log")),
    shape("a formatter's class that is not there", formatter(**{"class": "nope.Formatter", "format": "%(message)s"})),
    shape("a formatter that is no mapping", whole(formatters={"f": "%(message)s"})),
    shape("a style that is not there", formatter(format="%(message)s", style="#")),
    shape("a format that does not fit its style", formatter(format="%(message)s", style="{")),
    shape("attributes under `.`", whole(handlers={"h": {**FILE, ".": {"terminator": "|\n"}}})),
    shape("attributes of one's own under `.`", whole(handlers={"h": {**FILE, ".": {"foo": "bar", "terminator": "!\n"}}},
                                                     formatters={"f": {"()": "logging.Formatter", "fmt": "%(message)s", ".": {"mine": [1]}}})),
    shape("an attribute that belongs among the keys", whole(handlers={"h": {**FILE, ".": {"baseFilename": "b.log"}}}),
          expect={"refused": True, "tree": {}}, why="Python's own bookkeeping is not for a configuration"),
    shape("a filter by name", whole(filters={"x": {"name": "a"}}, handlers={"h": {**FILE, "filters": ["x"]}})),
    shape("a filter without a name", whole(filters={"x": {}}, handlers={"h": {**FILE, "filters": ["x"]}})),
    *[shape(f"a filter by the name {value!r}", whole(filters={"x": {"name": value}})) for value in ("", None, 5, "a")],
    shape("a filter made by a factory", whole(filters={"x": {"()": "logging.Filter", "name": "a.b"}}, handlers={"h": {**FILE, "filters": ["x"]}})),
    shape("a filter that is not there", whole(filters={"x": {"()": "nope.Filter"}})),
    shape("a logger that is no mapping", whole(loggers={"a": 5})),
    shape("an error in the last section leaves no file", whole(loggers={"z": {"level": "nope"}})),

    # ext:// and cfg://
    *[shape(f"a stream {value!r}", one_handler({"class": "logging.StreamHandler", "stream": value})) for value in (
        "ext://sys.stdout", "ext://sys.stderr", "ext://sys.__stdout__", "ext://sys.nope", "ext://nope.x", "ext://", None)],
    *[shape(f"a level by {value}", whole(root={"level": value, "handlers": ["h"]})) for value in (
        "ext://logging.INFO", "ext://logging.handlers.SysLogHandler.LOG_LOCAL7", "ext://socket.SOCK_DGRAM", "ext://logging.nope")],
    shape("a class by reference", handler(**{"class": "ext://logging.FileHandler"}),
          expect={"refused": False, "tree": {"a.log": "d\ni\nw\ne\n"}}, why="since 3.12"),
    shape("a class by reference that is not there", handler(**{"class": "ext://logging.Nope"})),
    shape("a factory by reference", whole(handlers={"h": {"()": "ext://logging.FileHandler", "filename": "a.log"}})),
    shape("a formatter's factory by reference", formatter(**{"()": "ext://logging.Formatter", "fmt": "%(message)s"})),
    shape("a filter's factory by reference", whole(filters={"x": {"()": "ext://logging.Filter", "name": "a"}}, handlers={"h": {**FILE, "filters": ["x"]}})),
    shape("a format by reference", formatter(format="ext://logging.BASIC_FORMAT")),
    shape("a file by reference", handler(filename="ext://os.devnull")),
    *[shape(f"a file's name by {value!r}", whole(place={"files": ["x.log", {"b": "y.log", "1": "w.log"}], "word": "z.log", "two words": {"k": "v.log"},
                                                 "other": "cfg://place.files", "café": "é.log", 7: "seven"},
                                          handlers={"h": {**FILE, "filename": value}})) for value in (
        "cfg://place.word", "cfg://place.files[0]", "cfg://place.files[1].b", "cfg://place[word]", "cfg://place[two words][k]", "cfg://place[two words].k",
        "cfg:// place . word", "cfg://place.other[0]", "cfg://place.café", "cfg://place.files[1][1]", "cfg://place.nope", "cfg://place.files[7]",
        "cfg://place.files.b", "cfg://place.", "cfg://", "cfg://place.word.x", "cfg://nope", "cfg://place.files[", "cfg://place files", "cfg://place.files[-1]")],
    shape("a whole section by reference", whole(templates={"x": {**FILE, "formatter": "f"}}, handlers={"h": "cfg://templates.x"})),
    shape("a list by reference", whole(wanted=["h"], root={"level": 1, "handlers": "cfg://wanted"})),
    shape("a reference to itself", whole(handlers={"h": {**FILE, "filename": "cfg://handlers.h.filename"}})),
    shape("another prefix is a text", handler(filename="xyz:a.log")),

    # YAML
    text("anchors and merges", "version: 1\nbase: &base {class: logging.FileHandler, level: ERROR}\nhandlers:\n  h: {<<: *base, filename: a.log}\n"
         "  i: {<<: [*base, {level: INFO, filename: b.log}], mode: w}\nroot: {level: DEBUG, handlers: [h, i]}\n"),
    text("of a key given twice the last counts", "version: 1\nversion: 1\nhandlers: {h: {class: logging.FileHandler, filename: a.log, filename: b.log}}\n"
         "root: {level: ERROR, handlers: [h], level: INFO}\n"),
    text("a percent sign without quotes", "version: 1\nformatters: {f: {format: %(message)s}}\n" + REST),
    text("braces without quotes are a mapping", "version: 1\nformatters: {f: {format: {message}, style: '{'}}\n" + REST),
    text("a tab for spaces", "version: 1\nroot:\n\tlevel: INFO\n"),
    text("on as a key is not a word", "version: 1\non: x\nformatters: {on: {format: '%(message)s'}}\n" + REST,
         expect={"refused": True}, why="a name that is a boolean is refused with a place"),
    text("yes and no", "version: 1\nhandlers: {h: {class: logging.FileHandler, filename: a.log, delay: yes}}\nroot: {level: DEBUG, handlers: [h]}\nloggers: {b: {propagate: off}}\n"),
    text("octal, hexadecimal, base sixty", "version: 0x1\nhandlers: {h: {class: logging.FileHandler, filename: a.log, level: 024}}\n"
         "root: {level: 0b1, handlers: [h]}\nloggers: {b: {level: 1:30}}\n"),
    text("an exponent without a point is a text", "version: 1\nhandlers: {h: {class: logging.handlers.RotatingFileHandler, filename: a.log, maxBytes: 1e6}}\n"
         "root: {level: DEBUG, handlers: [h]}\n", expect={"refused": True}, why="Python fails at each record"),
    text("a float as a size", "version: 1\nhandlers: {h: {class: logging.handlers.RotatingFileHandler, filename: a.log, maxBytes: 1.0e+2, backupCount: 2}}\n"
         "root: {level: DEBUG, handlers: [h]}\n"),
    text("two documents", "version: 1\n" + REST + "---\nversion: 1\n"),
    text("a document's marks", "%YAML 1.1\n---\nversion: 1\n" + REST + "...\n"),
    text("lines that end as on Windows", ("version: 1\n" + REST).replace("\n", "\r\n")),
    text("a byte order mark", "\ufeffversion: 1\n" + REST),
    case("not UTF-8", b"version: 1\nx: \xe9\n" + REST.encode(), LINES),
    case("a control character", b"version: 1\nx: \x01\n" + REST.encode(), LINES),
    text("a quote that does not end", "version: 1\nx: 'text\n" + REST.replace("'", "")),
    text("an alias without an anchor", "version: 1\nx: *nope\n" + REST),
    text("a Python object", "version: 1\nx: !!python/name:os.system\n" + REST),
    text("an object of one's own", "version: 1\nx: !mine 5\n" + REST),
    text("a date that is none", "version: 1\nx: 2024-02-30\n" + REST),
    text("deeper than anybody writes", "version: 1\nx: " + "[" * 60 + "]" * 60 + "\n" + REST),
    text("a billion laughs", "version: 1\na: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi")) + REST,
        expect={"refused": True, "tree": {}}, why="Python holds each value once; a configuration has no use for it"),
    text("comments everywhere", "# a\nversion: 1 # b\n\n  # c\n" + REST + "#d"),
    text("a key in quotes", "'version': 1\n\"handlers\": {\"h\": {'class': \"logging.FileHandler\", filename: 'a.log'}}\nroot: {level: DEBUG, handlers: [h]}\n"),
    text("texts of several lines", "version: 1\nformatters:\n  f:\n    format: >-\n      %(levelname)s\n      %(message)s\nhandlers:\n  h:\n    class: logging.FileHandler\n"
         "    filename: a.log\n    formatter: f\nroot:\n  level: DEBUG\n  handlers:\n  - h\n"),
    text("root among the loggers", "version: 1\nhandlers: {h: {class: logging.FileHandler, filename: a.log}}\nloggers:\n  '': {level: ERROR, handlers: [h]}\n"),
    case("levels of a file are those of the record", file_config("%(levelname)s"), [record("r", 25, "m", levelname="NOTICE")]),
]  # fmt: skip
