// SPDX-License-Identifier: MIT
// Where shared memory and the wire meet on the consumer's side.
#include "drain.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>

#include <logbus/detail/clock.h>
#include "handler_table.h"
#include "shm/segment_create.h"

namespace logbus::consumer {

using namespace detail;
using std::chrono::steady_clock;

namespace {

/// At most one barrier in this time: it interrupts every running worker.
constexpr std::chrono::microseconds kPassInterval{200};
/// How long to go on looking after the last record before sleeping on the doorbell. It costs up to 4 % of a
/// processor; ringing costs the worker 4 us a time, so who logs a hundred times a second should not have to.
constexpr std::chrono::milliseconds kLinger{10};
/// Drops that no frame tells of are looked for this often.
constexpr std::chrono::milliseconds kUntoldInterval{100};
/// A sleeper looks after dead workers, memory and drops by itself this often. With 1,000 lanes out of cold
/// caches that takes 200 us, and an idle bus shall not cost more than a thousandth of a processor.
constexpr std::chrono::milliseconds kLongestSleep{400};
/// How soon a removed bus is noticed.
constexpr std::chrono::seconds kNameCheckInterval{1};

// In the order in which its digits are shown.
std::uint64_t bus_id(const Preamble& preamble) {
  std::uint64_t id = 0;
  for (int i = 0; i < 8; ++i) id = id << 8 | preamble.bus_uuid[i];
  return id;
}

}  // namespace

BusQueue::BusQueue(const shm::BusOptions& options, const std::string& config_path,
                   const std::vector<std::string>& log_files)
    : BusQueue(shm::Segment::open(options, shm::Segment::Role::kSidecar), options, config_path, log_files) {}

BusQueue::BusQueue(shm::Segment segment, const shm::BusOptions& options, const std::string& config_path,
                   const std::vector<std::string>& log_files)
    : segment_(std::move(segment)),
      caretaker_(segment_, options, config_path),
      recovered_(recover_journal(segment_, log_files)),
      merge_(segment_, caretaker_),
      site_table_(segment_),
      clock_(shm::clock_of(segment_)),
      sites_(segment_.preamble().sites),
      tenants_(segment_),
      own_records_(segment_, merge_, clock_, tenants_),
      bus_id_(bus_id(segment_.preamble())),
      payload_(std::make_unique_for_overwrite<std::byte[]>(kMaxRecordBytes)) {
  drained_ = segment_.consumer().drained.load(std::memory_order_relaxed);
  late_ = segment_.consumer().late.load(std::memory_order_relaxed);
  truncated_ = segment_.consumer().truncated.load(std::memory_order_relaxed);
  invalid_utf8_before_ = segment_.consumer().invalid_utf8.load(std::memory_order_relaxed);
}

void BusQueue::retire(std::string path) {
  segment_.set_path(std::move(path));
  segment_.retire();
  retired_ = true;
  named_ = false;
}

void BusQueue::look() {
  if (steady_clock::now() - last_pass_ >= kPassInterval) pass();
}

void BusQueue::look_if_new() {
  if (merge_.anything_new() || steady_clock::now() - last_pass_ >= kUntoldInterval) pass();
}

void BusQueue::look_at_all() {
  stopped_ = true;
  if (has_lease()) merge_.pass(true);
}

bool BusQueue::put_nowait(const LogRecord&) {
  return false;
}

void BusQueue::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  merge_.doorbell().interrupt();
}

void BusQueue::begin_stop() noexcept {
  stop_requested_.store(true, std::memory_order_relaxed);
  merge_.doorbell().interrupt();
}

bool BusQueue::get(LogRecord& record, std::chrono::milliseconds timeout) {
  PackedRecord packed;
  while (next(packed, timeout))
    if (unpack(packed, record)) return true;
  return false;
}

bool BusQueue::wait_for_next(PackedRecord& packed, std::chrono::milliseconds timeout) {
  std::optional<steady_clock::time_point> deadline;  // while there are records, no clock is read
  bool looked = false;
  while (!take(packed)) {
    if (!stopped_ && stop_requested_.load(std::memory_order_relaxed)) {
      look_at_all();
      continue;
    }
    if (stopped_ && !told_at_stop_ && has_lease()) {
      // Drops of lanes that have ended since the last look: nobody else would tell of them until the next
      // sidecar.
      told_at_stop_ = true;
      caretaker_.sweep_all();
      own_records_.tell_untold();
      continue;
    }
    if (stopped_ || interrupted_.exchange(false, std::memory_order_relaxed)) return false;
    const auto now = steady_clock::now();
    if (!deadline) deadline = now + timeout;
    const bool due = now - last_pass_ >= kPassInterval;
    // Where a pass takes longer than that, the next one is always due.
    if (now >= *deadline && (looked || !due)) return false;
    if (due)
      pass();
    else
      rest_between_passes(*deadline);
    looked = looked || due;
  }
  return true;
}

