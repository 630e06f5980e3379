// SPDX-License-Identifier: MIT
// What set-up throws: errno and a sentence that names the object.
#pragma once

#include <stdexcept>
#include <string>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Thrown by set-up (attach, configure, open), never by a logging call.
/// `code()` is an errno value, or 0 where no system call failed; `what()` names the object.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& sentence);
  explicit Error(const std::string& sentence) : Error(0, sentence) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

}  // namespace abi1
}  // namespace logbus
