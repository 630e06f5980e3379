// SPDX-License-Identifier: MIT
#include "net/outbox.h"

#include <algorithm>

namespace logbus::net {

bool Outbox::put(std::string_view frame) {
  const std::size_t waiting = unsent().size();
  if (waiting != 0 && waiting + frame.size() > capacity_) return false;
  bytes_ += frame;
  ends_.push_back(begin_ + bytes_.size());
  return true;
}

std::string_view Outbox::next_frame() const noexcept {
  const std::size_t unsent_count = unsent_frames();
  if (unsent_count == 0) return {};
  return unsent().substr(0, static_cast<std::size_t>(ends_[ends_.size() - unsent_count] - sent_));
}

std::size_t Outbox::acknowledge(std::size_t unacknowledged) {
  const Position arrived = sent_ - std::min<Position>(unacknowledged, sent_ - kept_);
  std::size_t frames = 0;
  for (; !ends_.empty() && ends_.front() <= arrived; ++frames) {
    kept_ = ends_.front();
    ends_.pop_front();
  }
  forget_up_to(kept_);
  return frames;
}

std::size_t Outbox::rewind() noexcept {
  const std::size_t unsent = unsent_frames();
  const bool is_partial =
      unsent != 0 && sent_ > (unsent == ends_.size() ? kept_ : ends_[ends_.size() - unsent - 1]);
  sent_ = kept_;
  return ends_.size() - unsent + (is_partial ? 1 : 0);
}

std::size_t Outbox::clear() noexcept {
  const std::size_t frames = ends_.size();
  begin_ = kept_ = sent_ = begin_ + bytes_.size();
  bytes_.clear();
  ends_.clear();
  return frames;
}

std::size_t Outbox::unsent_frames() const noexcept {
  return static_cast<std::size_t>(ends_.end() - std::upper_bound(ends_.begin(), ends_.end(), sent_));
}

// Moving what is left costs as much as it has bytes: only when more than that goes.
void Outbox::forget_up_to(Position position) {
  const auto gone = static_cast<std::size_t>(position - begin_);
  if (gone == 0 || gone < bytes_.size() - gone) return;
  bytes_.erase(0, gone);
  begin_ = position;
}

}  // namespace logbus::net
