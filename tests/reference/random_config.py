# SPDX-License-Identifier: MIT
"""Random configurations, all of which CPython 3.14 takes."""

LOGGERS = ["root", "a", "a.b", "a.b.c", "a.bb", "x", "x.y", "ü.β", "a..b"]
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET", "WARN", "FATAL", 0, 5, 15, 25, 40, 45]
EXTRAS = ["ms", "user", "sql_id", "flag", "nothing", "table", "items_", "ü"]
TEXT = ["name", "levelname", "pathname", "filename", "module", "funcName", "asctime", "threadName", "processName", "message"]
INTEGERS = ["levelno", "lineno", "thread", "process"]
FLOATS = ["created", "msecs", "relativeCreated"]
OTHERS = ["taskName", "exc_info", "exc_text", "stack_info", "msg", "args"]
LITERALS = [" ", " ", " | ", ": ", "[", "]", "é", "✓", "😀", "-", "\t", "'", '"', "#", "a b", ",", "\n", "\\", "\r", "\x07", "µ\u2028"]
ENCODINGS = ["ascii", "latin-1", "iso8859-15", "cp1251", "cp1252", "koi8-r", "utf-16", "utf-16-le", "utf-32"]
DATES = ["%Y", "%m", "%d", "%H", "%M", "%S", "%j", "%y", "%b", "%A", "%z", "%Z", "%%", "%f", "%s", "%-d", "%e", "%p", "%4Y",
         "%G-W%V", "%c", "%x", "%X", "%D", "%T", "%u", "é", " ", "-", ":", "T", "%", "%Q"]  # fmt: skip


def make(rng):
    """(the configuration, the extra fields that its formats use)"""
    formatters = {name: formatter(rng) for name in rng.sample(["brief", "full", "fé", "x1"], rng.randint(1, 3))}
    filters = {name: {"name": rng.choice(LOGGERS + ["", "b", "a."])} for name in rng.sample(["f1", "f2", "on-ly"], rng.randint(0, 2))}
    if filters and rng.random() < 0.2:
        rng.choice(list(filters.values()))["()"] = "logging.Filter"
    handlers = all_handlers(rng, list(formatters), list(filters))
    # Strict: somebody may put a folder where a backup is to go, and Python loses records then.
    config = {"version": 1, "formatters": formatters, "handlers": handlers, "logbus": {"compat": "strict"}}
    if filters:
        config["filters"] = filters
    names = [name for name in handlers if handlers[name].get("class") != "logging.handlers.QueueHandler"]
    loggers = {}
    if len(names) < len(handlers):  # listener mode: the queue is the only handler that a logger has
        config["root"] = {"level": rng.choice(LEVELS), "handlers": ["queue"]}
        names = []
    elif rng.random() < 0.95:
        config["root"] = logger(rng, names, list(filters), 0.9)
        if rng.random() < 0.5:
            config["root"]["level"] = rng.choice(["NOTSET", "DEBUG", 1])
        config["root"].pop("propagate", None)
    for name in rng.sample(LOGGERS[1:], rng.randint(0, 4)):
        loggers[name] = logger(rng, names, list(filters), 0.4)
    if loggers or rng.random() < 0.1:
        config["loggers"] = loggers
    if rng.random() < 0.3:
        config["disable_existing_loggers"] = rng.random() < 0.5
    if rng.random() < 0.1:
        config["x_own"] = {"k": [1, None, "v"], "text": "%(message)s"}
    return config, [name for name in EXTRAS if any(name in made.get("format", made.get("fmt")) for made in formatters.values())]


def logger(rng, handlers, filters, share):
    made = {}
    if rng.random() < 0.7:
        made["level"] = rng.choice(LEVELS[:6]) if rng.random() < 0.5 else rng.choice(LEVELS)
    if rng.random() < 0.3:
        made["propagate"] = rng.random() < 0.5
    if handlers and rng.random() < share:
        made["handlers"] = rng.sample(handlers, rng.randint(1, len(handlers)))
        if rng.random() < 0.1:
            made["handlers"] = made["handlers"] + [rng.choice(made["handlers"])]
    if filters and rng.random() < 0.2:
        made["filters"] = rng.sample(filters, rng.randint(1, len(filters)))
    return made


# --- handlers


def all_handlers(rng, formatters, filters):
    kinds = [file_handler, file_handler, rotating, rotating, timed, watched, null]
    made = {}
    for number in range(rng.randint(1, 3)):
        made[rng.choice("abcxyz") + str(number)] = rng.choice(kinds)(rng, f"{number}.log")
    if rng.random() < 0.4:
        made["out"] = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
        if rng.random() < 0.3:
            made["again"] = dict(made["out"])
    if rng.random() < 0.15:
        made["err"] = {"class": "logging.StreamHandler"}
    if rng.random() < 0.2:
        made[rng.choice(["a_mem", "zmem"])] = memory(rng, list(made))
    for handler in made.values():
        dress(rng, handler, formatters, filters)
    if rng.random() < 0.1:
        made["queue"] = {"class": "logging.handlers.QueueHandler", "handlers": list(made)}
        if rng.random() < 0.5:
            made["queue"]["respect_handler_level"] = rng.random() < 0.7
        if rng.random() < 0.3:
            made["queue"]["level"] = rng.choice(LEVELS)
    return made