void BusQueue::pass() {
  last_pass_ = steady_clock::now();
  if (!has_lease()) return;
  clock_.refresh();
  // Frames that are no records (names), and lanes that left quarantine, must not wait for a record to be over
  // with.
  if (!record_given_ && own_records_.empty()) {
    merge_.commit();
    own_records_.commit();
  }
  // Long enough without a record: this pass is also the look before a sleep.
  sleep_announced_ = last_pass_ - last_record_ >= kLinger && !merge_.holding();
  if (sleep_announced_) merge_.doorbell().announce_sleep();
  // Of an earlier boot all that there is can be given: nobody writes more.
  merge_.pass(!segment_.of_this_boot());
  segment_.consumer().passes.fetch_add(1, std::memory_order_relaxed);
  if (sleep_announced_ && !merge_.empty()) {
    merge_.doorbell().stay_awake();
    sleep_announced_ = false;
  }
  // What has woken us goes first; the next pass is soon.
  if (!std::exchange(was_asleep_, false) || merge_.empty()) keep_house();
}

void BusQueue::keep_house() {
  caretaker_.look_after();
  if (last_pass_ >= next_untold_) {
    next_untold_ = last_pass_ + kUntoldInterval;
    own_records_.tell_untold();
  }
  if (last_pass_ >= next_name_check_) {
    next_name_check_ = last_pass_ + kNameCheckInterval;
    check_file();
  }
}

/// Removed by hand, or by a clean-up, or cut off: its workers shall attach to the one that has the name now.
void BusQueue::check_file() {
  if (!damaged_ && !caretaker_.file_is_whole()) {
    damaged_ = true;
    own_records_.tell_damage();
    if (named_ && segment_.is_current())
      shm::move_aside(segment_.path(), segment_.reopen(), segment_.preamble(), "damaged");
    segment_.retire();
    retired_ = true;
  } else if (named_ && !retired_ && !segment_.is_current()) {
    segment_.retire();
    retired_ = true;
  }
}

/// Under load and a little after it: until the next pass is due. Else on the doorbell.
void BusQueue::rest_between_passes(steady_clock::time_point until) {
  const auto now = steady_clock::now();
  if (!std::exchange(sleep_announced_, false) || now - last_record_ < kLinger) {
    std::this_thread::sleep_until(std::min(until, last_pass_ + kPassInterval));
    return;
  }
  merge_.doorbell().sleep(std::min<steady_clock::duration>(until - now, kLongestSleep));
  was_asleep_ = true;
}

bool BusQueue::take(PackedRecord& packed) {
  shm::Frame frame;
  std::uint32_t lane = 0;
  own_records_.finish();  // the one before, if it was the last record
  for (;;) {
    if (!own_records_.empty()) {
      packed.own = &own_records_.take();
      at_hand_ = at_hand_invalid_ = 0;
      if (!own_records_.taken_is_of_frame()) merge_.finish_last();
      record_given_ = true;
      return true;
    }
    if (!merge_.next(frame, lane)) return false;
    if (!pack(frame, lane, packed)) continue;
    ++drained_;
    at_hand_ = 1;
    at_hand_invalid_ = 0;
    record_given_ = true;
    return true;
  }
}

/// False: the frame was not a record, or is of a site that can't be read (then a record of our own says so).
bool BusQueue::pack(const shm::Frame& frame, std::uint32_t lane, PackedRecord& packed) {
  // Copied out before it is parsed: its writer may still be there.
  std::memcpy(payload_.get(), frame.payload, frame.payload_size);
  packed.payload = {payload_.get(), frame.payload_size};
  packed.lane = lane;
  packed.tenant = &tenants_.of_lane(lane);
  packed.position = frame.position;
  packed.ticks = frame.ticks;
  packed.site = nullptr;
  packed.own = nullptr;
  if (merge_.is_overwritten(frame, lane)) {
    own_records_.tell_overwritten(lane, merge_.lost(), frame.ticks, true);
    return false;
  }
  switch (frame.kind()) {
    case FrameKind::kRecord:
      packed.site_id = frame_id(frame.tag);
      packed.site = site(packed.site_id);
      if (packed.site != nullptr) break;
      own_records_.tell_unreadable(packed);
      return false;
    case FrameKind::kInline:
      break;
    case FrameKind::kNames: {
      wire::Names names;
      if (decoder_.decode_names(packed.payload, names) == wire::DecodeResult::kOk)
        tenants_.rename(lane, std::move(names));
      else
        own_records_.tell_unreadable(packed);
      return false;
    }
    case FrameKind::kGap: {
      GapFrame gap;
      std::memcpy(reinterpret_cast<std::byte*>(&gap) + sizeof gap.header, packed.payload.data(),
                  sizeof gap - sizeof gap.header);
      own_records_.tell_drops(lane, gap.dropped, gap.first_ticks, gap.last_ticks, frame.ticks, true);
      return false;
    }
    case FrameKind::kBlock:
      own_records_.tell_overwritten(lane, merge_.lost(), frame.ticks, true);
      return false;
    default:
      own_records_.tell_unreadable(packed);
      return false;
  }
  packed.created_ns = clock_.to_ns(frame.ticks);
  packed.late = merge_.last_was_late();
  packed.truncated = (frame.tag & kTagTruncated) != 0;
  if (packed.late) ++late_;
  last_was_truncated_ = packed.truncated;
  if (packed.truncated) ++truncated_;
  return true;
}

