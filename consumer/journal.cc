// SPDX-License-Identifier: MIT
// Killed on any line of commit(): before the store of kSealed nothing has happened, and the lanes have all of
// it; behind it the next sidecar does what is left of it, however often that one is killed.
#include "journal.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

#include <logbus/error.h>

#include "file_status.h"
#include "record/disk_full.h"

namespace logbus::consumer {
namespace {

using shm::JournalState;

void set_state(shm::JournalHeader& header, JournalState state) noexcept {
  // Release: what it says is there, or done. The process may be killed between any two instructions, and its
  // stores are seen in their order.
  header.state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

/// Fills the one of the two file tables that does not hold. Counts by itself: who may write the segment must
/// not lead us out of it.
class FileList {
 public:
  explicit FileList(shm::JournalHeader& header)
      : header_(header),
        index_(header.table.load(std::memory_order_relaxed) == 0 ? 1 : 0),
        table_(header.tables[index_]) {}

  bool add(const std::string& path) noexcept {
    if (count_ == shm::kJournalFiles || path.size() > sizeof table_.names - end_) return false;
    std::memcpy(table_.names + end_, path.data(), path.size());
    table_.entries[count_++] = {static_cast<std::uint32_t>(end_), static_cast<std::uint32_t>(path.size())};
    end_ += path.size();
    return true;
  }
  /// From now on it is the one that holds.
  void publish() noexcept {
    table_.count = count_;
    header_.table.store(index_, std::memory_order_release);
  }

 private:
  shm::JournalHeader& header_;
  std::uint32_t index_;
  shm::JournalFileTable& table_;
  std::uint32_t count_ = 0;
  std::size_t end_ = 0;  // of the last name
};

}  // namespace

void forget_files(const shm::Segment& segment) noexcept {
  if (!back_journal(segment)) return;
  shm::JournalHeader& header = segment.journal();
  // What is left to be written must find its files.
  if (header.state.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(JournalState::kEmpty))
    return;
  FileList(header).publish();
}

void Journal::join(const std::vector<std::shared_ptr<FileHandler>>& wanted,
                   const std::vector<std::shared_ptr<Handler>>& others) {
  for (const auto& handler : wanted) members_.push_back({handler, {}});
  std::vector<const StreamHandler*> outside;
  other_files_.clear();
  for (const auto& handler : others) {
    if (const auto* stream = dynamic_cast<const StreamHandler*>(handler.get())) outside.push_back(stream);
    if (const auto* file = dynamic_cast<const FileHandler*>(handler.get()))
      other_files_.push_back(file->base_filename());
  }
  // Who shares its file with a handler outside takes turns with it, and is outside too.
  const auto shares = [&](const Member& member) {
    return member.handler->shared_ != nullptr &&
           std::any_of(outside.begin(), outside.end(), [&](const StreamHandler* stream) {
             return stream->shared_ == member.handler->shared_;
           });
  };
  for (auto at = std::find_if(members_.begin(), members_.end(), shares); at != members_.end();
       at = std::find_if(members_.begin(), members_.end(), shares)) {
    outside.push_back(at->handler.get());
    other_files_.push_back(at->handler->base_filename());
    members_.erase(at);
  }
  parts_.reserve(members_.size());
  joined_ = true;
  if (queue_ != nullptr) give_homes();
}

void Journal::leave() noexcept {
  if (queue_ != nullptr && commit()) give_back_far();
  for (Member& member : members_) {
    const std::lock_guard guard(member.handler->lock());
    member.handler->join(nullptr, {});
  }
  members_.clear();
  joined_ = false;
}

bool Journal::has(const Handler& handler) const noexcept {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return member.handler.get() == &handler; });
}

void Journal::move_to(BusQueue& queue) {
  if (queue_ != nullptr) give_back_far();
  queue_ = &queue;
  far_ = far_most_ = 0;
  // Until it is known which files are in use, those that a killed one has listed are.
  if (joined_) give_homes();
}

// Each handler formats into its share of the payload: sealing it copies nothing.
void Journal::give_homes() {
  constexpr std::chrono::seconds kPause{1};
  const shm::Segment& segment = queue_->segment();
  backed_ = back_journal(segment) && segment.back(payload().data(), shm::kPayloadAllocated);
  back_at_ = std::chrono::steady_clock::now() + kPause;
  if (backed_) list_files();
  const std::size_t share = shm::kPayloadLines / std::max<std::size_t>(members_.size(), 1) & ~std::size_t{63};
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    member.home = backed_ ? payload().subspan(i * share, share) : std::span<char>();
    const std::lock_guard guard(member.handler->lock());
    member.handler->join(this, member.home);
  }
}

void Journal::list_files() {
  FileList list(header());
  bool room = true;
  for (Member& member : members_) {
    room = room && list.add(member.handler->base_filename());
    member.listed = room;
    if (!room)
      member.handler->handle_error(nullptr, Error("too many log files for the journal: after a kill, " +
                                                  member.handler->base_filename() + " may repeat lines"));
  }
  for (const std::string& file : other_files_) room = room && list.add(file);
  list.publish();
}

