// SPDX-License-Identifier: MIT
// dump of a bus that is damaged, and of files that are none.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/error.h>
#include "dump_test.h"
#include "tools/bus_statistics.h"
#include "tools/stat.h"

namespace logbus::testing {
namespace {

TEST_F(DumpTest, ShowsWhatItCannotReadAndGoesOn) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "rx-1");
    const std::vector<std::byte> garbage(24, std::byte{0xC1});
    writer.put(garbage, 20, false, writer.site("a", 20, "{}"));
    writer.put(TestWriter::payload("x"), 20, false, 63);  // a site that does not exist
    writer.log("a", 20, "{}", "fine");
  });
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_objects(snapshot, "unreadable").size(), 2U);
  EXPECT_EQ(dumped_messages(snapshot), Messages{"fine"});
}

TEST_F(DumpTest, SaysWhereALaneIsDamaged) {
  Child child([&] { two_threads(options_); });
  child.kill();
  {
    const shm::Segment segment = sidecar();
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(segment.lane_file_offset(0)));
    file.write("\3\0\0\0", 4);  // a frame of three bytes
  }
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), (Messages{"query tx0", "query tx1", "query tx2"}));
  EXPECT_EQ(dumped_objects(snapshot, "lane").at(0)["damaged_at"], 0);
}

TEST_F(DumpTest, SurvivesWordsThatMakeNoSense) {
  Child child([&] { two_threads(options_); });
  child.kill();
  const shm::Segment segment = sidecar();
  shm::ProducerLine& line = segment.producer_line(0);
  const auto expect_damaged = [&] {
    auto snapshot = this->snapshot();
    EXPECT_TRUE(snapshot.read_lane(0).corrupt_at);
    EXPECT_EQ(dumped_messages(snapshot).size(), 3U);
  };
  const std::uint64_t committed = line.committed.load();
  line.committed.store(~std::uint64_t{0});
  expect_damaged();
  line.committed.store(committed);
  line.origin[1].store(committed + 8);
  expect_damaged();
  line.origin[1].store(0);
  segment.consumer_line(0).read.store(committed + 8);
  expect_damaged();
}

TEST_F(DumpTest, SurvivesRandomDamage) {
  Child child([&] { two_threads(options_); });
  child.kill();
  std::string good;
  {
    std::ifstream file(path(), std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(file), {});
  }
  const detail::Preamble p = snapshot().preamble();
  const detail::Region targets[] = {p.consumer_control, p.consumer_lines, p.shared_control,
                                    p.slots_region,     p.producer_lines, p.step_table,
                                    p.site_table,       p.site_arena,     {p.data.offset, 1024, 0}};
  const auto seed = static_cast<std::uint32_t>(detail::clock_ns(CLOCK_REALTIME));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> places;
    for (int change = 0; change < 4; ++change) {
      const detail::Region& target = targets[random() % std::size(targets)];
      // What is in use lies in front of each table.
      const std::uint64_t size = std::min<std::uint64_t>(target.size, 1024);
      const std::uint64_t at = (target.offset + random() % size) & ~std::uint64_t{7};
      const std::uint64_t words[] = {0, ~std::uint64_t{0}, random() % 4096,
                                     std::uint64_t{random()} << 32 | random()};
      places.push_back(at);
      file.seekp(static_cast<std::streamoff>(at));
      file.write(reinterpret_cast<const char*>(&words[random() % 4]), 8);
    }
    file.flush();
    auto damaged = snapshot();
    tools::DumpOptions options;
    options.site = true;
    dump_text(damaged, options);
    options.json = true;
    std::istringstream lines(dump_text(damaged, options));
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    tools::stat_text(damaged, tools::collect_statistics(damaged), true);
    for (const std::uint64_t at : places) {
      file.seekp(static_cast<std::streamoff>(at));
      file.write(&good[at], 8);
    }
  }
  file.flush();
  auto again = snapshot();
  EXPECT_EQ(dumped_messages(again), kTurns);
}

class BrokenFileTest : public DumpTest {
 protected:
  /// What opening the file says.
  std::string refusal(const std::string& file) {
    try {
      shm::Snapshot::of_file(file);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  void expect_refusal(const std::string& words) {
    EXPECT_NE(refusal(path()).find(words), std::string::npos) << refusal(path());
    EXPECT_NE(refusal(path()).find(path()), std::string::npos) << refusal(path());
  }
  void overwrite(std::size_t at, std::string_view bytes) {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void SetUp() override { shm::Attachment::attach(options_, ""); }
};

TEST_F(BrokenFileTest, RefusesATruncatedSegment) {
  ASSERT_EQ(::truncate(path().c_str(), 1 << 20), 0);
  expect_refusal("truncated");
  ASSERT_EQ(::truncate(path().c_str(), 100), 0);
  expect_refusal("too short");
  ASSERT_EQ(::truncate(path().c_str(), 0), 0);
  expect_refusal("too short");
}

TEST_F(BrokenFileTest, RefusesGarbage) {
  overwrite(0, std::string(4096, 'x'));
  expect_refusal("not a logbus segment");
}

TEST_F(BrokenFileTest, RefusesAnotherVersion) {
  overwrite(7, "\x63");
  expect_refusal("layout version 99");
}

TEST_F(BrokenFileTest, RefusesADamagedPreamble) {
  overwrite(offsetof(detail::Preamble, slots_region), "\xFF\xFF\xFF");
  expect_refusal("damaged");
}

TEST_F(BrokenFileTest, RefusesWhatIsNoFile) {
  const std::string fifo = directory_.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(refusal(fifo).find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal(directory_.path()).find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal(directory_.path() + "/none").find("can't open"), std::string::npos);
}

TEST_F(BrokenFileTest, SaysWhenTheFileGetsShorterMeanwhile) {
  auto snapshot = this->snapshot();
  ASSERT_EQ(::truncate(path().c_str(), 1 << 10), 0);
  EXPECT_THROW(snapshot.refresh(), Error);
}

}  // namespace
}  // namespace logbus::testing
