// SPDX-License-Identifier: MIT
// What a Formatter has made of its options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <logbus/formatter.h>

#include "record/format_program.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

class Formatter::Program {
 public:
  explicit Program(FormatterOptions given);

  /// `second`: the text of the whole second, behind it ",000" if has_python_msecs.
  void append_time(const LogRecord& record, std::string_view second, std::string& out) const;

  const FormatterOptions options;
  const std::uint64_t number;  // never used again, unlike an address
  const record::FormatSteps steps;
  const bool merges_message;
  const std::string time_format;
  const bool has_msecs;
  const bool has_python_msecs;
};

}  // namespace abi1
}  // namespace logbus
