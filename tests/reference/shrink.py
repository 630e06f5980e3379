# SPDX-License-Identifier: MIT
"""Makes a pair that differs as small as it gets while it still differs."""

import copy
import re

from casebook import record

MOST_RUNS = 400


class Shrinker:
    def __init__(self, pair, found, differences):
        self.pair = pair
        self.found = found
        self.differences = differences
        self.kind = kind_of(found)
        self.runs = 0

    def better(self, change):
        """change(a copy) and keep it if both sides still differ in the same way."""
        if self.runs >= MOST_RUNS:
            return False
        self.runs += 1
        candidate = copy.deepcopy(self.pair)
        try:
            change(candidate)
            found = self.differences(candidate)
        except Exception:  # no pair any more
            return False
        if kind_of(found) != self.kind:
            return False
        self.pair, self.found = candidate, found
        return True

    def run(self):
        self.better(lambda pair: setattr(pair, "text", None))
        before = None
        while before != (before := repr(vars(self.pair))) and self.runs < MOST_RUNS:
            self.drop_records()
            for number in reversed(range(len(self.pair.actions))):
                self.better(lambda pair, number=number: pair.actions.pop(number))
            self.better(lambda pair: setattr(pair, "zone", "UTC"))
            self.better(lambda pair: setattr(pair, "files", {}))
            if self.pair.text is None:
                self.drop_handlers()
                self.drop_parts(lambda pair: pair.config)
                self.shorten(lambda pair: pair.config)
            for number in range(len(self.pair.records)):
                self.plain_record(number)
            self.drop_parts(lambda pair: pair.records)
            self.shorten(lambda pair: pair.records)
        return self.pair, self.found

    def drop_records(self):
        size = max(1, len(self.pair.records) // 2)
        while size:
            start = 0
            while start < len(self.pair.records):

                def drop(pair, start=start):
                    del pair.records[start : start + size]
                    pair.actions = [(n - sum(start <= i < start + size for i in range(n)), action) for n, action in pair.actions]

                if not self.better(drop):
                    start += size
            size //= 2

    def drop_handlers(self):
        for name in list(self.pair.config.get("handlers", {})):

            def drop(pair, name=name):
                del pair.config["handlers"][name]
                users = [*pair.config.get("loggers", {}).values(), pair.config.get("root", {}), *pair.config["handlers"].values()]
                for user in users:
                    if name in user.get("handlers", []):
                        user["handlers"] = [other for other in user["handlers"] if other != name]

            self.better(drop)

    def drop_parts(self, root):
        """Keys and items, the outer ones first."""
        for path in sorted(paths(root(self.pair)), key=len):
            if path == ("version",) or (len(path) == 2 and path[1] in record()):
                continue  # a record without its time would differ from run to run

            def drop(pair, path=path):
                parent = at(root(pair), path[:-1])
                del parent[path[-1]]

            self.better(drop)

    def plain_record(self, number):
        """Attributes that play no part get the value that casebook.record() gives."""
        made = self.pair.records[number]
        for key, value in record(made.get("name"), made.get("levelno")).items():
            if key in ("name", "levelno") or made.get(key) == value:
                continue

            def change(pair, key=key, value=value):
                pair.records[number][key] = value

            self.better(change)

    def shorten(self, root):
        """Texts lose their parts, numbers become 0 or 1."""
        for path in paths(root(self.pair)):
            if len(path) > 1 and path[1] in record() and path[1] not in ("msg", "args"):
                continue
            try:
                value = at(root(self.pair), path)
            except (KeyError, IndexError):
                continue
            for shorter in simpler(value):

                def change(pair, path=path, shorter=shorter):
                    at(root(pair), path[:-1])[path[-1]] = shorter

                if self.better(change):
                    break


def kind_of(found):
    """What a smaller pair must have in common: whether a side refuses the configuration."""
    return bool(found) and (found[0].startswith("refused"), found[-1].startswith("the generator"))


def paths(value, so_far=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield so_far + (key,)
        yield from paths(item, so_far + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def simpler(value):
    if isinstance(value, str) and value:
        tokens = re.findall(r"%\(\w+\)[^a-zA-Z]*[a-zA-Z]|%[^a-zA-Z]*[a-zA-Z]|\{[^{}]*(?:\{\w*\}[^{}]*)?\}|\$\{\w+\}|\$\w+|.", value, re.S)
        if len(tokens) > 2:
            yield "".join(tokens[: len(tokens) // 2])
            yield "".join(tokens[len(tokens) // 2 :])
        for number in range(min(len(tokens), 12)):
            yield "".join(tokens[:number] + tokens[number + 1 :])
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value not in (0, 1):
        yield 0
        yield 1
    elif isinstance(value, (dict, list)) and value:
        yield type(value)()


def shrink(pair, found, differences):
    """(the pair, its differences), as small as MOST_RUNS runs make it."""
    return Shrinker(pair, found, differences).run()
