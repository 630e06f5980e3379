// SPDX-License-Identifier: MIT
// Fields of everything that a thread logs for a while.
#pragma once

#include <logbus/detail/abi.h>
#include <logbus/detail/field_buffer.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// While it lives, its fields (and those of the ScopedContexts around it) are in each record that this thread
/// logs. Encoded once, here. Ends in the reverse order of its making, on the same thread; never allocated
/// with new. A kv of the call, or of a BoundLogger, with the same name wins.
class [[nodiscard]] ScopedContext {
 public:
  template <class... T, class... K>
  explicit ScopedContext(const Kv<T, K>&... fields) noexcept : outer_(detail::hot_thread.context) {
    if (outer_ != nullptr) fields_.append(*outer_);
    (fields_.add(fields), ...);
    view_ = fields_.view();
    detail::hot_thread.context = &view_;
  }
  ~ScopedContext() { detail::hot_thread.context = outer_; }
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;
  void* operator new(std::size_t) = delete;

 private:
  const detail::FieldBytes* outer_;
  detail::FieldBuffer fields_;
  detail::FieldBytes view_;
};

}  // namespace abi1
}  // namespace logbus
