// SPDX-License-Identifier: MIT
// Payloads, sites and names: their bytes, and the way there and back.
#include "wire/codec.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include <msgpack.hpp>

#include "payload.h"
#include "records.h"

namespace logbus::wire::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

Site some_site() {
  return {"orders.api", 20, "INFO", "/src/api.cpp", 88, "handle", MessageStyle::kBrace, "hit {} of {}"};
}

LogRecord decoded(const std::string& payload, const Site& site = some_site()) {
  Decoder decoder;
  LogRecord record;
  EXPECT_EQ(decoder.decode_record(site, as_bytes(payload), record), DecodeResult::kOk) << hex(payload);
  return record;
}

template <class... A>
List decoded_arguments(const A&... arguments) {
  return *decoded(encode_arguments(arguments...)).args.template get_if<List>();
}

TEST(PayloadTest, HasGoldenBytes) {
  EXPECT_EQ(hex(encode_arguments(1, "ab", 2.0) + encode_fields("ms", 3)),
            "93 d2 00 00 00 01 db 00 00 00 02 61 62 cb 40 00 00 00 00 00 00 00 "
            "81 db 00 00 00 02 6d 73 d2 00 00 00 03");
}

TEST(PayloadTest, IsWhatMsgpackReads) {
  const std::string payload =
      encode_arguments(-1, 1U, -1L, 1UL, true, 'x', 1.5F, 2.0, "text", std::vector{1, 2},
                       std::map<std::string, int>{{"k", 5}}, std::optional<int>(), nullptr, 3ms);
  std::size_t offset = 0;
  const msgpack::object_handle handle = msgpack::unpack(payload.data(), payload.size(), offset);
  EXPECT_EQ(offset, payload.size());
  const auto items = handle.get().as<std::vector<msgpack::object>>();
  ASSERT_EQ(items.size(), 14U);
  EXPECT_EQ(items[0].as<int>(), -1);
  EXPECT_EQ(items[1].as<unsigned>(), 1U);
  EXPECT_EQ(items[2].as<long>(), -1);
  EXPECT_EQ(items[3].as<unsigned long>(), 1U);
  EXPECT_TRUE(items[4].as<bool>());
  EXPECT_EQ(items[5].as<msgpack::type::ext>(), msgpack::type::ext(1, "x", 1));
  EXPECT_EQ(items[6].as<float>(), 1.5F);
  EXPECT_EQ(items[7].type, msgpack::type::FLOAT64);
  EXPECT_EQ(items[8].as<std::string>(), "text");
  EXPECT_EQ(items[9].as<std::vector<int>>(), (std::vector{1, 2}));
  EXPECT_EQ((items[10].as<std::map<std::string, int>>()), (std::map<std::string, int>{{"k", 5}}));
  EXPECT_TRUE(items[11].is_nil());
  EXPECT_EQ(items[12].as<msgpack::type::ext>().type(), 2);
  EXPECT_EQ(items[13].as<msgpack::type::ext>().type(), 3);
}

TEST(PayloadTest, TimestampIsWhatMsgpackReads) {
  const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  const std::string bytes = encode(now);
  const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size());
  EXPECT_EQ(handle.get().as<std::chrono::system_clock::time_point>(), now);
}

TEST(PayloadTest, DecodesEveryRowOfTheTable) {
  EXPECT_EQ(decoded_arguments(true, -1, 1U, std::numeric_limits<std::uint64_t>::max(), 'c', 0.1F, -0.0, "s"),
            (List{true, std::int64_t{-1}, std::int64_t{1}, std::numeric_limits<std::uint64_t>::max(), 'c',
                  0.1F, -0.0, "s"}));
  EXPECT_EQ(
      decoded_arguments(nullptr, std::chrono::system_clock::time_point(-1ns), 5us, 1.5L),
      (List{Pointer{0}, TimePoint{-1, 999'999'999}, Duration{1, 1'000'000, std::int64_t{5}}, Text{"1.5"}}));
  EXPECT_EQ(decoded_arguments(std::vector<std::string>{"a"}, std::set<int>{1}, std::tuple(1, "x"),
                              std::map<int, bool>{{1, false}}, std::optional<int>()),
            (List{List{"a"}, Set{{1}}, Tuple{{1, "x"}}, Dict{{1, false}}, None{}}));
  EXPECT_TRUE(std::signbit(*decoded_arguments(-0.0)[0].get_if<double>()));
}

