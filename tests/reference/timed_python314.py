# SPDX-License-Identifier: MIT
"""CPython 3.14's rules of TimedRotatingFileHandler, in our words, for a Python that has older ones."""

import datetime
import logging.handlers
import os
import re
import sys
import time

HOUR = 3600
DAY = 24 * HOUR


class TimedRotatingFileHandler(logging.handlers.TimedRotatingFileHandler):
    """Rolls at the right time of day over changes of the clock, leaves a destination that exists alone, and deletes
    only what it can have made."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        digits = self.suffix
        for directive, count in (("%Y", 4), ("%m", 2), ("%d", 2), ("%H", 2), ("%M", 2), ("%S", 2)):
            digits = digits.replace(directive, r"\d{%d}" % count)
        self.extMatch = re.compile(rf"(?<!\d){digits}(?!\d)", re.ASCII)
        if os.path.exists(self.baseFilename):
            self.rolloverAt = self.computeRollover(int(os.stat(self.baseFilename).st_mtime))

    def computeRollover(self, currentTime):
        weekly = self.when.startswith("W")
        if not weekly and self.when != "MIDNIGHT":
            return currentTime + self.interval
        now = time.gmtime(currentTime) if self.utc else time.localtime(currentTime)
        turn = DAY
        if self.atTime is not None:
            turn = (self.atTime.hour * 60 + self.atTime.minute) * 60 + self.atTime.second
        wait = turn - (now.tm_hour * 60 + now.tm_min) * 60 - now.tm_sec
        weekday = now.tm_wday
        if wait <= 0:
            wait += DAY
            weekday = (weekday + 1) % 7
        if weekly:
            wait += (self.dayOfWeek - weekday) % 7 * DAY
        due = currentTime + wait + self.interval - (7 * DAY if weekly else DAY)
        if self.utc:
            return due
        saving_then = time.localtime(due).tm_isdst
        if now.tm_isdst and not saving_then:
            return due + HOUR
        if saving_then and not now.tm_isdst and time.localtime(due - HOUR).tm_isdst:
            return due - HOUR
        return due

    def doRollover(self):
        now = int(time.time())
        start = self.rolloverAt - self.interval
        if self.utc:
            date = time.gmtime(start)
        else:
            date = time.localtime(start)
            saving_now = time.localtime(now).tm_isdst
            if saving_now != date.tm_isdst:
                date = time.localtime(start + (HOUR if saving_now else -HOUR))
        destination = self.rotation_filename(f"{self.baseFilename}.{time.strftime(self.suffix, date)}")
        if os.path.exists(destination):
            return
        if self.stream:
            self.stream.close()
            self.stream = None
        self.rotate(self.baseFilename, destination)
        if self.backupCount > 0:
            for path in self.getFilesToDelete():
                os.remove(path)
        if not self.delay:
            self.stream = self._open()
        self.rolloverAt = self.computeRollover(now)

    def getFilesToDelete(self):
        folder, base = os.path.split(self.baseFilename)
        found = sorted(os.path.join(folder, name) for name in os.listdir(folder) if self.made(base, name))
        return found[: max(0, len(found) - self.backupCount)]

    def made(self, base, name):
        if self.namer is None:
            return name.startswith(base + ".") and self.extMatch.fullmatch(name[len(base) + 1 :]) is not None
        match = self.extMatch.search(name)
        while match:
            if os.path.basename(self.namer(f"{self.baseFilename}.{match[0]}")) == name:
                return True
            match = self.extMatch.search(name, match.start() + 1)
        return False


if sys.version_info >= (3, 14):
    TimedRotatingFileHandler = logging.handlers.TimedRotatingFileHandler


class ConfiguredHandler(TimedRotatingFileHandler):
    """As a configuration names it here: the time of day may be a text, or the number that YAML 1.1 makes of one; a namer
    has a name."""

    _namer = None

    def __init__(self, *args, atTime=None, **kwargs):
        if isinstance(atTime, int):
            atTime = (datetime.datetime.min + datetime.timedelta(seconds=atTime)).time()
        elif isinstance(atTime, str):
            atTime = datetime.time.fromisoformat(atTime)
        super().__init__(*args, atTime=atTime, **kwargs)

    @property
    def namer(self):
        return self._namer

    @namer.setter
    def namer(self, value):
        if isinstance(value, str):
            suffix = value.removeprefix("suffix:")
            self._namer = lambda name: name + suffix
        else:
            self._namer = value
