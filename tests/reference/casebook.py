# SPDX-License-Identifier: MIT
"""What a case of the comparison with CPython is, and short ways to write one.

cases/GROUP.py holds `CASES = [case(...), ...]`; each of them is one line of the test `reference_GROUP`. A case:

  name      what it shows, as a sentence; unique within the group
  config    the configuration: YAML text or bytes, or a dict (written as JSON, which is YAML)
  steps     what happens, in order: a list of records is a batch, a tuple is an action on the folder
  files     what is in the folder before: {"a.log": "old\n", "sub/": None, "b.log": ("old\n", 1500000000)}, the
            last with its modification time; bytes are taken as they are; "a.log|" is a fifo whose bytes are
            compared, "disk/": 65536 a disk of that size
  env       environment of both sides; TZ is UTC unless given
  clock     the wall clock when the handlers are made (seconds since 1970), for timed rotation; it goes on from
            there, and clock(seconds) sets it again. `files` are as old as that. A file that is made while the case
            runs has the machine's time: for a handler that starts afresh give it an empty file, or a delay
  expect    by hand, where the Python at hand is not the judge: {"tree": {...}, "stdout": ..., "stderr": ...,
            "errors": ... (None: any number), "refused": bool}; what is named replaces what that Python did
  why       the reason of `expect`
  known     a difference nobody has removed yet, and why: the case is expected to fail

Actions: rename(a, b), unlink(path), rmtree(path), write(path, text), append(path, text), truncate(path, size),
mkdir(path), chmod(path, mode), mkfifo(path), symlink(target, path), utime(path, seconds), clock(seconds),
fill_disk(path): a file that leaves no room; emit(batch): a batch that is not waited for, since nothing can be written;
errors(n): waits until handlers have told of n errors.
Paths are relative to the folder, which is both sides' working directory.

Records are dicts as for logging.makeLogRecord and `logbus emit --json`: only what JSON can say, an array as `args`
is a tuple. record() and its relatives fill in every attribute that would differ from run to run; a record without
`created`, `msecs`, `relativeCreated`, `process` or `thread` must not have them printed.
"""

import dataclasses
import json

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
CREATED = 1700000000.123  # 2023-11-14 22:13:20 UTC


@dataclasses.dataclass
class Case:
    name: str
    config: str
    steps: list
    files: dict = dataclasses.field(default_factory=dict)
    env: dict = dataclasses.field(default_factory=dict)
    clock: float = None
    expect: dict = dataclasses.field(default_factory=dict)
    why: str = ""
    known: str = ""


def case(name, config, *steps, **more):
    """A step that is a dict is a batch of that one record."""
    if not isinstance(config, (str, bytes)):
        config = json.dumps(config, ensure_ascii=False)
    steps = [[step] if isinstance(step, dict) else step for step in steps]
    return Case(name=name, config=config, steps=steps, **more)


def record(name="root", level="INFO", msg="", *args, **attributes):
    """A record of all LogRecord's attributes. `level`: a name of LEVELS, or a number (then levelname is 'Level N')."""
    levelno = LEVELS.get(level, level)
    made = {
        "name": name, "msg": msg, "args": list(args), "levelname": level if level in LEVELS else f"Level {level}",
        "levelno": levelno, "pathname": "/srv/app/api.py", "filename": "api.py", "module": "api", "exc_info": None,
        "exc_text": None, "stack_info": None, "lineno": 42, "funcName": "handle", "created": CREATED, "msecs": 123.0,
        "relativeCreated": 1500.25, "thread": 4711, "threadName": "MainThread", "processName": "MainProcess",
        "process": 4712, "taskName": None,
    }  # fmt: skip
    made.update(attributes)
    return made


def debug(msg, *args, name="root", **attributes):
    return record(name, "DEBUG", msg, *args, **attributes)


def info(msg, *args, name="root", **attributes):
    return record(name, "INFO", msg, *args, **attributes)


def warning(msg, *args, name="root", **attributes):
    return record(name, "WARNING", msg, *args, **attributes)


def error(msg, *args, name="root", **attributes):
    return record(name, "ERROR", msg, *args, **attributes)


def critical(msg, *args, name="root", **attributes):
    return record(name, "CRITICAL", msg, *args, **attributes)


def one_handler(handler, level="DEBUG", **more):
    """The configuration of one handler at the root; `more`: further top-level keys."""
    return {"version": 1, "handlers": {"h": handler}, "root": {"level": level, "handlers": ["h"]}, **more}


def file_config(format="%(message)s", **more):
    """One FileHandler, a.log, and this format."""
    formatter = {"format": format, **{k: more.pop(k) for k in ("datefmt", "style", "validate", "defaults") if k in more}}
    handler = {"class": "logging.FileHandler", "filename": "a.log", "formatter": "f", **more}
    return one_handler(handler, formatters={"f": formatter})


def rename(source, target):
    return ("rename", source, target)


def unlink(path):
    return ("unlink", path)


def rmtree(path):
    return ("rmtree", path)


def write(path, text):
    return ("write", path, text)


def append(path, text):
    return ("append", path, text)


def truncate(path, size=0):
    return ("truncate", path, size)


def mkdir(path):
    return ("mkdir", path)


def chmod(path, mode):
    return ("chmod", path, mode)


def mkfifo(path):
    return ("mkfifo", path)


def symlink(target, path):
    return ("symlink", target, path)


def utime(path, seconds):
    return ("utime", path, seconds)


def clock(seconds):
    return ("clock", seconds)


def fill_disk(path):
    return ("fill_disk", path)


def emit(*batch):
    return ("emit", list(batch))


def errors(count):
    return ("errors", count)
