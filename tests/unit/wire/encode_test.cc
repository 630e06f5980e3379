// SPDX-License-Identifier: MIT
// The bytes of every row of the argument table.
#include <logbus/detail/encode.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "payload.h"

namespace logbus::wire::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

enum class Colour : unsigned char { kRed = 7 };
enum Signed { kMinus = -1 };

struct Money {
  std::int64_t cents;
};
[[maybe_unused]] double logbus_value(const Money& money) {
  return static_cast<double>(money.cents) / 100;
}
struct Tree {
  std::vector<Tree> children;
};
[[maybe_unused]] const std::vector<Tree>& logbus_value(const Tree& tree) {
  return tree.children;
}
struct Plain {};

TEST(EncodeTest, WritesBools) {
  EXPECT_EQ(hex(encode(false)), "c2");
  EXPECT_EQ(hex(encode(true)), "c3");
}

TEST(EncodeTest, WritesSmallIntegersInFiveBytes) {
  EXPECT_EQ(hex(encode(1)), "d2 00 00 00 01");
  EXPECT_EQ(hex(encode(-1)), "d2 ff ff ff ff");
  EXPECT_EQ(hex(encode(std::numeric_limits<int>::min())), "d2 80 00 00 00");
  EXPECT_EQ(hex(encode(short{-2})), "d2 ff ff ff fe");
  EXPECT_EQ(hex(encode(static_cast<signed char>(-3))), "d2 ff ff ff fd");
  EXPECT_EQ(hex(encode(1U)), "ce 00 00 00 01");
  EXPECT_EQ(hex(encode(std::uint16_t{65535})), "ce 00 00 ff ff");
  EXPECT_EQ(hex(encode(std::uint8_t{255})), "ce 00 00 00 ff");
}

TEST(EncodeTest, WritesLongIntegersInNineBytes) {
  EXPECT_EQ(hex(encode(1L)), "d3 00 00 00 00 00 00 00 01");
  EXPECT_EQ(hex(encode(-2LL)), "d3 ff ff ff ff ff ff ff fe");
  EXPECT_EQ(hex(encode(std::numeric_limits<unsigned long long>::max())), "cf ff ff ff ff ff ff ff ff");
}

TEST(EncodeTest, WritesCharsAsExtension) {
  EXPECT_EQ(hex(encode('A')), "d4 01 41");
}

TEST(EncodeTest, KeepsFloatsThatAreWholeNumbers) {
  EXPECT_EQ(hex(encode(3.0F)), "ca 40 40 00 00");
  EXPECT_EQ(hex(encode(3.0)), "cb 40 08 00 00 00 00 00 00");
  EXPECT_EQ(hex(encode(-0.0)), "cb 80 00 00 00 00 00 00 00");
}

TEST(EncodeTest, WritesEnumsAsTheirNumber) {
  EXPECT_EQ(hex(encode(Colour::kRed)), "ce 00 00 00 07");
  EXPECT_EQ(hex(encode(kMinus)).substr(0, 2), std::is_signed_v<std::underlying_type_t<Signed>> ? "d2" : "ce");
  EXPECT_EQ(hex(encode(std::byte{255})), "ce 00 00 00 ff");
}

TEST(EncodeTest, WritesStringsInTheLongFormWithEveryByte) {
  EXPECT_EQ(hex(encode("ab\0c"s)), "db 00 00 00 04 61 62 00 63");
  EXPECT_EQ(hex(encode("ab"sv)), "db 00 00 00 02 61 62");
  EXPECT_EQ(hex(encode(""sv)), "db 00 00 00 00");
  const char* const text = "ab";
  EXPECT_EQ(hex(encode(text)), "db 00 00 00 02 61 62");
  EXPECT_EQ(hex(encode(std::filesystem::path("/x"))), "db 00 00 00 02 2f 78");
}

