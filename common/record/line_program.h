// SPDX-License-Identifier: MIT
// Lines without records: what a Formatter and a call site have in common is worked out once, and a record
// brings only its time and its arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/detail/line_buffer.h>
#include <logbus/formatter.h>
#include <logbus/log_record.h>

#include "record/format_program.h"
#include "record/scalar.h"

namespace logbus::record {

/// Text with kPadding readable bytes behind it, so that short ones are copied in pieces of fixed size.
class PaddedText {
 public:
  static constexpr std::size_t kPadding = 16;

  PaddedText() : PaddedText(std::string()) {}
  explicit PaddedText(std::string text) : size_(text.size()), bytes_(std::move(text)) {
    bytes_.append(kPadding, '\0');
  }
  void assign(std::string_view text) {
    size_ = text.size();
    bytes_.assign(text);
    bytes_.append(kPadding, '\0');
  }
  const char* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  std::string bytes_;
};

class LineFormat;

/// What makes a record's line, beside the program.
struct LineInput {
  std::span<const Scalar> args;
  std::span<const PaddedText> tenant;  // of all formats, by LineFormat's numbers
  std::uint64_t tenant_version;        // another one for other texts; not 0
  const LogRecord& record;             // the site's, with the times and the tenant of this one
};

/// The line of one Formatter for the records of one call site. One thread.
class LineProgram {
 public:
  /// Appends the line without terminator: the very bytes that Formatter::format() gives. False, and nothing
  /// appended, if the record has too few arguments. Throws what Formatter::format() would; `out` may then
  /// hold a part.
  bool append(const LineInput& input, detail::LineBuffer& out);

 private:
  friend class LineFormat;
  class MessageSink;
  class Cursor;

  struct Op {
    enum class Kind : std::uint8_t {
      kLiteral,       // literals_[at, at + size)
      kTime,          // asctime
      kTenant,        // input.tenant[at]
      kArgument,      // args[at] as {}
      kSpecArgument,  // args[at] as {:specs_[size]}
      kStep,          // steps_[at], from the record's times
    };
    Kind kind;
    std::uint32_t at;
    std::uint32_t size;
  };

  /// The text before the first argument is that of the record before, most often.
  struct Prefix {
    std::int64_t time_begin = 0;       // of the format's time, and ...
    std::uint64_t tenant_version = 0;  // ... of the tenant that it is for; 0: none
    bool operator==(const Prefix&) const = default;
  };

  explicit LineProgram(LineFormat& format) : format_(&format) {}
  void run(std::size_t first, std::size_t end, const LineInput& input, const PaddedText* time, Cursor& to);
  void add_literal(std::string_view text);
  void add_argument(std::size_t index, const std::string* spec);
  void finish();

  LineFormat* format_;
  std::vector<Op> ops_;
  std::string literals_;  // padded by finish()
  std::vector<std::string> specs_;
  std::vector<FormatSteps> steps_;  // of one step each
  std::size_t arguments_ = 0;       // that a record must have
  bool has_time_ = false;
  std::size_t prefix_ops_ = 0;  // ops before the first argument
  Prefix last_;                 // of the record before
  Prefix kept_;                 // what prefix_ is for
  PaddedText prefix_;
  std::string scratch_;
};

/// A Formatter as lines need it. One thread.
class LineFormat {
 public:
  /// `first_tenant_text`: the number of its first step that depends on the tenant alone.
  LineFormat(std::shared_ptr<const Formatter> formatter, std::uint32_t first_tenant_text);

  /// The program for records like `site`: name, level, source and message of the call site, no arguments.
  /// Nothing if their lines depend on more than that: their fields, the message's length, a mistake.
  std::optional<LineProgram> compile(const LogRecord& site);
  /// Appends its texts for a tenant: threads' and processes' names and numbers. Throws what format() would.
  void append_tenant_texts(const LogRecord& tenant, std::vector<PaddedText>& texts) const;
  std::uint32_t tenant_text_count() const noexcept {
    return static_cast<std::uint32_t>(tenant_steps_.size());
  }

 private:
  friend class LineProgram;

  const PaddedText& time(const LogRecord& record);
  FormatInput input(const LogRecord& record) const;

  std::shared_ptr<const Formatter> formatter_;
  std::uint32_t first_tenant_text_;
  bool plain_;  // lines without records are possible
  std::vector<FormatSteps> tenant_steps_;
  // asctime of [time_begin_, time_end_)
  std::int64_t time_begin_ = 0;
  std::int64_t time_end_ = 0;
  PaddedText time_;
};

}  // namespace logbus::record
