# SPDX-License-Identifier: MIT
"""Compares this project's Formatter, RotatingFileHandler and encodings with CPython's, case by case.

usage: reference.py HELPER   (run by the Python that is the reference)
"""

import contextlib
import logging
import logging.handlers
import math
import os
import random
import tempfile
import time

from helper import HelperTest, run, tree
from python314 import RotatingFileHandler

SECOND = 1_000_000_000


def python_record(attributes):
    """makeLogRecord with 3.14's derivation of the times."""
    attributes = dict(attributes)
    created_ns = attributes.pop("created_ns", 0)
    start_ns = attributes.pop("start_ns", 0)
    pathname = attributes.get("pathname", "")
    msecs = (created_ns % SECOND) // 1_000_000 + 0.0
    if msecs == 999.0 and int(created_ns / 1e9) != created_ns // SECOND:
        msecs = 0.0
    base = {
        "name": "root", "msg": "", "args": None, "levelname": "", "levelno": 0, "pathname": pathname,
        "filename": os.path.basename(pathname), "module": os.path.splitext(os.path.basename(pathname))[0],
        "exc_info": None, "exc_text": None, "stack_info": None, "lineno": 0, "funcName": "",
        "created": created_ns / 1e9, "msecs": msecs, "relativeCreated": (created_ns - start_ns) / 1e6,
        "thread": 0, "threadName": "", "processName": "", "process": 0, "taskName": None,
    }
    record = logging.makeLogRecord({})
    record.__dict__.clear()
    record.__dict__.update(base)
    record.__dict__.update(attributes)
    args = record.args
    if isinstance(args, tuple) and len(args) == 1 and isinstance(args[0], dict) and args[0]:
        record.args = args[0]
    return record


def python_format(options, attributes):
    """Text, or None and the error."""
    settings = dict(options)
    utc = settings.pop("utc", False)
    time_format = settings.pop("default_time_format", None)
    msec_format = settings.pop("default_msec_format", Ellipsis)
    try:
        formatter = logging.Formatter(**settings)
        if utc:
            formatter.converter = time.gmtime
        if time_format is not None:
            formatter.default_time_format = time_format
        if msec_format is not Ellipsis:
            formatter.default_msec_format = msec_format
        return formatter.format(python_record(attributes)), None
    except Exception as error:  # noqa: BLE001: whatever Python raises is the expectation
        return None, error


RECORD = {
    "name": "orders.api", "msg": "charge %s for %d", "args": ("é✓", 42), "levelname": "WARNING", "levelno": 30,
    "pathname": "/srv/app/api.v2.cpp", "lineno": 88, "funcName": "handle", "created_ns": 1700000000_123456789,
    "start_ns": 1699999999_000000000, "thread": 4711, "threadName": "rx-1", "processName": "web", "process": 4712,
    "ms": 183.2, "sql_id": 42, "flag": True, "nothing": None, "big": 2**63 + 5, "text": "a'b\"c\n\u00e9\u200b",
    "items": [1, "x", None, 2.5, True], "table": {"k": "v", "n": 1}, "pair": (1, "b"), "one": (1,),
}


def with_record(**changes):
    return {**RECORD, **changes}


