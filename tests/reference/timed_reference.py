# SPDX-License-Identifier: MIT
"""Compares this project's TimedRotatingFileHandler with CPython's, over changes of the clock in many zones.

usage: timed_reference.py HELPER   (run by the Python that is the reference)
"""

import datetime
import logging
import logging.handlers
import os
import random
import sys
import tempfile
import time
import unittest
from unittest import mock

import timed_python314
from helper import HelperTest, run, tree

HOUR = 3600
DAY = 24 * HOUR
NEW_YORK = "EST+05EDT,M3.2.0,M11.1.0"
ZONES = ["UTC", NEW_YORK, "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns",
         "Africa/Cairo", "America/Sao_Paulo", "Pacific/Apia", "Asia/Gaza", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"]
WHENS = ["S", "M", "H", "D", "MIDNIGHT", "W0", "W3", "W6"]
AT_TIMES = [None, "00:00:00", "01:30:00", "02:00:00", "02:30:00", "12:00:00", "23:59:59"]
# All of Python's versions that the tests meet have these rules of 3.12's first releases, or the later ones.
FIRST_RULES = sys.version_info < (3, 12)


def use_zone(zone):
    os.environ["TZ"] = zone
    time.tzset()


def local(zone, *parts):
    use_zone(zone)
    return int(time.mktime((*parts, *(0,) * (6 - len(parts)), 0, 0, -1)))


def changes_of_the_clock(zone, begin, end):
    """The seconds at which local time begins to differ from what it was, in [begin, end)."""
    use_zone(zone)
    found = []
    for day in range(begin, end, DAY):
        low, high = day, day + DAY
        if time.localtime(low).tm_gmtoff == time.localtime(high).tm_gmtoff:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if time.localtime(middle).tm_gmtoff == time.localtime(low).tm_gmtoff:
                low = middle
            else:
                high = middle
        found.append(high)
    return found


def date_before_extension(name):
    rest, date = name.rsplit(".", 1)
    stem, extension = rest.rsplit(".", 1)
    return f"{stem}.{date}.{extension}"


def digit_before_date(name):
    stem, date, extension = date_before_extension(name).rsplit(".", 2)
    return f"{stem}9{date}.{extension}"


def digit_behind_date(name):
    rest, extension = date_before_extension(name).rsplit(".", 1)
    return f"{rest}9.{extension}"


NAMERS = {"suffix": lambda name: name + ".gz", "extension": date_before_extension, "before": digit_before_date,
          "behind": digit_behind_date}


class Reference:
    """Python's handler on a clock that is told the time."""

    def __init__(self, filename, zone, when, start=0, interval=1, backupCount=0, utc=False, atTime=None, delay=False,
                 namer=None, minor=14):
        use_zone(zone)
        self.now = start
        self.errors = 0
        self.met_its_destination = False
        self.filename = filename
        handler_class = logging.handlers if minor <= 12 else timed_python314
        at = None if atTime is None else datetime.time.fromisoformat(atTime)
        self.make = lambda: handler_class.TimedRotatingFileHandler(
            filename, when=when, interval=interval, backupCount=backupCount, encoding="utf-8", delay=delay, utc=utc,
            atTime=at)
        self.namer = NAMERS.get(namer)
        self.restart()

    def restart(self):
        with mock.patch("time.time", lambda: self.now):
            self.handler = self.make()
        self.handler.namer = self.namer
        self.handler.handleError = self.count_error

    def count_error(self, record):
        self.errors += 1

    def step(self, step):
        if "clock" in step:
            self.now = step["clock"]
        elif "unlink" in step:
            if os.path.exists(step["unlink"]):
                os.remove(step["unlink"])
        elif "put" in step:
            with open(step["put"], "w", encoding="utf-8") as file:
                file.write("there before\n")
        elif "restart" in step:
            self.handler.close()
            if os.path.exists(self.filename):
                os.utime(self.filename, (self.now, self.now))
            self.restart()
        elif "write" in step:
            record = logging.makeLogRecord({"msg": step["write"], "args": (step["args"],) if "args" in step else None})
            with mock.patch("time.time", lambda: self.now):
                due = self.handler.shouldRollover(record)
                before = self.handler.rolloverAt
                self.handler.handle(record)
                self.met_its_destination |= bool(due) and self.handler.rolloverAt == before
        return self.handler.rolloverAt


class TimedTest(HelperTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def ask(self, **request):
        request = {key: value for key, value in request.items() if value is not None}
        if "atTime" in request:
            at = datetime.time.fromisoformat(request["atTime"])
            request["atTime"] = (at.hour * 60 + at.minute) * 60 + at.second
        return self.helper.ask(**request)

    def check_table(self, times, **options):
        filename = os.path.join(self.folder.name, "absent.log")
        reference = Reference(filename, delay=True, **options)
        expected = [reference.handler.computeRollover(at) for at in times]
        answer = self.ask(op="table", filename=filename, delay=True, times=times, **options)
        if answer.get("rollovers") != expected:
            wrong = [(at, want, got) for at, want, got in zip(times, expected, answer.get("rollovers", [])) if want != got]
            self.fail(f"{options}: time, expected, got: {wrong[:5]} {answer.get('error', '')}")

    def run_both(self, steps, files=(), strict=True, base="app.log", **options):
        """Both over folders of their own. Gives the reference, the trees and our answer."""
        results = []
        for defer in (None, False, True):
            with tempfile.TemporaryDirectory() as folder:
                def placed(step):
                    return {key: os.path.join(folder, value) if key in ("unlink", "put") else value
                            for key, value in step.items()}

                for name in files:
                    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                        file.write(name + "\n")
                filename = os.path.join(folder, base)
                if base in files:
                    os.utime(filename, (options["start"], options["start"]))
                if defer is None:
                    reference = Reference(filename, **options)
                    rollovers = [reference.step(placed(step)) for step in steps]
                    reference.handler.close()
                    expected = tree(folder)
                    continue
                answer = self.ask(op="run", filename=filename, defer=defer, strict=strict,
                                         steps=[placed(step) for step in steps], **options)
                self.assertNotIn("error", answer)
                results.append((tree(folder), answer))
        self.assertEqual(results[0], results[1], "buffered or not")
        return reference, expected, rollovers, *results[0]

    def check_run(self, steps, **options):
        """Python's files, errors and, after each step, time of the next rollover."""
        # A file that is made anew has a time that the virtual clock doesn't set: it is there, as of `start`.
        options = {"files": ["app.log"], **options}
        reference, expected, rollovers, found, answer = self.run_both(steps, **options)
        with self.subTest(**options):
            self.assertEqual(found, expected)
            self.assertEqual(answer["errors"], reference.errors)
            self.assertEqual(answer["rollovers"], rollovers)
        return reference


def ticks(start, step, count):
    """A record at each of `count` times."""
    steps = []
    for number in range(count):
        steps += [{"clock": start + number * step}, {"write": f"record {number} at {start + number * step}"}]
    return steps


class TableTest(TimedTest):
    def times_of(self, zone):
        changes = changes_of_the_clock(zone, 1767225600, 1767225600 + 366 * DAY)[:2] or [1772323200]
        times = []
        for change in changes:
            for offset in (-7 * DAY, -2 * DAY, -DAY, -12 * HOUR, 0, 12 * HOUR, DAY, 6 * DAY):
                times += [change + offset + minute for minute in (-5400, -1800, -1, 0, 1, 1799, 3599, 3600, 7200)]
        return times

    def test_around_changes_of_the_clock(self):
        for zone in ZONES:
            times = self.times_of(zone)
            for when in WHENS:
                for interval in (1, 3):
                    for at in AT_TIMES if len(when) != 1 else (None, "12:00:00"):
                        self.check_table(times, zone=zone, when=when, interval=interval, atTime=at)
                        if zone in (NEW_YORK, "Asia/Kolkata"):
                            self.check_table(times, zone=zone, when=when, interval=interval, atTime=at, utc=True)

    def test_the_epoch(self):
        for when in WHENS:
            for interval in (1, 3):
                self.check_table([0, 1, -1, -DAY, 2**31, 2**32], zone=NEW_YORK, when=when, interval=interval, utc=True)
                self.check_table([0, 1, -1, -DAY, 2**31, 2**32], zone=NEW_YORK, when=when, interval=interval)

    def test_random_times(self):
        generator = random.Random(1810)
        for _ in range(600):
            times = [generator.randrange(0, 2**32) for _ in range(20)]
            second = generator.randrange(DAY)
            at = f"{second // HOUR:02}:{second // 60 % 60:02}:{second % 60:02}"
            self.check_table(times, zone=generator.choice(ZONES), when=generator.choice(WHENS).lower(),
                             interval=generator.randrange(1, 9), atTime=generator.choice([None, at]),
                             utc=generator.random() < 0.2)

    @unittest.skipUnless(FIRST_RULES, "this Python has the later rules")
    def test_the_first_releases_of_312(self):
        for zone in (NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe"):
            for when in WHENS:
                for at in AT_TIMES:
                    self.check_table(self.times_of(zone), zone=zone, when=when, interval=3, atTime=at, minor=12)

    def test_refusals_have_pythons_words(self):
        for when in ["X", "", "W", "W7", "W12", "w", "Wx", "midnights", "HH", "1"]:
            with tempfile.TemporaryDirectory() as folder:
                filename = os.path.join(folder, "a.log")
                with self.assertRaises(ValueError) as caught:
                    Reference(filename, "UTC", when)
                answer = self.ask(op="table", filename=filename, zone="UTC", when=when, times=[])
                self.assertEqual(answer.get("error"), str(caught.exception))


class RunTest(TimedTest):
    def test_every_unit(self):
        for when, step in (("S", 1), ("M", 25), ("H", 1500), ("D", 10 * HOUR), ("MIDNIGHT", 10 * HOUR), ("W2", 30 * HOUR)):
            for interval in (1, 2, 3):
                start = 1770000000
                self.check_run(ticks(start, step, 20), zone="UTC", when=when, interval=interval, start=start, utc=True)
                self.check_run(ticks(start, step, 20), zone="Asia/Kolkata", when=when, interval=interval, start=start)

    def test_daily_over_changes_of_the_clock(self):
        for zone in ZONES:
            for change in changes_of_the_clock(zone, 1767225600, 1767225600 + 366 * DAY)[:2] or [1772323200]:
                start = change - 3 * DAY
                for at in (None, "02:30:00", "12:00:00"):
                    self.check_run(ticks(start, 5 * HOUR + 1, 40), zone=zone, when="midnight", atTime=at, start=start)
                self.check_run(ticks(start - 20 * DAY, 31 * HOUR, 40), zone=zone, when="W6", start=start - 20 * DAY)

    def test_hourly_over_changes_of_the_clock_stops_as_python_does(self):
        stopped = 0
        for zone in (NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"):
            for change in changes_of_the_clock(zone, 1767225600, 1767225600 + 366 * DAY)[:2]:
                start = change - 5 * HOUR
                for when in ("H", "D"):
                    step = 1200 if when == "H" else 12 * 1200
                    reference = self.check_run(ticks(start, step, 40), zone=zone, when=when, start=start)
                    stopped += reference.met_its_destination
        self.assertGreater(stopped, 3)

    def test_a_long_gap_makes_one_file_named_for_its_start(self):
        start = local(NEW_YORK, 2026, 5, 4, 12)
        steps = [{"write": "a"}, {"clock": start + 5 * DAY}, {"write": "b"}, {"clock": start + 6 * DAY}, {"write": "c"}]
        self.check_run(steps, zone=NEW_YORK, when="midnight", start=start)
        self.check_run(steps, zone=NEW_YORK, when="D", start=start)
        self.check_run(steps, zone=NEW_YORK, when="H", interval=7, start=start)

    def test_a_restart_counts_from_the_last_change(self):
        start = local(NEW_YORK, 2026, 5, 4, 12)
        for gap in (600, HOUR - 1, HOUR, 2 * HOUR, 3 * DAY):
            steps = [{"write": "a"}, {"clock": start + 1800}, {"write": "b"}, {"restart": True},
                     {"clock": start + 1800 + gap}, {"write": "c"}, {"restart": True}, {"clock": start + 1801 + gap},
                     {"write": "d"}]
            for when in ("H", "D", "MIDNIGHT", "W1", "S"):
                self.check_run(steps, zone=NEW_YORK, when=when, start=start)

    def test_deletion_takes_its_own_files_alone(self):
        start = local("UTC", 2026, 1, 20, 12)
        others = ["app.log.2025-12-01.gz", "app.log.2025-12-01x", "app.log.2025-12-01_05", "app.log.1", "app.log.",
                  "app.log2025-12-01", "xapp.log.2025-12-01", "app.2025-12-01", "app.txt.2025-12-01", "app.log.old",
                  "app.2025-12-01.log", "app.log.x.2025-12-01", "app.log.12025-12-01", "app", "app.log.bak.2025-12-01"]
        own = ["app.log.2025-12-02", "app.log.2025-12-31", "app.log.2026-01-05", "app.log.0000-00-00"]
        for base in ("app.log", "app", "app.log.bak"):
            for count in (0, 1, 2, 3, 5, 9):
                for namer in (None, "suffix"):
                    self.check_run(ticks(start, 9 * HOUR, 12), zone="UTC", when="D", backupCount=count, start=start,
                                   base=base, files=sorted({*others, *own, base}), namer=namer)

    def test_deletion_with_a_namer(self):
        start = local("UTC", 2026, 1, 20, 12)
        files = ["app.log", "app.2025-12-01.log", "app.2025-12-02.log", "app.2025-12-03.txt", "other.2025-12-01.log",
                 "app.log.2025-12-01", "app.x.2025-12-01.log", "app.2025-12-01.2025-12-02.log", "2025-12-01.log",
                 "app.12025-12-01.log"]
        for count in (1, 2, 4, 20):
            for namer in ("extension", "before", "behind"):
                self.check_run(ticks(start, 9 * HOUR, 12), zone="UTC", when="midnight", backupCount=count, start=start,
                               files=files, namer=namer)

    def test_a_destination_that_exists_ends_the_rotation_until_it_is_gone(self):
        start = local("UTC", 2026, 1, 20, 12)
        steps = [{"put": "app.log.2026-01-20"}, *ticks(start, 9 * HOUR, 12), {"unlink": "app.log.2026-01-20"},
                 *ticks(start + 5 * DAY, 9 * HOUR, 8)]
        reference = self.check_run(steps, zone="UTC", when="midnight", start=start)
        self.assertTrue(reference.met_its_destination)
        # Gone within the next interval, nothing has to be strict to do as Python does.
        steps = [{"put": "app.log.2026-01-20"}, *ticks(start, 9 * HOUR, 3), {"unlink": "app.log.2026-01-20"},
                 *ticks(start + 30 * HOUR, 9 * HOUR, 8)]
        self.check_run(steps, zone="UTC", when="midnight", start=start, strict=False)

    def test_a_base_file_that_is_gone(self):
        start = local("UTC", 2026, 1, 20, 12)
        steps = [*ticks(start, HOUR, 3), {"unlink": "app.log"}, *ticks(start + DAY, 9 * HOUR, 8)]
        for delay in (False, True):
            self.check_run(steps, zone="UTC", when="midnight", start=start, delay=delay)

    def test_a_record_that_cannot_be_formatted_starts_a_new_file_too(self):
        start = local("UTC", 2026, 1, 20, 12)
        steps = [{"write": "a"}, {"clock": start + HOUR}, {"write": "%d", "args": "x"}, {"clock": start + 5000},
                 {"write": "b"}, {"clock": start + 2 * HOUR}, {"write": "c"}]
        self.check_run(steps, zone="UTC", when="H", start=start)

    @unittest.skipUnless(FIRST_RULES, "this Python has the later rules")
    def test_the_first_releases_of_312_overwrite(self):
        for zone in (NEW_YORK, "Europe/Berlin"):
            for change in changes_of_the_clock(zone, 1767225600, 1767225600 + 366 * DAY)[:2]:
                for when, step in (("H", 1200), ("D", 5 * HOUR), ("midnight", 5 * HOUR), ("W6", 31 * HOUR)):
                    start = change - 15 * step
                    self.check_run(ticks(start, step, 40), zone=zone, when=when, start=start, minor=12)

    def random_run(self, generator, whens):
        zone = generator.choice(ZONES)
        changes = changes_of_the_clock(zone, 1767225600, 1767225600 + 366 * DAY) or [1772323200]
        when = generator.choice(whens)
        unit = {"S": 1, "M": 60, "H": HOUR}.get(when, 7 * DAY if when[0] == "W" else DAY)
        interval = generator.randrange(1, 4)
        now = start = generator.choice(changes) - generator.randrange(1, 20) * unit
        steps = []
        for number in range(generator.randrange(5, 60)):
            now += int(generator.choice((0, 0.3, 0.7, 1, 1.5, 4)) * unit * interval * generator.random())
            steps += [{"clock": now}, {"write": f"record {number}"}]
            if generator.random() < 0.05:
                steps.append({"restart": True})
            if generator.random() < 0.1:
                steps.append({"flush": True})
        second = generator.randrange(DAY)
        at = f"{second // HOUR:02}:{second // 60 % 60:02}:{second % 60:02}"
        return steps, {
            "zone": zone, "when": when, "interval": interval, "start": start, "utc": generator.random() < 0.2,
            "atTime": generator.choice((None, None, at)), "delay": generator.random() < 0.3,
            "backupCount": generator.choice((0, 0, 1, 3, 7)), "namer": generator.choice((None, None, "suffix", "extension")),
        }

    def test_random_runs(self):
        generator = random.Random(88352)
        for _ in range(200):
            steps, options = self.random_run(generator, WHENS)
            self.check_run(steps, **options)

    def test_random_runs_that_are_not_strict(self):
        generator = random.Random(115809)
        stopped = 0
        for _ in range(200):
            steps, options = self.random_run(generator, ["S", "H", "D", "MIDNIGHT"])
            options.update(backupCount=0, namer=None)
            # A file that is in the way, perhaps: by the name of some record's interval.
            date = {"S": "%Y-%m-%d_%H-%M-%S", "H": "%Y-%m-%d_%H"}.get(options["when"], "%Y-%m-%d")
            at = generator.choice([step["clock"] for step in steps if "clock" in step])
            in_the_way = time.strftime(f"app.log.{date}", time.localtime(at))
            steps = [{"put": in_the_way}, *steps]
            reference, expected, rollovers, found, answer = self.run_both(steps, ["app.log"], strict=False, **options)
            with self.subTest(**options):
                if not reference.met_its_destination:
                    self.assertEqual((found, answer["rollovers"]), (expected, rollovers))
                    continue
                stopped += 1
                written = ["app.log", *(step["write"] for step in steps if "write" in step)]
                self.assertEqual(found.pop(in_the_way), b"there before\n")
                lines = b"".join(found.values()).decode().splitlines()
                self.assertEqual(sorted(lines), sorted(written), "nothing is lost or written twice")
                self.assertGreaterEqual(len(found) + 1, len(expected), "it goes on where Python stops")
        self.assertGreater(stopped, 20)


if __name__ == "__main__":
    run(TableTest, RunTest)
