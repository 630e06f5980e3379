# SPDX-License-Identifier: MIT
"""CPython's side: one case through logging.config.dictConfig and the loggers, in this process, once.

usage: oracle.py CASE RESULT   (pickles; for a case that needs a process of its own)
"""

import functools
import glob
import io
import json
import logging
import logging.config
import logging.handlers
import os
import pickle
import sys
import time

import yaml

import python314


class DirectQueueHandler(logging.handlers.QueueHandler):
    """A QueueHandler whose listener handles at once: the sidecar drains its bus in order, and folds nothing."""

    def __init__(self, listener, prepare):
        super().__init__(None)
        self.listener = listener
        self.folds = prepare

    def emit(self, record):
        self.listener.handle(self.prepare(record) if self.folds else record)


def with_queue_handlers(base, prepare):
    """A DictConfigurator that makes DirectQueueHandlers; one without handlers discards what it gets."""

    class Configurator(base):
        def configure_handler(self, config):
            if not str(config.get("class", "")).endswith(".QueueHandler"):
                return super().configure_handler(config)
            before = dict(config)
            names = config.pop("handlers", [])
            respect = config.pop("respect_handler_level", False)
            for key in ("queue", "listener", "class"):
                config.pop(key, None)
            try:
                handlers = [self.config["handlers"][name] for name in names]
                if not all(isinstance(handler, logging.Handler) for handler in handlers):
                    config.update(before)
                    # the text by which dictConfig knows that it is to come back later
                    raise TypeError("target not configured yet")
            except Exception as error:
                raise ValueError("Unable to set required handlers") from error
            listener = logging.handlers.QueueListener(None, *handlers, respect_handler_level=respect)
            config["()"] = functools.partial(DirectQueueHandler, listener, prepare)
            return super().configure_handler(config)

    return Configurator


class Errors:
    """Counts what handlers tell; their text is Python's own business."""

    def __init__(self):
        self.count = 0
        self.last = []
        logging.Handler.handleError = lambda handler, record: self.add()

    def add(self):
        self.count += 1
        self.last = (self.last + [repr(sys.exc_info()[1])])[-5:]


def make_record(line):
    """makeLogRecord, where JSON's array is the tuple of a call's arguments."""
    attributes = json.loads(line)
    args = attributes.get("args")
    if isinstance(args, list):
        mapping = len(args) == 1 and isinstance(args[0], dict) and args[0]
        attributes["args"] = mapping or tuple(args)
    record = logging.makeLogRecord(attributes)
    if not hasattr(record, "taskName"):  # 3.12
        record.taskName = None
    return record


def dispatch(record, errors):
    logger = logging.getLogger(record.name)
    if not logger.isEnabledFor(record.levelno):
        return
    try:
        logger.handle(record)
    except Exception:  # escapes from a handler that opens its file late: a sidecar counts it and goes on
        errors.add()


def standard_streams():
    sys.stdout = io.TextIOWrapper(open(1, "wb", 0, closefd=False), "utf-8", "strict", write_through=True)
    sys.stderr = io.TextIOWrapper(open(2, "wb", 0, closefd=False), "utf-8", "backslashreplace", write_through=True)


def run(case, folder):
    """{"refused": why or None, "errors": their number, "told": the last ones}; the folder is the working directory."""
    time.tzset()
    standard_streams()
    python314.install()
    errors = Errors()
    try:
        config = yaml.safe_load(case.config)
        own = config.get("logbus") if isinstance(config, dict) else None
        prepare = isinstance(own, dict) and own.get("prepare") == "python"
        with_queue_handlers(logging.config.dictConfigClass, prepare)(config).configure()
    except Exception as error:
        return {"refused": f"{error!r} from {error.__cause__!r}", "errors": 0, "told": []}
    for step in case.steps:
        if isinstance(step, tuple) and step[0] == "errors":
            continue
        if isinstance(step, tuple) and step[0] != "emit":
            folder.act(step)
            continue
        for attributes in step[1] if isinstance(step, tuple) else step:
            dispatch(make_record(json.dumps(attributes)), errors)
    logging.shutdown()
    return {"refused": None, "errors": errors.count, "told": errors.last}


def main(case_file, result_file):
    with open(case_file, "rb") as file:
        case, folder = pickle.load(file)
    result = run(case, folder)
    with open(result_file, "wb") as file:
        pickle.dump(result, file)
    for name in glob.glob(f"/dev/shm/*faketime_s??_{os.getpid()}"):
        os.unlink(name)  # libfaketime does, in an exit that tears everything down
    os._exit(0)  # what the case left behind is not torn down


if __name__ == "__main__":
    main(*sys.argv[1:])