def dress(rng, handler, formatters, filters):
    """What every handler may have."""
    if rng.random() < 0.85:
        handler["formatter"] = rng.choice(formatters)
    if rng.random() < 0.4:
        handler["level"] = rng.choice(LEVELS)
    if filters and rng.random() < 0.2:
        handler["filters"] = rng.sample(filters, rng.randint(1, len(filters)))
    # What ends no line would have the program's own lines behind it on stderr.
    if "filename" in handler and rng.random() < 0.15 or "stream" in handler and rng.random() < 0.15:
        handler["."] = {"terminator": rng.choice(["", "\r\n", "\n\n", "|", "é\n", "\x00"])}


def file_keys(rng, filename):
    made = {"filename": filename}
    if rng.random() < 0.4:
        made["encoding"] = rng.choice(["utf-8", "UTF-8", "utf8", "utf-8-sig", *ENCODINGS])
    if rng.random() < 0.4:
        made["errors"] = rng.choice(["strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace"])
    if rng.random() < 0.3:
        made["delay"] = rng.random() < 0.6
    if rng.random() < 0.3:
        made["mode"] = rng.choice("aw")
    return made


def file_handler(rng, filename):
    return {"class": "logging.FileHandler", **file_keys(rng, filename)}


def watched(rng, filename):
    return {"class": "logging.handlers.WatchedFileHandler", **file_keys(rng, filename)}


def rotating(rng, filename):
    made = {"class": "logging.handlers.RotatingFileHandler", **file_keys(rng, filename)}
    if rng.random() < 0.9:
        made["maxBytes"] = rng.choice([0, 1, 20, 50, 50, 100, 100, 200, rng.randint(1, 300), 1.0e3])
    if rng.random() < 0.8:
        made["backupCount"] = rng.choice([0, 1, 2, 3, 10])
    return made


def timed(rng, filename):
    """Does not roll: that is for cases with a clock."""
    made = {"class": "logging.handlers.TimedRotatingFileHandler", **file_keys(rng, filename)}
    made.pop("mode", None)
    made |= {"when": rng.choice(["D", "d"]), "interval": 7}
    if rng.random() < 0.5:
        made["backupCount"] = rng.choice([0, 3])
    if rng.random() < 0.3:
        made["utc"] = rng.random() < 0.5
    return made


def memory(rng, names):
    made = {"class": "logging.handlers.MemoryHandler", "capacity": rng.choice([1, 2, 3, 5, 100])}
    if rng.random() < 0.9:
        made["target"] = rng.choice(names)
    if rng.random() < 0.4:
        made["flushLevel"] = rng.choice(LEVELS)
    if rng.random() < 0.3:
        made["flushOnClose"] = rng.random() < 0.5
    return made


def meet_limits(rng, config, records):
    """Some limits are just where the second of two plain messages ends: there one byte decides."""
    plain = [made["msg"] for made in records if isinstance(made["msg"], str) and not made["args"]]
    for handler in config["handlers"].values():
        if handler.get("maxBytes") and len(plain) > 1 and rng.random() < 0.5:
            handler["maxBytes"] = len(plain[0].encode()) + 1 + len(plain[1]) + 1 + rng.choice([-1, 0, 0, 1])
            handler.pop("formatter", None)


def null(rng, filename):
    return {"class": "logging.NullHandler"}


def files(rng, config):
    """Some of the handlers' files, as they were before."""
    made = {}
    for handler in config["handlers"].values():
        if "filename" in handler and rng.random() < 0.3:
            made[handler["filename"]] = "old " * rng.choice([0, 1, 10, 60]) + rng.choice(["", "\n"])
            if rng.random() < 0.3:
                made[f"{handler['filename']}.{rng.randint(1, 4)}"] = "older\n"
    return made


# --- formatters


