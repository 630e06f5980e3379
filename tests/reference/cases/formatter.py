# SPDX-License-Identifier: MIT
"""Formatter: three styles, times, conversions, tracebacks, messages and arguments."""

from casebook import case, error, file_config, info, record, warning

STYLES = {"%": "%%(%s)s", "{": "{%s}", "$": "${%s}"}
NAMES = ["name", "levelname", "levelno", "pathname", "filename", "module", "lineno", "funcName", "created", "asctime", "msecs",
         "relativeCreated", "thread", "threadName", "process", "processName", "taskName", "message"]  # fmt: skip
EXTRA = {"ms": 183.2, "n": 42, "flag": True, "nothing": None, "text": "a'b\"c\n\u00e9\u200b", "items": [1, "x", None, 2.5, True],
         "table": {"k": "v", "n": 1}, "empty": ""}  # fmt: skip
UNRESOLVED = "CPython leaves ext:// under `.` a text, and each record then fails"


def many(formats, **common):
    """One handler and one file for each format or formatter."""
    formatters, handlers = {}, {}
    for number, settings in enumerate(formats):
        name = f"f{number:03}"
        formatters[name] = {**common, **({"format": settings} if isinstance(settings, str) else settings)}
        handlers[name] = {"class": "logging.FileHandler", "filename": f"{name}.log", "formatter": name}
    return {
        "version": 1, "formatters": formatters, "handlers": handlers, "root": {"level": 1, "handlers": sorted(handlers)}
    }  # fmt: skip


def attributes(fields, **values):
    """'%(asctime)s' and others of a formatter made by a factory, with these attributes."""
    return many([{"()": "logging.Formatter", "fmt": fields, ".": values}])


def refused(name, settings):
    return case(name, many([settings]), info("m"))


def every(template, fields):
    return [template % field for field in fields]


def times(*created):
    return [info("m", created=at, msecs=ms) for at, ms in created]


TIMES = times((735375780.123, 123.0), (1700000000, 0.0), (1700000000.0009, 0.0), (1699999999.9999998, 999.0), (0, 0.0),
              (4102444800.5, 500.0))  # fmt: skip
TRACE = "Traceback (most recent call last):\n  File \"a.py\", line 1\nE: \u00e9"

