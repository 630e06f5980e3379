// SPDX-License-Identifier: MIT
// Lines without records: what a Formatter and a call site have in common is worked out once, and a record
// brings only its time and its arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/detail/line_buffer.h>
#include <logbus/log_record.h>

#include "record/format_program.h"
#include "record/padded_text.h"
#include "record/scalar.h"

namespace logbus::record {

class LineFormat;

/// What makes a record's line, beside the program.
struct LineInput {
  std::span<const Scalar> args;
  std::span<const PaddedText> tenant;  // of all formats, by LineFormat's numbers
  std::uint64_t tenant_version;        // another one for other texts; not 0
  const LogRecord& record;             // the site's, with the times of this one
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
  /// Throws fmt::format_error if the message is not the same ops for all records.
  void add_message(const LogRecord& site);
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

}  // namespace logbus::record
