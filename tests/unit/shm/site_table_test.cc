// SPDX-License-Identifier: MIT
// Call sites: one entry a content, whatever the hashes; a damaged entry is no entry.
#include "shm/site_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using testing::small_bus;
using testing::TempDir;

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class SiteTableTest : public ::testing::Test {
 protected:
  std::string text(std::uint32_t id) const {
    const auto content = sites_.read(id);
    if (!content) return "(none)";
    return {reinterpret_cast<const char*>(content->data()), content->size()};
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_);
  Segment segment_ = Segment::open(options_, Segment::Role::kWorker);
  SiteTable sites_{segment_};
};

TEST_F(SiteTableTest, GivesBackWhatWasEntered) {
  const std::uint32_t id = sites_.intern(bytes_of("a.cpp:1"), 0x1234567800000005);
  EXPECT_EQ(id, 5U);
  EXPECT_EQ(text(id), "a.cpp:1");
  EXPECT_EQ(segment_.shared().sites_used.load(), 1U);
}

TEST_F(SiteTableTest, EntersTheSameContentOnce) {
  const std::uint64_t top = segment_.shared().arena_top.load();
  const std::uint32_t id = sites_.intern(bytes_of("a.cpp:1"), 7);
  const std::uint64_t after = segment_.shared().arena_top.load();
  EXPECT_GT(after, top);
  EXPECT_EQ(sites_.intern(bytes_of("a.cpp:1"), 7), id);
  EXPECT_EQ(segment_.shared().arena_top.load(), after);
  EXPECT_EQ(segment_.shared().sites_used.load(), 1U);
}

TEST_F(SiteTableTest, TellsContentsWithEqualHashesApart) {
  const std::uint32_t a = sites_.intern(bytes_of("a.cpp:1"), 0xABCDEF0100000009);
  const std::uint32_t b = sites_.intern(bytes_of("b.cpp:1"), 0xABCDEF0100000009);
  const std::uint32_t c = sites_.intern(bytes_of("a.cpp:11"), 0xABCDEF0100000009);
  EXPECT_EQ(std::set({a, b, c}).size(), 3U);
  EXPECT_EQ(text(a), "a.cpp:1");
  EXPECT_EQ(text(b), "b.cpp:1");
  EXPECT_EQ(text(c), "a.cpp:11");
  EXPECT_EQ(sites_.intern(bytes_of("b.cpp:1"), 0xABCDEF0100000009), b);
}

TEST_F(SiteTableTest, NeverGivesIdZeroForASite) {
  EXPECT_NE(sites_.intern(bytes_of("zero"), 0), 0U);
  EXPECT_NE(sites_.intern(bytes_of("zero too"), 64), 0U);
}

TEST_F(SiteTableTest, TakesEmptyAndLongContent) {
  const std::uint32_t empty = sites_.intern({}, 3);
  ASSERT_NE(empty, 0U);
  EXPECT_EQ(text(empty), "");
  const std::string longest(4000, 'x');
  const std::uint32_t id = sites_.intern(bytes_of(longest), 4);
  ASSERT_NE(id, 0U);
  EXPECT_EQ(text(id), longest);
}

TEST_F(SiteTableTest, GivesZeroWhenTheTableIsFullAndKeepsWhatIsThere) {
  std::set<std::uint32_t> ids;
  std::uint32_t entered = 0;
  for (std::uint32_t i = 0; i < 64; ++i) {
    const std::uint32_t id = sites_.intern(bytes_of("site " + std::to_string(i)), i);
    if (id == 0) continue;
    ++entered;
    EXPECT_EQ(text(id), "site " + std::to_string(i));
    ids.insert(id);
  }
  EXPECT_EQ(entered, 63U);
  EXPECT_EQ(ids.size(), 63U);
  EXPECT_EQ(sites_.intern(bytes_of("one more"), 99), 0U);
  EXPECT_EQ(text(sites_.intern(bytes_of("site 5"), 5)), "site 5") << "old ones are still found";
}

TEST_F(SiteTableTest, GivesZeroWhenTheArenaIsFull) {
  const std::string big(5000, 'x');
  std::uint32_t n = 0;
  while (n < 63 && sites_.intern(bytes_of(std::to_string(n) + big), n + 1) != 0) ++n;
  EXPECT_GT(n, 2U);
  EXPECT_LT(n, 5U) << "16 KiB of arena";
  EXPECT_NE(sites_.intern(bytes_of("small"), 40), 0U) << "what still fits, fits";
}

TEST_F(SiteTableTest, ReadsNothingUnderIdsThatAreNone) {
  EXPECT_FALSE(sites_.read(0));
  EXPECT_FALSE(sites_.read(5));
  EXPECT_FALSE(sites_.read(64));
  EXPECT_FALSE(sites_.read(0xFFFFFFFF));
}

TEST_F(SiteTableTest, ADamagedEntryIsNoEntryAndSpoilsNoOther) {
  const std::uint32_t id = sites_.intern(bytes_of("abcdefgh"), 5);
  const std::uint32_t other = sites_.intern(bytes_of("other"), 6);
  const std::uint64_t word = segment_.site_table()[id].load();
  std::byte* entry = segment_.site_arena() + (word & 0xFFFFFFFF) * 8;
  for (int at = 0; at < 16; ++at) {
    entry[at] ^= std::byte{0x40};
    EXPECT_FALSE(sites_.read(id)) << "byte " << at;
    EXPECT_EQ(text(other), "other");
    entry[at] ^= std::byte{0x40};
  }
  EXPECT_EQ(text(id), "abcdefgh");
  for (const std::uint64_t bad : {std::uint64_t{0xFFFFFFFF}, word + 1, word + 100000, ~std::uint64_t{0}}) {
    segment_.site_table()[id].store(bad);
    EXPECT_FALSE(sites_.read(id));
  }
  EXPECT_NE(sites_.intern(bytes_of("abcdefgh"), 5), id) << "the next slot takes it";
}

TEST_F(SiteTableTest, ADamagedArenaTopGivesNoRoomAndNoCrash) {
  for (const std::uint64_t bad : {~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    segment_.shared().arena_top.store(bad);
    EXPECT_EQ(sites_.intern(bytes_of("x"), 1), 0U);
  }
}

}  // namespace
}  // namespace logbus::shm
