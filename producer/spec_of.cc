// SPDX-License-Identifier: MIT
// Finding an argument's spec in a format: for arguments that become text in the worker.
#include <logbus/detail/format_cursor.h>
#include <logbus/detail/prepare.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {
namespace {

/// Calls `found(index, name, spec)` for each field until it returns true. A format that is not valid ends
/// early.
template <class Found>
void each_field(const CallSite& site, Found found) noexcept {
  if (site.style != MessageStyle::kBrace && site.style != MessageStyle::kRuntimeBrace) return;
  FormatCursor at{site.text()};
  std::size_t next = 0;
  while (!at.at_end()) {
    const char c = at.at();
    ++at.position;
    if (c == '}') at.take('}');
    if (c != '{' || at.take('{')) continue;
    std::size_t index = static_cast<std::size_t>(-1);
    std::string_view name;
    int number = 0;
    if (is_digit(at.at())) {
      if (!at.take_number(number)) return;
      index = static_cast<std::size_t>(number);
    } else if (is_name_start(at.at())) {
      name = at.take_name();
    } else {
      index = next++;
    }
    std::string_view spec;
    if (at.take(':')) {
      const std::size_t begin = at.position;
      for (int depth = 0; !at.at_end() && (at.at() != '}' || depth > 0); ++at.position) {
        if (at.at() == '{') {
          ++depth;
          if (at.at(1) == '}') ++next;
        }
        if (at.at() == '}') --depth;
      }
      spec = at.text.substr(begin, at.position - begin);
    }
    if (!at.take('}') || found(index, name, spec)) return;
  }
}

}  // namespace

std::string_view spec_of(const CallSite& site, std::size_t index) noexcept {
  std::string_view result;
  each_field(site, [&](std::size_t at, std::string_view, std::string_view spec) {
    if (at == index) result = spec;
    return at == index;
  });
  return result;
}

std::string_view spec_of(const CallSite& site, std::string_view name) noexcept {
  std::string_view result;
  each_field(site, [&](std::size_t, std::string_view at, std::string_view spec) {
    if (at == name) result = spec;
    return at == name;
  });
  return result;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
