// SPDX-License-Identifier: MIT
// The sections `formatters` and `filters`: what they make, and the exact words about what they can't.
#include <gtest/gtest.h>

#include <logbus/formatter.h>

#include "config_text.h"

namespace logbus::sidecar {
namespace {

struct Read {
  Configuration configuration;
  Lines lines;  // errors and warnings
};

Read read(const std::string& text) {
  Diagnostics diagnostics("f.yaml");
  Configuration configuration = parse_config("version: 1\n" + text, diagnostics);
  return {std::move(configuration), diagnostics.lines(false)};
}

/// What the formatter under `settings` makes of a record.
std::string formatted(const std::string& settings) {
  const Read made = read("formatters:\n  f: {" + settings + "}\n");
  if (!made.lines.empty()) return made.lines.front();
  LogRecord record;
  record.name = "a.b";
  record.msg = "one\ntwo é";
  record.style = MessageStyle::kVerbatim;
  record.levelname = "INFO";
  record.created_ns = 1'700'000'000'500'000'000;
  record.extra = {{"ms", 2}};
  record.exc_text = "E";
  return made.configuration.formatters.at(0).formatter->format(record);
}

TEST(ConfigFormattersTest, MakesJsonOfOurOwn) {
  EXPECT_EQ(
      formatted("class: logbus.JsonFormatter, utc: true"),
      R"({"time":"2023-11-14T22:13:20.500000+00:00","level":"INFO","logger":"a.b","message":"one\ntwo é","ms":2,"exc_info":"E"})");
  EXPECT_EQ(
      formatted(
          "class: logbus.JsonFormatter, format: [time, message], utc: yes, timespec: nanoseconds, "
          "extra_fields: no, rename_fields: {time: ts}, exc_info_as_array: true, json_ensure_ascii: true"),
      R"({"ts":"2023-11-14T22:13:20.500000000+00:00","message":"one\ntwo \u00e9","exc_info":["E"]})");
  EXPECT_EQ(
      formatted(
          "(): logbus.JsonFormatter, fmt: 'level,msecs', style: ',', static_fields: {app: shop, n: [1, ~]}, "
          "json_indent: 1, timestamp: at"),
      "{\n \"level\": \"INFO\",\n \"msecs\": 500.0,\n \"app\": \"shop\",\n \"n\": [\n  1,\n  null\n ],\n "
      "\"ms\": 2,\n "
      "\"exc_info\": \"E\",\n \"at\": \"2023-11-14T22:13:20.500000+00:00\"\n}");
}

TEST(ConfigFormattersTest, MakesPythonJsonLoggersBytesUnderItsNames) {
  for (const std::string name :
       {"pythonjsonlogger.json.JsonFormatter", "pythonjsonlogger.jsonlogger.JsonFormatter"}) {
    EXPECT_EQ(formatted("class: " + name + ", format: '%(levelname)s %(message)s'"),
              R"({"levelname": "INFO", "message": "one\ntwo \u00e9", "exc_info": "E", "ms": 2})");
    EXPECT_EQ(
        formatted("(): " + name +
                  ", fmt: '{asctime} {message}', style: '{', rename_fields: {message: m}, prefix: 'x: ', "
                  "timestamp: true, json_ensure_ascii: false, .: {converter: ext://time.gmtime}"),
        R"(x: {"asctime": "2023-11-14 22:13:20,500", "m": "one\ntwo é", "exc_info": "E", "ms": 2, )"
        R"("timestamp": "2023-11-14T22:13:20.500000+00:00"})");
  }
}

TEST(ConfigFormattersTest, Escapes) {
  EXPECT_EQ(formatted("format: '%(levelname)s %(message)s', escape: true"), "INFO one\\ntwo é\n    E");
  EXPECT_EQ(formatted("(): logging.Formatter, escape: true"), "one\\ntwo é\n    E");
  EXPECT_EQ(formatted("escape: false"), "one\ntwo é\nE");
}

TEST(ConfigFormattersTest, WarnsOfKeysThatPythonLoses) {
  EXPECT_EQ(
      read("formatters:\n  f: {class: pythonjsonlogger.json.JsonFormatter, timestamp: true, unknown: 1}\n")
          .lines,
      (Lines{"f.yaml:3:62: warning: formatters.f.timestamp: ignored, as in Python; with '()' for 'class' it "
             "counts",
             "f.yaml:3:68: warning: formatters.f.unknown: unknown key, ignored"}));
  EXPECT_EQ(
      read("formatters:\n  f: {class: logging.Formatter, .: {converter: ext://time.gmtime}}\n").lines,
      (Lines{
          "f.yaml:3:36: warning: formatters.f..: ignored, as in Python; with '()' for 'class' it counts"}));
}

TEST(ConfigFormattersTest, AnAttributeWithoutEffectIsAWarning) {
  EXPECT_EQ(
      read("formatters:\n  f: {(): logging.Formatter, .: {mine: 1}}\n").lines,
      (Lines{
          "f.yaml:3:34: warning: formatters.f...mine: unknown key, which nobody reads; there are converter, "
          "default_msec_format and default_time_format"}));
  EXPECT_EQ(
      read("formatters:\n  f: {(): logging.Formatter, .: {datefmt: x}}\n").lines,
      (Lines{"f.yaml:3:34: formatters.f...datefmt: unknown key; there are converter, default_msec_format and "
             "default_time_format"}));
}

TEST(ConfigFormattersTest, SaysWhatIsWrong) {
  struct Case {
    std::string settings;
    std::string line;
  };
  for (const Case& wrong : {
           Case{"class: logbus.JsonFormatter, escape: true",
                "formatters.f.escape: unknown key; there are (), ., class, datefmt, defaults, "
                "exc_info_as_array, "
                "extra_fields, format, json_ensure_ascii, json_indent, prefix, rename_fields, "
                "rename_fields_keep_missing, stack_info_as_array, static_fields, style, timespec, timestamp, "
                "utc and "
                "validate"},
           Case{"class: logbus.JsonFormatter, timespec: hours",
                "formatters.f.timespec: expected one of seconds, milliseconds, microseconds and nanoseconds, "
                "got a "
                "string "
                "\"hours\""},
           Case{"(): pythonjsonlogger.json.JsonFormatter, json_encoder: my.Encoder",
                "formatters.f.json_encoder: is Python code, which a sidecar can't run: remove it"},
           Case{"(): pythonjsonlogger.json.JsonFormatter, rename_fields: {a: 5}",
                "formatters.f.rename_fields: expected names of fields, got an integer 5"},
           Case{"(): pythonjsonlogger.json.JsonFormatter, fmt: plain",
                "formatters.f.fmt: Invalid format 'plain' for '%' style"},
           Case{"style: ','",
                "formatters.f.style: expected one of \"%\", \"{\" and \"$\", got a string \",\""},
           Case{"class: logbus.JsonFormater",
                "formatters.f.class: unknown formatter \"logbus.JsonFormater\"; did you mean "
                "'logbus.JsonFormatter'?"},
           Case{"(): uvicorn.logging.DefaultFormatter, fmt: '%(levelprefix)s', use_colors: null",
                "formatters.f.(): uvicorn.logging.DefaultFormatter is a Python class, which a sidecar can't "
                "run: use "
                "logging.Formatter with '%(levelname)s: %(message)s' (levelprefix is uvicorn's own)"},
       }) {
    const Lines lines = read("formatters:\n  f: {" + wrong.settings + "}\n").lines;
    ASSERT_EQ(lines.size(), 1U) << wrong.settings;
    EXPECT_EQ(lines[0].substr(lines[0].find(' ') + 1), wrong.line);
  }
}

TEST(ConfigFiltersTest, NamesWhatReplacesAPythonClass) {
  EXPECT_EQ(
      read("filters:\n  f: {(): django.utils.log.RequireDebugFalse, x: 1}\n").lines,
      (Lines{
          "f.yaml:3:11: filters.f.(): django.utils.log.RequireDebugFalse is a Python class, which a sidecar "
          "can't run: remove it, and keep one file for each environment"}));
}

}  // namespace
}  // namespace logbus::sidecar
