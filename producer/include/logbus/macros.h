// SPDX-License-Identifier: MIT
// Logging calls whose arguments are not evaluated when disabled, and calls that are made only now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <logbus/detail/abi.h>

/// Calls below this level are compiled out: -DLOGBUS_ACTIVE_LEVEL=20 leaves INFO and above.
#ifndef LOGBUS_ACTIVE_LEVEL
#define LOGBUS_ACTIVE_LEVEL 0
#endif

/// logger.log(level, ...), with nothing evaluated if it is disabled. Takes Loggers and BoundLoggers.
#define LOGBUS_LOG(logger, level, ...)                                               \
  do {                                                                               \
    if (static_cast<int>(level) >= (LOGBUS_ACTIVE_LEVEL)) {                          \
      if (const auto& logbus_logger = (logger); logbus_logger.is_enabled_for(level)) \
        logbus_logger.log(level, __VA_ARGS__);                                       \
    }                                                                                \
  } while (false)
#define LOGBUS_DEBUG(logger, ...) LOGBUS_LOG(logger, ::logbus::Level::kDebug, __VA_ARGS__)
#define LOGBUS_INFO(logger, ...) LOGBUS_LOG(logger, ::logbus::Level::kInfo, __VA_ARGS__)
#define LOGBUS_WARNING(logger, ...) LOGBUS_LOG(logger, ::logbus::Level::kWarning, __VA_ARGS__)
#define LOGBUS_ERROR(logger, ...) LOGBUS_LOG(logger, ::logbus::Level::kError, __VA_ARGS__)
#define LOGBUS_CRITICAL(logger, ...) LOGBUS_LOG(logger, ::logbus::Level::kCritical, __VA_ARGS__)

// LOGBUS_EVERY_N(100, logger.info("...")): the 1st, 101st, 201st ... time that this place is reached, over
// all threads.
#define LOGBUS_EVERY_N(n, ...)                              \
  do {                                                      \
    static constinit ::logbus::detail::EveryN logbus_every; \
    if (logbus_every.due(n)) {                              \
      __VA_ARGS__;                                          \
    }                                                       \
  } while (false)
/// LOGBUS_EVERY(std::chrono::seconds(5), logger.info("...")): at most once in this time.
#define LOGBUS_EVERY(duration, ...)                        \
  do {                                                     \
    static constinit ::logbus::detail::Every logbus_every; \
    if (logbus_every.due(duration)) {                      \
      __VA_ARGS__;                                         \
    }                                                      \
  } while (false)
/// LOGBUS_ONCE(logger.warning("...")): the first time only.
#define LOGBUS_ONCE(...)                                 \
  do {                                                   \
    static constinit ::logbus::detail::Once logbus_once; \
    if (logbus_once.due()) {                             \
      __VA_ARGS__;                                       \
    }                                                    \
  } while (false)

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

// All relaxed: they decide how often, and order nothing.
class EveryN {
 public:
  bool due(std::uint64_t n) noexcept {
    return n != 0 && count_.fetch_add(1, std::memory_order_relaxed) % n == 0;
  }

 private:
  std::atomic<std::uint64_t> count_{0};
};

class Every {
 public:
  bool due(std::chrono::nanoseconds interval) noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    std::int64_t next = next_.load(std::memory_order_relaxed);
    // Of threads that come at once, one wins.
    return now >= next &&
           next_.compare_exchange_strong(next, now + interval.count(), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> next_{0};
};

class Once {
 public:
  bool due() noexcept {
    return !done_.load(std::memory_order_relaxed) && !done_.exchange(true, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> done_{false};
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
