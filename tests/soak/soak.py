#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Everything at once, at random: workers and sidecars come, go and die, disks fill, files and buses are moved away.

Episodes of some seconds follow each other until MINUTES are over. Each has a bus of its own and the next seed, and ends
with accounts that must balance: every call that has returned was delivered exactly once and in its thread's order, or is
among the losses that were told. The last line sums up; the exit status is 0 if no episode had a fault.

An episode is repeated with --seed S --episodes 1: the same schedule of faults, if not the same interleaving.
"""

import argparse
import collections
import ctypes
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "process"))

from episode import Episode

PR_SET_CHILD_SUBREAPER = 36


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", nargs="?", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first episode")
    parser.add_argument("--episodes", type=int, default=10**9, help="no more than these")
    parser.add_argument("--seconds", type=float, help="of faults in each episode, instead of 5 to 40 by its seed")
    parser.add_argument("--no-kills", dest="kills", action="store_false", help="sidecars are not killed")
    parser.add_argument("--no-removals", dest="removals", action="store_false", help="buses are not removed")
    parser.add_argument("--no-takeovers", dest="takeovers", action="store_false", help="no sidecar takes over from another")
    parser.add_argument("--rings", action=argparse.BooleanOptionalAction, help="lanes that overwrite, in all episodes or none")
    parser.add_argument("--at-least-once", dest="exactly_once", action="store_false", help="a killed sidecar may repeat")
    parser.add_argument("--keep", metavar="DIR", help="copies what a faulty episode leaves")
    parser.add_argument("--tap", action="store_true", help="for meson test")
    return parser.parse_args()


def told(counts):
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number)


def main():
    options = parse()
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("prctl")
    if options.tap:
        print(f"1..{options.episodes}", flush=True)
    mark = "# " if options.tap else ""
    end = time.monotonic() + options.minutes * 60
    counts = collections.Counter()
    sums = collections.Counter()
    bad = []
    number = 0
    while number < options.episodes and (time.monotonic() < end or options.tap):
        seed = options.seed + number
        number += 1
        seconds = options.seconds or random.Random(-seed).uniform(5, 40)
        episode = Episode(seed, min(seconds, max(2.0, end - time.monotonic())), options)
        since = time.monotonic()
        good = episode.run()
        counts.update(episode.counts)
        account = getattr(episode, "account", None)
        if account:
            sums.update(issued=account.issued, delivered=account.delivered, dropped=account.dropped, lost=account.in_flight)
        if options.tap:
            print(f"{'ok' if good else 'not ok'} {number} - seed {seed}")
        took = time.monotonic() - since
        kind = episode.sidecar.family + (", rings" if episode.rings else "")
        print(f"{mark}seed {seed}, {kind}, {took:.1f} s ({episode.ending_s:.1f} to end, {episode.settling_s:.1f} to settle): {account}; {told(episode.counts)}", flush=True)
        for fault in episode.faults[:8]:
            print(f"{mark}FAULT seed {seed}: {fault}", flush=True)
        if not good:
            bad.append(seed)
    print(
        f"{mark}{number} episodes, {len(bad)} with faults{' (seeds ' + ' '.join(map(str, bad[:20])) + ')' if bad else ''}:"
        f" {sums['issued']} records issued = {sums['delivered']} delivered + {sums['dropped']} dropped and told;"
        f" {sums['lost']} calls in flight at a death; {told(counts)}"
    )
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
