# SPDX-License-Identifier: MIT
"""TimedRotatingFileHandler: when a file is rolled, how it is called, which ones go. Clock times of each case are away from
a rollover, since the clock goes on while a case runs."""

import datetime
import zoneinfo

from casebook import case, clock, error, info, mkdir, one_handler, symlink, unlink, utime, write

NEW_YORK = "EST+05EDT,M3.2.0,M11.1.0"
ZONES = {NEW_YORK: "America/New_York"}
STRICT = {"logbus": {"compat": "strict"}}


def at(text, zone="UTC", second_time=False):
    """Seconds since 1970 of a zone's wall clock."""
    when = datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(ZONES.get(zone, zone)))
    return int(when.replace(fold=int(second_time)).timestamp())


def timed(when, more=None, **keys):
    """The configuration: the handler's keys, `more` beside it."""
    handler = {"class": "logging.handlers.TimedRotatingFileHandler", "filename": "app.log", "when": when, **keys}
    return one_handler(handler, **(more or {}))


def record_at(seconds):
    return [clock(seconds), info(f"at {datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)}")]


def rolling(name, config, start, *times, zone="UTC", before=(), **more):
    """An empty app.log of the time `start`, and a record then and at each of `times`: texts, or seconds after start."""
    start = at(start, zone)
    seconds = [start, *(time + start if isinstance(time, int) else at(time, zone) for time in times)]
    steps = [step for time in seconds for step in record_at(time)]
    files = {"app.log": "", **more.pop("files", {})}
    return case(name, config, *before, *steps, clock=start, files=files, env={"TZ": zone}, **more)