TEST(EncodeTest, EndsCharArraysAtTheFirstNul) {
  EXPECT_EQ(hex(encode("ab")), "db 00 00 00 02 61 62");
  EXPECT_EQ(hex(encode("ab\0c")), "db 00 00 00 02 61 62");
  const char full[2] = {'x', 'y'};
  EXPECT_EQ(hex(encode(full)), "db 00 00 00 02 78 79");
}

TEST(EncodeTest, WritesNullStringsAsFmtsWords) {
  const char* const null = nullptr;
  EXPECT_EQ(encode(null), "\xdb\0\0\0\6(null)"s);
}

TEST(EncodeTest, WritesPointersAsExtension) {
  EXPECT_EQ(hex(encode(reinterpret_cast<const void*>(std::uintptr_t{0x1234}))),
            "d7 02 00 00 00 00 00 00 12 34");
  EXPECT_EQ(hex(encode(nullptr)), "d7 02 00 00 00 00 00 00 00 00");
}

TEST(EncodeTest, WritesTimePointsAsTimestamp96) {
  const std::chrono::system_clock::time_point time{1s + 2ns};
  EXPECT_EQ(hex(encode(time)), "c7 0c ff 00 00 00 02 00 00 00 00 00 00 00 01");
  // Before the epoch the seconds are floored.
  const std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds> before{-1ms};
  EXPECT_EQ(hex(encode(before)), "c7 0c ff 3b 8b 87 c0 ff ff ff ff ff ff ff ff");
}

TEST(EncodeTest, WritesDurationsWithTheirUnit) {
  EXPECT_EQ(hex(encode(5ms)), "c7 11 03 00 00 00 01 00 00 03 e8 d3 00 00 00 00 00 00 00 05");
  EXPECT_EQ(hex(encode(-1h)), "c7 11 03 00 00 0e 10 00 00 00 01 d3 ff ff ff ff ff ff ff ff");
  EXPECT_EQ(hex(encode(std::chrono::duration<double>(3))),
            "c7 11 03 00 00 00 01 00 00 00 01 cb 40 08 00 00 00 00 00 00");
}

TEST(EncodeTest, WritesOtherDurationsAsText) {
  EXPECT_EQ(encode(std::chrono::days(2)), "\xc9\0\0\0\x9\4"s + "2[86400]s");
  EXPECT_EQ(encode(std::chrono::duration<int, std::ratio<1, 3>>(2)), "\xc9\0\0\0\7\4"s + "2[1/3]s");
  EXPECT_EQ(encode(std::chrono::duration<float>(0.5F), ".1"), "\xc9\0\0\0\4\4"s + "0.5s");
}

TEST(EncodeTest, WritesLargeScalarsAsTextWithTheFieldsSpec) {
  EXPECT_EQ(encode(1.5L), "\xc9\0\0\0\3\4"s + "1.5");
  EXPECT_EQ(encode(1.5L, "6.2f"), "\xc9\0\0\0\6\4"s + "  1.50");
  EXPECT_EQ(encode(detail::Int128{-5}, ">4"), "\xc9\0\0\0\4\4"s + "  -5");
  EXPECT_EQ(encode(detail::UInt128{255}, "#x"), "\xc9\0\0\0\4\4"s + "0xff");
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 2;
  time.tm_mday = 1;
  EXPECT_EQ(encode(time, "%Y-%m-%d"), "\xc9\0\0\0\xa\4"s + "2026-03-01");
}

TEST(EncodeTest, WritesLists) {
  const auto golden = "dd 00 00 00 02 d2 00 00 00 01 d2 00 00 00 02";
  std::vector<int> vector = {1, 2};
  EXPECT_EQ(hex(encode(vector)), golden);
  EXPECT_EQ(hex(encode(std::array{1, 2})), golden);
  EXPECT_EQ(hex(encode(std::span(vector))), golden);
  EXPECT_EQ(hex(encode(std::list{1, 2})), golden);
  EXPECT_EQ(hex(encode(std::initializer_list<int>{1, 2})), golden);
  const int array[] = {1, 2};
  EXPECT_EQ(hex(encode(array)), golden);
  EXPECT_EQ(hex(encode(std::vector<bool>{true, false})), "dd 00 00 00 02 c3 c2");
  EXPECT_EQ(hex(encode(std::vector<int>{})), "dd 00 00 00 00");
}

