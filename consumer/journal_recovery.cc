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
#include "journal_reading.h"
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

// Others than our own user may write it, or could before its permissions were changed: then it has the sticky
// bit, which means nothing else for a file, and which they can't take away.
bool is_shared(const shm::Segment& segment) {
  struct stat status {};
  const base::UniqueFd file = segment.reopen();
  return !file || ::fstat(file.get(), &status) != 0 || status.st_uid != ::geteuid() ||
         (status.st_mode & (S_IWGRP | S_IWOTH | S_ISVTX)) != 0;
}

class JournalRecovery {
 public:
  JournalRecovery(const shm::Segment& segment, const std::vector<std::string>& log_files)
      : segment_(segment), journal_(segment.journal()), log_files_(log_files), shared_(is_shared(segment)) {}

  Recovery run() {
    const JournalContents contents = read_journal(segment_);
    result_.files = contents.files;
    if (!contents.problem.empty())
      spoiled(contents.problem);
    else if (contents.state == JournalState::kSealed)
      finish_batch(contents);
    else if (contents.state == JournalState::kRotating)
      finish_rotation(contents.rotation);
    // Release: the files, and the positions, are as it wanted them.
    journal_.state.store(static_cast<std::uint32_t>(JournalState::kEmpty), std::memory_order_release);
    // A long record's, which nobody reads any more.
    const std::span<char> behind = segment_.journal_payload().subspan(shm::kPayloadAllocated);
    segment_.give_back(behind.data(), behind.size());
    return std::move(result_);
  }

 private:
  void spoiled(const std::string& what) {
    result_.warnings.push_back("the journal of " + segment_.path() + " is damaged (" + what +
                               "): what it was to complete is written again as far as the bus has it");
  }
  bool may_append(const std::string& path) const;
  bool may_rename(const std::string& from, const std::string& to) const;
  void finish_batch(const JournalContents& contents);
  void finish(const FileJob& job);
  base::UniqueFd find(const FileJob& job);
  void append(int file, const std::string& path, std::string_view bytes);
  void move_positions(const JournalContents& contents);
  void report_slot(const shm::JournalSlot& entry);
  void finish_rotation(const RotationJob& job);
  bool rename(const std::string& from, const std::string& to);
  void note_step(std::size_t step, const FileId& source);

  const shm::Segment& segment_;
  JournalHeader& journal_;
  const std::vector<std::string>& log_files_;
  const bool shared_;  // others can have written it
  Recovery result_;
};

/// `path` is that of a log file, or that with a dot and something behind: what a rotation makes of it.
bool is_kept_as(const std::string& path, const std::string& log_file) {
  return path.starts_with(log_file) &&
         (path.size() == log_file.size() ||
          (path[log_file.size()] == '.' && path.find('/', log_file.size()) == std::string::npos));
}

bool JournalRecovery::may_append(const std::string& path) const {
  return !shared_ || std::find(log_files_.begin(), log_files_.end(), path) != log_files_.end();
}

bool JournalRecovery::may_rename(const std::string& from, const std::string& to) const {
  return !shared_ || std::any_of(log_files_.begin(), log_files_.end(), [&](const std::string& file) {
    return is_kept_as(from, file) && is_kept_as(to, file);
  });
}

void JournalRecovery::finish_batch(const JournalContents& contents) {
  for (const FileJob& job : contents.jobs)
    if (!may_append(job.path)) return spoiled(job.path + " is no file of the configuration");
  for (const FileJob& job : contents.jobs) finish(job);
  move_positions(contents);
}

void JournalRecovery::finish(const FileJob& job) {
  base::UniqueFd file = find(job);
  bool found = static_cast<bool>(file);
  if (!found)
    file.reset(
        ::open(job.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
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
  const auto open = [&job](const std::string& path, int flags) {
    base::UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags));
    if (!file) return file;
    const std::optional<FileStatus> status = status_of(file.get());
    if (!status || !status->regular || !is_same(status->id, job.id)) file.reset();
    return file;
  };
  base::UniqueFd file = open(job.path, 0);
  if (file) return file;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(job.path).parent_path();
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    if (shared_ && !is_kept_as(path, job.path)) continue;
    const std::optional<FileStatus> status = status_of_name(path);
    if (status && status->regular && is_same(status->id, job.id) && (file = open(path, O_NOFOLLOW)))
      return file;
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

void JournalRecovery::move_positions(const JournalContents& contents) {
#ifdef LOGBUS_MUTANT_RECOVERY_WITHOUT_POSITIONS
  return;
#endif
  const auto raise = [](Word64& word, std::uint64_t value) {
    word.store(std::max(word.load(std::memory_order_relaxed), value), std::memory_order_relaxed);
  };
  raise(segment_.consumer().drained, contents.drained);
  raise(segment_.consumer().late, contents.late);
  raise(segment_.consumer().truncated, contents.truncated);
  raise(segment_.consumer().invalid_utf8, contents.invalid_utf8);
  raise(segment_.consumer().newest_ticks, contents.newest_ticks);
  raise(segment_.consumer().overwritten, contents.overwritten);
  raise(segment_.consumer().dropped_reported, contents.dropped_reported);
  for (const shm::JournalLane& entry : contents.lanes) {
    const auto lane = static_cast<std::uint32_t>(entry.tenant >> 48);
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
    if (entry.read > line.committed.load(std::memory_order_acquire)) continue;
    // Release: as in LaneMerge::commit().
    if (entry.read > reader.read.load(std::memory_order_relaxed))
      reader.read.store(entry.read, std::memory_order_release);
  }
  for (const shm::JournalSlot& entry : contents.slots) report_slot(entry);
}

void JournalRecovery::report_slot(const shm::JournalSlot& entry) {
  if (entry.index >= segment_.slots()) return;
  shm::ProcessSlot& slot = segment_.slot(static_cast<std::uint32_t>(entry.index));
  if (slot.word.load(std::memory_order_relaxed) == entry.word &&
      slot.told_no_lane.load(std::memory_order_relaxed) < entry.told)
    slot.told_no_lane.store(entry.told, std::memory_order_relaxed);
}

// Of a shared one nothing is replaced: if something was to be, none of the renames has been done, and the
// handler will do them all. What is to be deleted goes with its next rotation.
void JournalRecovery::finish_rotation(const RotationJob& job) {
  for (const auto& [from, to] : job.renames)
    if (!may_rename(from, to)) return spoiled(from + " is no file of the configuration");
  const bool begun = job.step != shm::kBeforeRenames;
  for (std::size_t i = begun ? job.step : 0; i < job.renames.size(); ++i) {
    const auto& [from, to] = job.renames[i];
    const std::optional<FileStatus> status = status_of_name(from);
    if (begun && i == job.step) {  // it may have been done: then the name is nobody's, or another file's
#ifndef LOGBUS_MUTANT_RENAME_AGAIN
      if (!status || !(status->id == job.source)) continue;
#endif
    } else {
      note_step(i, status ? status->id : FileId{});
    }
    if (!status) continue;
    // As in a handler: those behind it would take what it leaves for what they replace.
    if (shared_ && (!status->regular || status_of_name(to))) return;
    if (!rename(from, to)) return;
  }
  note_step(job.renames.size(), {});
  for (const std::string& name : shared_ ? std::vector<std::string>() : job.deletions) {
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
void JournalRecovery::note_step(std::size_t step, const FileId& source) {
  journal_.rotation.source = source;
  journal_.rotation.step.store(static_cast<std::uint32_t>(step), std::memory_order_release);
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