CASES = [
    # styles
    *[case(f"all attributes in style {style}", many([" | ".join(template % n for n in NAMES)], style=style),
           info("hello %s", "you", name="a.b"), TIMES) for style, template in STYLES.items()],
    *[case(f"extra fields in style {style}", many(every(template, EXTRA), style=style), info("m", **EXTRA))
      for style, template in STYLES.items()],
    case("no format is the message", many([{}, {"style": "{"}, {"style": "$"}, {"format": ""}, {"format": None}]), info("a %d", 1)),
    case("a percent sign", many(["100%% %(message)s", "%(message)s%%", "%(message)% x %(name)s"]), info("m")),
    case("braces and dollars as text", many([{"format": "{{{message}}} {{", "style": "{"}, {"format": "$$$message $$", "style": "$"}]),
         info("m")),
    case("a name ends where the letters of ASCII do", many(["$message\u00e9 ${message}s $messages"], style="$"), info("m")),
    case("a dollar's name has a case", many(["$message", "$Message"], style="$"), info("m")),
    case("msg and args as fields", many(["%(msg)s %(args)s", "%(msg)r %(args)r"]), [info("a %s %d", "b", 1), info("c")]),
    case("exc_info and its like as fields", many(["%(exc_info)s %(exc_text)s %(stack_info)s %(message)s"]),
         [info("m"), info("m", exc_text="E", stack_info="S")]),

    # validity
    *[refused(f"refused or not: style {style}, format {fmt!r}", {"format": fmt, "style": style}) for style, fmt in [
        ("%", "plain"), ("%", "%(message)ld"), ("%", "%(message)"), ("%", "%s"), ("%", "%(message)5.3s"), ("%", "%(message)*s"),
        ("%", "100% %(message)s"), ("%", "%(message)D"),
        ("{", "plain"), ("{", "{{message}}"), ("{", "{message"), ("{", "{message!x}"), ("{", "{message:Q}"), ("{", "{name.}"),
        ("{", "{}"), ("{", "{0}"), ("{", "{message:{lineno}}"), ("{", "{name.x[0]}"), ("{", "{message!r:>20}"),
        ("$", "plain"), ("$", "$"), ("$", "$$"), ("$", "${message"), ("$", "$message $"), ("$", "${}"),
        ("!", "%(message)s"), ("", "%(message)s"), ("%{", "%(message)s"),
    ]],
    case("not validated, an invalid format fails at each record",
         many(["plain", "%(message)ld", "%s", {"format": "{message!x}", "style": "{"}, {"format": "$", "style": "$"}], validate=False),
         info("m"), error("n")),

    # defaults
    case("defaults fill in, the record wins", many([
        {"format": "%(ip)s %(user)s %(message)s"}, {"format": "{ip} {user} {message}", "style": "{"},
        {"format": "$ip $user $message", "style": "$"}], defaults={"ip": "-", "user": 5}),
        [info("m"), info("m", ip="::1"), info("m", user=None)]),
    case("defaults of every kind", many(["%(a)s %(b)s %(c)s %(d)s %(e)s"], defaults={"a": 1.5, "b": None, "c": [1, "x"], "d": {"k": True}, "e": ""}),
         info("m")),
    case("a default does not stand before an attribute", many(["%(name)s %(lineno)s"], defaults={"name": "x", "lineno": 0}),
         info("m", name="real")),
    case("a missing field drops the record from that handler alone", many(["%(nope)s %(message)s", "%(message)s"]),
         [info("m"), info("n", nope=1)]),

    # times
    case("asctime as it comes", file_config("%(asctime)s %(message)s"), TIMES),
    case("a datefmt has no milliseconds", many([{"format": "%(asctime)s|", "datefmt": f} for f in (
        "%H:%M:%S", "%f %s %-d %j %% %z %Z", "\u00e9%Y\u2713", "%a %A %b %B %c %x %X %p", "%4Y %_d %^a %e %G-W%V-%u %U %y %D %T %F", "")]),
        TIMES),
    case("a datefmt that is no directive at all", many([{"format": "%(asctime)s|", "datefmt": "now"}, {"format": "%(asctime)s|", "datefmt": "%"}]),
         info("m")),
    case("local time has a zone", file_config("%(asctime)s", datefmt="%Y-%m-%dT%H:%M:%S%z %Z"), TIMES, env={"TZ": "America/New_York"}),
    case("summer time ends", file_config("%(asctime)s", datefmt="%H:%M %z %Z"),
         times((1698541200, 0.0), (1698544800, 0.0), (1698548400, 0.0)), env={"TZ": "Europe/Berlin"}),
    case("an offset of odd minutes", file_config("%(asctime)s", datefmt="%c %z"), TIMES, env={"TZ": "Asia/Kathmandu"}),
    case("the milliseconds are the attribute, cut", file_config("%(asctime)s %(msecs)03d %(msecs)s"),
         times((1700000000.5, 0.0), (1700000000.5, 7.0), (1700000000.5, 999.0), (1700000000.5, 999.9), (1700000000.5, 1000.0))),
    case("before 1970", file_config("%(asctime)s %(created)s"), times((-0.5, 500.0), (-1, 0.0), (-86400.25, 750.0), (-1e9, 0.0))),
    case("the largest fraction of a second", file_config("%(asctime)s %(created)s"), times((1700000000.9999999, 999.0), (1699999999.99999999, 999.0))),
    case("asctime in the middle of a conversion", many(["%(asctime)30s|", "%(asctime)-30s|", "%(asctime).4s|", "%(asctime)r"]), info("m")),
    case("the whole of it in braces", many(["{asctime:>30}|{asctime!r}|{asctime[0]}{asctime[3]}"], style="{"), info("m")),

    # the attributes under `.`
    case("a factory with gmtime", attributes("%(asctime)s", converter="ext://time.gmtime"), info("m"), env={"TZ": "Asia/Tokyo"},
         expect={"tree": {"f000.log": "2023-11-14 22:13:20,123\n"}, "errors": 0}, why=UNRESOLVED),
    case("a factory with localtime", attributes("%(asctime)s", converter="ext://time.localtime"), info("m"), env={"TZ": "Asia/Tokyo"},
         expect={"tree": {"f000.log": "2023-11-15 07:13:20,123\n"}, "errors": 0}, why=UNRESOLVED),
    case("a point for the comma", attributes("%(asctime)s", default_msec_format="%s.%03d"), TIMES),
    case("no milliseconds", attributes("%(asctime)s", default_msec_format=None), TIMES),
    case("an empty msec format", attributes("%(asctime)s", default_msec_format=""), TIMES),
    case("a msec format of another shape", attributes("%(asctime)s", default_msec_format="[%s|%5.1f]"), TIMES),
    case("a msec format that takes one value fails", attributes("%(asctime)s", default_msec_format="%s"), info("m")),
    case("a time format", attributes("%(asctime)s", default_time_format="%d/%m %H"), TIMES),
    case("a datefmt wins over both", many([{"()": "logging.Formatter", "fmt": "%(asctime)s", "datefmt": "%H", ".": {
        "default_time_format": "%d", "default_msec_format": "%s.%03d"}}]), TIMES),
    case("`.` beside class has no effect", many([{"class": "logging.Formatter", "format": "%(asctime)s", ".": {"default_msec_format": None}}]),
         info("m")),
    case("a factory takes format for fmt", many([{"()": "logging.Formatter", "format": "%(levelname)s %(message)s"}]), info("m")),
    case("beside class, fmt has no effect", many([{"class": "logging.Formatter", "fmt": "%(levelname)s %(message)s"}]), info("m")),
    refused("a factory refuses a key that it doesn't know", {"()": "logging.Formatter", "fmt": "%(message)s", "colour": "red"}),
    case("a class ignores a key that it doesn't know", many([{"class": "logging.Formatter", "format": "%(message)s", "colour": "red"}]), info("m")),

    # conversions
    *[case(f"conversions of {field}", many([f"<%({field}){spec}>" for spec in (
        "s", "8.3s", "-12s|", "012s", ".0s", "r", "a", "d", "05d", "-5d|", "+d", " d", ".3d", "#x", "X", "#o", "i", "u", "e", ".2E", "f", ".1f",
        "010.3f", "+.2f", "g", "#g", ".3G", "c")], validate=False), info("h\u00e9\u2713 %d", 7, **EXTRA))
      for field in ("message", "levelno", "created", "msecs", "ms", "n", "flag", "nothing", "items", "taskName")],
    *[case(f"specs of {field}", many(["<{" + field + spec + "}>" for spec in (
        "", ":<10", ":>10", ":^11", ":=10", ":*^11", ":\u00e9>9", ":010", ":+", ":#x", ":b", ":o", ":d", ":c", ":,", ":_", ":.3", ":8.3", ":.1f",
        ":.2e", ":g", ":%", ":s", ":n", "!r", "!s:>40", "!a", ":{lineno}", ":>{levelno}")], style="{"),
        info("h\u00e9\u2713 %d", 7, **EXTRA)) for field in ("message", "levelno", "created", "ms", "flag", "nothing", "items", "table")],
    case("items of arguments and fields", many([
        "{args[0]} {args[1]:05d}", "{args[7]}", "{table[k]} {table[n]:>4}", "{table[x]}", "{items[1]!r}", "{text[0]}", "{message.x}",
        "{args.x}"], style="{"), info("%s %d", "a", 5, **EXTRA)),
    case("widths count code points", many(["%(message)-8s|%(message)8s|%(message).3s|", {"format": "{message:<8}|{message:>8}|{message:.3}|{message:^9}|", "style": "{"}]),
         [info("\u00e9\u2713"), info("\U0001f600\u0301x"), info("abcdefghij"), info("")]),
    case("large and small floats", many(["%(x)s %(x)r %(x)g %(x)f %(x).17g", {"format": "{x} {x:g} {x:.3f} {x:e} {x:,}", "style": "{"}]),
         [info("m", x=x) for x in (1e16, 1e15, 123456789012345680.0, 1e-5, 0.0001, 0.1 + 0.2, 1e300, 5e-324, -0.0, 2.0, 1.5e-7)]),
    case("integers beyond 64 bits of sign", many(["%(x)s %(x)d %(x)x", {"format": "{x} {x:,} {x:#x}", "style": "{"}]),
         [info("m", x=x) for x in (2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0)]),

    # tracebacks and stacks
    *[case(f"trace and stack after a message {msg!r}", many(["%(message)s", "%(message)s [%(name)s]", "%(message)s\n"]),
           [error(msg, exc_text=e, stack_info=s) for e in (None, "", "T", "T\n", TRACE) for s in (None, "", "S", "S\n", "Stack:\n  x")])
      for msg in ("m", "m\n", "", "a\nb")],
    case("trace in the other styles", many([{"format": "{message} ", "style": "{"}, {"format": "$message\n", "style": "$"}]),
         error("m", exc_text=TRACE, stack_info="S")),

    # messages
    case("a message without arguments is no format", file_config(), [info("100%"), info("%s %d"), info("%(a)s"), info("100%", args=None)]),
    case("arguments of every kind", file_config(), [
        info("%s %s %s %s %s", 1, 2.5, True, None, "\u00e9"), info("%r %r %r", "a'b", "a\"b'", "\x00\u200b\n"), info("%5d|%-5d|%05d", 1, 2, 3),
        info("%s %s", [1, "x", None], {"k": [1.0]}), info("%x %X %#o", 255, 255, 8), info("%e %g %.3f", 1.5, 1e-10, 2 / 3),
        info("%c%c", 65, "\u00e9"), info("%%|%s", 1), info("%*d|%-*d|%.*f", 6, 42, 6, 42, 2, 3.14159), info("%a", "\u00e9\U0001f600")]),
    case("a mapping as the argument", file_config(), [
        info("%(a)s and %(b)05.1f", {"a": 1, "b": 2.25}), info("%(a)s", {"a": None}), info("%(x)s", {"a": 1}), info("%s", {"a": 1}), info("%s", {})]),
    case("arguments that don't fit", file_config(), [
        info("%s %s", "one"), info("none", 1), info("%d", "text"), info("%z", 1), info("fine %s", 1), info("%", 1), info("%(a)s", 1),
        info("%c", "ab")]),
    case("arguments that don't fit, though nobody prints the message", file_config("%(levelname)s"), [info("%d", "text"), info("m")]),
    case("a message that is no text", file_config(), [
        {**info(""), "msg": msg} for msg in (5, None, ["a", 1], {"k": 1}, 2.0, True)] + [{**info("", 1), "msg": 5}]),
    case("the message's bytes", file_config(), [info("nul\x00 tab\t cr\r lf\n esc\x1b del\x7f c1\x9b \u2028 \U0001f600")]),
    case("a message of a hundred thousand characters", file_config("%(message)s|%(message).5s"), info("\u00e9" * 100_000)),

    # levels and names
    case("levels are what the record says", file_config("%(levelname)s %(levelno)s|%(levelname)-8s|"), [
        record("a", 25, "m", levelname="TRACE"), record("a", 5, "m"), warning("m"), record("a", 35, "m", levelname="")]),
    case("an attribute given as something else", file_config("%(levelname)s %(lineno)s %(funcName)s %(threadName)s %(taskName)s %(process)s"),
         [info("m", levelname=None, lineno=None, funcName=None, threadName=None, taskName="Task-1", process=None)]),
]  # fmt: skip