bool BusQueue::unpack(const PackedRecord& packed, LogRecord& record) {
  if (packed.own != nullptr) {
    record = std::move(*packed.own);
    return true;
  }
  record.created_ns = packed.created_ns;
  record.origin = {bus_id_, packed.position, packed.lane};
  packed.tenant->identify(record);
  record.late = packed.late;
  record.truncated = packed.truncated;
  const std::uint64_t invalid = decoder_.invalid_utf8();
  const wire::DecodeResult result = packed.site != nullptr
                                        ? decoder_.decode_record(*packed.site, packed.payload, record)
                                        : decoder_.decode_record(packed.payload, record);
  at_hand_invalid_ = decoder_.invalid_utf8() - invalid;
  if (result == wire::DecodeResult::kOk) return true;
  --drained_;
  if (packed.late) --late_;
  if (packed.truncated) --truncated_;
  at_hand_ = 0;
  own_records_.tell_unreadable(packed);
  return false;
}

const wire::Site* BusQueue::read_site(std::uint32_t id) {
  if (id >= sites_.size()) return nullptr;
  // An entry is whole before its word is there: one that is bad stays so. Looked at for each record that
  // names it, it could keep us busy for hours.
  const std::uint64_t word = site_table_.word(id);
  const auto bad = bad_sites_.find(id);
  if (bad != bad_sites_.end() && bad->second == word) return nullptr;
  const auto content = site_table_.read(id);
  auto fresh = std::make_unique<wire::Site>();
  // No two entries share bytes of the arena: more than it holds is not what workers have put there.
  if (!content || content->size() > segment_.preamble().site_arena.size - site_bytes_ ||
      decoder_.decode_site(*content, *fresh) != wire::DecodeResult::kOk) {
    bad_sites_[id] = word;
    return nullptr;
  }
  site_bytes_ += content->size();
  sites_[id] = std::move(fresh);
  return sites_[id].get();
}

// A frame of which a record of our own has yet to tell is not over with.
bool BusQueue::ends_with_last(bool with_at_hand) noexcept {
  if (with_at_hand) own_records_.finish();
  return with_at_hand && !own_records_.next_is_of_frame();
}

void BusQueue::collect_positions(bool with_at_hand, std::vector<LaneMerge::Position>& positions) {
  merge_.collect(ends_with_last(with_at_hand), positions);
}

void BusQueue::move_positions(bool with_at_hand) noexcept {
  record_given_ = !with_at_hand;
  merge_.commit(ends_with_last(with_at_hand));
  own_records_.commit();
  // Relaxed: one writer; readers are people.
  if (segment_.consumer().drained.load(std::memory_order_relaxed) != drained(with_at_hand))
    last_record_ = steady_clock::now();
  segment_.consumer().drained.store(drained(with_at_hand), std::memory_order_relaxed);
  segment_.consumer().late.store(late(with_at_hand), std::memory_order_relaxed);
  segment_.consumer().truncated.store(truncated(with_at_hand), std::memory_order_relaxed);
  segment_.consumer().invalid_utf8.store(invalid_utf8(with_at_hand), std::memory_order_relaxed);
}

bool BusQueue::idle() {
  if (!has_lease()) return false;
  // The workers first: none that attached before this moment can add to what the second look finds.
  const bool alone = !caretaker_.any_worker();
  if (!alone || !merge_.empty() || merge_.anything_new()) return false;
  caretaker_.sweep_all();  // who died with drops that nobody has been told of
  own_records_.tell_untold();
  return own_records_.empty();
}

void BusQueue::publish_handlers(const std::vector<std::shared_ptr<Handler>>& handlers) noexcept {
  if (has_lease()) consumer::publish_handlers(handlers, segment_.consumer());
}

}  // namespace logbus::consumer