void Journal::write() noexcept {
  (void)commit(!at_hand_);
}

bool Journal::commit() noexcept {
  ++record_;  // none is at hand: all that the handlers hold is of earlier ones
  at_hand_ = false;
  return commit(true);
}

bool Journal::commit(bool with_at_hand) noexcept {
  if (std::exchange(writing_, true)) return true;  // a handler opens its file, in the middle of this
  const struct Done {
    bool& writing;
    ~Done() { writing = false; }
  } done{writing_};
  if (abandoned_ || !host_.settle_others()) return abandon();
  far_ = 0;
  if (!backed_ && joined_ && std::chrono::steady_clock::now() >= back_at_) give_homes();
  gather();
  bool hopeless = false;
  std::erase_if(parts_, [&](Part& part) {
    if (prepare(part)) return false;
    hopeless = hopeless || (part.error != 0 && part.handler->pending() && host_.gives_up());
    return true;
  });
  if (hopeless || !has_lease()) return abandon();
  // What is for no file is sealed too: counters and positions move together.
  if (parts_.empty() && (!backed_ || !has_moves(with_at_hand))) {
    queue_->move_positions(with_at_hand);
    return true;
  }
#ifdef LOGBUS_MUTANT_MOVE_BEFORE_SEAL
  queue_->move_positions(with_at_hand);
#endif
#ifdef LOGBUS_MUTANT_SEAL_LATE
  if (!write_sealed()) return abandon();
  seal(with_at_hand);
#else
  seal(with_at_hand);
  if (!write_sealed() || !has_lease()) return abandon();
#endif
#ifdef LOGBUS_MUTANT_EMPTY_BEFORE_MOVE
  set_state(header(), JournalState::kEmpty);
#endif
  queue_->move_positions(with_at_hand);
  set_state(header(), JournalState::kEmpty);
  for (Part& part : parts_) end(part);
  if (far_most_ > far_) give_back_far();  // a record that long is rare
  return true;
}

bool Journal::has_moves(bool with_at_hand) {
  queue_->collect_positions(with_at_hand, positions_);
  return !positions_.empty() || !queue_->own_records().slot_reports().empty();
}

void Journal::give_back_far() noexcept {
  if (abandoned_ || std::exchange(far_most_, 0) == 0) return;
  const std::span<char> behind = payload().subspan(shm::kPayloadAllocated);
  queue_->segment().give_back(behind.data(), behind.size());
}

// In the order in which the handlers began to hold records: several may have the same file.
void Journal::gather() {
  parts_.clear();
  for (std::size_t i = 0; i < members_.size(); ++i) {
    StreamHandler& handler = *members_[i].handler;
    const std::lock_guard guard(handler.lock());
    if (const std::size_t bytes = handler.bytes_of_earlier_records(); bytes != 0)
      parts_.push_back({&handler, i, bytes});
  }
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.handler->turn_ < b.handler->turn_; });
}

// False: it is over with, and was not for the journal.
bool Journal::prepare(Part& part) noexcept {
  StreamHandler& handler = *part.handler;
  const std::lock_guard guard(handler.lock());
  part.error = handler.stream_error();
  while (part.error != 0 && handler.may_find_room(part.error) && wait_for_room(part))
    part.error = handler.stream_error();
  if (part.error != 0) {
    end(part);
    return false;
  }
  part.bytes = handler.bytes_of_earlier_records();  // a byte order mark may have come before them
  if (!members_[part.member].listed || !place(part)) {
    write_now(part);
    return false;
  }
  return true;
}

// Where in the payload it lies, and where in its file it will. False: it has no place there.
bool Journal::place(Part& part) {
  StreamHandler& handler = *part.handler;
  const std::optional<FileStatus> status = status_of(handler.descriptor());
  if (!status || !status->regular) return false;
  const std::span<char> home = members_[part.member].home;
  std::size_t begin = static_cast<std::size_t>(home.data() - payload().data());
  if (home.empty()) return false;
  if (!handler.buffer_.is_home()) {
    if (part.bytes > home.size()) {
      begin = shm::kPayloadAllocated + far_;
      if (part.bytes > payload().size() - begin || !queue_->segment().back(&payload()[begin], part.bytes))
        return false;
      far_ += part.bytes;
      far_most_ = std::max(far_most_, far_);
    }
    std::memcpy(&payload()[begin], handler.buffer_.data(), part.bytes);
  }
  part.op = {status->id, status->size, begin, part.bytes, static_cast<std::uint32_t>(part.member), 0};
  return true;
}

void Journal::write_now(Part& part) noexcept {
  part.written = part.handler->write_records(0, part.bytes, StreamHandler::Refused::kWait, part.error);
  end(part);
}

void Journal::end(Part& part) noexcept {
  StreamHandler& handler = *part.handler;
  const std::lock_guard guard(handler.lock());
  constexpr auto kWait = StreamHandler::Refused::kWait;
  handler.tell_unless_good(handler.settle(part.written, part.bytes, kWait, part.error), kWait);
}

