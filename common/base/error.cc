// SPDX-License-Identifier: MIT
// logbus::Error: the sentence, and the system's words for the errno.
#include <logbus/error.h>

#include <system_error>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

std::string with_reason(int code, const std::string& sentence) {
  if (code == 0) return sentence;
  return sentence + ": " + std::generic_category().message(code);
}

}  // namespace

Error::Error(int code, const std::string& sentence)
    : std::runtime_error(with_reason(code, sentence)), code_(code) {}

}  // namespace abi1
}  // namespace logbus
