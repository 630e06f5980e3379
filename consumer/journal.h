// SPDX-License-Identifier: MIT
// Writes a batch of several files as if at once (FORMAT.md, "The journal").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <logbus/file_handler.h>

#include "drain.h"
#include "record/write_group.h"

namespace logbus::consumer {

/// The group of the handlers of files that the drain writes directly. What they hold, and how far the lanes
/// are read with it, is sealed in the bus's segment before a file is touched; if the process is killed
/// behind that, the next one completes it from there (recover_journal()). One thread, the drain's.
class Journal final : public record::WriteGroup {
 public:
  /// What else belongs to the end of a batch.
  class Host {
   public:
    virtual ~Host() = default;
    /// Before anything is sealed: what the handlers outside of the group hold is passed on. False: it isn't,
    /// and the batch is not to be ended any more.
    virtual bool settle_others() noexcept = 0;
    /// A disk is full: waits a little. False: it is not to be waited for.
    virtual bool wait_for_room() noexcept = 0;
    /// Read positions need not move any more: the next sidecar gets these records again.
    virtual bool gives_up() const noexcept = 0;
  };

  /// Borrows it. leave() before either ends.
  explicit Journal(Host& host) : host_(host) {}

  /// From now on those of `wanted` are the group that share no file with one of `others`, which are handlers
  /// of all kinds; their files are as much in use. leave() first.
  void join(const std::vector<std::shared_ptr<FileHandler>>& wanted,
            const std::vector<std::shared_ptr<Handler>>& others);
  /// Writes all, and lets the handlers go.
  void leave() noexcept;
  bool has(const Handler& handler) const noexcept;
  /// The queue that the records of this batch come from. Between batches only.
  void use(BusQueue& queue) {
    if (queue_ != &queue) move_to(queue);
  }
  const BusQueue* queue() const noexcept { return queue_; }

  /// A record is given to the handlers.
  void begin_record() noexcept {
    ++record_;
    at_hand_ = true;
  }
  /// The batch ends: all is written, and the read positions have moved. False: not, and they must not.
  bool commit() noexcept;
  void write() noexcept override;
  void begin_rotation(const record::RotationPlan& plan) override;
  void rotation_step(std::size_t step) noexcept override;
  void end_rotation() noexcept override;

 private:
  struct Member {
    std::shared_ptr<FileHandler> handler;
    std::span<char> home;
    bool listed = false;  // in the file table: its number there is its number here
  };
  /// What a batch has for one file.
  struct Part {
    StreamHandler* handler;
    std::size_t member;
    std::size_t bytes;
    std::size_t written = 0;
    int error = 0;
    shm::JournalOp op{};
  };

  void move_to(BusQueue& queue);
  bool commit(bool with_at_hand) noexcept;
  void gather();
  bool prepare(Part& part) noexcept;
  bool place(Part& part);
  void write_now(Part& part) noexcept;
  void end(Part& part) noexcept;
  void seal(bool with_at_hand);
  bool write_sealed() noexcept;
  bool wait_for_room(const Part& part) noexcept;
  bool abandon() noexcept;
  bool has_moves(bool with_at_hand);
  void give_back_far() noexcept;
  void give_homes();
  void list_files();
  bool is_in(shm::JournalState state) const noexcept;
  bool has_lease() const noexcept { return queue_->has_lease(); }
  shm::JournalHeader& header() const noexcept { return queue_->segment().journal(); }
  std::span<char> payload() const noexcept { return queue_->segment().journal_payload(); }

  Host& host_;
  BusQueue* queue_ = nullptr;
  std::vector<Member> members_;
  std::vector<std::string> other_files_;
  std::vector<Part> parts_;
  std::vector<std::string> sources_;  // of a rotation
  std::vector<LaneMerge::Position> positions_;
  std::uint64_t far_ = 0;       // bytes of this batch behind what always has memory
  std::uint64_t far_most_ = 0;  // and of those before, not given back yet
  bool joined_ = false;
  bool at_hand_ = false;
  bool writing_ = false;
  bool backed_ = false;                              // the journal has memory
  std::chrono::steady_clock::time_point back_at_{};  // it is asked for again
  bool abandoned_ = false;                           // what is not written is the next sidecar's
};

/// A clean end: no file is in use any more.
void forget_files(const shm::Segment& segment) noexcept;

}  // namespace logbus::consumer
