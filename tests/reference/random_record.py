# SPDX-License-Identifier: MIT
"""Random records: whatever JSON can say of a LogRecord."""

from casebook import LEVELS, record

TEXTS = ["plain", "", "100%", "%s left alone", "{} {x}", "$x ${y}", "é✓😀", "tab\tnew\nline", "\r\n", "end\n", "\x00\x1b[0m\x7f\x85",
         "a'b", 'a"b', "a'b\"c", "back\\slash", "\u2028\u200b\ufeff\u0301", "x" * 100, "日本語", "ÀÿĀ", "\U000e0001", " "]  # fmt: skip
TIMES = [0, 0.0, 1.0, -1.0, -0.5, -1.5, 1e9, 1700000000.999, 1700000000.9999999, 1700000000.9995, 86399.999, 1e10, 253402300799.5,
         1709164800.0, 1711846799.999, 1711846800.0, 1730023199.0, 1730023200.25, 4e9 + 0.125, 2**31, -2208988800.0]  # fmt: skip
MSECS = [0, 0.0, 7.0, 999.0, 999.9, 1000.0, 123.456, 1, 5.5, 99.0]
FLOATS = [0.0, -0.0, 1.0, 0.1, 1e16, 1e15, 1e-5, 1e-4, 123456789.125, 2.5, 1e22, 1e308, 5e-324, 0.1 + 0.2, -1e100, 3.0]
INTEGERS = [0, 1, -1, 7, 42, 255, 1000, -1000, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64 - 1]


def text(rng):
    return rng.choice(TEXTS) if rng.random() < 0.8 else "".join(rng.choices("aé✓😀\n%{}$ '\"\\", k=rng.randint(0, 30)))


def value(rng, depth=0):
    draw = rng.random()
    if draw < 0.35:
        return text(rng)
    if draw < 0.55:
        return rng.choice(INTEGERS)
    if draw < 0.7:
        return rng.choice(FLOATS) if rng.random() < 0.5 else rng.uniform(-1, 1) * 10 ** rng.randint(-8, 25)
    if draw < 0.8:
        return rng.choice([True, False, None])
    if depth > 2:
        return None
    if draw < 0.9:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(["k", "é", "a b", ""]): value(rng, depth + 1) for _ in range(rng.randint(0, 3))}


def conversion(rng):
    """(a conversion, an argument that mostly fits it)"""
    flags = "".join(rng.sample("#0+ -", rng.choice([0, 0, 1, 2])))
    width = str(rng.randint(1, 20)) if rng.random() < 0.4 else ""
    precision = f".{rng.choice([rng.randint(0, 10), 17, 60])}" if rng.random() < 0.3 else ""
    letter = rng.choice("sssssrradddiuxXofeEgGc%" if rng.random() < 0.97 else "sdfy")
    if rng.random() < 0.04:
        fitting = value(rng)
    elif letter in "diuxXo":
        fitting = rng.choice(INTEGERS)
    elif letter in "feEgG":
        fitting = rng.choice(FLOATS)
    elif letter == "c":
        fitting = rng.choice([65, 233, 128512, "é", "x"])
    else:
        fitting = value(rng)
    if letter == "%" and rng.random() < 0.9:
        flags = width = precision = ""
    return flags + width + precision + letter, fitting


def message(rng):
    """(msg, args)"""
    draw = rng.random()
    if draw < 0.35:
        return text(rng), rng.choice([[], [], None, {}])
    if draw < 0.42:
        return value(rng), rng.choice([[], None])
    if draw < 0.43:
        return text(rng), value(rng)
    if draw < 0.55:
        keys = ["k", "é", "a b"]
        pieces, args = "", {}
        for key in keys[: rng.randint(1, 3)]:
            spec, args[key] = conversion(rng)
            pieces += rng.choice(["", " ", "é="]) + f"%({key}){spec}"
        return pieces, args if rng.random() < 0.5 else [args]
    pieces, args = "", []
    for _ in range(rng.randint(1, 4)):
        spec, fitting = conversion(rng)
        pieces += rng.choice(["", " ", "é=", "[", "😀"]) + "%" + spec
        if not spec.endswith("%"):
            args.append(fitting)
    if rng.random() < 0.02:
        args.append("one too many")
    return pieces, args


def make(rng, names, extras):
    msg, args = message(rng)
    level = rng.choice(list(LEVELS)) if rng.random() < 0.8 else rng.choice([1, 5, 15, 25, 45, 60])
    name = rng.choice(names) if rng.random() < 0.9 else rng.choice(["a.b.c.d.e", "zzz", "", "b.a"])
    made = record(name, level, msg)
    made["args"] = args
    if rng.random() < 0.3:
        made["created"] = rng.choice(TIMES) if rng.random() < 0.7 else rng.uniform(-1e9, 5e9)
        made["msecs"] = rng.choice(MSECS)
    if rng.random() < 0.1:
        made["exc_text"] = rng.choice(["", "Traceback (most recent call last):\n  x", "T\n", text(rng)])
    if rng.random() < 0.1:
        made["stack_info"] = rng.choice(["", "Stack (most recent call last):\n  y", "S\n"])
    if rng.random() < 0.1:
        made["levelname"] = rng.choice(["TRACE", "é", "", "INFO"])
    if rng.random() < 0.2:
        key = rng.choice(["pathname", "funcName", "threadName", "processName", "taskName", "filename", "module"])
        made[key] = text(rng)
    if rng.random() < 0.1:
        key = rng.choice(["lineno", "thread", "process", "relativeCreated"])
        # A line's number may be a width.
        made[key] = rng.choice([0, 7, 255, -1, 2.5, None] if key == "lineno" else INTEGERS + FLOATS + [None])
    for key in extras:
        if rng.random() < 0.9:
            made[key] = value(rng)
    if rng.random() < 0.1:
        made[rng.choice(["other", "k", "Msg"])] = value(rng)
    return made


def as_call(made):
    """The call of casebook.record() that makes it, as text."""
    msg, args = made.get("msg"), made.get("args")
    level = made.get("levelno")
    for name, number in LEVELS.items():
        if number == level and made.get("levelname") == name:
            level = name
    positional = args if isinstance(args, list) else []
    plain = record(made.get("name"), level, msg, *positional)
    changed = {key: value for key, value in made.items() if key not in plain or plain[key] is not value and repr(plain[key]) != repr(value)}
    if set(plain) - set(made) or not all(key.isidentifier() for key in changed):
        return repr(made)
    shown = [repr(made.get("name")), repr(level), repr(msg), *map(repr, positional)]
    return f"record({', '.join(shown + [f'{key}={value!r}' for key, value in changed.items()])})"