HOUR = 3600
DAY = 24 * HOUR
EACH_UNIT = [
    rolling("seconds", timed("S", interval=100), "2026-05-04 12:00:30", 50, 150, 199, 260, 1000),
    rolling("minutes", timed("M"), "2026-05-04 12:00:30", 20, 70, 100, 140, 1000),
    rolling("hours are not aligned", timed("H"), "2026-05-04 12:20", 2000, 4000, 7000, 8000, 5 * HOUR),
    rolling("days are not aligned", timed("D"), "2026-05-04 12:20", HOUR, 23 * HOUR, 25 * HOUR, 47 * HOUR, 50 * HOUR),
    rolling("midnight", timed("MIDNIGHT"), "2026-05-04 12:20", 11 * HOUR, 12 * HOUR, 35 * HOUR, 36 * HOUR),
    rolling("midnight in small letters", timed("midnight"), "2026-05-04 12:20", 11 * HOUR, 12 * HOUR, 35 * HOUR),
    rolling("Mondays", timed("W0"), "2026-05-04 12:20", 5 * DAY, 6 * DAY, 7 * DAY, 13 * DAY, 14 * DAY),
    rolling("Sundays", timed("w6"), "2026-05-04 12:20", 5 * DAY, 6 * DAY, 7 * DAY, 13 * DAY, 14 * DAY),
    rolling("hours are the default", one_handler(
        {"class": "logging.handlers.TimedRotatingFileHandler", "filename": "app.log"}),
        "2026-05-04 12:20", 2000, 4000, 7000),
    rolling("every third hour", timed("h", interval=3), "2026-05-04 12:20", 2 * HOUR, 4 * HOUR, 7 * HOUR, 8 * HOUR),
    rolling("every third midnight", timed("midnight", interval=3), "2026-05-04 12:20", DAY, 2 * DAY, 3 * DAY, 6 * DAY, 9 * DAY),
    rolling("every second Wednesday", timed("W2", interval=2), "2026-05-04 12:20", 3 * DAY, 10 * DAY, 17 * DAY, 30 * DAY),
    rolling("half hours", timed("H", interval=0.5), "2026-05-04 12:20", 1000, 2000, 3500, 4500),
]
TIME_OF_DAY = [
    rolling("days that begin at 02:30", timed("midnight", atTime="02:30"), "2026-05-04 01:00", HOUR, 2 * HOUR, DAY, DAY + 2 * HOUR),
    rolling("weeks that begin on Tuesday at noon", timed("W1", atTime="12:00:00"), "2026-05-04 01:00", 30 * HOUR, 40 * HOUR, 8 * DAY),
    rolling("a time of day without quotes is a number to YAML 1.1", """
version: 1
handlers:
  h: {class: logging.handlers.TimedRotatingFileHandler, filename: app.log, when: midnight, atTime: 12:30:00}
root: {level: INFO, handlers: [h]}
""", "2026-05-04 01:00", 11 * HOUR, 12 * HOUR, DAY),
    rolling("a time of day has no meaning for hours", timed("H", atTime="02:30"), "2026-05-04 01:20", HOUR + 60, 2 * HOUR),
    rolling("no time of day", timed("midnight", atTime=None), "2026-05-04 22:00", HOUR, 3 * HOUR),
]  # fmt: skip
CLOCK_CHANGES = [
    rolling("midnights of the day without an hour", timed("midnight"), "2026-03-07 12:00", 11 * HOUR, 13 * HOUR, 34 * HOUR,
            36 * HOUR, 60 * HOUR, zone=NEW_YORK),
    rolling("midnights of the day with an hour twice", timed("midnight"), "2026-10-31 12:00", 11 * HOUR, 13 * HOUR, 36 * HOUR,
            38 * HOUR, 62 * HOUR, zone=NEW_YORK),
    rolling("Sundays over the change of the clock", timed("W6"), "2026-10-26 12:00", 5 * DAY, 6 * DAY, 7 * DAY, 8 * DAY,
            15 * DAY, zone=NEW_YORK),
    rolling("a time of day that is left out", timed("midnight", atTime="02:30:00"), "2026-03-06 12:00", 20 * HOUR, 37 * HOUR,
            39 * HOUR, 62 * HOUR, 86 * HOUR, zone=NEW_YORK),
    rolling("a time of day that comes twice, as Python stops", timed("midnight", STRICT, atTime="01:30"), "2026-10-30 12:00", 20 * HOUR, 37 * HOUR,
            38 * HOUR, 39 * HOUR, 40 * HOUR, 86 * HOUR, zone=NEW_YORK),
    rolling("midnights in Berlin in spring", timed("midnight"), "2026-03-28 12:00", 11 * HOUR, 13 * HOUR, 34 * HOUR, 36 * HOUR,
            zone="Europe/Berlin"),
    rolling("midnights on Lord Howe, half an hour", timed("midnight"), "2026-10-03 12:00", 11 * HOUR, 13 * HOUR, 34 * HOUR,
            36 * HOUR, 60 * HOUR, zone="Australia/Lord_Howe"),
    rolling("midnights in Cairo, changed at midnight", timed("midnight"), "2026-04-23 12:00", 11 * HOUR, 13 * HOUR, 36 * HOUR,
            60 * HOUR, zone="Africa/Cairo"),
    rolling("midnights in Saint John's", timed("midnight"), "2026-10-31 12:00", 11 * HOUR, 13 * HOUR, 36 * HOUR, 38 * HOUR,
            zone="America/St_Johns"),
    rolling("midnights in Kolkata", timed("midnight"), "2026-05-04 22:00", HOUR, 3 * HOUR, 27 * HOUR, zone="Asia/Kolkata"),
    rolling("midnights of UTC elsewhere", timed("midnight", utc=True), "2026-10-31 12:00", 6 * HOUR, 10 * HOUR, 34 * HOUR,
            zone=NEW_YORK),
    rolling("hours over the hour that comes twice, as Python stops", timed("H", STRICT), "2026-10-31 23:50", HOUR, 2 * HOUR,
            3 * HOUR, 4 * HOUR, 5 * HOUR, zone=NEW_YORK),
    rolling("hours over the hour that is left out, as Python stops", timed("H", STRICT), "2026-03-07 23:50", HOUR, 2 * HOUR,
            3 * HOUR, 4 * HOUR, 5 * HOUR, 6 * HOUR, zone=NEW_YORK),
    rolling("days over the change of the clock, as Python stops", timed("D", STRICT), "2026-10-30 00:10", 25 * HOUR, 50 * HOUR,
            75 * HOUR, 100 * HOUR, zone=NEW_YORK),
]
AT = "at 2026-11-01 {}+00:00\n"
CLOCK_CHANGES.append(
    rolling("hours over the hour that comes twice go on", timed("H"), "2026-11-01 00:10", HOUR, 2 * HOUR + 60, 3 * HOUR + 120,
            4 * HOUR + 180, zone=NEW_YORK, why="Python's rotation ends for ever at a destination that exists",
            expect={"tree": {
                "app.log.2026-11-01_00": AT.format("04:10:00"),
                "app.log.2026-11-01_01": AT.format("05:10:00") + AT.format("06:11:00"),
                "app.log.2026-11-01_02": AT.format("07:12:00"),
                "app.log": AT.format("08:13:00")}}))  # fmt: skip
