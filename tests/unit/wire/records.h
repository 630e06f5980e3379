// SPDX-License-Identifier: MIT
// Records to be sent, and to be compared with what came back.
#pragma once

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include <logbus/log_record.h>

namespace logbus::wire::test {

/// A record in which every member differs from its default.
inline LogRecord full_record() {
  LogRecord record;
  record.name = "a.b";
  record.msg = "m %s";
  record.args = List{std::int64_t{1},
                     std::uint64_t{1} << 63,
                     3.0F,
                     3.0,
                     'c',
                     "text",
                     true,
                     None{},
                     Pointer{42},
                     Text{"made"},
                     TimePoint{-5, 999'999'999},
                     Duration{1, 1000, std::int64_t{-7}},
                     Duration{3600, 1, 2.0},
                     List{"in", List{}},
                     Tuple{{1, Tuple{{2}}}},
                     Set{{"x"}},
                     Dict{{"k", 1}, {2, Dict{}}}};
  record.style = MessageStyle::kRuntimeBrace;
  record.levelno = -25;
  record.levelname = "LOW";
  record.pathname = "/p";
  record.lineno = 77;
  record.func_name = "f";
  record.exc_text = "E: e";
  record.stack_info = "S";
  record.created_ns = -1;
  record.start_ns = 2;
  record.thread = std::numeric_limits<std::uint64_t>::max();
  record.thread_name = "t";
  record.process_name = "p";
  record.process = 4711;
  record.extra = {{"style", "mine"}, {"extra", 1}, {"ms", 3.0}, {"ms", 4}};
  record.overrides = {{"name", None{}}, {"msecs", 1.5}};
  return record;
}

inline void expect_equal(const LogRecord& a, const LogRecord& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.msg, b.msg);
  EXPECT_EQ(a.args, b.args);
  EXPECT_EQ(a.style, b.style);
  EXPECT_EQ(a.levelno, b.levelno);
  EXPECT_EQ(a.levelname, b.levelname);
  EXPECT_EQ(a.pathname, b.pathname);
  EXPECT_EQ(a.lineno, b.lineno);
  EXPECT_EQ(a.func_name, b.func_name);
  EXPECT_EQ(a.exc_text, b.exc_text);
  EXPECT_EQ(a.stack_info, b.stack_info);
  EXPECT_EQ(a.created_ns, b.created_ns);
  EXPECT_EQ(a.start_ns, b.start_ns);
  EXPECT_EQ(a.thread, b.thread);
  EXPECT_EQ(a.thread_name, b.thread_name);
  EXPECT_EQ(a.process_name, b.process_name);
  EXPECT_EQ(a.process, b.process);
  EXPECT_EQ(a.extra, b.extra);
  EXPECT_EQ(a.overrides, b.overrides);
}

}  // namespace logbus::wire::test
