// SPDX-License-Identifier: MIT
// What a restart makes of a journal that a killed sidecar has left, in whatever state.
#include "journal_recovery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "file_status.h"
#include "shm/caretaker.h"
#include "support/shm_bus.h"

namespace logbus::consumer {
namespace {

using shm::JournalHeader;
using shm::JournalState;

class JournalRecoveryTest : public ::testing::Test {
 protected:
  JournalRecoveryTest() : segment_(shm::Segment::open(options_, shm::Segment::Role::kSidecar)) {
    EXPECT_TRUE(back_journal(segment_));
    EXPECT_TRUE(segment_.back(segment_.journal_payload().data(), shm::kPayloadAllocated));
  }

  JournalHeader& journal() { return segment_.journal(); }
  std::string path(const std::string& name) { return files_.path() + "/" + name; }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::app) << text;
  }
  std::string get(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  void set_state(JournalState state) { journal().state.store(static_cast<std::uint32_t>(state)); }
  Recovery recover(const std::vector<std::string>& log_files = {}) {
    return recover_journal(segment_, log_files);
  }
  bool is_empty() { return journal().state.load() == 0; }

  /// A batch for one file, sealed as it is now.
  void seal(const std::string& name, const std::string& lines) {
    shm::JournalFileTable& table = journal().tables[0];
    const std::string full = path(name);
    const std::uint32_t index = table.count;
    const std::uint32_t begin =
        index == 0 ? 0 : table.entries[index - 1].name + table.entries[index - 1].bytes;
    std::memcpy(table.names + begin, full.data(), full.size());
    table.entries[index] = {begin, static_cast<std::uint32_t>(full.size())};
    table.count = index + 1;
    std::memcpy(segment_.journal_payload().data() + payload_, lines.data(), lines.size());
    const auto status = status_of_name(full);
    journal().op[journal().ops++] = {status->id, status->size, payload_, lines.size(), index, 0};
    payload_ += lines.size();
    set_state(JournalState::kSealed);
  }
  void rotate(const std::vector<std::string>& names, std::uint32_t renames) {
    std::string texts;
    for (const std::string& name : names) {
      const std::string full = path(name);
      const auto size = static_cast<std::uint32_t>(full.size());
      texts.append(reinterpret_cast<const char*>(&size), sizeof size);
      texts += full;
    }
    std::memcpy(segment_.journal_payload().data() + shm::kRotationBegin, texts.data(), texts.size());
    shm::JournalRotation& rotation = journal().rotation;
    rotation.renames = renames;
    rotation.deletions = static_cast<std::uint32_t>(names.size() - 2 * renames);
    rotation.bytes = texts.size();
    rotation.source = {};
    rotation.step.store(shm::kBeforeRenames);
    set_state(JournalState::kRotating);
  }
  void note_step(std::uint32_t step, const std::string& source) {
    const auto status = status_of_name(path(source));
    journal().rotation.source = status ? status->id : shm::FileId{};
    journal().rotation.step.store(step);
  }

  testing::TempDir files_;
  testing::TempDir directory_;
  shm::BusOptions options_ = testing::small_bus(directory_);
  shm::Segment segment_;
  std::uint64_t payload_ = 0;
};

TEST_F(JournalRecoveryTest, LeavesAnEmptyOneAlone) {
  const Recovery recovery = recover();
  EXPECT_TRUE(recovery.notes.empty() && recovery.warnings.empty() && recovery.files.empty());
}

TEST_F(JournalRecoveryTest, WritesTheRestOfEachFileWhereverItWasCut) {
  const std::string a = "a one\na two\n", b = "b one\nb two\n";
  for (std::size_t cut = 0; cut <= a.size() + b.size(); ++cut) {
    SCOPED_TRACE(cut);
    journal().ops = 0;
    journal().tables[0].count = 0;
    const std::string tag = std::to_string(cut);
    put("a" + tag, "before\n");
    put("b" + tag, "before\n");
    seal("a" + tag, a);
    seal("b" + tag, b);
    put("a" + tag, a.substr(0, cut));
    if (cut > a.size()) put("b" + tag, b.substr(0, cut - a.size()));
    EXPECT_TRUE(recover().warnings.empty());
    EXPECT_EQ(get("a" + tag), "before\n" + a);
    EXPECT_EQ(get("b" + tag), "before\n" + b);
    EXPECT_TRUE(is_empty());
    set_state(JournalState::kSealed);  // killed before its last store, and started again
    recover();
    EXPECT_EQ(get("a" + tag), "before\n" + a);
    EXPECT_EQ(get("b" + tag), "before\n" + b);
  }
}

TEST_F(JournalRecoveryTest, WritesTwoPartsOfOneFileInTheirOrder) {
  put("f", "");
  seal("f", "first\n");
  seal("f", "second\n");
  put("f", "first\nsec");
  recover();
  EXPECT_EQ(get("f"), "first\nsecond\n");
}

TEST_F(JournalRecoveryTest, FindsAFileThatWasMovedInItsDirectory) {
  put("f", "before\n");
  seal("f", "one\ntwo\n");
  put("f", "one\nt");
  std::filesystem::rename(path("f"), path("f.1"));
  put("f", "another\n");
  EXPECT_TRUE(recover().warnings.empty());
  EXPECT_EQ(get("f.1"), "before\none\ntwo\n");
  EXPECT_EQ(get("f"), "another\n");
}

TEST_F(JournalRecoveryTest, WritesAllToANewFileIfTheOldOneHasGone) {
  put("f", "before\n");
  seal("f", "one\n");
  const int open_still = ::open(path("f").c_str(), O_RDONLY);  // its inode's number is not used again
  std::filesystem::remove(path("f"));
  EXPECT_EQ(recover().warnings.size(), 1U);
  EXPECT_EQ(get("f"), "one\n");
  ::close(open_still);
}

TEST_F(JournalRecoveryTest, WritesAllToAFileThatOthersHaveCut) {
  put("f", "before\n");
  seal("f", "one\ntwo\n");
  put("f", "one\n");
  std::filesystem::resize_file(path("f"), 3);
  EXPECT_EQ(recover().warnings.size(), 1U);
  EXPECT_EQ(get("f"), "befone\ntwo\n");
}

TEST_F(JournalRecoveryTest, TellsOfAFileThatCannotBeWritten) {
  put("f", "");
  seal("f", "one\n");
  std::filesystem::remove(path("f"));
  std::filesystem::create_directory(path("f"));
  EXPECT_EQ(recover().warnings.size(), 1U);
  EXPECT_TRUE(is_empty());
}

TEST_F(JournalRecoveryTest, MovesThePositionsOfTheSameTenantOnlyAndOnlyForward) {
  const auto tenant = [this](std::uint32_t lane, std::uint64_t tenancy, std::uint64_t committed) {
    segment_.producer_line(lane).word.store(detail::pack({detail::LaneState::kOpen, 0, tenancy}));
    segment_.producer_line(lane).committed.store(committed);
  };
  tenant(0, 7, 100);
  tenant(1, 8, 100);
  tenant(2, 9, 100);
  tenant(3, 9, 100);
  segment_.consumer_line(2).read.store(80);
  const auto lanes = segment_.journal_lanes();
  lanes[0] = {shm::pack_tenant(0, 7), 64, {1, 2, 3, 4, 5}, 0};
  segment_.producer_line(1).records.store(20);
  lanes[1] = {shm::pack_tenant(1, 7), 64, {3, 9}, 20};  // it was let to another one
  lanes[2] = {shm::pack_tenant(2, 9), 64, {}, 0};       // it has been read on
  lanes[3] = {shm::pack_tenant(3, 9), 1000, {}, 0};     // no position of it
  lanes[4] = {shm::pack_tenant(4000, 9), 8, {}, 0};     // no lane
  journal().slot[0] = {1, 5, 77};
  journal().slot[1] = {2, 5, 77};     // another one's by now
  journal().slot[2] = {4000, 5, 77};  // no slot
  journal().slots = 3;
  segment_.slot(1).word.store(5);
  segment_.slot(2).word.store(6);
  for (std::size_t s = 0; s < detail::kSeverities; ++s) segment_.producer_line(0).dropped[s].store(5);
  segment_.producer_line(1).dropped[0].store(3);
  journal().lanes = 5;
  journal().drained = 10;
  journal().late = 3;
  journal().truncated = 4;
  journal().invalid_utf8 = 5;
  journal().newest_ticks = 1000;
  segment_.consumer().drained.store(11);
  set_state(JournalState::kSealed);
  recover();
  EXPECT_EQ(segment_.consumer_line(0).read.load(), 64U);
  EXPECT_EQ(segment_.consumer_line(0).reported[4].load(), 5U);
  EXPECT_EQ(segment_.consumer_line(1).read.load(), 0U);
  EXPECT_EQ(segment_.consumer_line(1).passed.load(), 20U);      // these, too
  EXPECT_EQ(segment_.consumer_line(1).reported[0].load(), 3U);  // counted over all tenants
  EXPECT_EQ(segment_.consumer_line(1).reported[1].load(), 0U);  // more than there are
  EXPECT_EQ(segment_.consumer_line(2).read.load(), 80U);
  EXPECT_EQ(segment_.consumer_line(3).read.load(), 0U);
  EXPECT_EQ(segment_.slot(1).told_no_lane.load(), 77U);
  EXPECT_EQ(segment_.slot(2).told_no_lane.load(), 0U);
  EXPECT_EQ(segment_.consumer().drained.load(), 11U);
  EXPECT_EQ(segment_.consumer().late.load(), 3U);
  EXPECT_EQ(segment_.consumer().truncated.load(), 4U);
  EXPECT_EQ(segment_.consumer().invalid_utf8.load(), 5U);
  EXPECT_EQ(segment_.consumer().newest_ticks.load(), 1000U);
}

// Killed before, or behind, each of the renames of base -> .1 -> .2 -> .3, and again while that is completed.
TEST_F(JournalRecoveryTest, FinishesARotationFromEachOfItsSteps) {
  const std::vector<std::string> names = {"f.2", "f.3", "f.1", "f.2", "f", "f.1", "gone"};
  for (int point = 0; point <= 8; ++point) {
    SCOPED_TRACE(point);
    for (const char* name : {"f", "f.1", "f.2", "gone"}) put(name, name);
    rotate(names, 3);
    for (std::uint32_t step = 0; step < 3 && point > 0; ++step) {
      if (point < static_cast<int>(2 * step + 1)) break;
      note_step(step, names[2 * step]);
      if (point > static_cast<int>(2 * step + 1))
        std::filesystem::rename(path(names[2 * step]), path(names[2 * step + 1]));
    }
    if (point >= 7) note_step(3, "none");
    if (point == 8) std::filesystem::remove(path("gone"));
    if (point >= 6) put("f", "new");  // the name has a file again
    EXPECT_TRUE(recover().warnings.empty());
    EXPECT_EQ(get("f.3"), "f.2");
    EXPECT_EQ(get("f.2"), "f.1");
    EXPECT_EQ(get("f.1"), "f");
    EXPECT_EQ(get("f"), point >= 6 ? "new" : "");
    EXPECT_FALSE(std::filesystem::exists(path("gone")));
    EXPECT_TRUE(is_empty());
    for (const char* name : {"f", "f.1", "f.2", "f.3"}) std::filesystem::remove(path(name));
  }
}

// The renames behind one that fails would take the files that it has left for those that are to be replaced.
TEST_F(JournalRecoveryTest, EndsARotationAtARenameThatFails) {
  for (const bool begun : {false, true}) {
    SCOPED_TRACE(begun);
    for (const char* name : {"f", "f.1", "f.2", "old"}) put(name, name);
    std::filesystem::create_directory(path("f.3"));
    rotate({"f.2", "f.3", "f.1", "f.2", "f", "f.1", "old"}, 3);
    if (begun) note_step(0, "f.2");
    EXPECT_EQ(recover().warnings.size(), 1U);
    for (const char* name : {"f", "f.1", "f.2", "old"}) EXPECT_EQ(get(name), name);
    EXPECT_TRUE(is_empty());
    for (const char* name : {"f", "f.1", "f.2", "f.3", "old"}) std::filesystem::remove_all(path(name));
  }
}

// Whoever may write the segment could else have any file written, renamed or removed.
TEST_F(JournalRecoveryTest, OfASharedSegmentTouchesFilesOfTheConfigurationOnly) {
  const std::string segment = directory_.path() + "/test.logbus";
  ASSERT_EQ(::chmod(segment.c_str(), 0660), 0);
  put("secret", "");
  put("f", "");
  put("f.1", "");
  seal("secret", "one\n");
  EXPECT_EQ(recover({path("f")}).warnings.size(), 1U);
  EXPECT_EQ(get("secret"), "");
  for (const auto& [from, to] : {std::pair("secret", "f.1"), {"f", "secret.1"}, {"f", "g"}}) {
    rotate({from, to}, 1);
    EXPECT_EQ(recover({path("f"), path("g")}).warnings.size(), 1U);
  }
  EXPECT_TRUE(std::filesystem::exists(path("secret")) && std::filesystem::exists(path("f")));
  journal().ops = 0;
  seal("f", "one\n");
  seal("secret", "one\n");
  segment_.producer_line(0).committed.store(64);
  segment_.journal_lanes()[0] = {shm::pack_tenant(0, 0), 64, {}, 0};
  journal().lanes = 1;
  EXPECT_EQ(recover({path("f")}).warnings.size(), 1U);
  EXPECT_EQ(get("f"), "");  // else its records, which the bus still has, would be there twice
  EXPECT_EQ(segment_.consumer_line(0).read.load(), 0U);
  journal().ops = 0;
  seal("f", "one\n");
  EXPECT_TRUE(recover({path("f")}).warnings.empty());
  EXPECT_EQ(get("f"), "one\n");
  EXPECT_EQ(segment_.consumer_line(0).read.load(), 64U);
}

// Who could write to it may have it open still.
TEST_F(JournalRecoveryTest, OfASegmentThatWasSharedToo) {
  ASSERT_EQ(::chmod((directory_.path() + "/test.logbus").c_str(), 0660), 0);
  put("secret", "");
  for (int starts = 0; starts < 2; ++starts) {
    const shm::Caretaker caretaker(segment_, options_, {});  // 0600
    seal("secret", "one\n");
    EXPECT_EQ(recover({path("f")}).warnings.size(), 1U);
    EXPECT_EQ(get("secret"), "");
  }
}

TEST_F(JournalRecoveryTest, OfASharedSegmentReplacesAndRemovesNothing) {
  ASSERT_EQ(::chmod((directory_.path() + "/test.logbus").c_str(), 0660), 0);
  for (const char* name : {"f", "f.1", "f.3"}) put(name, name);
  rotate({"f.1", "f.2", "f", "f.1", "f.3"}, 2);
  EXPECT_TRUE(recover({path("f")}).warnings.empty());
  EXPECT_EQ(get("f.2"), "f.1");
  EXPECT_EQ(get("f.1"), "f");
  EXPECT_EQ(get("f.3"), "f.3");
  put("f", "new");
  rotate({"f", "f.1", "f", "f.3"}, 2);
  EXPECT_TRUE(recover({path("f")}).warnings.empty());
  EXPECT_EQ(get("f"), "new");
  EXPECT_EQ(get("f.1"), "f");
}

TEST_F(JournalRecoveryTest, HasNoMorePartsThanItsPayloadHasBytes) {
  put("f", "");
  seal("f", "one\n");
  for (std::uint32_t i = 1; i < shm::kJournalOps; ++i) {
    journal().op[i] = journal().op[0];
    journal().op[i].bytes = segment_.journal_payload().size();
  }
  journal().ops = shm::kJournalOps;
  EXPECT_EQ(recover().warnings.size(), 1U);
  EXPECT_EQ(get("f"), "");
}

TEST_F(JournalRecoveryTest, SurvivesAnyBytes) {
  std::mt19937 random(6);
  put("f", "text\n");
  for (int round = 0; round < 2000; ++round) {
    journal().ops = journal().lanes = 0;
    journal().tables[0].count = journal().tables[1].count = 0;
    journal().table.store(0);
    payload_ = 0;
    if (round % 2 == 0)
      seal("f", "line\n");
    else
      rotate({"none", "none.1", "none.2"}, 1);
    // A word or a few of the header, or of the lengths of names, is another one.
    auto* const words = reinterpret_cast<std::uint32_t*>(&journal());
    for (unsigned i = 0; i <= random() % 3; ++i) {
      // Of all but the paths themselves, which would lead anywhere.
      const std::size_t table = offsetof(JournalHeader, tables) / 4;
      std::uint32_t& word = words[random() % 2 == 0 ? random() % 46 : table + random() % 6];
      word = random() % 2 == 0 ? static_cast<std::uint32_t>(random()) : word + 1;
    }
    if (random() % 4 == 0) segment_.journal_payload()[shm::kRotationBegin + random() % 64] ^= 64;
    recover();
    EXPECT_TRUE(is_empty());
  }
}

}  // namespace
}  // namespace logbus::consumer