GAPS_AND_RESTARTS = [
    rolling("five days of silence make one file, named for its start", timed("midnight"), "2026-05-04 12:20", 5 * DAY, 6 * DAY),
    rolling("five days of silence, by hours", timed("H"), "2026-05-04 12:20", 5 * DAY, 5 * DAY + 2 * HOUR),
    case("an old file is rolled by the first record", timed("midnight"), info("new"), clock=at("2026-05-04 12:00"),
         files={"app.log": ("old\n", at("2026-05-02 09:00"))}),
    case("a file of this interval is not", timed("H"), info("new"), clock=at("2026-05-04 12:00"),
         files={"app.log": ("old\n", at("2026-05-04 11:10"))}),
    case("an old file, by hours", timed("H"), info("new"), clock=at("2026-05-04 12:00"),
         files={"app.log": ("old\n", at("2026-05-04 10:10"))}),
    case("an old file, by weeks", timed("W4"), info("new"), clock=at("2026-05-04 12:00"),
         files={"app.log": ("old\n", at("2026-04-30 23:00"))}),
    case("no record, no rotation", timed("H"), clock(at("2026-05-09 12:00")), clock=at("2026-05-04 12:00"),
         files={"app.log": ("old\n", at("2026-05-01 12:00"))}),
    case("a change of the file's time while it is written is not looked at", timed("H"), info("a"),
         utime("app.log", at("2026-05-01 12:00")), info("b"), clock(at("2026-05-04 13:30")), info("c"),
         clock=at("2026-05-04 12:00"), files={"app.log": ""}),
]  # fmt: skip
OLD_FILES = {name: name for name in [
    "app.log.2026-04-01", "app.log.2026-04-02", "app.log.2026-04-30", "app.log.2026-04-01.gz", "app.log.2026-04-02.bak",
    "app.log.2026-04-01_05", "app.log.1", "app.log.old", "app.log.2026-4-1", "app.log2026-04-01", "app.2026-04-01.log",
    "app.2026-04-01", "my.app.log.2026-04-01", "app.log.x.2026-04-01", "app.log.12026-04-01", "app", "app.txt"]}  # fmt: skip
