# SPDX-License-Identifier: MIT
"""Records as JSON: what makeLogRecord makes of each attribute, and of those that are missing. Many were found by chance."""

from casebook import case, file_config, info, record

ALL = ("%(name)s %(levelno)s %(levelname)s %(pathname)s %(filename)s %(module)s %(lineno)s %(funcName)s %(exc_info)s "
       "%(exc_text)s %(stack_info)s %(taskName)s %(message)s %(msg)s %(args)s")  # fmt: skip
TIMES = "%(created)r %(msecs)r %(relativeCreated)r %(asctime)s"
ONLY = {"name": "a", "levelno": 20}


def times(created, msecs=0.0, relative=0.0):
    return info("m", created=created, msecs=msecs, relativeCreated=relative)


CASES = [
    case("what is missing is what makeLogRecord makes it", file_config(ALL), [ONLY, {**ONLY, "msg": "m"}]),
    case("a pathname gives no filename and no module", file_config(ALL), [{**ONLY, "pathname": "/srv/app.py"},
         {**ONLY, "pathname": "/srv/app.py", "filename": "app.py"}, {**ONLY, "pathname": "/srv/app.py", "module": "app"},
         {**ONLY, "pathname": "/srv/app.py", "filename": "app.py", "module": "app"}, {**ONLY, "filename": "own.py", "module": "mine"}]),
    case("attributes of null", file_config(ALL), [{**ONLY, **{key: None for key in (
         "levelname", "pathname", "filename", "module", "lineno", "funcName", "exc_text", "stack_info", "msg", "args")}}]),
    case("attributes of other types", file_config(ALL), [{**ONLY, **{key: value for key in (
         "levelname", "pathname", "filename", "module", "lineno", "funcName", "taskName", "msg")}} for value in (0, 2.5, True, [1, "x"], {"k": None}, "é")]),
    case("times of all kinds", file_config(TIMES, datefmt="%s"), [times(value) for value in (
         0, 0.0, 1, 1.0, -1, -0.5, 1e9, 1700000000.9999999, 1e-9, 1e10, 4294967296, 2**53, 253402300799.0, 12345.678901234567)]),
    case("milliseconds are the attribute's", file_config(TIMES), [times(1700000000.5, value) for value in (0, 7, 7.0, 999, 999.9, 1000.0, -1.5, 1e6, 0.999)]),
    case("relative times of all kinds", file_config("%(relativeCreated)r %(relativeCreated)d"), [times(1700000000.5, 0.0, value) for value in (
         0, 0.0, -0.0, 1, -1, 0.5, 1e-9, 1e12, -1e12, 1e20, 123.456789)]),
    case("a time that no calendar has", file_config(TIMES), [times(1e18), times(-1e18), times(1e300), info("after")]),
    case("ids of all kinds", file_config("%(thread)s %(threadName)s %(process)s %(processName)s"), [info("m", thread=value, process=value,
         threadName=value, processName=value) for value in (0, 1, -1, 2**63 - 1, 2**64 - 1, None, "x", "", 2.5, True)]),
    case("arguments of all kinds", file_config("%(message)s|%(args)s"), [
         {**ONLY, "msg": msg, "args": args} for msg in ("%s", "%(k)s", "%%", "no") for args in ([], [1], [1, 2], None, {}, {"k": 1}, [{"k": 1}], [{}], [[]], 5, 0, "x", "", True, 2.5)]),
    case("extra fields of all kinds", file_config("%(x)s %(x)r"), [info("m", x=value) for value in (
         None, True, False, 0, -1, 2**64 - 1, -(2**63), 0.1, 1e16, 1e-7, -0.0, "é'\"", [], [[]], {}, {"k": [1, {"é": None}]})]),
    case("message and asctime given are made anew", file_config("%(message)s %(asctime)s"), [info("real", message="given", asctime="given")]),
    case("asctime given stays where nothing asks for a time", file_config("%(message)s %(x)s"), [info("m", asctime="given", x="x")]),
    case("a level beyond those of int", file_config("%(levelno)s %(levelname)s"), [record("a", 2**31, "m"), record("a", 2**63 - 1, "m"), record("a", 20.5, "m")]),
    case("a precision out of a float", file_config("{message:{x}s}|{message:{y}}", style="{"), [
         info("m", x=0.30000000000000004, y=".99999999999"), info("m", x="", y="99999999999999999999"), info("m", x="", y=".99999999999999999999")]),
    case("a width for which there is no memory", file_config("{message:{x}}|{lineno:{x}}|{created:{x}}", style="{"), [
         info("m", x=x) for x in (99999999999, "9223372036854775807", 8)]),
    case("numbers that a precision rounds up to the next power of ten", file_config("{x:#.3g} {x:#.1G} {x:#.2G} {x:.3g} {x:#g}", style="{"), [
         info("%#.3g %#.5G %#.0g", x, x, x, x=x) for x in (999.9, 99.96, 9.9999, 0.99999, 9.9999e-5, 9.99999e20, 1000.0, 1e22, 0.0)]),
    case("keys in any order", file_config(ALL), [dict(reversed(list(info("%s", "x").items())))]),
]  # fmt: skip