TEST(EncodeTest, WritesMapsSetsAndTuples) {
  EXPECT_EQ(hex(encode(std::map<std::string, bool>{{"a", true}})), "df 00 00 00 01 db 00 00 00 01 61 c3");
  EXPECT_EQ(hex(encode(std::unordered_map<int, int>{{1, 2}})),
            "df 00 00 00 01 d2 00 00 00 01 d2 00 00 00 02");
  EXPECT_EQ(hex(encode(std::set<bool>{true})), "c9 00 00 00 06 06 dd 00 00 00 01 c3");
  EXPECT_EQ(hex(encode(std::pair(true, 'x'))), "c9 00 00 00 05 05 92 c3 d4 01 78");
  EXPECT_EQ(hex(encode(std::tuple<>())), "c9 00 00 00 01 05 90");
}

TEST(EncodeTest, WritesOptionals) {
  EXPECT_EQ(hex(encode(std::optional<int>())), "c0");
  EXPECT_EQ(hex(encode(std::optional<int>(1))), "d2 00 00 00 01");
}

TEST(EncodeTest, WritesWhatLogbusValueReturns) {
  EXPECT_EQ(encode(Money{150}), encode(1.5));
}

TEST(EncodeTest, StopsAtSixteenLevels) {
  Tree tree;
  for (int i = 0; i < 100; ++i) {
    Tree parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  const std::string bytes = encode(tree);
  EXPECT_TRUE(bytes.ends_with("<nested too deep>")) << hex(bytes);
  EXPECT_LT(bytes.size(), 200U);
}

TEST(EncodeTest, KnowsWhatIsLoggable) {
  EXPECT_FALSE(detail::is_loggable_v<wchar_t>);
  EXPECT_FALSE(detail::is_loggable_v<char8_t>);
  EXPECT_FALSE(detail::is_loggable_v<char16_t>);
  EXPECT_FALSE(detail::is_loggable_v<const char32_t*>);
  EXPECT_FALSE(detail::is_loggable_v<std::wstring>);
  EXPECT_FALSE(detail::is_loggable_v<int*>);
  EXPECT_FALSE(detail::is_loggable_v<void (*)()>);
  EXPECT_FALSE(detail::is_loggable_v<std::unique_ptr<int>>);
  EXPECT_FALSE(detail::is_loggable_v<std::shared_ptr<int>>);
  EXPECT_FALSE(detail::is_loggable_v<Plain>);
  EXPECT_FALSE(detail::is_loggable_v<std::vector<Plain>>);
  EXPECT_FALSE((detail::is_loggable_v<std::map<int, Plain>>));
  EXPECT_FALSE(detail::is_loggable_v<std::optional<Plain>>);
  EXPECT_FALSE((detail::is_loggable_v<std::tuple<int, Plain>>));
  EXPECT_FALSE(detail::is_loggable_v<std::chrono::steady_clock::time_point>);
  EXPECT_TRUE((detail::is_loggable_v<std::vector<std::map<std::string, std::optional<double>>>>));
  EXPECT_TRUE(detail::is_loggable_v<const char(&)[4]>);
}

TEST(EncodeTest, KnowsWhatIsOfFixedSize) {
  EXPECT_TRUE(detail::is_fixed_size_v<int>);
  EXPECT_TRUE(detail::is_fixed_size_v<Colour>);
  EXPECT_TRUE(detail::is_fixed_size_v<void*>);
  EXPECT_TRUE(detail::is_fixed_size_v<std::chrono::milliseconds>);
  EXPECT_TRUE(detail::is_fixed_size_v<std::chrono::system_clock::time_point>);
  EXPECT_FALSE(detail::is_fixed_size_v<std::string>);
  EXPECT_FALSE(detail::is_fixed_size_v<Money>);
  EXPECT_FALSE(detail::is_fixed_size_v<std::optional<int>>);
  EXPECT_FALSE(detail::is_fixed_size_v<Plain>);
}

TEST(EncodeTest, WritesHeadersInTheShortestForm) {
  char bytes[8];
  const auto array = [&](std::size_t n) { return hex({bytes, detail::write_array_header(bytes, n)}); };
  EXPECT_EQ(array(0), "90");
  EXPECT_EQ(array(15), "9f");
  EXPECT_EQ(array(16), "dc 00 10");
  EXPECT_EQ(array(65536), "dd 00 01 00 00");
  const auto map = [&](std::size_t n) { return hex({bytes, detail::write_map_header(bytes, n)}); };
  EXPECT_EQ(map(15), "8f");
  EXPECT_EQ(map(16), "de 00 10");
  EXPECT_EQ(map(65536), "df 00 01 00 00");
  for (const std::size_t n : {0, 15, 16, 65535, 65536}) {
    EXPECT_EQ(detail::array_header_size(n), detail::write_array_header(bytes, n) - bytes);
    EXPECT_EQ(detail::map_header_size(n), detail::write_map_header(bytes, n) - bytes);
  }
}

TEST(EncodeTest, CutsStringsAtAUtf8Boundary) {
  OwnedScratch scratch;
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";  // 1, 2, 3, 4 and 1 bytes
  const std::uint32_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (std::uint32_t limit = 0; limit < text.size(); ++limit) {
    auto prepared = detail::prepare(text, {}, scratch);
    EXPECT_TRUE(detail::cut(prepared, limit, scratch));
    EXPECT_EQ(prepared.size, expected[limit]) << limit;
  }
  auto whole = detail::prepare(text, {}, scratch);
  EXPECT_FALSE(detail::cut(whole, 11, scratch));
  EXPECT_EQ(whole.size, 11U);
  const std::string tails(8, '\x80');
  auto broken = detail::prepare(tails, {}, scratch);
  EXPECT_TRUE(detail::cut(broken, 6, scratch));
  EXPECT_EQ(broken.size, 6U);
}

TEST(EncodeTest, CutsMadeTextsAndReplacesContainers) {
  OwnedScratch scratch;
  auto text = detail::prepare(1.5L, "20", scratch);
  EXPECT_TRUE(detail::cut(text, 5, scratch));
  std::string bytes(wire_size(text), '\0');
  write(bytes.data(), text, scratch);
  EXPECT_EQ(bytes, "\xc9\0\0\0\5\4     "s);

  auto list = detail::prepare(std::vector<int>(100, 1), {}, scratch);
  EXPECT_FALSE(detail::cut(list, 1000, scratch));
  EXPECT_TRUE(detail::cut(list, 100, scratch));
  bytes.resize(wire_size(list));
  EXPECT_EQ(write(bytes.data(), list, scratch), bytes.data() + bytes.size());
  EXPECT_EQ(bytes, "\xc9\0\0\0\x14\4<argument too large>"s);
  EXPECT_FALSE(detail::cut(list, 1, scratch));

  auto number = detail::prepare(1, {}, scratch);
  EXPECT_FALSE(detail::cut(number, 0, scratch));
}

TEST(ScratchTest, KeepsWhatLiesBelowTheMark) {
  OwnedScratch scratch;
  scratch.append("outer", 5);
  const std::uint32_t mark = scratch.size();
  scratch.append(std::string(10000, 'x').data(), 10000);
  scratch.rewind(mark);
  EXPECT_EQ(std::string_view(scratch.at(0), scratch.size()), "outer");
}

TEST(ScratchTest, RefusesWhatIsLargerThanAnyRecord) {
  OwnedScratch scratch;
  EXPECT_EQ(scratch.reserve(std::size_t{1} << 40), nullptr);
  EXPECT_TRUE(scratch.set_failed(false));
  EXPECT_NE(scratch.reserve(1), nullptr);
}

}  // namespace
}  // namespace logbus::wire::test