TEST(PayloadTest, TakesWhatTheSiteSays) {
  const LogRecord record = decoded(encode_arguments(1, 2));
  EXPECT_EQ(record.name, "orders.api");
  EXPECT_EQ(record.msg, Value("hit {} of {}"));
  EXPECT_EQ(record.style, MessageStyle::kBrace);
  EXPECT_EQ(record.levelno, 20);
  EXPECT_EQ(record.levelname, "INFO");
  EXPECT_EQ(record.pathname, "/src/api.cpp");
  EXPECT_EQ(record.lineno, 88);
  EXPECT_EQ(record.func_name, "handle");
}

TEST(PayloadTest, KeepsFieldsInOrderAndTakesOutExceptionAndStack) {
  const LogRecord record = decoded(
      encode_arguments() + encode_fields("b", 1, "exc_text", "E", "a", 2.0, "stack_info", "S", "c", "x"));
  EXPECT_EQ(record.args, Value(List{}));
  EXPECT_EQ(record.extra, (Fields{{"b", 1}, {"a", 2.0}, {"c", "x"}}));
  EXPECT_EQ(record.exc_text, "E");
  EXPECT_EQ(record.stack_info, "S");
}

TEST(PayloadTest, KeepsTheSmallestField) {
  EXPECT_EQ(decoded(encode_arguments() + encode_fields("a", true)).extra, (Fields{{"a", true}}));
}

TEST(PayloadTest, IgnoresPaddingWhateverItHolds) {
  // Up to seven bytes of an older frame, here chosen to look like fields as much as they can.
  const std::string fields = encode_fields("", true);
  ASSERT_EQ(fields.size(), 7U);
  for (std::size_t size = 0; size <= fields.size(); ++size) {
    EXPECT_EQ(decoded(encode_arguments(1) + fields.substr(0, size)).extra, Fields());
  }
  EXPECT_EQ(decoded(encode_arguments(1) + std::string(100, '\0')).extra, Fields());
  EXPECT_EQ(decoded(encode_arguments(1) + encode_fields("a", 1) + std::string(7, '\x81')).extra,
            (Fields{{"a", 1}}));
}

TEST(PayloadTest, LeavesNothingOfTheRecordBefore) {
  Decoder decoder;
  LogRecord record = full_record();
  record.msg = 5;
  ASSERT_EQ(decoder.decode_record(some_site(), as_bytes(encode_arguments("x")), record), DecodeResult::kOk);
  LogRecord expected = decoded(encode_arguments("x"));
  // What the drain knows is not the payload's.
  expected.created_ns = -1;
  expected.start_ns = 2;
  expected.thread = std::numeric_limits<std::uint64_t>::max();
  expected.thread_name = "t";
  expected.process_name = "p";
  expected.process = 4711;
  expect_equal(record, expected);
}

TEST(PayloadTest, ReusesWhatTheRecordHasAllocated) {
  Decoder decoder;
  const Site site = some_site();
  const std::string text(100, 'x');
  const std::string payload = encode_arguments(std::vector{text, text}, text) + encode_fields("key", text);
  LogRecord record;
  const auto addresses = [&] {
    const List& args = *record.args.get_if<List>();
    const List& nested = *args[0].get_if<List>();
    return std::vector<const void*>{args.data(),
                                    nested.data(),
                                    nested[1].get_if<std::string>()->data(),
                                    args[1].get_if<std::string>()->data(),
                                    record.extra.data(),
                                    record.extra[0].second.get_if<std::string>()->data(),
                                    record.pathname.data()};
  };
  ASSERT_EQ(decoder.decode_record(site, as_bytes(payload), record), DecodeResult::kOk);
  const auto before = addresses();
  ASSERT_EQ(decoder.decode_record(site, as_bytes(payload), record), DecodeResult::kOk);
  EXPECT_EQ(addresses(), before);
}

