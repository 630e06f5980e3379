// SPDX-License-Identifier: MIT
#include "journal_recovery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <logbus/error.h>

#include "base/unique_fd.h"
#include "file_completion.h"
#include "file_status.h"
#include "record/disk_full.h"

namespace logbus::consumer {
namespace {

using namespace detail;
using shm::FileId;
using shm::JournalHeader;
using shm::JournalState;

// What others have appended behind a batch is looked through for its lines up to here.
constexpr std::uint64_t kMostTail = 64 << 20;

bool is_same(const FileId& a, const FileId& b) {
  return a.device == b.device && a.inode == b.inode &&
         (a.born_ns == b.born_ns || a.born_ns == 0 || b.born_ns == 0);
}

std::string reason(int error) {
  return std::string(": ") + std::strerror(error);
}

bool is_ours(const shm::Segment& segment) {
  struct stat status {};
  const base::UniqueFd file = segment.reopen();
  return file && ::fstat(file.get(), &status) == 0 && status.st_uid == ::geteuid() &&
         (status.st_mode & 022) == 0;
}

bool is_path(const std::string& text) {
  return text.starts_with('/') && text.find('\0') == std::string::npos;
}

/// All that the ops have for one file, in their order.
struct FileJob {
  std::string path;
  FileId id{};
  std::uint64_t offset = 0;
  std::string lines;
};

class JournalRecovery {
 public:
  JournalRecovery(const shm::Segment& segment, const std::vector<std::string>& log_files)
      : segment_(segment), journal_(segment.journal()), log_files_(log_files), ours_(is_ours(segment)) {}

  Recovery run() {
    read_files();
    const auto state = static_cast<JournalState>(journal_.state.load(std::memory_order_acquire));
    if (state == JournalState::kSealed)
      finish_batch();
    else if (state == JournalState::kRotating)
      finish_rotation();
    else if (state != JournalState::kEmpty)
      spoiled("its state is none");
    // Release: the files, and the positions, are as it wanted them.
    journal_.state.store(static_cast<std::uint32_t>(JournalState::kEmpty), std::memory_order_release);
    return std::move(result_);
  }

 private:
  void spoiled(const std::string& what) {
    result_.warnings.push_back("the journal of " + segment_.path() + " is damaged (" + what +
                               "): what it was to complete is written again as far as the bus has it");
  }
  bool may_touch(const std::string& path) const;
  std::optional<std::string> payload(std::uint64_t begin, std::uint64_t bytes) const;
  void read_files();
  bool read_jobs(std::vector<FileJob>& jobs);
  void finish_batch();
  void finish(const FileJob& job);
  base::UniqueFd find(const FileJob& job);
  void append(int file, const std::string& path, std::string_view bytes);
  void move_positions();
  void report_slot(const shm::JournalSlot& entry);
  void finish_rotation();
  bool rename(const std::string& from, const std::string& to);
  void note_step(std::uint32_t step, const FileId& source);

  const shm::Segment& segment_;
  JournalHeader& journal_;
  const std::vector<std::string>& log_files_;
  const bool ours_;  // nobody else can have written it
  Recovery result_;
};

bool JournalRecovery::may_touch(const std::string& path) const {
  return ours_ || std::any_of(log_files_.begin(), log_files_.end(), [&path](const std::string& file) {
           return path.starts_with(file) &&
                  (path.size() == file.size() ||
                   (path[file.size()] == '.' && path.find('/', file.size()) == std::string::npos));
         });
}

// By read(2), not through the mapping: nothing that is no memory of the file can be touched.
std::optional<std::string> JournalRecovery::payload(std::uint64_t begin, std::uint64_t bytes) const {
  const Region region = segment_.preamble().journal_payload;
  if (begin > region.size || bytes > region.size - begin) return std::nullopt;
  const base::UniqueFd file = segment_.reopen();
  std::string text(bytes, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::pread(file.get(), text.data() + have, text.size() - have,
                                  static_cast<off_t>(region.offset + begin + have));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    have += static_cast<std::size_t>(count);
  }
  return text;
}

void JournalRecovery::read_files() {
  const shm::JournalFileTable& table = journal_.tables[journal_.table.load(std::memory_order_acquire) & 1];
  const std::uint32_t count = std::min(table.count, shm::kJournalFiles);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto [name, bytes] = table.entries[i];
    if (name > sizeof table.names || bytes > sizeof table.names - name) break;
    std::string path(table.names + name, bytes);
    if (!is_path(path)) break;
    result_.files.push_back(std::move(path));
  }
}

bool JournalRecovery::read_jobs(std::vector<FileJob>& jobs) {
  const std::uint32_t count = journal_.ops;
  if (count > shm::kJournalOps) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const shm::JournalOp op = journal_.op[i];
    std::optional<std::string> lines = payload(op.begin, op.bytes);
    if (op.file >= result_.files.size() || !lines) return false;
    const auto known = std::find_if(jobs.begin(), jobs.end(),
                                    [&](const FileJob& job) { return is_same(job.id, op.file_id); });
    if (known != jobs.end())
      known->lines += *lines;
    else
      jobs.push_back({result_.files[op.file], op.file_id, op.offset, std::move(*lines)});
  }
  return true;
}

