#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls that must compile, and calls that must not, each for the right reason.

usage: call_sites.py COMPILER INCLUDE_DIR...      exit 77: there is no such compiler
"""
import collections
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PRELUDE = r"""
#include <array>
#include <chrono>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>
#include <logbus/logger.h>
#include <logbus/queue_handler.h>
"""

DECLARATIONS = r"""
using namespace logbus;
using namespace std::chrono_literals;
enum class Color { kRed };
enum Old : unsigned char { kOld };
struct Opaque {};
struct Point { int x, y; };
[[maybe_unused]] inline std::pair<int, int> logbus_value(const Point& p) { return {p.x, p.y}; }
[[maybe_unused]] static void calls(Logger& logger, int i, unsigned u, double d, const std::string& s, const char* c,
                                   const std::vector<int>& v, const std::map<std::string, int>& m, Opaque& opaque,
                                   char* buffer, volatile int* p, long double ld, bool b) {
  [[maybe_unused]] char text[8] = {};
  [[maybe_unused]] BoundLogger bound = logger.bind(kv("a", 1), kv(s, d));
  (void)i, (void)u, (void)d, (void)c, (void)v, (void)m, (void)opaque, (void)buffer, (void)p, (void)ld, (void)b;
"""

MUST_COMPILE = r"""
logger.info("")
logger.info("plain")
logger.info("listening on {}", 8080)
logger.debug("{} {} {}", i, d, s)
logger.warning("slow query", kv("ms", 183.2), kv("sql_id", 42))
logger.error("{:>8} {:<8} {:^8} {:*^8}", i, s, d, u)
logger.critical("{1} {0}", i, s)
logger.info("{0} {0}", i)
logger.info("{:{}} {:.{}}", i, 8, d, 3)
logger.info("{:+} {:#x} {:08.3f} {:d} {:c}", i, u, d, b, 65)
logger.info("{{}} {}", i)
logger.info("{{{}}}", i)
logger.info("{:?} {:.3}", s, c)
logger.info("{} {} {}", c, text, buffer)
logger.info("{}", std::string_view("x"))
logger.info("{} {::x} {:n}", v, v, v)
logger.info("{} {}", m, std::unordered_map<int, int>{})
logger.info("{} {}", std::set<int>{}, std::list<std::string>{})
logger.info("{} {}", std::tuple<int, std::string>{1, "a"}, std::pair<int, double>{})
logger.info("{} {}", std::optional<int>{}, std::optional<std::string>{"a"})
logger.info("{} {}", std::span<const int>(v), std::array<double, 2>{})
logger.info("{} {} {}", Color::kRed, kOld, std::byte{7})
logger.info("{} {} {}", ptr(p), nullptr, static_cast<void*>(buffer))
logger.info("{:%F %T} {}", std::chrono::system_clock::now(), std::chrono::system_clock::now())
logger.info("{} {:%H:%M} {} {}", 5ms, 5h, 2.5s, std::chrono::nanoseconds(1))
logger.info("{} {:.2f}", ld, ld)
logger.info("{}", std::filesystem::path("/tmp"))
logger.info("{}", Point{1, 2})
logger.info("{}", lazy([&] { return s + s; }))
logger.info("{:.1f} {}", lazy([&] { return d; }), i)
logger.info("took {ms:.1f} ms for {}", s, kv("ms", d))
logger.info("{:{width}}", i, kv("width", 8))
logger.info("x", kv("points", v), kv("more", lazy([] { return 1; })))
logger.info("x", kv(s, i), kv(c, i), kv(text, i))
logger.info("{}", kv("first", 1), i, kv("last", 2))
logger.error("it failed", exc_info)
logger.exception("it failed with {}", i, kv("order", 42))
logger.log(Level{25}, "{}", i)
logger.info(runtime(s), i, d)
logger.info(verbatim(s))
logger.info(verbatim("100% {done}"), kv("a", 1))
logger.info("100%")
bound.info("{}", i, kv("b", 2))
bound.bind(kv("c", 3)).exception("x {}", i)
bound.log(Level::kError, "x")
[[maybe_unused]] ScopedContext context(kv("request", 7), kv(s, s))
LOGBUS_INFO(logger, "{} {}", i, s)
LOGBUS_DEBUG(bound, "x")
LOGBUS_LOG(logger, Level{15}, "x", kv("a", 1))
if (b) LOGBUS_WARNING(logger, "then"); else LOGBUS_ERROR(logger, "else")
LOGBUS_EVERY_N(100, logger.info("{} {}", i, d))
LOGBUS_EVERY(std::chrono::seconds(5), logger.info("x"))
LOGBUS_ONCE(logger.warning("x"); logger.info("y"))
static_assert(noexcept(logger.info("{}", i)) && noexcept(logger.exception("{}", s)) && noexcept(bound.info("x")))
"""

UNUSED = "format_leaves_an_argument_unused"
MISSING = "format_needs_an_argument_that_is_missing"
WRONG_TYPE = "format_spec_has_a_type_that_does_not_fit_its_argument"
MUST_FAIL = [
    ('logger.info("{}")', MISSING),
    ('logger.info("{} {}", i)', MISSING),
    ('logger.info("{1}", i)', MISSING),
    ('logger.info("{:{}}", i)', MISSING),
    ('logger.info("{}", kv("a", 1))', MISSING),
    ('logger.info("", i)', UNUSED),
    ('logger.info("{}", i, s)', UNUSED),
    ('logger.info("{0} {2}", i, i, i)', UNUSED),
    ('logger.info("{a}", i, kv("a", 1))', UNUSED),
    ('logger.info("%d", i)', "format_is_in_percent_style_use_braces"),
    ('logger.info("%s and %5.2f", s, d)', "format_is_in_percent_style_use_braces"),
    ('logger.info("{", i)', "format_has_an_invalid_replacement_field"),
    ('logger.info("}")', "format_has_an_unmatched_brace"),
    ('logger.info("a } b {}", i)', "format_has_an_unmatched_brace"),
    ('logger.info("{i!}", i)', "format_names_a_field_that_no_kv_gives"),
    ('logger.info("{ms}", d)', "format_names_a_field_that_no_kv_gives"),
    ('logger.info("{a} {b}", kv("a", 1))', "format_names_a_field_that_no_kv_gives"),
    ('logger.info("{-1}", i)', "format_has_an_invalid_replacement_field"),
    ('logger.info("{} {0}", i, i)', "format_mixes_automatic_and_numbered_fields"),
    ('logger.info("{0} {}", i, i)', "format_mixes_automatic_and_numbered_fields"),
    ('logger.info("{:d}", d)', WRONG_TYPE),
    ('logger.info("{:d}", s)', WRONG_TYPE),
    ('logger.info("{:s}", i)', WRONG_TYPE),
    ('logger.info("{:x}", ptr(p))', WRONG_TYPE),
    ('logger.info("{::s}", v)', WRONG_TYPE),
    ('logger.info("{a:x}", kv("a", d))', WRONG_TYPE),
    ('logger.info("{:.1f}", lazy([&] { return s; }))', WRONG_TYPE),
    ('logger.info("{:y}", i)', "format_spec_is_invalid"),
    ('logger.info("{:5z}", i)', "format_spec_is_invalid"),
    ('logger.info("{:5d5}", i)', "format_spec_is_invalid"),
    ('logger.info("{:q}", v)', "format_spec_is_invalid"),
    ('logger.info("{:>5}", std::tuple<int>{1})', "format_spec_is_invalid"),
    ('logger.info("{:.}", d)', "format_spec_is_invalid"),
    ('logger.info("{:+}", s)', "format_spec_needs_a_numeric_argument"),
    ('logger.info("{:#}", s)', "format_spec_needs_a_numeric_argument"),
    ('logger.info("{:08}", c)', "format_spec_needs_a_numeric_argument"),
    ('logger.info("{:+}", u)', "format_spec_needs_a_signed_argument"),
    ('logger.info("{:.3}", i)', "format_spec_may_not_have_a_precision"),
    ('logger.info("{:.2}", 5ms)', "format_spec_may_not_have_a_precision"),
    ('logger.info("{:{}}", i, s)', "format_takes_a_width_or_precision_from_a_non_integer"),
    ('logger.info("{:{w}}", i, kv("w", d))', "format_takes_a_width_or_precision_from_a_non_integer"),
    ('logger.info("{:%Q}", std::chrono::system_clock::now())', "format_spec_has_an_invalid_time_conversion"),
    ('logger.info("{:%Y}", 5ms)', "format_spec_has_an_invalid_time_conversion"),
    ('logger.info("{0} {0:.1f}", ld)', "with_two_specs"),
    ('logger.info("{:{}}", ld, 3)', "takes_its_width_from_another"),
    ('logger.info("{::.2f}", std::vector<long double>{})', "format_spec_is_for_items_that_become_text"),
    ('logger.info(s)', "the message must be a string literal"),
    ('logger.info(c)', "the message must be a string literal"),
    ('logger.info(std::string_view("x"))', "the message must be a string literal"),
    ('logger.info(s + "x", i)', "the message must be a string literal"),
    ('logger.info(i)', "the message must be a string literal"),
    ('logger.info("{}", opaque)', "logbus can't log a value of this type"),
    ('logger.info("{}", &i)', "logbus can't log a value of this type"),
    ('logger.info("{}", p)', "logbus can't log a value of this type"),
    ('logger.info("{}", L"wide")', "logbus can't log a value of this type"),
    ('logger.info("{}", u8"x")', "logbus can't log a value of this type"),
    ('logger.info("{}", std::make_unique<int>(1))', "logbus can't log a value of this type"),
    ('logger.info("{}", std::vector<Opaque>{})', "logbus can't log a value of this type"),
    ('logger.info("x", kv("o", opaque))', "logbus can't log a value of this type"),
    ('logger.info("x", kv("name", 1))', "a_field_may_not_use_the_name_of_a_log_record_attribute"),
    ('logger.info("x", kv("levelname", 1))', "a_field_may_not_use_the_name_of_a_log_record_attribute"),
    ('logger.info("x", kv("message", 1))', "a_field_may_not_use_the_name_of_a_log_record_attribute"),
    ('(void)logger.bind(kv("process", 1))', "a_field_may_not_use_the_name_of_a_log_record_attribute"),
    ('logger.info("x", kv("", 1))', "a_field_needs_a_name"),
    ('bound.info("{}")', MISSING),
    ('bound.info("x", i)', UNUSED),
    ('LOGBUS_DEBUG(logger, "{}")', MISSING),
    ('LOGBUS_INFO(logger, s)', "the message must be a string literal"),
    ('logger.exception("{}")', MISSING),
    ('Logger copy = logger', "delete"),
    ('new ScopedContext(kv("a", 1))', "delete"),
]

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


class Compiler:
    def __init__(self, command, includes, folder, flags):
        self.folder = pathlib.Path(folder)
        self.base = command + ["-std=c++20"] + ["-I" + include for include in includes] + flags
        self.is_clang = b"clang" in subprocess.run(command + ["--version"], capture_output=True).stdout
        header = self.folder / "prelude.h"
        header.write_text(PRELUDE)
        compiled = str(header) + (".pch" if self.is_clang else ".gch")
        subprocess.run(self.base + ["-x", "c++-header", str(header), "-o", compiled], check=True)
        self.prelude = ["-include-pch", compiled] if self.is_clang else ["-include", str(header)]

    def check(self, name, statements):
        """Each statement is in a file of its own, by name: case_0., case_1. and so on."""
        source = self.folder / f"{name}.cc"
        cases = (f'#line 1 "case_{i}."\n  {{ {s}; }}\n' for i, s in enumerate(statements))
        source.write_text(DECLARATIONS + "".join(cases) + "}\n")
        all_errors = "-ferror-limit=0" if self.is_clang else "-fmax-errors=0"
        # Of the C locale: the words that are looked for are quoted by others.
        return subprocess.run(self.base + self.prelude + [all_errors, "-fsyntax-only", str(source)], capture_output=True,
                              text=True, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"})


def errors_of_cases(stderr):
    """What the compiler says of each case: its errors, with the context before and the notes after them."""
    first_lines = re.compile(r"In file included|.*: In |.*:   (in|required) |.*: error: ")
    errors = [""]
    for line in stderr.splitlines():
        if ": error: " in errors[-1] and first_lines.match(line):
            errors.append("")
        errors[-1] += line + "\n"
    found = collections.defaultdict(str)
    for error in errors:
        for case in set(re.findall(r"case_(\d+)\.:", error)):
            found[int(case)] += error
    return found


def main():
    command = sys.argv[1].split()
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not installed")
        return 77
    good = [line for line in MUST_COMPILE.strip().split("\n")]
    failures = []
    for flags in (WARNINGS, WARNINGS + ["-fno-exceptions", "-fno-rtti"]):
        with tempfile.TemporaryDirectory() as folder:
            compiler = Compiler(command, sys.argv[2:], folder, flags)
            result = compiler.check("must_compile", good)
            if result.returncode != 0:
                failures.append(f"must compile with {' '.join(flags)}:\n{result.stderr}")
            if "-fno-rtti" in flags:
                continue
            together = errors_of_cases(compiler.check("must_fail", [statement for statement, _ in MUST_FAIL]).stderr)
            # Compilers complain once where two cases instantiate the same template: those are tried alone.
            alone = [i for i, (_, words) in enumerate(MUST_FAIL) if words not in together[i]]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                results = pool.map(lambda i: compiler.check(f"must_fail_{i}", [MUST_FAIL[i][0]]), alone)
            for i, result in zip(alone, results):
                statement, words = MUST_FAIL[i]
                if result.returncode == 0:
                    failures.append(f"compiles, but must not: {statement}")
                elif words not in result.stderr:
                    failures.append(f"doesn't say \"{words}\": {statement}\n{result.stderr}")
    for failure in failures:
        print(failure)
    print(f"{len(good)} calls must compile, {len(MUST_FAIL)} must not; {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
