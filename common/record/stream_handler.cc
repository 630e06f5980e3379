// SPDX-License-Identifier: MIT
// StreamHandler: buffers whole records.
#include <logbus/stream_handler.h>

#include <unistd.h>

#include <cerrno>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>

#include "record/disk_full.h"
#include "record/write_group.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
StreamHandler::StreamHandler(int descriptor, Ownership ownership)
    : descriptor_(descriptor), ownership_(ownership) {}

StreamHandler::StreamHandler(NoStream) {}

StreamHandler::~StreamHandler() {
  if (has_stream()) (void)write_whole_records(Refused::kAreLost);
  release_stream();
  share_stream(nullptr);
}

void StreamHandler::set_terminator(std::string_view terminator) {
  const std::lock_guard guard(lock());
  terminator_ = terminator;
}

std::string StreamHandler::terminator() {
  const std::lock_guard guard(lock());
  return terminator_;
}

std::optional<int> StreamHandler::set_stream(int descriptor, Ownership ownership) {
  const std::lock_guard guard(lock());
  if (descriptor == descriptor_) return std::nullopt;
  if (has_stream()) write_out();
  const int before = std::exchange(descriptor_, descriptor);
  ownership_ = ownership;
  position_ = kUnknownPosition;
  stuck_ = false;
  return before;
}

void StreamHandler::set_backlog(std::size_t bytes) {
  const std::lock_guard guard(lock());
  backlog_bytes_ = bytes;
}

void StreamHandler::share_stream(std::shared_ptr<SharedStream> shared) {
  const std::lock_guard guard(lock());
  StreamHandler* self = this;
  if (shared_ != nullptr) shared_->last_.compare_exchange_strong(self, nullptr);
  shared_ = std::move(shared);
}

// If another thread is at work with the other handler, neither of their records is the first.
void StreamHandler::take_turn() {
  StreamHandler* const last = shared_->last_.exchange(this);
  if (last == nullptr || last == this) return;
  const std::unique_lock guard(last->lock(), std::try_to_lock);  // waiting, each for the other, is never
  if (!guard.owns_lock()) return;
  last->write_out();
  // A group writes handler by handler: a record that comes here, goes there and comes here again must not
  // wait for it.
  if (group_ == nullptr || !has_record_at_hand() || !last->has_record_at_hand()) return;
  write_out_all();
  last->write_out_all();
}

bool StreamHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(StreamHandler);
}

void StreamHandler::emit(const LogRecord& record) {
  try {
    if (!prepare_stream()) return;
  } catch (const Error& error) {
    if (!record::is_disk_full(error.code())) throw;
  }
  place_record(begin_record(record));
}

std::string_view StreamHandler::begin_record(const LogRecord& record) {
  text_.clear();
  format(record, text_);
  buffer_.append(text_);
  return text_;
}

bool StreamHandler::prepare_record(std::string_view) {
  return prepare_stream();
}

void StreamHandler::place_record(std::string_view text) {
  try {
    if (prepare_for(text)) return finish_record();
  } catch (...) {
    discard_record();
    throw;
  }
  discard_record();
}

// A disk without room for a new file, or for a rotation, is as full as one without room for the record.
bool StreamHandler::prepare_for(std::string_view text) {
  try {
    return prepare_record(text);
  } catch (const Error& error) {
    if (!record::is_disk_full(error.code())) throw;
    handle_error(nullptr, error);
    return true;
  }
}

bool StreamHandler::has_record_at_hand() const noexcept {
  return group_ != nullptr && noted_record_ == group_->record() && whole_bytes() > noted_bytes_;
}

// What the record at hand has added is none of the group's business until the next one is.
inline void StreamHandler::note_record() noexcept {
  if (noted_record_ == group_->record()) return;
  noted_record_ = group_->record();
  noted_bytes_ = whole_bytes();
  if (noted_bytes_ == 0) turn_ = group_->next_turn();
}

void StreamHandler::finish_record() {
  if (terminator_.size() == 1)  // a call of memcpy costs more than the byte
    buffer_.append(terminator_.front());
  else
    buffer_.append(terminator_);
  if (encodes_) [[unlikely]]
    encode_last();
  if (shared_ != nullptr) [[unlikely]]
    take_turn();
  if (group_ != nullptr) note_record();
  ends_.push_back(buffer_.size());
  if (!deferred_) return write_at_once();
  if (buffer_.size() >= write_out_at_) write_out();
}

void StreamHandler::encode_last() {
  const std::string_view bytes = encoded(buffer_.view().substr(whole_bytes()));
  buffer_.truncate(whole_bytes());
  buffer_.append(bytes);
}

void StreamHandler::write_at_once() {
  const WriteResult result = write_whole_records(Refused::kWait);
  if (result.error == 0) return;
  // The caller tells and counts a record that is lost, if it is the only one here.
  if (result.lost == 1 && result.waiting == 0) throw Error(result.error, "cannot write to " + stream_name());
  tell(result, !pending());
}

void StreamHandler::discard_record() noexcept {
  buffer_.truncate(whole_bytes());
}

std::int64_t StreamHandler::next_position() {
  if (position_ == kUnknownPosition) position_ = ::lseek(descriptor_, 0, SEEK_CUR);
  return position_ < 0 ? -1 : position_ + static_cast<std::int64_t>(whole_bytes());
}

void StreamHandler::prepend(std::string_view bytes) {
  buffer_.prepend(bytes);
  for (std::size_t& end : ends_) end += bytes.size();
  if (noted_bytes_ != 0) noted_bytes_ += bytes.size();
}

void StreamHandler::flush() {
  const std::lock_guard guard(lock());
  write_out();
}

void StreamHandler::close() {
  const std::lock_guard guard(lock());
  write_out(Refused::kAreLost);
  release_stream();
}

void StreamHandler::defer_flush(bool deferred) {
  const std::lock_guard guard(lock());
  if (!deferred) write_out();
  deferred_ = deferred;
}

std::string StreamHandler::stream_name() const {
  if (descriptor_ == STDOUT_FILENO) return "<stdout>";
  if (descriptor_ == STDERR_FILENO) return "<stderr>";
  return "descriptor " + std::to_string(descriptor_);
}

void StreamHandler::attach_stream(int descriptor, Ownership ownership) noexcept {
  release_stream();
  descriptor_ = descriptor;
  ownership_ = ownership;
}

void StreamHandler::release_stream() noexcept {
  position_ = kUnknownPosition;
  stuck_ = torn_ = false;
  // A borrowed descriptor stays usable after close(), as Python's does.
  if (ownership_ == Ownership::kBorrowed) return;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace abi1
}  // namespace logbus