DELETION = [
    *(rolling(f"with backupCount {count} nothing but a date after the name counts", timed("midnight", backupCount=count),
              "2026-05-04 12:20", DAY, 2 * DAY, files=OLD_FILES) for count in (0, 1, 2, 4, 5, 9, -1)),
    rolling("a name without an extension", timed("midnight", backupCount=1, filename="app"), "2026-05-04 12:20", DAY, 2 * DAY,
            files={**OLD_FILES, "app": ""}),
    rolling("a name that begins as another's backup", timed("midnight", backupCount=1, filename="app.log.x"), "2026-05-04 12:20",
            DAY, 2 * DAY, files={**OLD_FILES, "app.log.x": ""}),
    rolling("hours are deleted by hours", timed("H", backupCount=1), "2026-05-04 12:20", 4000, 8000,
            files={**OLD_FILES, "app.log.2026-04-01_07": "", "app.log.2026-04-01_07-30": ""}),
    rolling("a namer makes the names that are looked for", timed("midnight", backupCount=2, **{".": {"namer": "suffix:.gz"}}),
            "2026-05-04 12:20", DAY, 2 * DAY, files=OLD_FILES),
    rolling("a namer with another suffix", timed("H", backupCount=1, **{".": {"namer": "suffix:-07.bak"}}),
            "2026-05-04 12:20", 4000, 8000, files={**OLD_FILES, "app.log.2026-04-01_07-07.bak": "", "x_2026-04-01_07": ""}),
    rolling("another suffix is never deleted", timed("midnight", backupCount=1, **{".": {"suffix": "%Y%m%d"}}),
            "2026-05-04 12:20", DAY, 2 * DAY, 3 * DAY, files=OLD_FILES),
]
GONE_ON = "Python's rotation ends for ever at a destination that exists"
DESTINATIONS = [
    rolling("a destination that exists, as Python stops", timed("midnight", STRICT), "2026-05-04 12:20", DAY, 2 * DAY, 3 * DAY,
            files={"app.log.2026-05-04": "there before\n"}),
    rolling("a destination that exists is left alone, and rotation goes on", timed("midnight"), "2026-05-04 12:20", DAY,
            2 * DAY, 3 * DAY, files={"app.log.2026-05-04": "there before\n"}, why=GONE_ON, expect={"tree": {
                "app.log.2026-05-04": "there before\n",
                "app.log.2026-05-05": "at 2026-05-04 12:20:00+00:00\nat 2026-05-05 12:20:00+00:00\n",
                "app.log.2026-05-06": "at 2026-05-06 12:20:00+00:00\n",
                "app.log": "at 2026-05-07 12:20:00+00:00\n"}}),
    case("a destination that is removed in time", timed("midnight"), *record_at(at("2026-05-04 12:20")),
         *record_at(at("2026-05-05 12:20")), unlink("app.log.2026-05-04"), *record_at(at("2026-05-05 20:20")),
         clock=at("2026-05-04 12:20"), files={"app.log": "", "app.log.2026-05-04": "there before\n"}),
    case("a destination that is a folder", timed("midnight", STRICT), mkdir("app.log.2026-05-04"),
         *record_at(at("2026-05-05 12:20")), *record_at(at("2026-05-06 12:20")), clock=at("2026-05-04 12:20"),
         files={"app.log": ""}),
    rolling("3.12 wrote over it", timed("midnight", {"logbus": {"compat": "strict", "python_version": "3.12"}}),
            "2026-05-04 12:20", DAY, files={"app.log.2026-05-04": "there before\n"}, why="the rules of another version",
            expect={"tree": {"app.log.2026-05-04": "at 2026-05-04 12:20:00+00:00\n",
                             "app.log": "at 2026-05-05 12:20:00+00:00\n"}}),
]  # fmt: skip
FILES = [
    case("with delay the first record makes the file", timed("midnight", delay=True), *record_at(at("2026-05-04 12:20")),
         *record_at(at("2026-05-05 12:20")), *record_at(at("2026-05-06 12:20")), clock=at("2026-05-04 12:20")),
    case("with delay and without records there is none", timed("midnight", delay=True), clock=at("2026-05-04 12:20")),
    rolling("a base file that was removed is made anew", timed("midnight"), "2026-05-04 12:20", DAY, before=(unlink("app.log"),)),
    case("a link is renamed as a link", timed("midnight", delay=True), symlink("real.log", "app.log"),
         *record_at(at("2026-05-04 12:20")), *record_at(at("2026-05-05 12:20")), clock=at("2026-05-04 12:20")),
    case("a device is never rolled", timed("S", filename="/dev/null"), info("a"), clock(at("2036-05-04 12:20")), info("b"),
         clock=at("2036-05-03 12:20")),
    case("a folder below", timed("midnight", filename="logs/app.log"), *record_at(at("2026-05-05 12:20")),
         clock=at("2026-05-04 12:20"), files={"logs/app.log": ("old\n", at("2026-05-04 12:20"))}),
    case("a name that is not ASCII", timed("midnight", filename="журнал.log", backupCount=1),
         *record_at(at("2026-05-05 12:20")), *record_at(at("2026-05-06 12:20")), clock=at("2026-05-04 12:20"),
         files={"журнал.log": ""}),
    case("a record that can't be formatted starts a new file too", timed("H"), *record_at(at("2026-05-04 12:20")),
         clock(at("2026-05-04 13:30")), info("%d", "x"), clock(at("2026-05-04 14:10")), info("b"),
         clock(at("2026-05-04 14:35")), info("c"), clock=at("2026-05-04 12:20"), files={"app.log": ""}),
    case("the record's own time has no say", timed("H"), info("a"), info("b", created=at("2026-05-09 12:20") + 0.5),
         clock(at("2026-05-04 13:30")), info("c", created=12.0), clock=at("2026-05-04 12:20"), files={"app.log": ""}),
    rolling("a terminator", timed("midnight", **{".": {"terminator": "\r\n"}}), "2026-05-04 12:20", DAY),
    case("batches on both sides of a rollover", timed("midnight", backupCount=2),
         [info(f"first {n}") for n in range(300)], clock(at("2026-05-05 12:20")), [info(f"second {n}") for n in range(300)],
         clock(at("2026-05-06 12:20")), [error(f"third {n} %s", n) for n in range(3)], clock=at("2026-05-04 12:20"),
         files={"app.log": ""}),
    rolling("UTF-16: each file begins with its byte order mark", timed("midnight", encoding="utf-16"), "2026-05-04 12:20", DAY,
            2 * DAY),
    case("what the encoding lacks is an error, after the rollover", timed("H", encoding="latin-1"), info("é"),
         clock(at("2026-05-04 13:30")), info("журнал"), clock(at("2026-05-04 13:50")), info("ü"), clock(at("2026-05-04 14:35")),
         info("ö"), clock=at("2026-05-04 12:20"), files={"app.log": ""}),
    case("what the encoding lacks is written otherwise", timed("H", encoding="ascii", errors="backslashreplace"), info("é"),
         clock(at("2026-05-04 13:30")), info("журнал"), clock=at("2026-05-04 12:20"), files={"app.log": ""}),
    case("two of them, and a level", {
        "version": 1, "root": {"level": "INFO", "handlers": ["days", "hours"]},
        "handlers": {
            "days": {"class": "logging.handlers.TimedRotatingFileHandler", "filename": "days.log", "when": "midnight"},
            "hours": {"class": "logging.handlers.TimedRotatingFileHandler", "filename": "hours.log", "level": "ERROR"}}},
         info("a"), error("b"), clock(at("2026-05-04 14:20")), info("c"), clock(at("2026-05-05 12:20")), error("d"),
         clock=at("2026-05-04 12:20"), files={"days.log": "", "hours.log": ""}),
    case("another writer's lines move with the file", timed("midnight"), info("a"), write("app.log", "others\n"),
         *record_at(at("2026-05-05 12:20")), clock=at("2026-05-04 12:20"), files={"app.log": ""}),
]  # fmt: skip
REFUSED = [
    *(case(f"'{when}' is no time to roll", timed(when, delay=True)) for when in ("X", "", "W", "W7", "W01", "midnights", "week")),
    case("a number is no time to roll", timed(5, delay=True)),
    case("nothing is no time to roll", timed(None, delay=True)),
    case("there is no mode", timed("H", delay=True, mode="a")),
    case("there is no maxBytes", timed("H", delay=True, maxBytes=5)),
    case("an interval that is a text", timed("H", delay=True, interval="1")),
    case("an interval that is nothing", timed("H", delay=True, interval=None)),
    case("an encoding that is none", timed("H", encoding="utf-99")),
    case("a time of day that is none", timed("midnight", delay=True, atTime="25:00")),
]
CASES = EACH_UNIT + TIME_OF_DAY + CLOCK_CHANGES + GAPS_AND_RESTARTS + DELETION + DESTINATIONS + FILES + REFUSED
