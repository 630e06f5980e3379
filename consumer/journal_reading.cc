// SPDX-License-Identifier: MIT
// By read(2), not through the mapping: what has been checked can't change, and nothing that is no memory of
// the file can be touched.
#include "journal_reading.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <logbus/error.h>

#include "base/unique_fd.h"

namespace logbus::consumer {
namespace {

using shm::JournalHeader;
using shm::JournalState;

bool is_path(const std::string& text) {
  return text.starts_with('/') && text.find('\0') == std::string::npos;
}

class JournalReader {
 public:
  explicit JournalReader(const shm::Segment& segment) : segment_(segment), file_(segment.reopen()) {
    if (!file_) throw Error(ESTALE, segment.path() + " has been replaced");
  }

  JournalContents run() {
    if (!read(header_.get(), sizeof *header_, segment_.preamble().journal.offset)) {
      contents_.problem = "it is cut off";
      return std::move(contents_);
    }
    contents_.state = static_cast<JournalState>(header_->state.load(std::memory_order_relaxed));
    read_files();
    if (contents_.state == JournalState::kSealed)
      read_batch();
    else if (contents_.state == JournalState::kRotating)
      read_rotation();
    else if (contents_.state != JournalState::kEmpty)
      contents_.problem = "its state is none";
    return std::move(contents_);
  }

 private:
  bool read(void* to, std::size_t bytes, std::uint64_t from) const;
  std::optional<std::string> payload(std::uint64_t begin, std::uint64_t bytes) const;
  void read_files();
  void read_batch();
  bool read_jobs();
  void read_rotation();
  bool read_names(std::vector<std::string>& names) const;

  const shm::Segment& segment_;
  base::UniqueFd file_;
  std::unique_ptr<JournalHeader> header_ = std::make_unique<JournalHeader>();
  JournalContents contents_;
};

bool JournalReader::read(void* to, std::size_t bytes, std::uint64_t from) const {
  for (std::size_t have = 0; have < bytes;) {
    const ssize_t count =
        ::pread(file_.get(), static_cast<char*>(to) + have, bytes - have, static_cast<off_t>(from + have));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    have += static_cast<std::size_t>(count);
  }
  return true;
}

std::optional<std::string> JournalReader::payload(std::uint64_t begin, std::uint64_t bytes) const {
  const detail::Region region = segment_.preamble().journal_payload;
  if (begin > region.size || bytes > region.size - begin) return std::nullopt;
  std::string text(bytes, '\0');
  if (!read(text.data(), text.size(), region.offset + begin)) return std::nullopt;
  return text;
}

void JournalReader::read_files() {
  const shm::JournalFileTable& table = header_->tables[header_->table.load(std::memory_order_relaxed) & 1];
  const std::uint32_t count = std::min(table.count, shm::kJournalFiles);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto [name, bytes] = table.entries[i];
    if (name > sizeof table.names || bytes > sizeof table.names - name) break;
    std::string path(table.names + name, bytes);
    if (!is_path(path)) break;
    contents_.files.push_back(std::move(path));
  }
}

void JournalReader::read_batch() {
  if (!read_jobs()) {
    contents_.problem = "a part that is not in it";
    return;
  }
  contents_.lanes.resize(std::min(header_->lanes, segment_.lanes()));
  if (!read(contents_.lanes.data(), contents_.lanes.size() * sizeof(shm::JournalLane),
            segment_.preamble().journal.offset + shm::kJournalHeaderBytes))
    contents_.problem = "it is cut off";
  const std::uint32_t slots = std::min(header_->slots, shm::kJournalSlots);
  contents_.slots.assign(header_->slot, header_->slot + slots);
  contents_.drained = header_->drained;
  contents_.late = header_->late;
  contents_.truncated = header_->truncated;
  contents_.invalid_utf8 = header_->invalid_utf8;
  contents_.newest_ticks = header_->newest_ticks;
  contents_.overwritten = header_->overwritten;
  contents_.dropped_reported = header_->dropped_reported;
}

bool JournalReader::read_jobs() {
  if (header_->ops > shm::kJournalOps) return false;
  std::uint64_t left = segment_.preamble().journal_payload.size;  // no two parts share bytes of it
  for (std::uint32_t i = 0; i < header_->ops; ++i) {
    const shm::JournalOp& op = header_->op[i];
    if (op.file >= contents_.files.size() || op.bytes > left) return false;
    left -= op.bytes;
    std::optional<std::string> lines = payload(op.begin, op.bytes);
    if (!lines) return false;
    const auto known = std::find_if(contents_.jobs.begin(), contents_.jobs.end(),
                                    [&](const FileJob& job) { return job.id == op.file_id; });
    if (known != contents_.jobs.end())
      known->lines += *lines;
    else
      contents_.jobs.push_back({contents_.files[op.file], op.file_id, op.offset, std::move(*lines)});
  }
  return true;
}

void JournalReader::read_rotation() {
  const shm::JournalRotation& rotation = header_->rotation;
  std::vector<std::string> names;
  if (!read_names(names) || names.size() != 2 * std::uint64_t{rotation.renames} + rotation.deletions) {
    contents_.problem = "a rotation without names";
    return;
  }
  RotationJob& job = contents_.rotation;
  job.step = rotation.step.load(std::memory_order_relaxed);
  job.source = rotation.source;
  if (job.step != shm::kBeforeRenames && job.step > rotation.renames)
    contents_.problem = "a rotation that is past its end";
  for (std::size_t i = 0; i < rotation.renames; ++i)
    job.renames.emplace_back(std::move(names[2 * i]), std::move(names[2 * i + 1]));
  job.deletions.assign(names.begin() + 2 * std::ptrdiff_t{rotation.renames}, names.end());
}

bool JournalReader::read_names(std::vector<std::string>& names) const {
  const std::optional<std::string> texts = payload(shm::kRotationBegin, header_->rotation.bytes);
  if (!texts) return false;
  for (std::size_t at = 0; at < texts->size();) {
    std::uint32_t size = 0;
    if (texts->size() - at < sizeof size) return false;
    std::memcpy(&size, texts->data() + at, sizeof size);
    at += sizeof size;
    if (size > texts->size() - at) return false;
    names.push_back(texts->substr(at, size));
    if (!is_path(names.back())) return false;
    at += size;
  }
  return true;
}

}  // namespace

JournalContents read_journal(const shm::Segment& segment) {
  return JournalReader(segment).run();
}

}  // namespace logbus::consumer
