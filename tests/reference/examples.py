# SPDX-License-Identifier: MIT
"""The example configurations, the shapes that frameworks document, and the published schema, against logbusd --check.

usage: examples.py LOGBUSD SOURCE-FOLDER

- Each example loads, and the schema takes it. With an error planted in it, both refuse it.
- Each framework's own shape (tests/reference/configs) loads, or exactly what a sidecar can't do is named: the file's
  last lines `# says: ...`. The schema refuses the same files.
- The schema knows the classes and the keys that logbusd knows, no more and no less.
"""

import copy
import glob
import json
import logging.config
import os
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

LOGBUSD = SOURCE = None
UNKNOWN = "zzzzzzzzzzzzzzzz"


def examples():
    found = glob.glob(f"{SOURCE}/docs/examples/*.yaml") + glob.glob(f"{SOURCE}/consumer/examples/*.yaml")
    assert len(found) > 5
    return sorted(found)


def shapes():
    return sorted(glob.glob(f"{SOURCE}/tests/reference/configs/*.yaml"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# What is planted, as functions that change a configuration in place and say whether they could.
def first(config, section, key=None):
    for entry in config.get(section, {}).values():
        if key is None or key in entry:
            return entry
    return None


def plant(section, key, value, having=None):
    def change(config):
        entry = first(config, section, having) if section else config
        if entry is None:
            return False
        entry[key] = value
        return True

    return change


PLANTED = {
    "version 2": plant(None, "version", 2),
    "no version": lambda config: config.pop("version") is not None,
    "handlers that are null": plant(None, "handlers", None),
    "formatters that are a list": plant(None, "formatters", ["x"]),
    "root with a level in small letters": lambda config: config.setdefault("root", {}).update(level="info") is None,
    "handlers of root as a text": lambda config: config.setdefault("root", {}).update(handlers="console") is None,
    "a class that is not there": plant("handlers", "class", "logging.NoHandler", "class"),
    "a handler that is a text": lambda config: config["handlers"].update(x="logging.NullHandler") is None,
    "a handler without a class": lambda config: config["handlers"].update(x={"level": "INFO"}) is None,
    "a key that a handler does not have": plant("handlers", "colour", "red"),
    "a handler's level that is not there": plant("handlers", "level", "LOUD"),
    "a file without its name": lambda config: config["handlers"].update(x={"class": "logging.FileHandler"}) is None,
    "a size in words": plant("handlers", "maxBytes", "10MB", "maxBytes"),
    "a file that is only read": plant("handlers", "mode", "r", "filename"),
    "two modes": plant("handlers", "mode", "aw", "filename"),
    "a day of the week that is not there": plant("handlers", "when", "W7", "when"),
    "an attribute that is not there": plant("handlers", ".", {"terminators": ";"}),
    "a style that is not there": plant("formatters", "style", "#"),
    "a formatter that is not there": plant("formatters", "class", "nope.Formatter"),
    "a filter that is not there": lambda config: config.setdefault("filters", {}).update(x={"()": "nope.Filter"}) is None,
    "a logger that is a text": lambda config: config.setdefault("loggers", {}).update(x="INFO") is None,
    "a logger's level in small letters": lambda config: config.setdefault("loggers", {}).update(x={"level": "debug"}) is None,
}  # fmt: skip
for name, (key, value) in {
    "misspelt": ("overflo", "drop"), "of another word": ("overflow", "wait"), "a duration without its unit": ("drain_timeout", 10),
    "a size in small letters": ("memory", "64 mib"), "no power": ("lanes", 0), "permissions without quotes": ("permissions", 660),
    "a relative folder": ("directory", "run"), "a version of Python": ("python_version", 3.14), "a queue's key": ("async", {"size": 5}),
}.items():  # fmt: skip
    PLANTED[f"the bus: {name}"] = lambda config, k=key, v=value: config.setdefault("logbus", {}).update({k: v}) is None


class ExamplesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(read(f"{SOURCE}/docs/logbus-config.schema.json"))
        jsonschema.Draft7Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft7Validator(cls.schema)
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, text):
        """(exit code, lines without the place)"""
        path = os.path.join(self.folder.name, "c.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([LOGBUSD, "--config", path, "--check"], cwd=self.folder.name, capture_output=True, text=True, timeout=30)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["c.yaml"])
        return done.returncode, re.findall(rf"^{re.escape(path)}:\d+:\d+: (.*)$", done.stderr + done.stdout, re.M)

    def schema_says(self, config):
        return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in self.validator.iter_errors(config)]

    def test_examples_load_and_the_schema_takes_them(self):
        for path in examples():
            with self.subTest(path):
                code, lines = self.check(read(path))
                self.assertEqual((code, [line for line in lines if not line.startswith("note: ")]), (0, []))
                self.assertEqual(self.schema_says(yaml.safe_load(read(path))), [])

    def test_a_planted_error_is_found_by_both(self):
        tried = dict.fromkeys(PLANTED, 0)
        for path in examples():
            for name, change in PLANTED.items():
                config = copy.deepcopy(yaml.safe_load(read(path)))
                if not change(config):
                    continue
                tried[name] += 1
                with self.subTest(path, planted=name):
                    code, lines = self.check(json.dumps(config))
                    self.assertEqual(code, 78, lines)
                    self.assertNotEqual(self.schema_says(config), [])
        self.assertEqual([name for name, count in tried.items() if count == 0], [])

    def test_modes_of_files(self):
        for mode in ("a", "w", "x", "at", "w+", "+tx", "", "r", "aa", "wb", "att", "t"):
            handler = {"class": "logging.FileHandler", "filename": "none.log", "mode": mode, "delay": True}
            config = {"version": 1, "handlers": {"h": handler}}
            with self.subTest(mode):
                self.assertEqual(self.check(json.dumps(config))[0] == 0, self.schema_says(config) == [])

    def test_the_schema_takes_an_increment(self):
        increment = {"version": 1, "incremental": True, "handlers": {"h": {"level": "INFO"}}, "root": {"level": "DEBUG"}}
        self.assertEqual(self.schema_says(increment), [])
        self.assertNotEqual(self.schema_says({**increment, "handlers": {"h": {"level": "info"}}}), [])
        self.assertNotEqual(self.schema_says({**increment, "incremental": False}), [])

    def test_frameworks_shapes_load_or_what_is_missing_is_named(self):
        for path in shapes():
            with self.subTest(path):
                expected = re.findall(r"^# says: (.*)$", read(path), re.M)
                code, lines = self.check(read(path))
                errors = [line for line in lines if not line.startswith(("note: ", "warning: "))]
                self.assertEqual(errors, expected)
                self.assertEqual(code, 78 if expected else 0)
                self.assertEqual(bool(self.schema_says(yaml.safe_load(read(path)))), bool(expected))

    def test_python_takes_the_examples_too(self):
        """But for the classes and keys that are ours."""
        here = os.getcwd()
        os.chdir(self.folder.name)
        try:
            for path in examples():
                text = read(path)
                if "logbus.JsonFormatter" in text or "namer:" in text or "QueueHandler" in text:
                    continue
                with self.subTest(path):
                    logging.config.dictConfig(yaml.safe_load(text))
        finally:
            logging.config.dictConfig({"version": 1})
            os.chdir(here)
            for name in os.listdir(self.folder.name):
                os.unlink(os.path.join(self.folder.name, name))

    # The keys that logbusd names when it sees one that it doesn't know.
    def keys_known(self, config, place):
        _, lines = self.check(json.dumps({"version": 1, **config}))
        for line in lines:
            if line.removeprefix("warning: ").startswith(f"{place}.{UNKNOWN}: unknown key"):
                keys = line.partition("there are ")[2]
                return set() if keys in ("", "none") else set(re.split(r", | and ", keys))
        self.fail(f"{place}: {lines}")

    def classes_known(self, section):
        _, lines = self.check(json.dumps({"version": 1, section: {"x": {"class": UNKNOWN}}}))
        line = next(line for line in lines if UNKNOWN in line)
        return set(re.split(r", | and ", line.partition("there are ")[2]))

    def branches(self, definition):
        """{class: what the schema says of it}"""
        found = {}
        for branch in self.schema["definitions"][definition]["allOf"]:
            for condition in branch["if"].get("anyOf", []):
                of = condition["properties"].get("class", {})
                for name in of.get("enum", [of["const"]] if "const" in of else []):
                    found[name] = branch["then"]
        return found

    def test_the_schema_knows_the_classes(self):
        for section, definition in (("handlers", "handler"), ("formatters", "formatter")):
            with self.subTest(section):
                known = self.classes_known(section)
                self.assertEqual(set(self.branches(definition)), known)
                self.assertEqual(set(self.schema["definitions"][definition]["properties"]["class"]["enum"]), known)

    def test_the_schema_knows_the_keys_of_handlers(self):
        for name, says in self.branches("handler").items():
            with self.subTest(name):
                keys = self.keys_known({"handlers": {"x": {"class": name, UNKNOWN: 1}}}, "handlers.x")
                if name.endswith("TimedRotatingFileHandler"):
                    keys.discard("mode")  # read to be refused
                self.assertEqual(set(says["propertyNames"]["enum"]), keys)
                keys = self.keys_known({"handlers": {"x": {"class": name, ".": {UNKNOWN: 1}}}}, "handlers.x..")
                self.assertEqual(set(says["properties"]["."]["propertyNames"]["enum"]), keys)

    def test_the_schema_knows_the_keys_of_formatters(self):
        for name, says in self.branches("formatter").items():
            with self.subTest(name):
                keys = self.keys_known({"formatters": {"x": {"()": name, UNKNOWN: 1}}}, "formatters.x")
                code_alone = {"json_default", "json_encoder", "json_serializer"}
                self.assertEqual(set(says["propertyNames"]["enum"]), (keys - code_alone) | {"class", "fmt"})
        keys = self.keys_known({"formatters": {"x": {"()": "logging.Formatter", ".": {UNKNOWN: 1}}}}, "formatters.x..")
        self.assertEqual(set(self.schema["definitions"]["formatter"]["properties"]["."]["properties"]), keys)

    def test_the_schema_knows_the_keys_of_the_bus(self):
        bus = self.schema["definitions"]["bus"]["properties"]
        self.assertEqual(set(bus), self.keys_known({"logbus": {UNKNOWN: 1}}, "logbus"))
        self.assertEqual(set(bus["async"]["properties"]), self.keys_known({"logbus": {"async": {UNKNOWN: 1}}}, "logbus.async"))

    def test_every_key_of_the_schema_is_described(self):
        def walk(node, path):
            for key, value in node.get("properties", {}).items():
                if not isinstance(value, dict):
                    continue
                target = self.schema["definitions"].get(value.get("$ref", "").rpartition("/")[2], {})
                self.assertTrue("description" in value or "description" in target, f"{path}.{key}")
                walk(value, f"{path}.{key}")

        walk(self.schema, "")
        for name, definition in self.schema["definitions"].items():
            walk(definition, name)


if __name__ == "__main__":
    LOGBUSD, SOURCE = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
