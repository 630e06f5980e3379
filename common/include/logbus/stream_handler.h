// SPDX-License-Identifier: MIT
// Python's StreamHandler, over a file descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/detail/line_buffer.h>
#include <logbus/handler.h>

namespace logbus {
namespace consumer {
class LineWriter;
}
inline namespace abi1 LOGBUS_ABI {

/// Writes each record and a terminator to a descriptor: one write(2) a record, or one a batch with
/// defer_flush(true). Differs from Python: when a write fails half-way (a full disk), a regular file is cut
/// back to its last whole record; a batch that fails is told once, its lost records are counted in `dropped`.
/// Source: logging.StreamHandler.
class StreamHandler : public Handler {
 public:
  enum class Ownership : bool { kBorrowed, kOwned };

  /// By default stderr. A borrowed descriptor must outlive the handler; an owned one is closed by it.
  explicit StreamHandler(int descriptor = 2, Ownership ownership = Ownership::kBorrowed);
  ~StreamHandler() override;

  /// What follows each record; "\n" unless set.
  void set_terminator(std::string_view terminator);

  void flush() override;
  void close() override;
  void defer_flush(bool deferred) override;
  void end_batch() override { flush(); }
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

  /// Makes sure that there is a stream for a record of this text; false: it is dropped without a word.
  virtual bool prepare_record(std::string_view text);
  /// Whether emit() is begin_record() and place_record() and nothing else, so that a line can be made without
  /// its record. Each class says so of itself alone: one that derives from it may override emit().
  virtual bool takes_lines() const noexcept;

  /// Writes out all whole records; an unfinished one stays buffered. Tells and counts a failure, never throws
  /// it.
  void write_out();
  /// Where the next record will start in the file: behind what is written and what is buffered. Asks the
  /// kernel after each write, so that what others appended counts. -1 if the stream has no position.
  std::int64_t next_position();

  bool has_stream() const noexcept { return descriptor_ >= 0; }
  int descriptor() const noexcept { return descriptor_; }
  void attach_stream(int descriptor, Ownership ownership) noexcept;
  /// Closes an owned descriptor. What is buffered stays: write out first.
  void release_stream() noexcept;

 private:
  friend class consumer::LineWriter;

  /// What a write left: how many of the records are lost, and why.
  struct WriteResult {
    int error = 0;
    std::size_t lost = 0;
  };
  WriteResult write_whole_records() noexcept;
  void cut_back(std::size_t bytes) noexcept;
  std::size_t whole_bytes() const noexcept { return ends_.empty() ? 0 : ends_.back(); }

  static constexpr std::int64_t kUnknownPosition = -2;

  int descriptor_ = -1;
  Ownership ownership_ = Ownership::kBorrowed;
  bool deferred_ = false;
  std::int64_t position_ = kUnknownPosition;  // of the descriptor, without what is buffered
  std::string terminator_ = "\n";
  detail::LineBuffer buffer_;      // whole records, then at most one unfinished
  std::string text_;               // one formatted record
  std::vector<std::size_t> ends_;  // where each whole record ends
};

}  // namespace abi1
}  // namespace logbus