def formatter(rng):
    style = rng.choice("%%%{{{$")
    made = {"format": {"%": percent, "{": brace, "$": dollar}[style](rng)}
    if style != "%" or rng.random() < 0.2:
        made["style"] = style
    if rng.random() < 0.3:
        made["datefmt"] = "".join(rng.choices(DATES, k=rng.randint(0, 8)))
    if rng.random() < 0.15:
        made["validate"] = True
    if rng.random() < 0.3:
        made["defaults"] = {name: default(rng) for name in rng.sample(EXTRAS, rng.randint(1, 3))}
    if rng.random() < 0.1:
        made["class"] = "logging.Formatter"
    elif rng.random() < 0.15:
        made["()"] = "logging.Formatter"
        made["fmt"] = made.pop("format")
        attributes = {}  # not converter: CPython leaves "ext://time.gmtime" the text that it is, and then calls it
        if rng.random() < 0.4:
            attributes["default_msec_format"] = rng.choice(["%s.%03d", "%s", "%s,%d", None, "%s %5.1f"])
            if attributes["default_msec_format"] == "%s":
                del attributes["default_msec_format"]
        if rng.random() < 0.3:
            attributes["default_time_format"] = rng.choice(["%H:%M:%S", "%d/%m/%Y", "%s"])
        if attributes:
            made["."] = attributes
    return made


def default(rng):
    return rng.choice(["-", "", "é", 0, 1, -5, 2.5, True, None, [1, "a"], {"k": "v"}])


def parts(rng, field):
    """Literals and at least one field, in any order."""
    made = [field(rng) for _ in range(rng.randint(1, 6))]
    made += [rng.choice(LITERALS) for _ in range(rng.randint(0, 6))]
    rng.shuffle(made)
    return "".join(made)


def field_name(rng):
    """(name, whether its value is a text, an integer, a float or anything)"""
    draw = rng.random()
    if draw < 0.5:
        return rng.choice(TEXT + ["message"] * 6), "s"
    if draw < 0.65:
        return rng.choice(INTEGERS), "d"
    if draw < 0.78:
        return rng.choice(FLOATS), "f"
    if draw < 0.9:
        return rng.choice(EXTRAS), "?"
    return rng.choice(OTHERS if rng.random() < 0.97 else ["nope"]), "?"


def kind(rng, of):
    """What to print it as: mostly what it is."""
    if of == "?":
        return rng.choice("sssssssssrdf")
    return of if rng.random() < 0.95 else rng.choice("sdfrx")


def percent(rng):
    def field(rng):
        name, of = field_name(rng)
        conversion = {"s": "s", "r": rng.choice("ra"), "d": rng.choice("dddixXou"), "f": rng.choice("fffeEgGFd"), "x": "x"}[kind(rng, of)]
        flags = "".join(rng.sample("#0+ -", rng.choice([0, 0, 0, 1, 1, 2])))
        width = str(rng.randint(1, 30)) if rng.random() < 0.4 else ""
        precision = "." + str(rng.choice([rng.randint(0, 12), 17, 40, 0])) if rng.random() < 0.2 else ""
        if rng.random() < 0.3:
            flags = width = precision = ""
        return f"%({name}){flags}{width}{precision}{conversion}"

    made = parts(rng, field)
    return made.replace("#", "%%") if rng.random() < 0.3 else made


def brace(rng):
    def field(rng):
        name, of = field_name(rng)
        what = kind(rng, of)
        if rng.random() < 0.4:
            return "{" + name + ("!r" if what == "r" else "") + "}"
        if name == "args" and rng.random() < 0.5:
            return "{args[0]}"
        conversion = rng.choice(["!r", "!s", "!a"]) if what == "r" else ""
        fill = rng.choice(["", "*", "é", "0", " ", "}"[:0], "✓", "-"])
        align = rng.choice(["", "<", ">", "^", "=" if what in "dfx" else ""])
        spec = (fill + align if align else "")
        if what in "dfx":
            spec += rng.choice(["", "", "+", " ", "-"]) + rng.choice(["", "", "", "#"]) + rng.choice(["", "", "0"])
        spec += rng.choice(["", str(rng.randint(1, 30)), "{lineno}"[: 8 if rng.random() < 0.1 else 0]])
        if what in "df":
            spec += rng.choice(["", "", "", ",", "_"])
        if what == "f":
            spec += rng.choice(["", ".0", ".1", ".3", ".10", ".17", ".40"]) + rng.choice(["", "f", "e", "g", "%", "n", "E", "G", "F"])
        elif what == "d":
            spec += rng.choice(["", "d", "d", "d", "x", "o", "b", "n", "X", "c", "f", "e", "g", "%", ".3f", ".2e", ".4g", ".1%"])
        elif what == "x":
            spec += "x"
        else:
            spec += rng.choice(["", "", ".2", ".10"]) + rng.choice(["", "s"])
        return "{" + name + conversion + ":" + spec + "}"

    made = parts(rng, field)
    return made.replace("#", "#{{}}") if "#" not in made.replace(" # ", "") and rng.random() < 0.2 else made


def dollar(rng):
    def field(rng):
        name, _ = field_name(rng)
        return "${" + name + "}" if name == "ü" or rng.random() < 0.6 else "$" + name

    made = parts(rng, lambda rng: field(rng).replace("ü", "user"))
    return made.replace("#", "$$") if rng.random() < 0.5 else made