void JournalRecovery::finish_batch() {
  std::vector<FileJob> jobs;
  if (!read_jobs(jobs)) return spoiled("a part that is not in it");
  for (const FileJob& job : jobs) finish(job);
  move_positions();
}

void JournalRecovery::finish(const FileJob& job) {
  if (!may_touch(job.path)) return spoiled(job.path + " is no file of the configuration");
  base::UniqueFd file = find(job);
  bool found = static_cast<bool>(file);
  if (!found)
    file.reset(::open(job.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!file) {
    const int error = errno;
    if (record::is_disk_full(error)) throw NoRoomToRecover(error, "cannot open " + job.path);
    result_.warnings.push_back(job.path + ": its last lines before the kill are lost" + reason(error));
    return;
  }
  const std::optional<FileStatus> status = status_of(file.get());
  if (!found || !status || status->size < job.offset) {
    result_.warnings.push_back(job.path + (found ? " is shorter than it was" : " is another file by now") +
                               ": its last lines before the kill follow, and may repeat some");
    return append(file.get(), job.path, job.lines);
  }
  std::string tail(std::min(status->size - job.offset, kMostTail), '\0');
  const ssize_t count = ::pread(file.get(), tail.data(), tail.size(), static_cast<off_t>(job.offset));
  tail.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  const Missing missing = missing_lines(job.lines, tail);
  append(file.get(), job.path, missing.bytes);
  if (!missing.bytes.empty())
    result_.notes.push_back(job.path + ": " + std::to_string(missing.bytes.size()) +
                            " bytes were not written before the kill, and follow");
}

// The file that it was, by its name or, if that is another one's by now, by any in its directory.
base::UniqueFd JournalRecovery::find(const FileJob& job) {
  const auto open = [&job](const std::string& path) {
    base::UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return file;
    const std::optional<FileStatus> status = status_of(file.get());
    if (!status || !status->regular || !is_same(status->id, job.id)) file.reset();
    return file;
  };
  base::UniqueFd file = open(job.path);
  if (file) return file;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(job.path).parent_path();
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    const std::optional<FileStatus> status = status_of_name(path);
    if (!may_touch(path)) continue;
    if (status && status->regular && is_same(status->id, job.id) && (file = open(path))) return file;
  }
  return file;
}

