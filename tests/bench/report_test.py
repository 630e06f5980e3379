#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report of ./dev bench: targets, the table, the charts. Nothing is measured here."""

import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import charts
import code
from table import Table


def times(p50):
    return {"single": {"p50": p50, "p90": 2 * p50, "p99": 5 * p50, "p999": 40 * p50}}


RESULTS = {
    "machine": {"cpu": "Some <CPU> & more", "cores": 2, "kernel": "6.1", "date": "2026-03-01"},
    "groups": {
        "peers": {
            "load": 0.1,
            "rows": [{"what": "call beside a peer", "value": 20.0, "unit": "ns", "yardstick": 800.0, "yardstick_name": "peer",
                      "ratio": 0.025, "target": "<= 0.05 x", "met": True}],
            "details": {
                "logbus": {"call": times(20.0), "lines_per_s": 8e6},
                "floor": {"call": times(16.0), "lines_per_s": 12e6},
                "spdlog async": {"call": times(800.0), "lines_per_s": 1.2e6},
                "LTTng-UST": {"call": times(100.0), "events_per_s": 6e6},
                "Boost.Log": {"absent": "its library is not installed"},
            },
        }
    },
}


def run(*arguments):
    return subprocess.run([os.path.join(HERE, "run"), *arguments], capture_output=True, text=True)


class TableTest(unittest.TestCase):
    def test_compares_ratio_difference_and_the_figure_itself(self):
        table = Table()
        self.assertTrue(table.add("a", 13, "ns", 10, "floor", at_most=1.3)["met"])
        self.assertFalse(table.add("b", 13.1, "ns", 10, "floor", at_most=1.3)["met"])
        self.assertTrue(table.add("c", 1.4, "ns", 0.5, "loop", less=1)["met"])
        self.assertFalse(table.add("d", 1.6, "ns", 0.5, "loop", less=1)["met"])
        self.assertFalse(table.add("e", 16, "ns", limit=15)["met"])
        self.assertFalse(table.add("f", 9e6, "/s", floor=10e6)["met"])

    def test_an_or_is_met_by_either(self):
        row = Table().add("lines", 9e6, "/s", 1e6, "peer", at_least=8, floor=10e6)
        self.assertTrue(row["met"])
        self.assertEqual(row["target"], ">= 8 x or >= 10,000,000 /s")
        self.assertFalse(Table().add("lines", 7e6, "/s", 1e6, "peer", at_least=8, floor=10e6)["met"])

    def test_a_figure_without_a_yardstick_has_no_ratio_and_one_without_a_target_is_not_judged(self):
        row = Table().add("x", 1, "B", None, "peer", at_most=1)
        self.assertEqual(row, {"what": "x", "value": 1, "unit": "B"})

    def test_prints_rows_and_notes(self):
        table = Table()
        table.add("a", 13, "ns", 10, "floor", at_most=1.3, note="why")
        table.add("b", 2_000_000, "/s", 10, "floor", at_most=1)
        lines = table.text().splitlines()
        self.assertRegex(lines[1], r"^a +13\.0 ns +floor 10\.0 +1\.30 x +<= 1\.3 x +met$")
        self.assertRegex(lines[2], r"^b +2,000,000 /s .* MISSED$")
        self.assertEqual(lines[-1], "  a: why")


class ChartTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.drawn = {os.path.basename(path): ElementTree.parse(path).getroot()
                      for path in charts.draw(RESULTS, self.folder.name)}

    def words(self, name):
        return [element.text for element in self.drawn[name].iter("{http://www.w3.org/2000/svg}text")]

    def test_name_what_was_measured_and_the_machine(self):
        self.assertEqual(set(self.drawn), {"latency.svg", "throughput.svg"})
        for name in self.drawn:
            words = self.words(name)
            self.assertIn("Some <CPU> & more, 2 cores, Linux 6.1, 2026-03-01", words)
            self.assertNotIn("Boost.Log", words)
        self.assertTrue({"logbus", "floor", "spdlog async", "LTTng-UST"} <= set(self.words("latency.svg")))
        self.assertTrue({"logbus", "spdlog async", "LTTng-UST (no text)"} <= set(self.words("throughput.svg")))

    def test_bars_are_as_long_as_the_rates(self):
        bars = [float(bar.get("width")) for bar in self.drawn["throughput.svg"].iter("{http://www.w3.org/2000/svg}rect")
                if bar.get("class") != "ground"]
        self.assertEqual(len(bars), 4)
        for width, rate in zip(bars, (12e6, 8e6, 6e6, 1.2e6)):
            self.assertAlmostEqual(width / bars[0], rate / 12e6, places=2)

    def test_a_decade_is_as_long_as_another(self):
        dots = self.drawn["latency.svg"].iter("{http://www.w3.org/2000/svg}circle")
        medians = [float(dot.get("cx")) for dot in dots if dot.get("r") == "6"]
        per_decade = [(medians[i] - medians[0]) / math.log10(ns / 16) for i, ns in ((1, 20), (2, 100), (3, 800))]
        self.assertLess(max(per_decade) - min(per_decade), 2)

    def test_nothing_is_drawn_outside(self):
        for root in self.drawn.values():
            for dot in root.iter("{http://www.w3.org/2000/svg}circle"):
                self.assertTrue(0 < float(dot.get("cx")) < charts.WIDTH)


class RunTest(unittest.TestCase):
    def test_explains_itself(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("BUILD", "--quick", "--only", "--json", "--charts", "calls", "lines", "peers", "code"):
            self.assertIn(word, done.stdout)

    def test_refuses_an_unknown_group(self):
        done = run("build", "--only", "calls,coffee")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no group coffee", done.stderr)

    def test_shows_an_older_run(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "results.json")
            with open(path, "w") as file:
                json.dump(RESULTS, file)
            done = run("--json", path, "--table", "--charts", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"call beside a peer +20\.0 ns +peer 800\.0 +0\.03 x +<= 0\.05 x +met")
            self.assertTrue(os.path.exists(os.path.join(folder, "latency.svg")))


class CodeTest(unittest.TestCase):
    def test_sources_hold_as_many_calls_as_asked_for(self):
        for kind in (code.LOGBUS, code.SPDLOG, code.SPDLOG_PLACE):
            self.assertEqual(code.source(kind, 10).count(': {} {} {}", i, d, s);'), 10)
            self.assertEqual(code.source(kind, 0).count("void"), 0)


if __name__ == "__main__":
    unittest.main()