TEST(PayloadTest, EscapesAndCountsWhatIsNotUtf8) {
  Decoder decoder;
  LogRecord record;
  const std::string payload = encode_arguments("a\xff", "fine") + encode_fields("k\xfe", "\xfd");
  ASSERT_EQ(decoder.decode_record(some_site(), as_bytes(payload), record), DecodeResult::kOk);
  EXPECT_EQ(record.args, Value(List{"a\\xff", "fine"}));
  EXPECT_EQ(record.extra, (Fields{{"k\\xfe", "\\xfd"}}));
  EXPECT_EQ(decoder.invalid_utf8(), 3U);
}

TEST(PayloadTest, EscapesCharsThatAreHalfASequence) {
  EXPECT_EQ(decoded_arguments('\x7f', '\xe4'), (List{'\x7f', Text{"\\xe4"}}));
}

TEST(PayloadTest, ShowsUnknownExtensionsByTheirNumber) {
  EXPECT_EQ(decoded("\x92\xd4\x63\0\xd6\xfe\0\0\0\0"s).args, Value(List{Text{"<ext 99>"}, Text{"<ext -2>"}}));
}

TEST(PayloadTest, ReadsTheOtherFormsThatMsgpackHas) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_array(6);
  packer.pack(1).pack(-1).pack(300).pack(std::string("s")).pack(std::vector<char>{'b', 'c'});
  packer.pack(std::chrono::system_clock::time_point(1s));
  EXPECT_EQ(decoded(std::string(buffer.data(), buffer.size())).args,
            Value(List{1, -1, 300, "s", "bc", TimePoint{1, 0}}));
}

TEST(SiteTest, HasGoldenBytesAndComesBack) {
  const Site site{"n", 20, "INFO", "/p", 300, "f", MessageStyle::kVerbatim, "{}"};
  std::string bytes;
  encode_site(site, bytes);
  EXPECT_EQ(hex(bytes), "98 a1 6e 14 a4 49 4e 46 4f a2 2f 70 cd 01 2c a1 66 02 a2 7b 7d");
  Site back;
  ASSERT_TRUE(decode_site(as_bytes(bytes + "padding"), back));
  EXPECT_EQ(back, site);
}

TEST(SiteTest, RefusesOtherShapes) {
  Site site;
  std::string bytes;
  encode_site(some_site(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_site(as_bytes(bytes).first(size), site)) << size;
  }
  EXPECT_FALSE(decode_site(as_bytes("\x91\xa1n"), site));  // too few
  EXPECT_FALSE(
      decode_site(as_bytes("\x98\xa1n\x14\xa1l\xa1p\x01\xa1"s + "f\x04\xa1m"), site));  // no such style
  EXPECT_FALSE(decode_site(as_bytes("\x98\xa1n\xa1\x14\xa1l\xa1p\x01\xa1"s + "f\0\xa1m"s), site));
}

TEST(NamesTest, HaveGoldenBytesAndComeBack) {
  std::string bytes;
  encode_names({"rx", std::nullopt}, bytes);
  EXPECT_EQ(hex(bytes), "de 00 01 aa 74 68 72 65 61 64 4e 61 6d 65 a2 72 78");
  const Names all[] = {{}, {"rx", std::nullopt}, {std::nullopt, "web-1"}, {"rx", "web-1"}, {"", ""}};
  for (const Names& names : all) {
    bytes.clear();
    encode_names(names, bytes);
    Names back{"old", "old"};
    ASSERT_TRUE(decode_names(as_bytes(bytes + "pad"), back));
    EXPECT_EQ(back, names);
  }
  Names names;
  EXPECT_FALSE(decode_names(as_bytes("\x81\xaathreadName\x01"), names));
  EXPECT_FALSE(decode_names(as_bytes("\x90"), names));
}

}  // namespace
}  // namespace logbus::wire::test
