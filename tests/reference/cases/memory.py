# SPDX-License-Identifier: MIT
"""MemoryHandler, BufferingHandler and QueueHandler: what is kept, what is passed on, and when."""

from casebook import case, critical, debug, error, info, record, truncate, warning


def memory(capacity=10, levels=None, filters=None, names=("m", "f"), **more):
    """Root's MemoryHandler in front of a file, a.log; `levels` and `filters` of both, by name."""
    own, target = names
    handlers = {
        own: {"class": "logging.handlers.MemoryHandler", "capacity": capacity, "target": target, **more},
        target: {"class": "logging.FileHandler", "filename": "a.log", "formatter": "f"},
    }
    for name, level in (levels or {}).items():
        handlers[name]["level"] = level
    for name, logger in (filters or {}).items():
        handlers[name]["filters"] = [logger]
    return {
        "version": 1,
        "formatters": {"f": {"format": "%(levelname)s %(name)s %(message)s"}},
        "filters": {"shop": {"name": "shop"}},
        "handlers": handlers,
        "root": {"level": "DEBUG", "handlers": [own]},
    }


def with_handlers(config, root=None, **handlers):
    """`config` with handlers changed or added; None takes one out."""
    made = {**config["handlers"], **handlers}
    config = {**config, "handlers": {name: handler for name, handler in made.items() if handler is not None}}
    return {**config, "root": {"level": "DEBUG", "handlers": root}} if root else config


def buffered(**more):
    return {"class": "logging.handlers.MemoryHandler", "capacity": 100, **more}


def queue(levels=None, **more):
    """Root's QueueHandler in front of a file and the console."""
    handlers = {
        "f": {"class": "logging.FileHandler", "filename": "a.log", "formatter": "f", "level": "WARNING"},
        "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "level": "ERROR"},
        "q": {"class": "logging.handlers.QueueHandler", "handlers": ["out", "f"], **more},
    }
    return {
        "version": 1,
        "formatters": {"f": {"format": "%(message)s [%(name)s]"}, "q": {"format": "%(levelname)s: %(message)s"}},
        "filters": {"shop": {"name": "shop"}},
        "handlers": handlers,
        "root": {"level": "DEBUG", "handlers": ["q"]},
    }


LEVELS = [debug("1"), info("2"), warning("3"), error("4"), critical("5"), info("6")]
FAILURE = error("failed: %s", "disk", exc_text="Traceback\n  it\nOSError: disk", stack_info="Stack\n  here")