void Journal::seal(bool with_at_hand) {
  shm::JournalHeader& journal = header();
  std::uint32_t ops = 0, lanes = 0, slots = 0;  // of our own: see FileList
  for (const Part& part : parts_) journal.op[ops++] = part.op;
  queue_->collect_positions(with_at_hand, positions_);
  journal.drained = queue_->drained(with_at_hand);
  journal.late = queue_->late(with_at_hand);
  journal.truncated = queue_->truncated(with_at_hand);
  journal.invalid_utf8 = queue_->invalid_utf8(with_at_hand);
  journal.newest_ticks = queue_->newest_ticks(with_at_hand);
  journal.overwritten = queue_->own_records().overwritten();
  journal.dropped_reported = queue_->own_records().dropped_reported();
  for (const LaneMerge::Position& position : positions_) {
    shm::JournalLane& lane = queue_->segment().journal_lanes()[lanes++];
    lane.tenant = shm::pack_tenant(position.lane, position.tenancy);
    lane.read = position.read;
    lane.passed = position.passed;
    std::copy_n(*position.reported, detail::kSeverities, lane.reported);
  }
#ifndef LOGBUS_MUTANT_TOLD_SLOTS_UNSEALED
  for (const OwnRecords::SlotReport& report : queue_->own_records().slot_reports())
    journal.slot[slots++] = {report.index, report.word, report.told};
#endif
  journal.ops = ops;
  journal.lanes = lanes;
  journal.slots = slots;
  journal.sequence.store(journal.sequence.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
#ifndef LOGBUS_MUTANT_NO_SEAL
  set_state(journal, JournalState::kSealed);
#endif
}

// False: it is left as it is, for the next sidecar.
bool Journal::write_sealed() noexcept {
  constexpr auto kWait = StreamHandler::Refused::kWait;
  for (Part& part : parts_) {
    StreamHandler& handler = *part.handler;
    const std::lock_guard guard(handler.lock());
    for (;;) {
      part.error = 0;
      part.written = handler.write_records(part.written, part.bytes, kWait, part.error);
      if (part.error == 0 || !handler.may_find_room(part.error)) break;
      if (!wait_for_room(part)) break;
    }
    if (part.error != 0 && handler.may_find_room(part.error) && host_.gives_up()) return false;
  }
  return true;
}

bool Journal::wait_for_room(const Part& part) noexcept {
  if (!host_.wait_for_room()) return false;
  StreamHandler& handler = *part.handler;
  const auto last = std::upper_bound(handler.ends_.begin(), handler.ends_.end(), part.bytes);
  const auto first = std::upper_bound(handler.ends_.begin(), last, part.written);
  const auto waiting = static_cast<std::size_t>(last - first);
  handler.tell({part.error, 0, waiting}, false);
  handler.set_waiting(waiting);
  return true;
}

bool Journal::abandon() noexcept {
  abandoned_ = true;
  for (Member& member : members_) {
    const std::lock_guard guard(member.handler->lock());
    member.handler->discard_all();
  }
  return false;
}

// Without memory it is in no state.
bool Journal::is_in(JournalState state) const noexcept {
  return backed_ && header().state.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(state);
}

void Journal::begin_rotation(const record::RotationPlan& plan) {
  sources_.clear();
  if (abandoned_ || !has_lease()) throw Error("the log files are another sidecar's");
  if (!is_in(JournalState::kEmpty)) return;
  std::string texts;
  const auto add = [&texts](const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    texts.append(reinterpret_cast<const char*>(&size), sizeof size);
    texts += text;
  };
  for (const auto& rename : plan.renames) {
    add(rename.from);
    add(rename.to);
  }
  for (const std::string& name : plan.deletions) add(name);
  const std::span<char> room = payload().subspan(shm::kRotationBegin);
  if (texts.size() > room.size() || !queue_->segment().back(room.data(), texts.size())) return;
  const std::uint64_t end = shm::kRotationBegin + texts.size();
  if (end > shm::kPayloadAllocated) far_most_ = std::max(far_most_, end - shm::kPayloadAllocated);
  std::memcpy(room.data(), texts.data(), texts.size());
  shm::JournalRotation& rotation = header().rotation;
  rotation.renames = static_cast<std::uint32_t>(plan.renames.size());
  rotation.deletions = static_cast<std::uint32_t>(plan.deletions.size());
  rotation.bytes = texts.size();
  rotation.source = {};
  rotation.step.store(shm::kBeforeRenames, std::memory_order_relaxed);
  for (const auto& rename : plan.renames) sources_.push_back(rename.from);
  set_state(header(), JournalState::kRotating);
}

void Journal::rotation_step(std::size_t step) noexcept {
  if (!is_in(JournalState::kRotating)) return;
  shm::JournalRotation& rotation = header().rotation;
  if (step < sources_.size()) {
    const std::optional<FileStatus> status = status_of_name(sources_[step]);
    rotation.source = status ? status->id : shm::FileId{};
  }
  rotation.step.store(static_cast<std::uint32_t>(step), std::memory_order_release);
}

void Journal::end_rotation() noexcept {
  if (is_in(JournalState::kRotating)) set_state(header(), JournalState::kEmpty);
}

}  // namespace logbus::consumer
