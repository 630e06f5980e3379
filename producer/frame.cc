// SPDX-License-Identifier: MIT
// One frame on the calling thread's lane, by the slow path.
#include "producer/frame.h"

#include <algorithm>
#include <cstring>

#include <logbus/detail/call.h>

#include "producer/site_ids.h"
#include "producer/undisturbed.h"
#include "shm/doorbell.h"

namespace logbus::producer {
namespace {

using detail::Frame;
using detail::LaneWriter;
using detail::Outcome;

/// Room for a payload in the thread's lane, and in that of another bus if this one is left meanwhile. `tag`
/// is asked for anew on each: a call site has another id there. 0: the record needs no lane.
template <class Tag>
Frame on_a_lane(ThreadState& state, int levelno, std::uint32_t payload, const Tag& tag) noexcept {
  const std::uint32_t size = LaneWriter::frame_bytes(payload);
  for (int round = 0; round < 16; ++round) {
    const LaneResult lane = need_lane(state, levelno);
    if (lane != LaneResult::kOk) {
      if (lane != LaneResult::kNested) after_record(state);
      return {nullptr, 0, lane == LaneResult::kNoBus ? Outcome::kRecord : Outcome::kDone};
    }
    LaneWriter& writer = state.owner.writer;
    const std::uint32_t of_frame = tag();
    if (of_frame == 0) {
      writer.leave();
      return {nullptr, 0, Outcome::kRecord};
    }
    if (writer.has_room(size, detail::severity_of(levelno))) return {&writer, of_frame, Outcome::kReady};
    const BusConfig* config = bus_config();
    const shm::Room room = state.owner.make_room(size, levelno, config == nullptr || config->may_wait);
    if (room == shm::Room::kReady) return {&writer, of_frame, Outcome::kReady};
    if (room == shm::Room::kDropped) {
      tell_loss(*state.membership);
      writer.leave();
      after_record(state);
      return {nullptr, 0, Outcome::kDone};
    }
    forsake(state.membership);
    give_up_lane(state);
  }
  return {nullptr, 0, Outcome::kRecord};
}

}  // namespace
}  // namespace logbus::producer

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

using producer::ThreadState;

Frame open_frame(const LoggerGate& logger, int levelno, const CallSite& site,
                 std::uint32_t payload) noexcept {
  const producer::NotCancelled guard;
  const bool direct = (logger.gate.load(std::memory_order_relaxed) & 1) != 0 && site.hash != 0;
  ThreadState* state = direct ? producer::thread_state() : nullptr;
  if (state == nullptr) return {nullptr, 0, Outcome::kRecord};
  return producer::on_a_lane(*state, levelno, payload, [&] {
    const std::uint32_t id = producer::site_id(state->membership->attachment->segment(),
                                               site_key(logger, levelno, site), logger, levelno, site);
    return id == 0 ? 0 : frame_tag(FrameKind::kRecord, id);
  });
}

void close_frame(const Frame& frame) noexcept {
  const producer::NotCancelled guard;
  if (frame.writer->commit()) attend();
  // The thread's state, not the frame's writer: attend() may have left the bus.
  if (ThreadState* state = producer::thread_state()) {
    state->owner.after_commit();
    producer::after_record(*state);
  }
}

void attend() noexcept {
  const producer::NotCancelled guard;
  ThreadState* state = producer::thread_state();
  if (state == nullptr) return;
  producer::Membership* const membership = state->membership;
  if (!producer::join(membership)) return;
  SharedControl& shared = membership->attachment->segment().shared();
  const std::uint32_t bits = shared.attention.load(std::memory_order_relaxed);
  if ((bits & kAttentionSleeping) != 0) shm::ring(shared);
  if ((bits & kAttentionRetired) != 0) {
    producer::forsake(membership);
    producer::give_up_lane(*state);
  }
  producer::leave(membership);
}

void lose_record(int levelno) noexcept {
  const producer::NotCancelled guard;
  ThreadState* state = producer::thread_state();
  if (state == nullptr || producer::need_lane(*state, levelno) != producer::LaneResult::kOk) return;
  state->owner.count_drop(levelno, DropReason::kMemory);
  producer::tell_loss(*state->membership);
  state->owner.writer.leave();
}

std::uint32_t max_payload() noexcept {
  const producer::NotCancelled guard;
  ThreadState* state = producer::thread_state();
  producer::Membership* membership = state == nullptr ? nullptr : state->membership;
  if (!producer::join(membership)) membership = producer::join();
  if (membership == nullptr) return kMaxRecordBytes;
  const std::uint32_t bytes = membership->attachment->segment().max_frame();
  producer::leave(membership);
  return bytes - static_cast<std::uint32_t>(sizeof(FrameHeader));
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus

namespace logbus::producer {

Frame open_frame_as(ThreadState& state, int levelno, std::uint32_t payload, std::uint32_t tag) noexcept {
  return on_a_lane(state, levelno, payload, [tag] { return tag; });
}

Sent send_frame(int levelno, const std::string& payload, std::uint32_t tag) noexcept {
  ThreadState* state = thread_state();
  if (state == nullptr) return Sent::kNoBus;
  const Frame frame = open_frame_as(*state, levelno, static_cast<std::uint32_t>(payload.size()), tag);
  if (frame.outcome == Outcome::kRecord) return Sent::kNoBus;
  if (frame.outcome == Outcome::kDone) return Sent::kLost;
  std::byte* to =
      frame.writer->begin(LaneWriter::frame_bytes(static_cast<std::uint32_t>(payload.size())), tag);
  std::memcpy(to, payload.data(), payload.size());
  detail::close_frame(frame);
  return Sent::kYes;
}

void send_names(ThreadState& state, const std::string& payload) noexcept {
  if (!enter_lane(state)) return;
  LaneWriter& writer = state.owner.writer;
  const auto bytes = static_cast<std::uint32_t>(payload.size());
  const std::uint32_t size = LaneWriter::frame_bytes(bytes);
  // Not by the slow path, which would count it as a lost record.
  if (!writer.has_room(size, 0)) return writer.leave();
  std::memcpy(writer.begin(size, detail::frame_tag(detail::FrameKind::kNames)), payload.data(), bytes);
  --writer.records;  // commit() counts what it publishes, and this is none
  if (writer.commit()) detail::attend();
}

}  // namespace logbus::producer
