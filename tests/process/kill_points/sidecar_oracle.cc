// SPDX-License-Identifier: MIT
#include "sidecar_oracle.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "one_thread.h"
#include "oracle.h"
#include "shm/segment.h"
#include "small_disk.h"

namespace logbus::kill_points {
namespace {

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

void check_directory(const Stage& stage) {
  for (const auto& entry : std::filesystem::directory_iterator(stage.directory)) {
    const std::string name = entry.path().filename();
    require(name == "test.logbus" || name == "logs", "a file is left: " + name);
  }
}

}  // namespace

void finish_bus(const Stage& stage) {
  stage.sidecar->open();
  stage.sidecar->drain();
  stage.sidecar->clean();
  stage.sidecar->close();
  check_directory(stage);
  const shm::Segment segment = shm::Segment::open_existing(stage.options, shm::Segment::Role::kSidecar);
  const shm::JournalHeader& journal = segment.journal();
  require(journal.state.load() == static_cast<std::uint32_t>(shm::JournalState::kEmpty),
          "the journal is in state " + std::to_string(journal.state.load()));
  require(journal.tables[journal.table.load() & 1].count == 0, "files are still in use");
  const detail::Region payload = segment.preamble().journal_payload;
  const off_t data =
      ::lseek(segment.reopen().get(), static_cast<off_t>(payload.offset + shm::kPayloadAllocated), SEEK_DATA);
  require(data < 0 || data >= static_cast<off_t>(payload.offset + payload.size),
          "the journal keeps the memory of a long record");
  static_cast<void>(check_given_back(stage, "test"));
  const shm::ConsumerControl& control = segment.consumer();
  std::size_t i = 0;
  for (const detail::Word64* counter :
       {&control.drained, &control.late, &control.truncated, &control.dropped_reported, &control.overwritten})
    stage.board->counters[i++] = counter->load();
}

Files files_of(const Stage& stage) {
  static const std::regex times("between [0-9:.]+ and [0-9:.]+");
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(stage.directory + "/logs")) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kFiller) || entry.is_directory()) continue;
    std::string& text = files[name];
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      // Perhaps with the beginning of a line that has been written once more since.
      if (line.ends_with(kForeign)) continue;
      if (line.starts_with("logbus ")) line = std::regex_replace(line, times, "between");
      text += line + (file.eof() ? "" : "\n");
    }
  }
  if (const auto moved = files.find("moved.log"); moved != files.end()) {
    files["all.log"] += moved->second;
    files.erase(moved);
  }
  return files;
}

Files joined(const Files& files) {
  static const std::regex number("[.]([0-9])$");
  Files all;
  // The names of a series: "few.log", "few.log.1", "few.log.2".
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    all[std::regex_replace(file->first, number, "")] += file->second;
  return all;
}

void check_records_of(const Stage& stage, const Files& files) {
  Board& board = *stage.board;
  std::istringstream lines(files.at("all.log"));
  std::size_t last[kWriters] = {};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t name_end = line.find(' ');
    require(name_end != std::string::npos, "a torn line: " + line);
    const std::string name = line.substr(0, name_end), message = line.substr(name_end + 1);
    if (name == "quiet" || name == "pair") continue;  // not counted
    note(board, name, message);
    std::size_t who = 0, n = 0;
    if (name == "logbus" || std::sscanf(message.c_str(), "record %zu %zu", &who, &n) != 2) continue;
    require(n >= last[who], "out of order: " + line);
    last[who] = n;
  }
  std::uint64_t issued = 0, seen = 0;
  for (std::size_t who = 0; who < kWriters; ++who) {
    for (std::size_t n = 0; n < kMostRecords; ++n) {
      require(board.seen[who][n] <= 1 && (board.seen[who][n] == 0 || n < board.issued[who]),
              "record " + std::to_string(n) + " of " + std::to_string(who) + " is there too often");
      seen += board.seen[who][n];
    }
    issued += board.issued[who];
  }
  require(seen > 0 && seen + board.told == issued, std::to_string(issued) + " calls, " +
                                                       std::to_string(seen) + " delivered, " +
                                                       std::to_string(board.told) + " told as dropped");
}

void check_files(const Files& files, const Files& wanted) {
  for (const auto& [name, text] : wanted) {
    const auto found = files.find(name);
    require(found != files.end(), name + " is not there");
    require(found->second == text, name + " differs:\n" + found->second + "# wanted:\n" + text);
  }
  for (const auto& [name, text] : files) require(wanted.contains(name), name + " is too much");
}

}  // namespace logbus::kill_points
