# SPDX-License-Identifier: MIT
"""Levels, loggers, filters, and who gets a record."""

from casebook import case, debug, error, file_config, info, warning

CASES = [
    case("a record goes to the root's file", file_config("%(asctime)s %(levelname)s %(name)s %(message)s"),
         info("hello %s", "you", name="a.b")),
    case("root is at WARNING unless it says otherwise", {**file_config(), "root": {"handlers": ["h"]}},
         [debug("d"), info("i"), warning("w"), error("e")]),
    case("with no handler at all the last resort tells warnings on stderr", {"version": 1},
         [warning("w"), info("i"), error("two\nlines", name="a.b")]),
    case("a level's name is exact", {**file_config(), "root": {"level": "debug", "handlers": ["h"]}}, info("i")),
]  # fmt: skip
