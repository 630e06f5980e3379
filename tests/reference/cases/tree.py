# SPDX-License-Identifier: MIT
"""Levels, loggers, filters, and who gets a record."""

from casebook import case, debug, error, info, record, warning

FORMAT = "%(name)s %(levelname)s %(message)s"


def config(loggers=None, root=None, handlers=("a",), filters=None, **more):
    """FileHandlers of these names, each writing NAME.log; a dict gives a handler more keys."""
    made = {}
    for name in handlers:
        made[name] = {"class": "logging.FileHandler", "filename": f"{name}.log", "formatter": "f"}
    for name, keys in more.pop("change", {}).items():
        made[name].update(keys)
    return {
        "version": 1, "formatters": {"f": {"format": FORMAT}}, "handlers": made, "filters": filters or {},
        "loggers": loggers or {}, "root": {"level": "DEBUG", "handlers": ["a"]} if root is None else root, **more,
    }  # fmt: skip


NAMES = ["root", "a", "a.b", "a.b.c", "a.b.c.d", "a.bb", "ab", "x", "x.a.b", "a..b", ".a", "a.", "", "A.b", "é.ü"]
STEPS = [1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60]


def at_every_level(name):
    return [record(name, level, "at %d", level) for level in STEPS]


def of_every_name(level="INFO"):
    return [record(name, level, "to %s", name) for name in NAMES]


