# SPDX-License-Identifier: MIT
"""The JSON formatter under python-json-logger's names; the judge is Debian's 2.0.1, where later ones do the same."""

import random

import pythonjsonlogger.jsonlogger
from casebook import case, error, info, record

# Those for Python 3.12 and later know of it.
pythonjsonlogger.jsonlogger.RESERVED_ATTRS += ("taskName",)

NAME = "pythonjsonlogger.jsonlogger.JsonFormatter"
EXTRA = {"ms": 183.2, "n": 42, "flag": True, "nothing": None, "text": "a'b\"c\\\n\u00e9\u200b/", "items": [1, "x", None, 2.5, True],
         "table": {"k": "v", "n": [{}]}, "empty": "", "none": [], "_hidden": 1}  # fmt: skip
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
RECORDS = [info("hello %s", "you", name="a.b", **EXTRA), error("m", exc_text="Traceback\n  E: \u00e9"), info("")]
LATER = "since 3.1 a rename goes for all fields; 2.0.1 has it for those that the format names"


def many(*formatters):
    """One handler and one file for each; `()` unless it names a class."""
    made, handlers = {}, {}
    for number, settings in enumerate(formatters):
        name = f"f{number:02}"
        made[name] = settings if "class" in settings or "()" in settings else {"()": NAME, **settings}
        handlers[name] = {"class": "logging.FileHandler", "filename": f"{name}.log", "formatter": name}
    return {"version": 1, "formatters": made, "handlers": handlers, "root": {"level": 1, "handlers": sorted(handlers)}}


def random_value(generator, depth=0):
    kind = generator.randrange(10 if depth < 4 else 7)
    if kind < 3:
        return "".join(generator.choice(["a", "\"", "\\", "\n", "\x1b", "\u00e9", "\U0001f600", "\u2028", "\x7f", "/"]) for _ in range(kind * 4))
    if kind == 3:
        return generator.choice([None, True, False])
    if kind == 4:
        return generator.randrange(-(2**63), 2**64)
    if kind < 7:
        return generator.choice([0.0, -0.0, 1e16, 1e15, 1e-5, 0.1, 1.5, 1 / 3, 1e300, 5e-324, generator.random() * 10 ** generator.randrange(-20, 20)])
    if kind == 7:
        return [random_value(generator, depth + 1) for _ in range(generator.randrange(4))]
    return {generator.choice("abcdefg\u00e9\n"): random_value(generator, depth + 1) for _ in range(generator.randrange(4))}


def random_records(seed, count):
    generator = random.Random(seed)
    return [info("m", **{f"f{n}": random_value(generator) for n in range(generator.randrange(5))}) for _ in range(count)]


