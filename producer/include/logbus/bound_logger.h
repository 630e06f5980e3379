// SPDX-License-Identifier: MIT
// A logger with fields of its own.
#pragma once

#include <type_traits>

#include <logbus/detail/abi.h>
#include <logbus/detail/field_buffer.h>
#include <logbus/detail/format_string.h>
#include <logbus/level.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

class Logger;
namespace detail {
class LoggerTree;
struct LoggerNode;
}  // namespace detail

/// Adds its fields, encoded when it was made, to each record of its logger. A kv of the call with the same
/// name wins. Copyable; may be used from several threads. Made by Logger::bind(). Source:
/// logging.LoggerAdapter.
class BoundLogger {
 public:
  template <class... A>
  void debug(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    log(Level::kDebug, format, arguments...);
  }
  template <class... A>
  void info(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    log(Level::kInfo, format, arguments...);
  }
  template <class... A>
  void warning(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    log(Level::kWarning, format, arguments...);
  }
  template <class... A>
  void error(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    log(Level::kError, format, arguments...);
  }
  template <class... A>
  void critical(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    log(Level::kCritical, format, arguments...);
  }
  template <class... A>
  void exception(FormatString<std::type_identity_t<A>..., ExcInfo> format,
                 const A&... arguments) const noexcept {
    log(Level::kError, format, arguments..., exc_info);
  }
  template <class... A>
  void log(Level level, FormatString<std::type_identity_t<A>...> format,
           const A&... arguments) const noexcept;

  bool is_enabled_for(Level level) const noexcept;
  const Logger& logger() const noexcept { return *logger_; }
  /// These fields and more.
  template <class... T, class... K>
  BoundLogger bind(const Kv<T, K>&... fields) const noexcept {
    BoundLogger bound(*this);
    (bound.fields_.add(fields), ...);
    return bound;
  }

 private:
  friend class Logger;
  template <class... F>
  explicit BoundLogger(const Logger& logger, const F&... fields) noexcept : logger_(&logger) {
    (fields_.add(fields), ...);
  }

  const Logger* logger_;
  detail::FieldBuffer fields_;
};

}  // namespace abi1
}  // namespace logbus
