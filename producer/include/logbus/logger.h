// SPDX-License-Identifier: MIT
// Logging from a worker: loggers in Python's hierarchy, formats checked at compile time, records on the bus.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include <logbus/arguments.h>
#include <logbus/basic_config.h>
#include <logbus/bound_logger.h>
#include <logbus/context.h>
#include <logbus/detail/abi.h>
#include <logbus/detail/call.h>
#include <logbus/detail/format_string.h>
#include <logbus/level.h>
#include <logbus/macros.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

class Filter;
class Handler;

/// A named place that records come from. Made by get_logger(), never destroyed; everything may be called from
/// any thread. The calls that log never throw and never allocate on a thread's own lane. Source:
/// logging.Logger. Differs from Python: the message is a literal with fmt's `{}`, merged by the sidecar;
/// extra fields are kv()s.
class Logger : private detail::LoggerGate {
 public:
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  template <class... A>
  LOGBUS_ALWAYS_INLINE void debug(FormatString<std::type_identity_t<A>...> format,
                                  const A&... arguments) const noexcept {
    log(Level::kDebug, format, arguments...);
  }
  template <class... A>
  LOGBUS_ALWAYS_INLINE void info(FormatString<std::type_identity_t<A>...> format,
                                 const A&... arguments) const noexcept {
    log(Level::kInfo, format, arguments...);
  }
  template <class... A>
  LOGBUS_ALWAYS_INLINE void warning(FormatString<std::type_identity_t<A>...> format,
                                    const A&... arguments) const noexcept {
    log(Level::kWarning, format, arguments...);
  }
  template <class... A>
  LOGBUS_ALWAYS_INLINE void error(FormatString<std::type_identity_t<A>...> format,
                                  const A&... arguments) const noexcept {
    log(Level::kError, format, arguments...);
  }
  template <class... A>
  LOGBUS_ALWAYS_INLINE void critical(FormatString<std::type_identity_t<A>...> format,
                                     const A&... arguments) const noexcept {
    log(Level::kCritical, format, arguments...);
  }
  /// error() with the exception that is being handled as the record's exc_text.
  template <class... A>
  void exception(FormatString<std::type_identity_t<A>...> format, const A&... arguments) const noexcept {
    const std::int64_t now = gate.load(std::memory_order_relaxed);
    if (!passes(Level::kError, now)) return;
    detail::log_enabled(*this, static_cast<int>(Level::kError), (now & 1) != 0, format.site(), arguments...,
                        exc_info);
  }
  template <class... A>
  LOGBUS_ALWAYS_INLINE void log(Level level, FormatString<std::type_identity_t<A>...> format,
                                const A&... arguments) const noexcept {
    // Relaxed: a changed level takes effect soon, nothing else hangs on it.
    const std::int64_t now = gate.load(std::memory_order_relaxed);
    if (!passes(level, now)) return;
    detail::log_enabled(*this, static_cast<int>(level), (now & 1) != 0, format.site(), arguments...);
  }

  /// Whether a record of this level would go anywhere: one load and one compare.
  bool is_enabled_for(Level level) const noexcept {
    return passes(level, gate.load(std::memory_order_relaxed));
  }
  /// kNotSet: the level of the nearest parent that has one.
  void set_level(Level level) noexcept;
  Level level() const noexcept;
  Level get_effective_level() const noexcept;
  std::string_view name() const noexcept;
  /// get_logger("<this name>.<suffix>"); of the root: get_logger(suffix).
  Logger& get_child(std::string_view suffix) noexcept;
  /// Null for the root.
  Logger* parent() const noexcept;

  /// Whether records also go to the handlers of the parents (not asking the parents' levels and filters).
  void set_propagate(bool propagate) noexcept;
  bool propagate() const noexcept;
  /// shared: the same handler may be at several loggers. Adding it again changes nothing.
  void add_handler(std::shared_ptr<Handler> handler);
  void remove_handler(const std::shared_ptr<Handler>& handler) noexcept;
  std::vector<std::shared_ptr<Handler>> handlers() const;
  bool has_handlers() const noexcept;  // here or, as far as records propagate, at the parents
  /// Filters are asked for records logged here, not for those of children.
  void add_filter(std::shared_ptr<const Filter> filter);
  void remove_filter(const std::shared_ptr<const Filter>& filter) noexcept;

  /// A logger that adds these fields to each record. Source: logging.LoggerAdapter.
  template <class... T, class... K>
  BoundLogger bind(const Kv<T, K>&... fields) const noexcept {
    return BoundLogger(*this, fields...);
  }

 private:
  friend class BoundLogger;
  friend class detail::LoggerTree;
  explicit Logger(detail::LoggerNode& node, std::uint64_t name_hash) noexcept;
  ~Logger() = default;

  static bool passes(Level level, std::int64_t gate) noexcept {
    return static_cast<std::int64_t>(level) * 2 + 1 >= gate;
  }

  detail::LoggerNode& node_;
};

/// The logger of this name, made if it is new; "" and "root" are the root. Never throws: without memory it is
/// the root. Any thread, also before main and after it. Source: logging.getLogger.
Logger& get_logger(std::string_view name = {}) noexcept;

template <class... A>
void BoundLogger::log(Level level, FormatString<std::type_identity_t<A>...> format,
                      const A&... arguments) const noexcept {
  if (!is_enabled_for(level)) return;
  const detail::FieldBytes bytes = fields_.view();
  detail::log_shared(*logger_, static_cast<int>(level), format.site(), &bytes, arguments...);
}
inline bool BoundLogger::is_enabled_for(Level level) const noexcept {
  return logger_->is_enabled_for(level);
}

}  // namespace abi1
}  // namespace logbus