CASES = [
    case("the root's level lets records through at and above it",
         config(root={"level": "WARNING", "handlers": ["a"]}), at_every_level("a.b")),
    case("root is at WARNING unless it says otherwise", config(root={"handlers": ["a"]}), at_every_level("root")),
    case("an explicit level of each depth wins over its parents'",
         config({"a": {"level": "ERROR"}, "a.b": {"level": "INFO"}, "a.b.c": {"level": "CRITICAL"}, "x": {"level": 25}}),
         [r for name in NAMES for r in at_every_level(name)]),
    case("a level is inherited over parents without one",
         config({"a": {"level": "ERROR"}, "a.b.c.d": {}, "a.b": {"level": "NOTSET"}}),
         [r for name in ("a.b.c.d", "a.b", "a.b.c", "a") for r in at_every_level(name)]),
    case("a parent that nobody named passes its own parent's level on",
         config({"a.b.c": {"level": "NOTSET"}, "a": {"level": "INFO"}, "x.y.z": {"level": "DEBUG"}},
                root={"level": "ERROR", "handlers": ["a"]}),
         [r for name in ("a.b.c", "a.b", "x.y", "x.y.z", "x.y.z.w") for r in at_every_level(name)]),
    case("a root at NOTSET lets everything through", config(root={"level": 0, "handlers": ["a"]}),
         [record("r", level, "m") for level in (-5, 0, 1, 10)]),
    case("levels have names, other names, and numbers",
         config({"w": {"level": "WARN"}, "f": {"level": "FATAL"}, "n": {"level": 33}, "t": {"level": True},
                 "neg": {"level": -1}, "none": {"level": None}}),
         [r for name in ("w", "f", "n", "t", "neg", "none") for r in at_every_level(name)]),
    case("a handler's level is asked after the logger's",
         config(root={"level": "INFO", "handlers": ["a", "b", "c"]}, handlers="abc",
                change={"a": {"level": "DEBUG"}, "b": {"level": "WARNING"}, "c": {"level": 35}}), at_every_level("l")),
    case("a handler gets what a logger below its parent's level lets through",
         config({"a": {"level": "DEBUG"}}, root={"level": "ERROR", "handlers": ["a"]}),
         [debug("d", name="a"), debug("d", name="b"), debug("d", name="a.b")]),
    case("without propagate a record stays in its subtree",
         config({"a": {"handlers": ["b"], "propagate": False}, "a.b": {"handlers": ["c"]}}, handlers="abc"), of_every_name()),
    case("propagate false without handlers leaves warnings to the last resort",
         config({"quiet": {"propagate": False, "level": "DEBUG"}}),
         [warning("w", name="quiet"), info("i", name="quiet"), error("e", name="quiet.child"), info("i", name="loud")]),
    case("propagate takes what Python calls true and false",
         config({"zero": {"propagate": 0}, "text": {"propagate": "no"}, "empty": {"propagate": ""}, "null": {"propagate": None}}),
         [info("m", name=name) for name in ("zero", "text", "empty", "null")]),
    case("the same handler at two levels writes twice",
         config({"a": {"handlers": ["a"]}, "a.b": {"handlers": ["a", "a"]}}), of_every_name()),
    case("handlers get a record in the order they are listed",
         {"version": 1, "formatters": {"1": {"format": "1 %(message)s"}, "2": {"format": "2 %(message)s"}},
          "handlers": {"z": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "1"},
                       "b": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "2"}},
          "loggers": {"l": {"handlers": ["b", "z"]}}, "root": {"level": "INFO", "handlers": ["z", "b"]}},
         [info("x", name="l"), info("y")]),
    case("with no handler at all the last resort tells warnings on stderr", {"version": 1},
         [warning("w"), info("i"), error("two\nlines", name="a.b"), record("r", 35, "%s", "ü"),
          error("with", exc_text="Traceback")]),
    case("a NullHandler keeps the last resort quiet",
         {"version": 1, "handlers": {"null": {"class": "logging.NullHandler"}}, "loggers": {"lib": {"handlers": ["null"]}}},
         [warning("w", name="lib"), error("e", name="lib.part"), warning("heard", name="app")]),
    case("a logger with a handler below its level still has a handler",
         config(root={"handlers": []}, loggers={"l": {"handlers": ["a"]}}, change={"a": {"level": "ERROR"}}),
         [warning("nobody tells", name="l"), warning("the last resort tells", name="m")]),
    case("a filter passes its name and what is below it",
         config(handlers="abcde",
                filters={"none": {}, "empty": {"name": ""}, "ab": {"name": "a.b"}, "a": {"name": "a"}, "dot": {"name": "a."}},
                change={"a": {"filters": ["none"]}, "b": {"filters": ["empty"]}, "c": {"filters": ["ab"]},
                        "d": {"filters": ["a"]}, "e": {"filters": ["dot"]}},
                root={"level": "DEBUG", "handlers": list("abcde")}), of_every_name()),
    case("every filter of a handler must pass a record",
         config(filters={"ab": {"name": "a.b"}, "abc": {"name": "a.b.c"}, "x": {"name": "x"}}, handlers="ab",
                change={"a": {"filters": ["ab", "abc"]}, "b": {"filters": ["ab", "x"]}},
                root={"level": "DEBUG", "handlers": ["a", "b"]}), of_every_name()),
    case("a logger's filter is its own: a child's records pass by",
         config({"a": {"filters": ["never"]}, "a.b": {"filters": ["ab"]}}, filters={"never": {"name": "zzz"}, "ab": {"name": "a.b"}},
                root={"level": "DEBUG", "handlers": ["a"], "filters": ["never"]}), of_every_name()),
    case("a filter with () is the same filter",
         config(filters={"f": {"()": "logging.Filter", "name": "a.b"}}, change={"a": {"filters": ["f"]}}), of_every_name()),
    case("names may have any dots and letters",
         config({"a..b": {"level": "ERROR"}, ".a": {"level": "ERROR"}, "a.": {"level": "ERROR"}, "é": {"level": "ERROR"}}),
         of_every_name()),
    case("a logger called root is the root, whatever the file says of it", config({"root": {"level": "ERROR"}}, root={"level": "DEBUG", "handlers": ["a"]}),
         [info("i", name="root"), error("e", name="root"), info("i", name="root.x"), info("i", name="other")]),
    case("an empty logger name is the root", config({"": {"level": "ERROR"}}, root={}), [info("i"), error("e", name="x")]),
    case("the levelname printed is the record's, whatever its number",
         config(), [record("l", 20, "m", levelname="TRACE"), record("l", 40, "m", levelname="INFO"), record("l", 7, "m")]),
    case("a record of nothing but a name and a message", config(root={"level": 0, "handlers": ["a"]}),
         [{"name": "x", "msg": "m", "levelno": 10}, {"name": "x", "msg": "m", "levelno": 20, "levelname": "Own"}]),
    case("a level far above all", config({"l": {"level": 1000}}), [record("l", n, "m") for n in (50, 999, 1000, 1001, 2**31 - 1)]),
    case("disable_existing_loggers changes nothing at the start",
         config({"a": {}}, disable_existing_loggers=False), [*of_every_name(), *of_every_name("ERROR")]),
    case("top-level keys of the user's own are left alone", config(x_own={"k": [1, 2]}, another="text"), info("i")),
    case("a formatter and a handler that nobody uses do no harm",
         config(handlers="ab", root={"level": "INFO", "handlers": ["a"]}), info("i")),
]  # fmt: skip