CASES = [
    case("the buffer is flushed when it is full, and at the end",
         memory(3), [info(f"{number}") for number in range(8)]),
    case("a record of the flush level flushes, and is in it", memory(100), LEVELS),
    case("a batch's end and a wait flush nothing", memory(3), info("1"), truncate("a.log"), info("2"),
         truncate("a.log"), [info("3"), info("4")], truncate("a.log"), info("5"), error("6")),
    case("the flush level by name", memory(100, flushLevel="WARNING", flushOnClose=False), LEVELS),
    case("the flush level by number", memory(100, flushLevel=35, flushOnClose=False),
         [record("a", 34, "1"), record("a", 35, "2"), record("a", 34, "3")]),
    case("without flushOnClose the rest is lost", memory(3, flushOnClose=False),
         [info(f"{number}") for number in range(8)]),
    case("attributes under the dot count", memory(100, **{".": {"flushOnClose": False, "flushLevel": 30, "capacity": 3}}),
         [info("1"), info("2"), info("3"), warning("4"), info("5")]),
    case("a capacity of one, of zero, and below are all one record", with_handlers(
        memory(1), root=["m", "z", "n"], z=buffered(capacity=0, target="g"), n=buffered(capacity=-3, target="h"),
        g={"class": "logging.FileHandler", "filename": "b.log"}, h={"class": "logging.FileHandler", "filename": "c.log"}),
        info("1"), truncate("a.log"), info("2")),
    case("the target's level is ignored, the handler's own is not",
         memory(3, levels={"f": "CRITICAL", "m": "INFO"}), LEVELS),
    case("the target's filters are asked", memory(2, filters={"f": "shop"}),
         [info("1", name="shop.db"), info("2"), info("3", name="shop"), info("4", name="shopping")]),
    case("the handler's own filters are asked before", memory(2, filters={"m": "shop"}),
         [info("1", name="shop.db"), info("2"), info("3", name="shop"), info("4", name="shop")]),
    case("the handler's name may come before its target's, or behind it", with_handlers(
        memory(100, names=("a", "b")), root=["a", "d"], d=buffered(target="c"),
        c={"class": "logging.FileHandler", "filename": "c.log"}), [info("1"), info("2")]),
    case("a target that has records of its own too", with_handlers(memory(2), root=["f", "m"]),
         [info(f"{number}") for number in range(5)]),
    case("two buffers in front of one file", with_handlers(
        memory(3), root=["m", "n"], n=buffered(target="f", capacity=2)), [info(f"{number}") for number in range(7)]),
    case("a buffer in front of a buffer", with_handlers(memory(2), root=["n"], n=buffered(target="m", capacity=3)),
         [info(f"{number}") for number in range(8)]),
    case("a target that rolls over", with_handlers(memory(4), f={
        "class": "logging.handlers.RotatingFileHandler", "filename": "a.log", "maxBytes": 20, "backupCount": 3}),
        [info("record %d", number) for number in range(10)]),
    case("a target that opens late, and empties", with_handlers(memory(2), f={
        "class": "logging.FileHandler", "filename": "a.log", "mode": "w", "delay": True}),
        [info("1"), info("2"), info("3")], files={"a.log": "old\n"}),
    case("what the target can't format is the target's error", memory(3),
         [info("%d", "x"), info("good"), info("%s %s", 1), info("last")]),
    case("arguments and traceback are kept", memory(100), [info("%(a)s", {"a": [1, "x"]}), FAILURE, info("x" * 5000)]),
    case("without a target nothing is ever written", with_handlers(
        memory(), m={"class": "logging.handlers.MemoryHandler", "capacity": 1}), LEVELS),
    case("a BufferingHandler writes nothing", with_handlers(
        memory(), m={"class": "logging.handlers.BufferingHandler", "capacity": 2}), LEVELS),

    case("the capacity must be given", with_handlers(memory(), m={
        "class": "logging.handlers.MemoryHandler", "target": "f"}), info("1")),
    case("the target must be there", memory(target="g"), info("1")),
    case("the target must not be null", memory(target=None), info("1")),
    case("the target must not be empty", memory(target=""), info("1")),
    case("the flush level must be one", memory(flushLevel="LOUD"), info("1")),
    case("the flush level must not be null", memory(flushLevel=None), info("1")),
    case("a buffer must not be its own target", memory(target="m"), info("1")),
    case("two buffers must not be each other's", with_handlers(memory(target="n"), n=buffered(target="m")), info("1")),
    case("an unknown key is refused", memory(flush_level="ERROR"), info("1")),

    case("a QueueHandler's handlers get all, whatever their levels", queue(), LEVELS),
    case("a QueueHandler respects levels if it is told to", queue(respect_handler_level=True), LEVELS),
    case("a QueueHandler has a level and filters itself", queue(level="WARNING", filters=["shop"]),
         LEVELS + [warning("7", name="shop"), error("8", name="shop.db")]),
    case("traceback and stack come once, behind the line", queue(), [FAILURE, info("next")]),
    case("prepared as Python does, they are in the message", {**queue(), "logbus": {"prepare": "python"}},
         [FAILURE, info("next %s", 1), info("100%"), info("%(a)s", {"a": 1})]),
    case("prepared as Python does, with a formatter", {**queue(formatter="q"), "logbus": {"prepare": "python"}},
         [FAILURE, info("next %s", 1)]),
    case("prepared as Python does, what can't be formatted reaches nobody",
         {**queue(), "logbus": {"prepare": "python"}}, [info("%d", "x"), info("good")]),
    case("a buffer behind a QueueHandler", with_handlers(
        memory(3), root=["q"], q={"class": "logging.handlers.QueueHandler", "handlers": ["m"]}), LEVELS),
    case("a QueueHandler behind a buffer", with_handlers(
        memory(3, target="q"), q={"class": "logging.handlers.QueueHandler", "handlers": ["f"]}), LEVELS),
    case("several QueueHandlers", with_handlers(
        queue(), root=["q", "r"], r={"class": "logging.handlers.QueueHandler", "handlers": ["g"], "level": "ERROR"},
        g={"class": "logging.FileHandler", "filename": "b.log"}), LEVELS),
    case("several QueueHandlers, one respects levels, both prepare", with_handlers(
        {**queue(respect_handler_level=True), "logbus": {"prepare": "python"}}, root=["q", "r"],
        r={"class": "logging.handlers.QueueHandler", "handlers": ["g"], "formatter": "q"},
        g={"class": "logging.FileHandler", "filename": "b.log", "formatter": "f"}), [*LEVELS, FAILURE]),
    case("a QueueHandler and a file beside it", with_handlers(
        queue(), root=["g", "q"], g={"class": "logging.FileHandler", "filename": "b.log"}),
        [info("record %d", number) for number in range(3000)], error("last")),
    case("a QueueHandler behind a QueueHandler", with_handlers(
        queue(), root=["r"], r={"class": "logging.handlers.QueueHandler", "handlers": ["q"], "level": "INFO"}), LEVELS),
    case("a buffer behind one QueueHandler of two", with_handlers(
        memory(3), root=["q", "r"], q={"class": "logging.handlers.QueueHandler", "handlers": ["m"]},
        r={"class": "logging.handlers.QueueHandler", "handlers": ["g"]},
        g={"class": "logging.FileHandler", "filename": "b.log"}), [info(f"{number}") for number in range(8)]),
    case("a buffer behind a QueueHandler, closed without a flush", with_handlers(
        memory(100, flushOnClose=False), root=["q", "r"], q={"class": "logging.handlers.QueueHandler", "handlers": ["m"]},
        r={"class": "logging.handlers.QueueHandler", "handlers": ["g"]},
        g={"class": "logging.FileHandler", "filename": "b.log"}), LEVELS),
    case("a QueueHandler without handlers discards", with_handlers(
        queue(), root=["q", "g"], q={"class": "logging.handlers.QueueHandler"},
        g={"class": "logging.FileHandler", "filename": "b.log"}), LEVELS),
    case("a QueueHandler's queue may be given", queue(queue={"()": "queue.Queue", "maxsize": 100}), LEVELS),
    case("a QueueHandler's handlers must be there", queue(handlers=["g"]), info("1")),
]  # fmt: skip
