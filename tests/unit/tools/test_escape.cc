// SPDX-License-Identifier: MIT
// Foreign text on a terminal.
#include "tools/escape.h"

#include <gtest/gtest.h>

#include <string>

#include "tools/bus_text.h"

namespace logbus::tools {
namespace {

using namespace std::string_literals;

TEST(EscapeTest, KeepsPrintableText) {
  EXPECT_EQ(escaped("charge 42 é✓ \\n"), "charge 42 é✓ \\n");
}

TEST(EscapeTest, WritesControlCharactersOut) {
  EXPECT_EQ(escaped("charge failed\x1b[0m"), "charge failed\\x1b[0m");
  EXPECT_EQ(escaped("a\nb\tc\rd\0e\x7f"s), "a\\nb\\tc\\rd\\x00e\\x7f");
  EXPECT_EQ(escaped("csi \xC2\x9B 2J"), "csi \\x9b 2J");
}

TEST(EscapeTest, WritesBytesThatAreNotUtf8Out) {
  EXPECT_EQ(escaped("a\xFFz\xC3"), "a\\xffz\\xc3");
}

TEST(EscapeTest, QuotesValuesThatWouldNotReadAsOne) {
  std::string out;
  append_quoted_if_needed("plain", out);
  append_quoted_if_needed("", out);
  append_quoted_if_needed("say \"hi\"", out);
  append_quoted_if_needed("a=b", out);
  EXPECT_EQ(out, "plain\"\"\"say \\\"hi\\\"\"\"a=b\"");
}

TEST(BusTextTest, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(184220113), "184,220,113");
}

TEST(BusTextTest, ScalesSizes) {
  EXPECT_EQ(binary_size(0), "0 B");
  EXPECT_EQ(binary_size(64 << 10), "64 KiB");
  EXPECT_EQ(binary_size((11 << 20) + (200 << 10)), "11.2 MiB");
  EXPECT_EQ(decimal_size(21'100'000'000), "21.1 GB");
}

TEST(BusTextTest, NamesTheBusOfAPath) {
  EXPECT_EQ(bus_name("/dev/shm/orders.logbus"), "orders");
  EXPECT_EQ(bus_name("orders.logbus"), "orders");
  EXPECT_EQ(bus_name("/tmp/copy"), "copy");
}

}  // namespace
}  // namespace logbus::tools