class FormatterTest(HelperTest):
    def check(self, options, attributes=None):
        attributes = RECORD if attributes is None else attributes
        with self.subTest(options=options, record=attributes if attributes is not RECORD else "RECORD"):
            text, error = python_format(options, attributes)
            answer = self.helper.ask(op="format", options=options, record=attributes)
            if error is None:
                self.assertEqual(answer.get("text", answer), text)
                return
            self.assertIn("error", answer, f"Python raises {error!r}")
            return answer["error"], error

    def test_three_styles_print_the_same_record(self):
        names = ["name", "levelname", "levelno", "pathname", "filename", "module", "lineno", "funcName", "created",
                 "asctime", "msecs", "relativeCreated", "thread", "threadName", "process", "processName", "taskName",
                 "message", "exc_info", "exc_text", "stack_info", "msg", "args"]
        for style, template in (("%", "%%(%s)s"), ("{", "{%s}"), ("$", "${%s}")):
            for name in names:
                self.check({"fmt": "<" + template % name + ">", "style": style})
            self.check({"fmt": " | ".join(template % name for name in names), "style": style})

    def test_percent_conversions(self):
        fields = ["message", "levelname", "levelno", "created", "msecs", "process", "ms", "sql_id", "flag", "nothing",
                  "big", "text", "items", "table", "pair", "one", "asctime", "taskName", "args"]
        specs = ["s", "8.3s", "-12s", "012s", ".0s", "r", "-40r", "a", "d", "5d", "-5d|", "05d", "+d", " d", "+05d",
                 "-+8d|", ".3d", "8.3d", "#x", "#X", "#o", "#010x", "-#10x|", "x", "X", "o", "i", "u", "e", ".2e", "E",
                 "f", ".1f", "10.3f", "010.3f", "+.2f", "F", "g", "#g", ".3g", "G", ".0f", "#.0f", "c", "5c", "-5c|",
                 "ld", "hs", "Ls"]
        for field in fields:
            for spec in specs:
                self.check({"fmt": "<%(" + field + ")" + spec + ">", "validate": False})

    def test_percent_oddities(self):
        for fmt in ["%%(message)s", "100%% %(message)s", "%(message)s %", "100% %(message)s", "%(message)y %(name)s",
                    "%(message", "%(message)", "%(message)5", "%(message)s%(nope)s", "%(nope)s %(message)s",
                    "%(message)%|%(name)s", "%s", "%(name)s%s", "%(message)*d", "%(message)ld", "%(Message)s",
                    "%(levelno)D", "%(message)S", "plain", "%()s", "%(a(b)c)s%(name)s", "%(message).s", "",
                    "%(message)é %(name)s", "%(message)99999999999s"]:
            for validate in (True, False):
                self.check({"fmt": fmt, "validate": validate})

    def test_messages(self):
        for msg, args in [("100%", None), ("100%", ()), ("100%", []), ("%s", ("x",)), ("%s %s", ("x",)), ("x", ("y",)),
                          ("%d", ("y",)), ("%(a)s and %(b)05.1f", ({"a": 1, "b": 2.25},)), ("%(a)s", {"a": None}),
                          ("%s", ({"a": 1},)), ("%r|%r", ({"a": 1}, 2)), ("%s", 5), (5, None), (5, (1,)),
                          (None, None), (2.0, None), (["a", 1], None), ("%*d|%-*d|%.*f", (6, 42, 6, 42, 2, math.pi)),
                          ("%*d", ("x", 1)), ("%c%c%c", (65, "é", 0x1F600)), ("%c", ("ab",)), ("%c", (-1,)),
                          ("%i %u", (3.99, -3.99)), ("%x", (3.5,)), ("%d", (float("inf"),)), ("%d", (float("nan"),)),
                          ("%d", (1e300,)), ("%.3f", (float("inf"),)), ("%010.2f|%-10.2f|%+e", (-1.5, -1.5, 1e-10)),
                          ("%s %s %s %s", (1e16, 1e-5, 0.1 + 0.2, float("-inf"))), ("%s %s", (1e15, 123456789012345680.0)),
                          ("%s %s", (-0.0, 5e-324)), ("%r", (1.7976931348623157e308,)), ("%s", ("tab\there",)),
                          ("%r", ("a\x00\x7f\x85\u0378\u2028\U000e0001é\\",)), ("%a", ("é😀\u0100",)),
                          ("%s", ((),)), ("%s", ((1,),)), ("%s", ({1},)), ("%s", (set(),)), ("%s", ({},)), ("", None),
                          ("%d%%", (50,)), ("%(a)d %d", ({"a": 1},)), ("%5%|", ()), ("%5%|%s", (1,)), ("%", ("x",)),
                          ("%#.3x|%#o|%#X", (255, 8, 255)), ("% d|%+d|% +d", (1, 1, 1)), ("%.5d|%.5d", (42, -42)),
                          ("%x %X %o", (-255, -255, -8)), ("%d %d", (True, False)), ("%f", (True,)), ("%g", (100000.0,)),
                          ("%g %g %g", (1e6, 1e-5, 123456789)), ("%s", (2**64 - 1,)), ("%x", (2**64 - 1,)),
                          ("%.2s|%5.1s|", ("✓é✓", "éa")), ("%s", (True,)), ("%%", (1,)), ("a%zb", (1,))]:
            self.check({}, with_record(msg=msg, args=args))

    def test_arguments_shown(self):
        for args in [(), (1,), (1, "b"), ({"a": 1},), {"a": 1}, ({},), None]:
            for spec in ("s", "r", "-20s|"):
                self.check({"fmt": "%(args)" + spec}, with_record(msg="m" if not args else "%s" * len(args), args=args))
            self.check({"fmt": "{args}", "style": "{"}, with_record(msg=5, args=None if args else args))

    def test_exc_text_and_stack_info_start_on_a_new_line(self):
        for msg in ["m", "m\n", ""]:
            for exc_text in [None, "", "T", "T\n"]:
                for stack_info in [None, "", "S", "S\n"]:
                    record = with_record(msg=msg, args=None, exc_text=exc_text, stack_info=stack_info)
                    self.check({}, record)
                    self.check({"fmt": "%(message)s [%(name)s]"}, record)

    def test_times(self):
        for created_ns in [0, 1, 7_000_000, 999_000_000, 999_999_999, SECOND, -1, -SECOND, -1_500_000_000,
                           1_677_903_920_999_998_503, 1_677_903_920_999_999_900, 735375780_123000000,
                           1_700_000_000_999_999_881, 1_700_000_000_999_999_800]:
            record = with_record(created_ns=created_ns)
            for options in [{}, {"utc": True}, {"datefmt": "%H:%M:%S %f %% %j %-d %s %4Y"}, {"datefmt": "é%Y"},
                            {"datefmt": "%z %Z %a %B %c"}, {"default_msec_format": None},
                            {"default_msec_format": "%s.%03d"}, {"default_time_format": "%d/%m"}, {"datefmt": ""}]:
                self.check({"fmt": "%(asctime)s %(msecs)03d %(created)s %(relativeCreated)s", **options}, record)

    def test_attributes_given_outright(self):
        for changes in [{"msecs": 0}, {"msecs": 7}, {"msecs": 999.9}, {"msecs": 1000.0}, {"created": 12.75},
                        {"created": -0.5}, {"created": 5}, {"levelname": None}, {"levelno": "x"}, {"name": None},
                        {"process": None}, {"taskName": "Task-1"}, {"filename": "other"}]:
            for fmt in ["%(asctime)s %(name)s %(levelname)s %(levelno)s %(process)s %(taskName)s %(filename)s",
                        "%(levelno)d", "%(process)d", "%(created)f"]:
                self.check({"fmt": fmt, "utc": True}, with_record(**changes))
            self.check({"fmt": "{asctime} {name} {levelname:>5} {created:.2f}", "style": "{", "utc": True},
                       with_record(**changes))

    def test_brace_specs(self):
        fields = ["message", "levelname", "levelno", "created", "msecs", "ms", "sql_id", "flag", "nothing", "big",
                  "text", "items", "taskName"]
        specs = ["", "<10", ">10", "^11", "=10", "*^11", "é>9", "010", "<010", "+", " ", "-", "#", "+08", "#x", "#010X",
                 "b", "#b", "o", "d", "n", "c", ",", "_", "010,", "012_d", "_x", ",x", ".3", ".0", "8.3", ".1f", ".2e", "E",
                 "g", ".3g", "G", "F", "%", ".1%", "s", ".2s", "10.2s", "x", "X", ",.2f", "015,.1f", "+,d", "z", "z.1f",
                 "#.3g", "#.0f", "Q", "5.", "=+10d", "<<10", "}>5", "{levelno}", ">{levelno}", ".{levelno}f",
                 "{lineno}.{levelno}", "10é"]
        for field in fields:
            for spec in specs:
                for conversion in ("", "!r", "!s", "!a"):
                    if conversion and spec not in ("", "<10", ".3", "d", ">40"):
                        continue
                    self.check({"fmt": "<{" + field + conversion + (":" + spec if spec else "") + "}>", "style": "{",
                                "validate": False})

    def test_brace_oddities(self):
        for fmt in ["{message}", "{{message}}", "{{{message}}}", "{message", "message}", "{", "}", "{}", "{0}", "{0.x}",
                    "{message!x}", "{message!}", "{message!rx}", "{message:{lineno}}|", "{message:{nope}}", "{nope}",
                    "{args[0]}", "{args[1]:05d}", "{args[7]}", "{table[k]}", "{table[x]}", "{items[1]!r}", "{items[x]}",
                    "{text[0]}", "{text[3]}", "{message:{levelno}.{levelno}}|", "{message:{lineno:{levelno}}}|", "{name}{",
                    "{message:}", "{ message}", "{message }", "{message!r:}", "{pair[1]}", "{one}", "{message:%d}",
                    "{message[}", "{message[]}", "{args[0]x}", "{message:>{lineno}}{name:-^30}", "", "plain", "{name:<10",
                    "{message:^#20}", "{sql_id[0]}"]:
            for validate in (True, False):
                self.check({"fmt": fmt, "style": "{", "validate": validate})

    def test_template_oddities(self):
        for fmt in ["$message", "${message}", "$$", "$$message", "$", "$ message", "${message", "${mess age}", "${}",
                    "$messageé", "$messages", "$Message", "$1", "a$", "$nope", "$name-$levelname", "${name}x$$y", "plain",
                    "", "$message\n$", "x\ny $", "$asctime", "${asctime} ${message}", "$items $table $ms $flag $nothing"]:
            for validate in (True, False):
                self.check({"fmt": fmt, "style": "$", "validate": validate})

    def test_defaults(self):
        for style, fmt in (("%", "%(extra)s %(ms)s %(message)s"), ("{", "{extra} {ms} {message}"),
                           ("$", "$extra $ms $message")):
            self.check({"fmt": fmt, "style": style, "defaults": {"extra": "default", "ms": 1}})
            self.check({"fmt": fmt, "style": style})

    def test_unknown_style_is_refused(self):
        ours, theirs = self.check({"style": "!"})
        self.assertEqual(ours, str(theirs))

    def test_refusals_have_pythons_words(self):
        for style, fmt in (("%", "plain"), ("%", "%(message)ld"), ("{", "{{message}}"), ("{", "{message!x}"),
                           ("{", "{message:Q}"), ("{", "{name.}"), ("{", "{"), ("$", "$"), ("$", "plain")):
            ours, theirs = self.check({"fmt": fmt, "style": style})
            self.assertEqual(ours, str(theirs))

    def test_run_time_errors_have_pythons_words(self):
        for fmt in ["%(nope)s", "%(message)d", "%(ms)x", "%(message)f", "100% %(message)s", "%(message)y%(name)s"]:
            ours, theirs = self.check({"fmt": fmt, "validate": False})
            self.assertEqual(ours, f"{type(theirs).__name__}: {theirs}")
        for fmt in ["{nope}", "{message:d}", "{ms:x}", "{levelno:.2d}", "{nothing:5}", "{message:+}", "{message:=9}"]:
            ours, theirs = self.check({"fmt": fmt, "style": "{", "validate": False})
            self.assertEqual(ours, f"{type(theirs).__name__}: {theirs}")