void JournalRecovery::append(int file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = count < 0 ? errno : EIO;
      if (record::is_disk_full(error)) throw NoRoomToRecover(error, "cannot write to " + path);
      result_.warnings.push_back(path + ": " + std::to_string(bytes.size()) +
                                 " bytes of before the kill are lost" + reason(error));
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void JournalRecovery::move_positions() {
#ifdef LOGBUS_MUTANT_RECOVERY_WITHOUT_POSITIONS
  return;
#endif
  const auto raise = [](Word64& word, std::uint64_t value) {
    word.store(std::max(word.load(std::memory_order_relaxed), value), std::memory_order_relaxed);
  };
  raise(segment_.consumer().drained, journal_.drained);
  raise(segment_.consumer().late, journal_.late);
  raise(segment_.consumer().newest_ticks, journal_.newest_ticks);
  raise(segment_.consumer().overwritten, journal_.overwritten);
  raise(segment_.consumer().dropped_reported, journal_.dropped_reported);
  const std::uint32_t count = std::min(journal_.lanes, segment_.lanes());
  for (const shm::JournalLane& entry : segment_.journal_lanes().first(count)) {
    const auto lane = static_cast<std::uint32_t>(entry.tenant >> 48);
    const std::uint64_t read = entry.read;
    if (lane >= segment_.lanes()) continue;
    const shm::ProducerLine& line = segment_.producer_line(lane);
    shm::ConsumerLine& reader = segment_.consumer_line(lane);
    // Over all tenants, so whoever has it by now: a lane without unread frames may have been let again.
    for (std::size_t s = 0; s < kSeverities; ++s)
      if (entry.reported[s] > reader.reported[s].load(std::memory_order_relaxed) &&
          entry.reported[s] <= line.dropped[s].load(std::memory_order_acquire))
        reader.reported[s].store(entry.reported[s], std::memory_order_relaxed);
    if (entry.passed > reader.passed.load(std::memory_order_relaxed) &&
        entry.passed <= line.records.load(std::memory_order_acquire))
      reader.passed.store(entry.passed, std::memory_order_relaxed);
    // With unread frames the lane can't be let to another tenant between this look and the store; without any
    // there is nothing to store.
    const LaneWord word = unpack_lane(line.word.load(std::memory_order_acquire));
    if (shm::pack_tenant(lane, word.tenancy) != entry.tenant) continue;
    if (read > line.committed.load(std::memory_order_acquire)) continue;
    // Release: as in LaneMerge::commit().
    if (read > reader.read.load(std::memory_order_relaxed))
      reader.read.store(read, std::memory_order_release);
  }
  for (const shm::JournalSlot& entry :
       std::span(journal_.slot).first(std::min(journal_.slots, shm::kJournalSlots)))
    report_slot(entry);
}

void JournalRecovery::report_slot(const shm::JournalSlot& entry) {
  if (entry.index >= segment_.slots()) return;
  shm::ProcessSlot& slot = segment_.slot(static_cast<std::uint32_t>(entry.index));
  if (slot.word.load(std::memory_order_relaxed) == entry.word &&
      slot.told_no_lane.load(std::memory_order_relaxed) < entry.told)
    slot.told_no_lane.store(entry.told, std::memory_order_relaxed);
}

void JournalRecovery::finish_rotation() {
  const shm::JournalRotation& rotation = journal_.rotation;
  const std::uint32_t renames = rotation.renames;
  const std::uint32_t deletions = rotation.deletions;
  const auto texts = payload(shm::kRotationBegin, rotation.bytes);
  std::vector<std::string> names;
  for (std::size_t at = 0; texts && at < texts->size();) {
    std::uint32_t size = 0;
    if (texts->size() - at < sizeof size) return spoiled("a rotation without its end");
    std::memcpy(&size, texts->data() + at, sizeof size);
    at += sizeof size;
    if (size > texts->size() - at) return spoiled("a rotation without its end");
    names.push_back(texts->substr(at, size));
    if (!is_path(names.back())) return spoiled("what is no path");
    if (!may_touch(names.back())) return spoiled(names.back() + " is no file of the configuration");
    at += size;
  }
  if (!texts || names.size() != 2 * std::uint64_t{renames} + deletions)
    return spoiled("a rotation without names");
  std::uint32_t next = rotation.step.load(std::memory_order_relaxed);
  const bool begun = next != shm::kBeforeRenames;
  if (!begun) next = 0;
  if (next > renames) return spoiled("a rotation that is past its end");
  for (std::uint32_t i = next; i < renames; ++i) {
    const std::optional<FileStatus> status = status_of_name(names[2 * i]);
    if (begun && i == next) {  // it may have been done: then the name is nobody's, or another file's
#ifndef LOGBUS_MUTANT_RENAME_AGAIN
      if (!status || !(status->id == rotation.source)) continue;
#endif
    } else {
      note_step(i, status ? status->id : FileId{});
    }
    // As in a handler: those behind it would take what it leaves for what they replace.
    if (status && !rename(names[2 * i], names[2 * i + 1])) return;
  }
  note_step(renames, {});
  for (std::uint32_t i = 0; i < deletions; ++i) {
    const std::string& name = names[2 * renames + i];
    if (::unlink(name.c_str()) != 0 && errno != ENOENT)
      result_.warnings.push_back("cannot remove " + name + reason(errno));
  }
  result_.notes.push_back("a rotation that the kill had interrupted is finished");
}

bool JournalRecovery::rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return true;
  result_.warnings.push_back("cannot rename " + from + " to " + to + reason(errno) +
                             ": the rotation that the kill had interrupted ends there");
  return false;
}

// Before it is done, as the handlers do: this may be killed too.
void JournalRecovery::note_step(std::uint32_t step, const FileId& source) {
  journal_.rotation.source = source;
  journal_.rotation.step.store(step, std::memory_order_release);
}

}  // namespace

bool back_journal(const shm::Segment& segment) noexcept {
  return segment.back(&segment.journal(), segment.preamble().journal.size);
}

Recovery recover_journal(const shm::Segment& segment, const std::vector<std::string>& log_files) {
  // One that has been written to has memory.
  if (!back_journal(segment)) return {};
  return JournalRecovery(segment, log_files).run();
}

}  // namespace logbus::consumer
