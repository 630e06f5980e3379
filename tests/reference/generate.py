# SPDX-License-Identifier: MIT
"""Random configurations and records through CPython and through logbusd; a difference is made small and printed.

usage: generate.py [--pairs N] [--seed S] [--only NUMBER]   TAP, one line for each hundred pairs

A pair is a configuration and the records it is given: what number K of seed S is depends on S and K alone, so that
`--seed S --only K` does it again. Each configuration is one that CPython 3.14 takes.
"""

import argparse
import os
import pprint
import random
import sys
import traceback

import random_config
import random_record
import run
import shrink
import spelling
from casebook import Case

PAIRS = 500
A_LINE = 100  # pairs
ZONES = ["UTC", "UTC", "Europe/Berlin", "EST+05EDT,M3.2.0,M11.1.0", "Asia/Kolkata", "<-03>3"]


class Pair:
    """What a case is made of, before it is spelled."""

    def __init__(self, name, config, records, files, zone):
        self.name = name
        self.config = config
        self.records = records
        self.files = files
        self.zone = zone
        self.actions = []  # (how many records come before it, the action)
        self.text = None  # of the configuration; None: as JSON

    def case(self):
        text = self.text or spelling.as_json(self.config)
        return Case(name=self.name, config=text, steps=self.steps(), files=self.files, env={"TZ": self.zone})

    def steps(self):
        if not self.actions:
            return [self.records]
        # A batch is written as one: what others do to the file meanwhile is noticed after it, not after each record.
        steps = [[made] for made in self.records]
        for number, action in reversed(self.actions):
            steps.insert(number, action)
        return steps


def make_pair(seed, number):
    rng = random.Random(f"{seed}:{number}")
    config, extras = random_config.make(rng)
    names = random_config.LOGGERS
    records = [random_record.make(rng, names, extras) for _ in range(rng.choice((1, 2, 4, 8, 16)))]
    random_config.meet_limits(rng, config, records)
    files = random_config.files(rng, config)
    pair = Pair(f"seed {seed}, number {number}", config, records, files, rng.choice(ZONES))
    pair.text = spelling.spell(rng, config)
    names = sorted(handler["filename"] for handler in config["handlers"].values() if "filename" in handler)
    if names and rng.random() < 0.05:  # each record costs a process then
        del records[8:]
        pair.actions = sorted((rng.randint(0, len(records)), random_action(rng, config, names)) for _ in range(rng.randint(1, 4)))
    return pair


def random_action(rng, config, names):
    """On a handler's file, or what that would become."""
    name = rng.choice(names)
    made_anew = any(handler.get("filename") == name and handler.get("mode") == "w" for handler in config["handlers"].values())
    other = name + rng.choice([".1", ".2", ".moved"])  # two handlers of one file by two names write batch by batch
    text = "theirs " * rng.choice([0, 1, 20]) + "\n"
    actions = [("rename", name, other), ("rename", other, name), ("unlink", name), ("write", name, text), ("append", name, text),
               ("truncate", name, 0), ("unlink", name), ("mkdir", other), ("symlink", other, name)]  # fmt: skip
    if made_anew:  # Python goes on where it was, behind a hole; we, at the end
        actions = [action for action in actions if action[0] not in ("append", "truncate", "write")]
    return ("maybe", *rng.choice(actions))


def differences(pair):
    """Sentences; none if both sides agree."""
    found = run.compare(pair.case())
    if is_burst(found):
        return []
    if found and found[0].startswith("refused"):
        found.append("the generator made a configuration that one side refuses")
    return found


def is_burst(found):
    """Beyond ten errors a second only counters tell, and the last resort has none."""
    first = found[0].split() if found else []
    return first[:2] == ["errors:", "ours"] and 10 <= int(first[2].rstrip(",")) < int(first[4])


def judged(item):
    seed, number = item
    try:
        pair = make_pair(seed, number)
        found = differences(pair)
        if not found:
            return None
        pair, found = shrink.shrink(pair, found, differences)
        return "\n".join([f"{pair.name}, made small:", as_case(pair), *found])
    except Exception:  # a number that can't be judged is a failure like a difference
        return f"seed {seed}, number {number}:\n{traceback.format_exc()}"


def as_case(pair):
    """As cases/*.py has it."""
    lines = [f'    case("{pair.name}",']
    config = pair.text if pair.text is not None else pair.config
    lines += ["         " + line for line in (pprint.pformat(config, width=110, sort_dicts=False) + ",").splitlines()]
    for step in pair.steps():
        calls = [random_record.as_call(record) for record in step] if isinstance(step, list) else step
        lines.append("         " + (f"[{', '.join(calls)}]," if isinstance(step, list) else f"{step!r},"))
    lines[-1] = lines[-1].removesuffix(",")
    lines[-1] += f", files={pair.files!r}" if pair.files else ""
    lines[-1] += f', env={{"TZ": {pair.zone!r}}}' if pair.zone != "UTC" else ""
    lines[-1] += "),"
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    os.umask(0o022)
    if options.only is not None:
        with run.scratch_root():
            found = judged((options.seed, options.only))
        print(found or "no difference")
        sys.exit(1 if found else 0)
    numbers = range(options.pairs)
    groups = [numbers[start : start + A_LINE] for start in range(0, options.pairs, A_LINE)]
    print(f"1..{len(groups)}", flush=True)
    failed = 0
    with run.scratch_root(), run.pool() as workers:
        answers = workers.imap(judged, ((options.seed, number) for number in numbers), chunksize=4)
        for line, group in enumerate(groups, 1):
            found = [answer for answer in (next(answers) for _ in group) if answer]
            failed += len(found)
            ok = "not ok" if found else "ok"
            print(f"{ok} {line} - seed {options.seed}, pairs {group[0]} to {group[-1]} agree")
            for text in "\n".join(found[:3]).splitlines():
                print(f"# {text}")
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