class RotatingFileHandlerTest(HelperTest):
    @staticmethod
    def run_python(path, steps, terminator=None, mode="a", delay=False, **limits):
        handler = RotatingFileHandler(path, mode=mode, encoding="utf-8", delay=delay, **limits)
        if terminator is not None:
            handler.terminator = terminator
        for step in steps:
            if "append" in step:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(step["append"])
            elif "close" in step:
                handler.close()
            else:
                handler.handle(logging.makeLogRecord({"msg": step["write"], "exc_text": step.get("exc_text")}))
        handler.close()

    def check(self, steps, existing=None, **settings):
        """Runs `steps` (a string is a message) by both on files that hold `existing`; compares the trees."""
        steps = [{"write": step} if isinstance(step, str) else step for step in steps]
        others_write = any("append" in step for step in steps)
        with self.subTest(steps=steps, **settings), contextlib.ExitStack() as stack:
            expected = None
            # A batch is written late: with another writer on the file its order is not Python's.
            for defer in (None, False) if others_write else (None, False, True):
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                for name, content in (existing or {}).items():
                    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                        file.write(content)
                path = os.path.join(folder, "a.log")
                if defer is None:
                    self.run_python(path, steps, **settings)
                    expected = tree(folder)
                    continue
                answer = self.helper.ask(op="rotate", filename=path, steps=steps, defer=defer, **settings)
                self.assertEqual(answer.get("errors"), 0, answer)
                self.assertEqual(tree(folder), expected, f"defer={defer}")

    def test_one_byte_decides(self):
        for limit in range(9, 22):
            self.check(["aaaa", "bbbb", "cccc"], maxBytes=limit, backupCount=2)

    def test_the_record_counts_in_code_points(self):
        for limit in range(12, 21):
            self.check(["éééé", "éééé", "✓✓", "x"], maxBytes=limit, backupCount=3)

    def test_the_terminator_does_not_count(self):
        for limit in range(10, 20):
            self.check(["aaaa", "bbbb", "cccc"], maxBytes=limit, backupCount=2, terminator="\r\n\r\n")
            self.check(["aaaa", "bbbb", "cccc"], maxBytes=limit, backupCount=2, terminator="")

    def test_exc_text_counts(self):
        for limit in range(14, 30):
            self.check(["aaaa", {"write": "bbbb", "exc_text": "Traceback"}, "cccc"], maxBytes=limit, backupCount=2)

    def test_backups_shift(self):
        self.check([f"record {number}" for number in range(10)], maxBytes=20, backupCount=2)
        self.check([f"record {number}" for number in range(30)], maxBytes=25, backupCount=12)

    def test_no_backups(self):
        self.check(["aaaa", "bbbb", "cccc"], maxBytes=8, backupCount=0)

    def test_no_limit(self):
        self.check(["aaaa", "bbbb"], maxBytes=0, backupCount=3)
        self.check(["aaaa", "bbbb"], maxBytes=0, backupCount=3, mode="w", existing={"a.log": "old\n"})

    def test_gaps_and_stale_files_stay(self):
        self.check(["aaaa", "bbbb"], maxBytes=8, backupCount=4,
                   existing={"a.log": "old\n", "a.log.1": "1", "a.log.3": "3", "a.log.9": "9", "b.log.1": "other"})
        self.check(["aaaa"], maxBytes=8, backupCount=2, existing={"a.log": "old", "a.log.2": "2", "a.log.3": "3"})

    def test_a_first_record_beyond_the_limit(self):
        self.check(["a" * 50, "b" * 50, "c"], maxBytes=20, backupCount=2)

    def test_a_file_that_is_there_counts(self):
        self.check(["aaaa"], maxBytes=20, backupCount=1, existing={"a.log": "x" * 100 + "\n"})
        self.check(["aaaa"], maxBytes=200, backupCount=1, existing={"a.log": "x" * 100 + "\n"})

    def test_a_limit_forces_append(self):
        self.check(["aaaa"], maxBytes=100, backupCount=1, mode="w", existing={"a.log": "old\n"})

    def test_delay(self):
        self.check([], maxBytes=20, backupCount=1, delay=True)
        self.check(["aaaa", "bbbb", "cccc", "dddd"], maxBytes=11, backupCount=1, delay=True)

    def test_others_growth_is_noticed_after_the_next_own_write(self):
        for limit in (30, 60, 100):
            self.check(["aaaa", {"append": "x" * 50 + "\n"}, "bbbb", "cccc", "dddd"], maxBytes=limit, backupCount=3)

    def test_closing_and_going_on(self):
        self.check(["aaaa", {"close": True}, "bbbb", "cccc"], maxBytes=12, backupCount=2)
        self.check(["aaaa", {"close": True}, "bbbb"], maxBytes=0, backupCount=0, mode="w")

    def test_long_run(self):
        generator = random.Random(314)
        messages = ["".join(generator.choice("aé✓😀\n") for _ in range(generator.randrange(40))) for _ in range(400)]
        for limit in (64, 333, 2000):
            self.check(messages, maxBytes=limit, backupCount=50)


