// SPDX-License-Identifier: MIT
// A worker that lies: what it may write to, and the lies that it may tell there.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string_view>

#include <logbus/detail/clock.h>
#include "shm/attachment.h"
#include "shm/lane_owner.h"

namespace logbus::byzantine {

using namespace detail;

inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kRelease = std::memory_order_release;

struct Counts {  // in memory of the parent's
  std::atomic<std::uint64_t> children, lanes, lies;
};
inline Counts* counts = nullptr;

class Liar {
 public:
  Liar(shm::Attachment& attachment, std::uint64_t seed) : attachment_(attachment), random_(seed) {}

  bool claim() {
    if (owner_.claim(attachment_, static_cast<std::uint32_t>(::gettid()), "liar") != shm::Claim::kOk)
      return false;
    ++counts->lanes;
    size_ = segment().lane_size();
    return true;
  }

  std::uint64_t any() { return random_(); }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool coin() { return below(2) == 0; }
  shm::Segment& segment() { return attachment_.segment(); }
  shm::ProcessSlot& slot() { return attachment_.slot(); }
  ProducerLine& line() { return *owner_.writer.line; }
  std::byte* data() { return owner_.writer.data; }
  std::uint64_t origin() { return owner_.writer.newest; }
  std::uint64_t offset() { return position_ - origin(); }
  std::uint64_t read() { return segment().consumer_line(owner_.lane).read.load(kRelaxed); }
  StepWord* steps() { return segment().step_table(owner_.lane); }

  /// Numbers that break arithmetic, and some that nearly make sense.
  std::uint64_t odd_number() {
    const std::uint64_t about[] = {0,
                                   position_,
                                   read(),
                                   size_,
                                   2 * size_,
                                   origin(),
                                   std::uint64_t{1} << 32,
                                   std::uint64_t{1} << 63,
                                   ~std::uint64_t{0},
                                   now()};
    if (below(4) == 0) return any() >> below(64);
    return about[below(std::size(about))] + (below(33) - 16) * (coin() ? 1 : 8);
  }
  std::uint64_t now() { return read_ticks(segment().preamble().clock_source); }

  /// A frame where the next one belongs, published. Payload of `payload` bytes of `fill`.
  void frame(std::uint32_t size, std::uint32_t tag, std::uint64_t ticks, std::string_view payload = {}) {
    if (offset() + 4096 + payload.size() > size_) return;
    const FrameHeader header{size, tag, ticks};
    std::memcpy(data() + offset(), &header, sizeof header);
    std::memcpy(data() + offset() + sizeof header, payload.data(), payload.size());
    const std::uint64_t advance = (sizeof header + payload.size() + 7) & ~std::uint64_t{7};
    position_ += advance;
    line().committed.store(position_, kRelease);
    ++counts->lies;
  }
  void good_frame(std::uint32_t tag, std::uint64_t ticks, std::string_view payload) {
    frame(static_cast<std::uint32_t>((sizeof(FrameHeader) + payload.size() + 7) & ~std::size_t{7}), tag,
          ticks, payload);
  }
  void start_here() { position_ = owner_.writer.position; }

  void pause(unsigned us) { ::usleep(us); }

 private:
  shm::Attachment& attachment_;
  std::mt19937_64 random_;
  shm::LaneOwner owner_{};
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

/// In the sidecar's pages: all but what says that another one has the lease.
void lie_of_consumer(Liar& liar);

struct Strategy {
  std::string_view name;
  void (*tell)(Liar&);
};

/// To its own words.
std::span<const Strategy> own_lies();
/// To everybody's; the last one is told but seldom.
std::span<const Strategy> lies_about_all();

}  // namespace logbus::byzantine
