# SPDX-License-Identifier: MIT
"""StreamHandler and FileHandler: what is written, where, and when."""

from casebook import case, file_config, info, rename

CASES = [
    case("a renamed file is written on", file_config(), info("one"), rename("a.log", "b.log"), info("two")),
]
