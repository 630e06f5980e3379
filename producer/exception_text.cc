// SPDX-License-Identifier: MIT
// The exception being handled, as text.
#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>

#include <logbus/detail/prepare.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {
namespace {

// Source: CPython's traceback.py, _cause_message. std::throw_with_nested says what `raise ... from ...` says.
constexpr std::string_view kCause =
    "\n\nThe above exception was the direct cause of the following exception:\n\n";
constexpr int kMaxNested = 32;

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

/// std::throw_with_nested throws a type of the library's around the one it was given.
std::string readable(std::string name) {
  constexpr std::string_view kWrapper = "std::_Nested_exception<";
  if (name.starts_with(kWrapper) && name.ends_with('>')) {
    name = name.substr(kWrapper.size(), name.size() - kWrapper.size() - 1);
    while (name.ends_with(' ')) name.pop_back();
  }
  return name;
}

void append_exception(std::string& text, int depth) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  const std::string name = type == nullptr ? "unknown exception" : readable(type_name(*type));
  try {
    throw;
  } catch (const std::exception& error) {
    if (depth < kMaxNested) {
      try {
        std::rethrow_if_nested(error);
      } catch (...) {
        append_exception(text, depth + 1);
        text += kCause;
      }
    }
    text += name + ": " + error.what();
  } catch (const std::nested_exception& nested) {
    if (depth < kMaxNested && nested.nested_ptr() != nullptr) {
      try {
        nested.rethrow_nested();
      } catch (...) {
        append_exception(text, depth + 1);
        text += kCause;
      }
    }
    text += name;
  } catch (const std::string& what) {
    text += name + ": " + what;
  } catch (const char* what) {
    text += name + ": " + (what == nullptr ? "(null)" : what);
  } catch (...) {
    text += name;
  }
}

}  // namespace

PreparedException prepare_exception(Scratch& to) noexcept {
  if (std::current_exception() == nullptr) return {{}, false};
  const std::uint32_t begin = to.size();
  try {
    std::string text;
    append_exception(text, 0);
    char* at = to.reserve(kStrHeaderSize + text.size());
    if (at == nullptr) return {left_out(), true};
    put_bytes(put_str_header(at, static_cast<std::uint32_t>(text.size())), text.data(), text.size());
    return {{begin, to.size() - begin}, true};
  } catch (...) {
    return {{}, false};
  }
}

PreparedBytes prepare_nothing_made(Scratch& to, std::uint32_t mark, const char* what) noexcept {
  to.rewind(mark);
  append_threw(to, what);
  return to.size() == mark ? left_out() : PreparedBytes{mark, to.size() - mark};
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
