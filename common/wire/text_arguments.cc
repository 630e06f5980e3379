// SPDX-License-Identifier: MIT
// The arguments that become text in the worker, made by fmt behind the header that users compile.
#include <logbus/detail/encode_text.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <ratio>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {
namespace {

// Long enough for what a person writes, short enough for a record that must fit a lane.
constexpr std::size_t kMaxWhat = 1024;

std::string_view text_of(const fmt::memory_buffer& buffer) {
  return {buffer.data(), buffer.size()};
}

template <class T>
void format_field(fmt::memory_buffer& out, const T& value, std::string_view spec) {
  fmt::memory_buffer field;
  field.append(std::string_view("{:"));
  field.append(spec);
  field.push_back('}');
  fmt::vformat_to(std::back_inserter(out), text_of(field), fmt::make_format_args(value));
}

/// The one place where what fmt throws ends.
template <class Format>
void append_made(Scratch& scratch, Format format) noexcept {
  try {
    fmt::memory_buffer out;
    format(out);
    append_text(scratch, text_of(out));
  } catch (const std::exception& error) {
    append_threw(scratch, error.what());
  }
}

template <class T>
void append_value_text(Scratch& scratch, const T& value, std::string_view spec) noexcept {
  append_made(scratch, [&](fmt::memory_buffer& out) { format_field(out, value, spec); });
}

template <class Rep, class... Period>
bool format_known_duration(fmt::memory_buffer& out, Rep count, std::intmax_t numerator,
                           std::intmax_t denominator, std::string_view spec) {
  const auto try_one = [&]<class P>(P*) {
    if (P::num != numerator || P::den != denominator) return false;
    format_field(out, std::chrono::duration<Rep, P>(count), spec);
    return true;
  };
  return (try_one(static_cast<Period*>(nullptr)) || ...);
}

std::string_view si_unit(std::intmax_t numerator, std::intmax_t denominator) {
  struct Unit {
    std::intmax_t numerator, denominator;
    std::string_view name;
  };
  static constexpr Unit kUnits[] = {
      {1, std::atto::den, "as"},
      {1, std::femto::den, "fs"},
      {1, std::pico::den, "ps"},
      {1, 100, "cs"},
      {1, 10, "ds"},
      {10, 1, "das"},
      {100, 1, "hs"},
      {1000, 1, "ks"},
      {std::mega::num, 1, "Ms"},
      {std::giga::num, 1, "Gs"},
      {std::tera::num, 1, "Ts"},
      {std::peta::num, 1, "Ps"},
      {std::exa::num, 1, "Es"},
  };
  const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) {
    return u.numerator == numerator && u.denominator == denominator;
  });
  return unit == std::end(kUnits) ? std::string_view() : unit->name;
}

/// A unit that no instantiation below has: fmt's own words for it, or seconds where the spec asks for a
/// clock.
template <class Rep>
void format_other_duration(fmt::memory_buffer& out, Rep count, std::intmax_t numerator,
                           std::intmax_t denominator, std::string_view spec) {
  if (spec.find('%') != std::string_view::npos) {
    const double seconds =
        static_cast<double>(count) * static_cast<double>(numerator) / static_cast<double>(denominator);
    format_field(out, std::chrono::duration<double>(seconds), spec);
    return;
  }
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "{}", count);
  const std::string_view unit = si_unit(numerator, denominator);
  if (!unit.empty()) {
    text.append(unit);
  } else if (denominator == 1) {
    fmt::format_to(std::back_inserter(text), "[{}]s", numerator);
  } else {
    fmt::format_to(std::back_inserter(text), "[{}/{}]s", numerator, denominator);
  }
  format_field(out, text_of(text), spec);
}

using Day = std::chrono::days::period;
using Week = std::chrono::weeks::period;
using Month = std::chrono::months::period;
using Year = std::chrono::years::period;

template <class Rep, class... Period>
void append_duration_text(Scratch& scratch, Rep count, std::intmax_t numerator, std::intmax_t denominator,
                          std::string_view spec) noexcept {
  append_made(scratch, [&](fmt::memory_buffer& out) {
    if (!format_known_duration<Rep, Period..., Day, Week, Month, Year>(out, count, numerator, denominator,
                                                                       spec)) {
      format_other_duration(out, count, numerator, denominator, spec);
    }
  });
}

}  // namespace

void append_formatted(Scratch& scratch, long double value, std::string_view spec) noexcept {
  append_value_text(scratch, value, spec);
}
void append_formatted(Scratch& scratch, Int128 value, std::string_view spec) noexcept {
  append_value_text(scratch, value, spec);
}
void append_formatted(Scratch& scratch, UInt128 value, std::string_view spec) noexcept {
  append_value_text(scratch, value, spec);
}
void append_formatted(Scratch& scratch, const std::tm& value, std::string_view spec) noexcept {
  append_value_text(scratch, value, spec);
}
void append_formatted(Scratch& scratch, std::string_view value, std::string_view spec) noexcept {
  append_value_text(scratch, value, spec);
}

void append_duration(Scratch& scratch, std::int64_t count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept {
  append_duration_text<std::int64_t>(scratch, count, numerator, denominator, spec);
}
void append_duration(Scratch& scratch, double count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept {
  append_duration_text<double>(scratch, count, numerator, denominator, spec);
}
void append_duration(Scratch& scratch, float count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept {
  append_duration_text<float, std::ratio<1>, std::milli, std::micro, std::nano, std::ratio<60>,
                       std::ratio<3600>>(scratch, count, numerator, denominator, spec);
}

void append_threw(Scratch& scratch, const char* what) noexcept {
  constexpr std::string_view kBefore = "<argument threw: ";
  const std::size_t size = ::strnlen(what, kMaxWhat + 1);
  const std::size_t shown = size <= kMaxWhat ? size : utf8_cut(what, kMaxWhat);
  const std::size_t total = kBefore.size() + shown + 1;
  char* to = scratch.reserve(kExtHeaderSize + total);
  if (to == nullptr) return;
  to = put_ext_header(to, kExtText, static_cast<std::uint32_t>(total));
  to = put_bytes(to, kBefore.data(), kBefore.size());
  put_u8(put_bytes(to, what, shown), '>');
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
