// SPDX-License-Identifier: MIT
// Formatter: compiles its format, and adds time, traceback and stack as Python does.
#include <logbus/formatter.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include <logbus/error.h>

#include "record/escaped_text.h"
#include "record/format_program.h"
#include "record/formatter_program.h"
#include "record/percent_format.h"
#include "record/python_error.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using record::Attribute;

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::string_view kPythonMsecFormat = "%s,%03d";
constexpr std::string_view kNoMsecs = ",000";

std::string_view default_format(char style) {
  return style == '%' ? "%(message)s" : style == '{' ? "{message}" : "${message}";
}

record::FormatSteps compile(const FormatterOptions& options) {
  const std::string_view format = options.format.empty() ? default_format(options.style) : options.format;
  switch (options.style) {
    case '%':
      return record::compile_percent_style(format, options.validate);
    case '{':
      return record::compile_brace_style(format, options.validate);
    case '$':
      return record::compile_template_style(format, options.validate);
    default:
      throw Error("Style must be one of: %,{,$");
  }
}

// strftime of the whole second that a thread formatted last, for a few formatters in turn. Trivial: records
// are also formatted while a thread's other objects are already gone.
struct CachedTime {
  std::uint64_t formatter;
  std::int64_t second;
  std::size_t length;
  char text[104];  // with ",mmm" where the formatter has Python's; a longer text is made anew each time

  std::string_view view() const noexcept { return {text, length}; }
};
constexpr std::size_t kCachedTimes = 4;

CachedTime& cached_time(std::uint64_t formatter) noexcept {
  constinit thread_local CachedTime cache[kCachedTimes] = {};
  return cache[formatter % kCachedTimes];
}

std::uint64_t next_formatter_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;  // only uniqueness matters
}

// floor(created), where `created` is Python's float: it may round up into the next second.
std::int64_t whole_second(const LogRecord& record) {
  if (!record.overrides.empty()) {
    if (const Value* given = record::find_field(record.overrides, "created")) {
      if (const auto* real = given->get_if<double>()) return static_cast<std::int64_t>(std::floor(*real));
      if (const auto* whole = given->get_if<std::int64_t>()) return *whole;
    }
  }
  std::int64_t second = record.created_ns / kNanosecondsPerSecond;
  std::int64_t rest = record.created_ns % kNanosecondsPerSecond;
  if (rest < 0) {
    rest += kNanosecondsPerSecond;
    --second;
  }
  // A double has steps of 238 ns at today's dates.
  constexpr std::int64_t kMayRoundUp = kNanosecondsPerSecond - 1'000;
  if (rest < kMayRoundUp) return second;
  return static_cast<std::int64_t>(std::floor(record.created()));
}

void append_strftime(const std::string& format, std::int64_t second, bool utc, std::string& out) {
  std::tm parts{};
  const auto time = static_cast<std::time_t>(second);
  if ((utc ? gmtime_r(&time, &parts) : localtime_r(&time, &parts)) == nullptr) {
    record::throw_overflow_error("timestamp out of range for platform time_t");
  }
  // 0 means either no room or an empty result: a format that ends with a mark is never empty.
  const std::string marked = format + '.';
  const std::size_t begin = out.size();
  for (std::size_t room = 256;; room *= 2) {
    out.resize(begin + room);
    const std::size_t length = std::strftime(out.data() + begin, room, marked.c_str(), &parts);
    if (length != 0) {
      out.resize(begin + length - 1);
      return;
    }
    if (room > marked.size() * 256) record::throw_value_error("strftime() argument too long");
  }
}

void append_on_new_line(const std::string& text, bool escape, std::size_t begin, std::string& out) {
  if (out.size() == begin || out.back() != '\n') out.push_back('\n');
  if (escape) {
    record::append_indented_lines(text, out);
  } else {
    out += text;
  }
}

}  // namespace

Formatter::Program::Program(FormatterOptions given)
    : options(std::move(given)),
      number(next_formatter_number()),
      steps(compile(options)),
      merges_message(record::names_attribute(steps, Attribute::kMessage)),
      time_format(options.datefmt.empty() ? options.default_time_format : options.datefmt),
      has_msecs(options.datefmt.empty() && !options.default_msec_format.empty()),
      has_python_msecs(has_msecs && options.default_msec_format == kPythonMsecFormat) {}

void Formatter::Program::append_time(const LogRecord& record, std::string_view second,
                                     std::string& out) const {
  if (has_python_msecs) second.remove_suffix(kNoMsecs.size());
  if (!has_msecs) {
    out += second;
    return;
  }
  const Value* given = record::find_field(record.overrides, "msecs");
  const Value args = Tuple{List{second, given != nullptr ? *given : Value(record.msecs())}};
  record::append_percent(options.default_msec_format, args, out);
}

Formatter::Formatter(FormatterOptions options) : program_(std::make_unique<Program>(std::move(options))) {}
Formatter::~Formatter() = default;

void Formatter::format(const LogRecord& record, std::string& out) const {
  const std::size_t begin = out.size();
  // Python merges in any case: arguments that don't fit are an error even if the format leaves the message
  // out.
  if (!program_->merges_message) {
    record.append_message(out);
    out.resize(begin);
  }
  const bool escape = program_->options.escape;
  record::run_steps(program_->steps, record::FormatInput(*this, program_->options.defaults, record), out,
                    escape);
  if (!record.exc_text.empty()) append_on_new_line(record.exc_text, escape, begin, out);
  if (!record.stack_info.empty()) append_on_new_line(record.stack_info, escape, begin, out);
}

std::string Formatter::format(const LogRecord& record) const {
  std::string text;
  format(record, text);
  return text;
}

void Formatter::format_time(const LogRecord& record, std::string& out) const {
  const std::int64_t second = whole_second(record);
  CachedTime& cached = cached_time(program_->number);
  if (cached.formatter != program_->number || cached.second != second) {
    std::string text;
    append_strftime(program_->time_format, second, program_->options.utc, text);
    if (program_->has_python_msecs) text += kNoMsecs;
    if (text.size() > sizeof cached.text) return program_->append_time(record, text, out);
    cached.formatter = program_->number;
    cached.second = second;
    cached.length = text.size();
    std::copy(text.begin(), text.end(), cached.text);
  }
  if (program_->has_python_msecs && record.overrides.empty()) {
    const auto milliseconds = static_cast<unsigned>(record.msecs());
    char* digits = cached.text + cached.length - 3;
    digits[0] = static_cast<char>('0' + milliseconds / 100);
    digits[1] = static_cast<char>('0' + milliseconds / 10 % 10);
    digits[2] = static_cast<char>('0' + milliseconds % 10);
    out += cached.view();
  } else {
    program_->append_time(record, cached.view(), out);
  }
}

}  // namespace abi1
}  // namespace logbus
