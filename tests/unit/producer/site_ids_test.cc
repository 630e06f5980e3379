// SPDX-License-Identifier: MIT
// Sites without allocation, and level names.
#include <gtest/gtest.h>

#include <span>
#include <string>

#include <logbus/level.h>
#include <logbus/logger.h>

#include "producer/level_names.h"
#include "producer/logger_tree.h"
#include "producer/site_ids.h"
#include "wire/codec.h"

namespace logbus {
namespace {

const detail::LoggerGate& gate_of(const std::string& name) {
  return reinterpret_cast<const detail::LoggerGate&>(get_logger(name));  // its first base, a private one
}

TEST(SiteIdsTest, EncodedSiteIsWhatTheWireDecodes) {
  constexpr detail::CallSite site{"format {}", "dir/file.cc", "function", 1, 9, 123, MessageStyle::kBrace};
  char bytes[512];
  const std::size_t size = producer::encode_site(gate_of("a.b"), 30, site, bytes);
  ASSERT_NE(size, 0U);
  wire::Site decoded;
  ASSERT_TRUE(wire::decode_site(std::as_bytes(std::span(bytes, size)), decoded));
  EXPECT_EQ(decoded, (wire::Site{"a.b", 30, "WARNING", "dir/file.cc", 123, "function", MessageStyle::kBrace,
                                 "format {}"}));
  EXPECT_EQ(producer::encode_site(gate_of("a.b"), 30, site, std::span(bytes, size - 1)), 0U);
  EXPECT_EQ(producer::encode_site(gate_of("a.b"), 30, site, std::span(bytes, size)), size);
}

TEST(SiteIdsTest, LevelsHaveTheirNames) {
  EXPECT_EQ(producer::LevelName(20).text(), "INFO");
  EXPECT_EQ(producer::LevelName(-7).text(), "Level -7");
  add_level_name(Level{7}, "FINE");
  EXPECT_EQ(producer::LevelName(7).text(), "FINE");
}

}  // namespace
}  // namespace logbus