ENCODINGS = """ascii latin-1 cp037 cp1125 cp1140 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp500 cp737
    cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 hp-roman8 iso8859-2 iso8859-3
    iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15
    iso8859-16 koi8-r koi8-t koi8-u kz1048 ptcp154 utf-16-le utf-16-be utf-32-le utf-32-be cp949 gb2312 gbk shift_jis""".split()


class EncodingTest(HelperTest):
    def test_all_characters(self):
        """Those of the first plane, the tags, some of each other plane."""
        points = [*range(0xD800), *range(0xE000, 0x10000), *range(0xE0000, 0xE0080)]
        points += [point for plane in range(1, 17) for point in range(plane << 16, (plane << 16) + 0x40)]
        for encoding in ENCODINGS:
            with self.subTest(encoding=encoding):
                wide = encoding.startswith("utf") or encoding in ("cp949", "gb2312", "gbk", "shift_jis")
                text = "".join(chr(point) for point in points if wide or not 0x3400 <= point < 0xD800)
                expected = text.encode(encoding, "backslashreplace")
                answer = self.helper.ask(op="encode", encoding=encoding, errors="backslashreplace", text=text)
                self.assertTrue("hex" in answer, answer)
                # Without assertEqual's attempt at a readable difference of half a megabyte.
                self.assertTrue(bytes.fromhex(answer["hex"]) == expected)

    def test_errors_in_pythons_words(self):
        for encoding in ENCODINGS:
            for text in ["\U000e0041", "ab\U0010ffff\U0010fffe", "\x80é"]:
                with self.subTest(encoding=encoding, text=text):
                    answer = self.helper.ask(op="encode", encoding=encoding, errors="strict", text=text)
                    try:
                        expected = {"hex": text.encode(encoding).hex()}
                    except UnicodeEncodeError as error:
                        expected = {"error": f"UnicodeEncodeError: {error}"}
                    self.assertEqual(answer, expected)


def main():
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    run(FormatterTest, RotatingFileHandlerTest, EncodingTest)


if __name__ == "__main__":
    main()
