# SPDX-License-Identifier: MIT
"""A configuration as YAML, in one of the many ways to write the same."""

import json
import re

import yaml

# Nothing that YAML 1.1 takes for something else, and no indicator anywhere.
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/-]*(\.[A-Za-z0-9_/-]+)*\Z")
WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def as_json(config):
    return json.dumps(config, ensure_ascii=False)


def spell(rng, config):
    """The text; loads as `config`."""
    text = block(rng, config, 0) if rng.random() < 0.8 else flow(rng, config)
    if rng.random() < 0.2:
        text = rng.choice(["---\n", "# a comment\n", "%YAML 1.1\n---\n"]) + text
    loaded = yaml.load(text, LOADER)
    if loaded != config:
        raise AssertionError(f"spelled wrong:\n{text}\n{loaded}\n{config}")
    return text


def shuffled(rng, mapping):
    items = list(mapping.items())
    rng.shuffle(items)
    return items


def block(rng, value, depth):
    """Lines at this depth, each with its newline."""
    margin = "  " * depth
    if isinstance(value, dict) and value:
        lines = ""
        for key, item in shuffled(rng, value):
            lines += margin + scalar(rng, key) + ":" + below(rng, item, depth)
            if rng.random() < 0.03:
                lines += margin + "# between\n\n"
        return lines
    if isinstance(value, list) and value:
        return "".join(margin + "-" + below(rng, item, depth) for item in value)
    return margin + flow(rng, value) + "\n"


def below(rng, value, depth):
    """What follows a key or a dash."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.7:
        return "\n" + block(rng, value, depth + 1)
    if isinstance(value, str) and re.fullmatch(r"[ -~]*[!-~]", value) and not value.startswith(" ") and rng.random() < 0.05:
        return " |-\n" + "  " * (depth + 1) + value + "\n"
    return " " + flow(rng, value) + ("  # aside" if rng.random() < 0.03 else "") + "\n"


def flow(rng, value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(rng, key)}: {flow(rng, item)}" for key, item in shuffled(rng, value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(rng, item) for item in value) + "]"
    return scalar(rng, value)


def scalar(rng, value):
    if value is None:
        return rng.choice(["null", "~", "Null", "NULL"])
    if isinstance(value, bool):
        return rng.choice(["true", "True", "yes", "on", "TRUE", "Yes"] if value else ["false", "False", "no", "off", "No", "OFF"])
    if isinstance(value, int):
        spellings = [str(value)] * 4
        if value > 0:
            spellings += [hex(value), "0" + oct(value)[2:], "+" + str(value), f"{value:_}", bin(value)]
        return rng.choice(spellings)
    if isinstance(value, float):
        return repr(value) if "." in repr(value) else json.dumps(str(value))
    return text(rng, value)


def text(rng, value):
    spellings = [json.dumps(value), json.dumps(value, ensure_ascii=False)]
    if re.fullmatch(r"[ -~]*", value):
        spellings += ["'" + value.replace("'", "''") + "'"] * 2
    if PLAIN.match(value) and value.lower() not in WORDS:
        spellings += [value] * 3
    # Letters that PyYAML doesn't take as they are, or takes for the end of a line.
    if any(c in "\x7f\u2028\u2029" or 0x80 <= ord(c) < 0xA0 or ord(c) > 0xFFFF for c in value):
        return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\U{ord(c):08x}" for c in value) + '"'
    return rng.choice(spellings)
