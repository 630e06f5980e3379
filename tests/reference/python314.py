# SPDX-License-Identifier: MIT
"""CPython 3.14's rules for a Python that is older: in our words, and used only where that Python's own differ."""

import io
import logging
import logging.config
import logging.handlers
import os
import re
import sys

import timed_python314


class RotatingFileHandler(logging.handlers.RotatingFileHandler):
    """The position is the descriptor's own, an empty file never rolls, what has no position doesn't either."""

    def shouldRollover(self, record):
        if self.stream is None:
            self.stream = self._open()
        if self.maxBytes > 0:
            try:
                position = self.stream.tell()
            except io.UnsupportedOperation:
                return False
            if not position:
                return False
            if position + len("%s\n" % self.format(record)) >= self.maxBytes:
                return not os.path.exists(self.baseFilename) or os.path.isfile(self.baseFilename)
        return False


class Configurator(logging.config.DictConfigurator):
    """`defaults` of formatters, named flush levels, any text in cfg://x[...]: since 3.12 and 3.13."""

    def configure_formatter(self, config):
        if "()" in config or not config.get("defaults"):
            return super().configure_formatter(config)
        made = self.resolve(config["class"]) if config.get("class") else logging.Formatter
        more = {"validate": config["validate"]} if "validate" in config else {}
        return made(
            config.get("format"), config.get("datefmt"), config.get("style", "%"), defaults=config["defaults"], **more
        )

    def configure_handler(self, config):
        # 3.11 takes numbers alone; anything else is refused there too, if only by MemoryHandler's first record.
        if "flushLevel" in config:
            config["flushLevel"] = logging._checkLevel(config["flushLevel"])
        return super().configure_handler(config)


def shutdown(references=None):
    """A handler with flushOnClose false is closed without being flushed: since 3.12."""
    for reference in reversed(logging._handlerList[:] if references is None else references[:]):
        handler = reference()
        if handler is None:
            continue
        handler.acquire()
        try:
            if getattr(handler, "flushOnClose", True):
                handler.flush()
            handler.close()
        except (OSError, ValueError):
            pass
        finally:
            handler.release()


def install():
    """From here on logging follows 3.14, as far as cases can see it."""
    if sys.version_info < (3, 13):
        logging.shutdown = shutdown
        logging.config.DictConfigurator.INDEX_PATTERN = re.compile(r"^\[([^\[\]]*)\]\s*")
        logging.config.dictConfigClass = Configurator
    if sys.version_info < (3, 14):
        logging.handlers.RotatingFileHandler = RotatingFileHandler
    logging.handlers.TimedRotatingFileHandler = timed_python314.ConfiguredHandler