CASES = [
    case("the fields of the format, then the call's", many({"fmt": LINE}, {"format": LINE}, {"class": NAME, "format": LINE}), RECORDS),
    case("no format", many({}, {"class": NAME}), RECORDS),
    case("formats with more than names", many({"fmt": "%(levelname)-8s|%(lineno)05d x %(message)s"}, {"fmt": "%(message)s %(message)s %(ms)s"},
         {"fmt": "%(nope)s %(message)s"}), info("m", ms=5)),
    case("every attribute by name", many({"fmt": " ".join(f"%({n})s" for n in (
        "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "lineno", "funcName", "created", "msecs",
        "relativeCreated", "thread", "threadName", "processName", "process", "exc_info", "exc_text", "stack_info", "message"))}),
        [info("hello %s", "you"), error("m", exc_text="T", stack_info="S")]),
    case("stack and trace", many({"fmt": "%(message)s"}),
         [error("m", exc_text=e, stack_info=s, ms=1) for e in (None, "", "T", "T\n") for s in (None, "", "S\nS")]),
    case("other characters", many({"fmt": "%(message)s"}, {"fmt": "%(message)s", "json_ensure_ascii": False}),
         info("nul\x00 tab\t cr\r lf\n bs\b ff\f vt\v esc\x1b del\x7f c1\x9b \u2028 \u00e9\u2713\U0001f600 / \\ \" '")),
    case("numbers", many({"fmt": "%(message)s %(x)s"}), [info("m", x=x) for x in (
        1e16, 1e15, 1e-5, 0.1 + 0.2, 2.0, -0.0, 5e-324, 2**63, 2**64 - 1, -(2**63), True, None)]),
    case("dicts with keys of other types", many({"fmt": "%(message)s"}), info("m", x={"1": 1, "null": None, "nested": {"a": {"b": {}}}})),
    case("indented", many({"fmt": LINE, "json_indent": 2}, {"fmt": LINE, "json_indent": 0}, {"fmt": LINE, "json_indent": "\t"}), RECORDS),
    case("random values", many({"fmt": "%(message)s"}, {"fmt": "%(f0)s", "json_ensure_ascii": False}, {"fmt": "%(f1)s", "json_indent": 3}),
         random_records(20260301, 500)),
    case("a prefix", many({"fmt": "%(message)s", "prefix": "@cee: "}), RECORDS),
    case("renamed", many({"fmt": LINE, "rename_fields": {"levelname": "level", "asctime": "time", "nope": "gone", "message": "@m"}}), RECORDS),
    case("a rename onto a field that is there", many({"fmt": LINE, "rename_fields": {"levelname": "name", "message": "levelname"}}), RECORDS),
    case("a rename of a field that the format doesn't name", many({"fmt": "%(message)s", "rename_fields": {"ms": "took", "exc_info": "error"}}),
         error("m", exc_text="T", ms=5), expect={"tree": {"f00.log": '{"message": "m", "error": "T", "took": 5}\n'}}, why=LATER),
    case("a timestamp", many({"fmt": "%(message)s", "timestamp": True}, {"fmt": "%(message)s", "timestamp": "@t"}, {"fmt": "%(message)s", "timestamp": False},
         {"fmt": "%(message)s", "timestamp": ""}),
         [info("m", created=c) for c in (1700000000.123, 1700000000, 1700000000.9999997, 0, -0.5, -1.0000005, 4102444800.000001, 1e9 + 2.5e-6)]),
    case("a timestamp in another zone is UTC's", many({"fmt": "%(asctime)s", "timestamp": True, "datefmt": "%H:%M %z"}), info("m"),
         env={"TZ": "Asia/Kolkata"}),
    case("a datefmt", many({"fmt": "%(asctime)s %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S"}), RECORDS),
    case("reserved attributes", many({"fmt": "%(message)s", "reserved_attrs": ["msg", "args", "created", "msecs", "relativeCreated", "thread", "taskName"]}),
         [info("m", ms=1), error("m", exc_text="T", stack_info="S")]),
    case("arguments that don't fit", many({"fmt": "%(message)s"}, {"fmt": "%(levelname)s"}), [info("%d", "x"), info("m")]),
    case("what the format can't be", many({"fmt": "plain"}), info("m")),
    case("not validated", many({"fmt": "plain", "validate": False}), info("m", ms=1)),
    case("an option that nobody knows", many({"fmt": "%(message)s", "colour": "red"}), info("m")),
    case("class takes no options", many({"class": NAME, "format": "%(message)s", "timestamp": True, "prefix": "x"}), info("m")),
    case("a level of another name", many({"fmt": "%(levelname)s %(levelno)s"}), record("a", 25, "m", levelname="TRACE")),
    case("braces", many({"fmt": "{levelname} {message} {ms}", "style": "{"}), info("m", ms=1),
         expect={"tree": {"f00.log": '{"levelname": "INFO", "message": "m", "ms": 1}\n'}}, why="2.0.1 reads % alone"),
    case("dollars", many({"fmt": "$levelname ${message} $$x", "style": "$"}), info("m"),
         expect={"tree": {"f00.log": '{"levelname": "INFO", "message": "m"}\n'}}, why="2.0.1 reads % alone"),
    case("commas", many({"fmt": "levelname, message", "style": ","}), info("m"),
         expect={"tree": {"f00.log": '{"levelname": "INFO", "message": "m"}\n'}, "refused": False}, why="since 4.0"),
    case("static fields and defaults", many({"fmt": "%(levelname)s %(message)s", "static_fields": {"app": "shop", "ms": 0}, "defaults": {
        "host": "h", "levelname": "x"}}), info("m", ms=1), expect={"refused": False, "tree": {
            "f00.log": '{"host": "h", "levelname": "INFO", "message": "m", "app": "shop", "ms": 1}\n'}}, why="since 3.1 and 3.2"),
    case("no task's name by itself", many({"fmt": "%(message)s"}, {"fmt": "%(message)s %(taskName)s"}), info("m", taskName="t"), expect={
        "tree": {"f00.log": '{"message": "m"}\n', "f01.log": '{"message": "m", "taskName": "t"}\n'}}, why="reserved since 3.12's Python"),
    case("a dict as the message", many({"fmt": "%(message)s %(name)s"}), {**info(""), "msg": {"a": 1, "name": "own", "exc_info": ""}, "exc_text": "T"},
         expect={"tree": {"f00.log": '{"message": "", "name": "own", "a": 1, "exc_info": "T"}\n'}}, why="3.1 leaves the message empty, not null"),
    case("our own in local time", many({"class": "logbus.JsonFormatter", "format": ["time", "lineno"], "timespec": "milliseconds"}),
         [info("m"), info("m", created=1720000000.9996), info("m", created=1720000000.9999996)], env={"TZ": "America/St_Johns"},
         expect={"refused": False, "errors": 0, "tree": {"f00.log": '{"time":"2023-11-14T18:43:20.123-03:30","lineno":42}\n'
                 '{"time":"2024-07-03T07:16:40.999-02:30","lineno":42}\n{"time":"2024-07-03T07:16:41.000-02:30","lineno":42}\n'}}),
    case("our own, of which Python knows nothing", many({"class": "logbus.JsonFormatter", "utc": True}), RECORDS[1], expect={"refused": False, "errors": 0, "tree": {
        "f00.log": '{"time":"2023-11-14T22:13:20.123000+00:00","level":"ERROR","logger":"root","message":"m","exc_info":"Traceback\\n  E: \u00e9"}\n'}}),
]  # fmt: skip
