// SPDX-License-Identifier: MIT
// Python's StreamHandler, over a file descriptor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/detail/line_buffer.h>
#include <logbus/handler.h>

namespace logbus {
namespace consumer {
class Journal;
class LineWriter;
}  // namespace consumer
namespace record {
class WriteGroup;
}
inline namespace abi1 LOGBUS_ABI {

class StreamHandler;

/// What handlers of one file or console have in common, each with a buffer of its own: whose records were the
/// last. With it, they are written in the order in which they came, as in Python, where none waits.
class SharedStream {
 public:
  SharedStream() = default;

 private:
  friend class StreamHandler;
  std::atomic<StreamHandler*> last_{nullptr};
};

/// Writes each record and a terminator to a descriptor: one write(2) a record, or one a batch with
/// defer_flush(true). Differs from Python: when a write fails half-way, a regular file is cut back to its
/// last whole record; what a full disk refuses is kept, pending(), and is written first when there is room
/// again; after any other error it is lost, and counted in `dropped`. A pipe that does not block is waited
/// for, a second at first, then not until it takes something. Source: logging.StreamHandler.
class StreamHandler : public Handler {
 public:
  enum class Ownership : bool { kBorrowed, kOwned };

  /// By default stderr. A borrowed descriptor must outlive the handler; an owned one is closed by it.
  explicit StreamHandler(int descriptor = 2, Ownership ownership = Ownership::kBorrowed);
  ~StreamHandler() override;

  /// What follows each record; "\n" unless set.
  void set_terminator(std::string_view terminator);
  std::string terminator();
  /// Writes out to the stream before, and goes on with this one. Gives the one before, which is the caller's
  /// to close if the handler owned it; nothing if it is the same. Python's setStream.
  std::optional<int> set_stream(int descriptor, Ownership ownership = Ownership::kBorrowed);
  static constexpr std::size_t kDefaultBacklog = 1U << 20;
  /// How many bytes of records may wait for room on a full disk. Whole records; those behind the one that
  /// reaches it are lost, and counted in `dropped`.
  void set_backlog(std::size_t bytes = kDefaultBacklog);

  /// Before this handler's record, what another one that shares it has buffered is written. A handler that
  /// shares must not be destroyed while another one of them works.
  void share_stream(std::shared_ptr<SharedStream> shared);
  /// -1: none.
  int descriptor() const noexcept { return descriptor_; }

  void flush() override;
  void close() override;
  void defer_flush(bool deferred) override;
  void end_batch() override { flush(); }
  bool pending() const noexcept override { return pending_.load(std::memory_order_relaxed); }
  std::string_view class_name() const noexcept override { return "StreamHandler"; }

 protected:
  /// For handlers that open later: starts with no descriptor.
  struct NoStream {};
  explicit StreamHandler(NoStream);

  void emit(const LogRecord& record) override;

  /// Makes sure that there is a descriptor; false: the record is dropped without a word.
  virtual bool prepare_stream() { return has_stream(); }
  /// What an error calls the stream.
  virtual std::string stream_name() const;

  // emit in steps, for handlers that decide by the text. If the caller throws between them, it discards.
  /// Formats the record behind what is buffered; the text, without terminator, lives until the next step.
  std::string_view begin_record(const LogRecord& record);
  /// emit() from there on: finishes the record, or discards it where there is no stream for it. May throw,
  /// and has discarded it then.
  void place_record(std::string_view text);
  void finish_record();
  void discard_record() noexcept;

  /// Makes sure that there is a stream for a record of this text; false: it is dropped without a word. If it
  /// throws that the disk is full, the record waits with those that are pending.
  virtual bool prepare_record(std::string_view text);
  /// What is written for a record's text and terminator, if encode_records() was called. Borrowed until the
  /// next call. May throw.
  virtual std::string_view encoded(std::string_view text) { return text; }
  void encode_records() noexcept { encodes_ = true; }
  /// Whether emit() is begin_record() and place_record() and nothing else, so that a line can be made without
  /// its record. Each class says so of itself alone: one that derives from it may override emit().
  virtual bool takes_lines() const noexcept;

  /// Writes out all whole records; an unfinished one stays buffered. Tells and counts a failure, never throws
  /// it.
  void write_out() { write_out(Refused::kWait); }
  /// The same before the stream becomes another one. A group writes what it holds of earlier records only;
  /// here that is followed by what the record at hand has put here already, as the end of a MemoryHandler's
  /// buffer may.
  void write_out_all();
  /// Where the next record will start in the file: behind what is written and what is buffered. Asks the
  /// kernel after each write, so that what others appended counts. -1 if the stream has no position.
  std::int64_t next_position();

  bool has_stream() const noexcept { return descriptor_ >= 0; }
  /// Whether the file is still empty because all that it is to begin with waits for room.
  bool waits_alone() { return pending() && next_position() == static_cast<std::int64_t>(whole_bytes()); }
  bool has_whole_records() const noexcept { return !ends_.empty(); }
  void attach_stream(int descriptor, Ownership ownership) noexcept;
  /// Puts bytes before the whole records that have yet to be written.
  void prepend(std::string_view bytes);
  /// Closes an owned descriptor. What is buffered stays: write out first.
  void release_stream() noexcept;
  /// Of which it writes together with others; most often null.
  record::WriteGroup* group() const noexcept { return group_; }

 private:
  friend class consumer::Journal;
  friend class consumer::LineWriter;

  /// What becomes of records that a full disk refuses.
  enum class Refused : bool { kWait, kAreLost };
  /// What a write left: why, and how many of the records are lost or wait.
  struct WriteResult {
    int error = 0;
    std::size_t lost = 0;
    std::size_t waiting = 0;
  };
  void encode_last();
  void write_at_once();
  WriteResult write_whole_records(Refused refused) noexcept;
  void write_out(Refused refused);
  std::size_t write_records(std::size_t from, std::size_t to, Refused refused, int& error) noexcept;
  WriteResult settle(std::size_t written, std::size_t to, Refused refused, int error) noexcept;
  void tell_unless_good(const WriteResult& result, Refused refused) noexcept;
  bool prepare_for(std::string_view text);
  int stream_error() noexcept;
  bool may_find_room(int error) const noexcept;
  std::size_t write_all(std::string_view bytes, int& error) noexcept;
  bool cut_back(std::size_t bytes) noexcept;
  std::size_t keep_backlog(std::size_t bound) noexcept;
  void erase_front(std::size_t bytes) noexcept;
  void tell(const WriteResult& result, bool each) noexcept;
  void take_turn();
  std::size_t whole_bytes() const noexcept { return ends_.empty() ? 0 : ends_.back(); }

  // In a group: null and no bytes leave it. What of the buffer lies in `home` need not be copied to be
  // sealed.
  void join(record::WriteGroup* group, std::span<char> home);
  void note_record() noexcept;
  bool has_record_at_hand() const noexcept;
  std::size_t bytes_of_earlier_records() const noexcept;
  void discard_all() noexcept;
  void set_write_out_size() noexcept;

  static constexpr std::int64_t kUnknownPosition = -2;
  // A deferred buffer is written before it outgrows the cache by much; larger writes gain nothing.
  static constexpr std::size_t kBatchBytes = 1U << 20;

  int descriptor_ = -1;
  Ownership ownership_ = Ownership::kBorrowed;
  bool deferred_ = false;
  bool encodes_ = false;
  bool stuck_ = false;                      // the last write had to give up waiting
  bool torn_ = false;                       // the buffer begins within a record
  std::size_t write_out_at_ = kBatchBytes;  // bytes of a deferred buffer; more where a backlog is part of it
  std::size_t backlog_bytes_ = kDefaultBacklog;
  std::atomic<bool> pending_{false};
  std::int64_t position_ = kUnknownPosition;  // of the descriptor, without what is buffered
  std::shared_ptr<SharedStream> shared_;      // with other handlers; most often null
  record::WriteGroup* group_ = nullptr;
  std::size_t home_bytes_ = 0;      // of the buffer, in a group
  std::uint64_t noted_record_ = 0;  // the group's, that last added to the buffer
  std::size_t noted_bytes_ = 0;     // whole_bytes() before it did
  std::uint64_t turn_ = 0;          // when the buffer's first record came
  std::string terminator_ = "\n";
  detail::LineBuffer buffer_;      // whole records, then at most one unfinished
  std::string text_;               // one formatted record
  std::vector<std::size_t> ends_;  // where each whole record ends
};

}  // namespace abi1
}  // namespace logbus
