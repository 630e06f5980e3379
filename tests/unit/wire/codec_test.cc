// SPDX-License-Identifier: MIT
// Payloads, sites, names and whole records: their bytes, and the way there and back.
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

#include <logbus/pack_record.h>

#include "payload.h"

namespace logbus::wire::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

Site some_site() {
  return {"orders.api", 20, "INFO", "/src/api.cpp", 88, "handle", MessageStyle::kBrace, "hit {} of {}"};
}

/// A record in which every member differs from its default.
LogRecord full_record() {
  LogRecord record;
  record.name = "a.b";
  record.msg = "m %s";
  record.args = List{std::int64_t{1},
                     std::uint64_t{1} << 63,
                     3.0F,
                     3.0,
                     'c',
                     "text",
                     true,
                     None{},
                     Pointer{42},
                     Text{"made"},
                     TimePoint{-5, 999'999'999},
                     Duration{1, 1000, std::int64_t{-7}},
                     Duration{3600, 1, 2.0},
                     List{"in", List{}},
                     Tuple{{1, Tuple{{2}}}},
                     Set{{"x"}},
                     Dict{{"k", 1}, {2, Dict{}}}};
  record.style = MessageStyle::kRuntimeBrace;
  record.levelno = -25;
  record.levelname = "LOW";
  record.pathname = "/p";
  record.lineno = 77;
  record.func_name = "f";
  record.exc_text = "E: e";
  record.stack_info = "S";
  record.created_ns = -1;
  record.start_ns = 2;
  record.thread = std::numeric_limits<std::uint64_t>::max();
  record.thread_name = "t";
  record.process_name = "p";
  record.process = 4711;
  record.extra = {{"style", "mine"}, {"extra", 1}, {"ms", 3.0}, {"ms", 4}};
  record.overrides = {{"name", None{}}, {"msecs", 1.5}};
  return record;
}

void expect_equal(const LogRecord& a, const LogRecord& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.msg, b.msg);
  EXPECT_EQ(a.args, b.args);
  EXPECT_EQ(a.style, b.style);
  EXPECT_EQ(a.levelno, b.levelno);
  EXPECT_EQ(a.levelname, b.levelname);
  EXPECT_EQ(a.pathname, b.pathname);
  EXPECT_EQ(a.lineno, b.lineno);
  EXPECT_EQ(a.func_name, b.func_name);
  EXPECT_EQ(a.exc_text, b.exc_text);
  EXPECT_EQ(a.stack_info, b.stack_info);
  EXPECT_EQ(a.created_ns, b.created_ns);
  EXPECT_EQ(a.start_ns, b.start_ns);
  EXPECT_EQ(a.thread, b.thread);
  EXPECT_EQ(a.thread_name, b.thread_name);
  EXPECT_EQ(a.process_name, b.process_name);
  EXPECT_EQ(a.process, b.process);
  EXPECT_EQ(a.extra, b.extra);
  EXPECT_EQ(a.overrides, b.overrides);
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

TEST(WholeRecordTest, HasGoldenBytes) {
  LogRecord record;
  record.msg = "hi";
  record.levelno = 20;
  record.levelname = "INFO";
  record.extra = {{"ms", 3.0}};
  std::string bytes;
  encode_record(record, bytes);
  EXPECT_EQ(bytes,
            "\xde\0\6\xa4name\xa4root\xa3msg\xa2hi\xa5style\1\xa7levelno\x14\xa9levelname\xa4INFO\xa5"s +
                "extra\x81\xa2ms\xcb\x40\x08\0\0\0\0\0\0"s);
}

TEST(WholeRecordTest, ComesBackWithEveryMember) {
  const LogRecord record = full_record();
  std::string bytes;
  encode_record(record, bytes);
  Decoder decoder;
  LogRecord back;
  back.late = back.truncated = true;
  ASSERT_EQ(decoder.decode_record(as_bytes(bytes + "padding"), back), DecodeResult::kOk);
  expect_equal(back, record);
  EXPECT_TRUE(back.late && back.truncated);
}

TEST(WholeRecordTest, IsPackedForUsers) {
  std::string bytes = "before";
  pack_record(full_record(), bytes);
  LogRecord back;
  EXPECT_TRUE(unpack_record(bytes.substr(6), back));
  expect_equal(back, full_record());
  EXPECT_FALSE(unpack_record("", back));
  EXPECT_FALSE(unpack_record(std::string_view(bytes).substr(6, 40), back));
  EXPECT_FALSE(unpack_record("\x93\1\2\3", back));
}

TEST(WholeRecordTest, UnpacksWithoutAnythingOfTheRecordBefore) {
  std::string bytes;
  pack_record(LogRecord(), bytes);
  LogRecord back = full_record();
  back.late = back.truncated = true;
  EXPECT_TRUE(unpack_record(bytes, back));
  expect_equal(back, LogRecord());
  EXPECT_FALSE(back.late || back.truncated);
}

TEST(WholeRecordTest, ComesBackInEveryStyleAndWithEveryKindOfArguments) {
  for (const auto style :
       {MessageStyle::kBrace, MessageStyle::kPercent, MessageStyle::kVerbatim, MessageStyle::kRuntimeBrace}) {
    for (const Value& args : {Value(), Value(List{}), Value(List{1}), Value(Dict{{"a", 1}})}) {
      LogRecord record;
      record.msg = 5;
      record.style = style;
      record.args = args;
      std::string bytes;
      encode_record(record, bytes);
      Decoder decoder;
      LogRecord back = full_record();
      back.created_ns = back.start_ns = back.process = 0;
      back.thread = 0;
      back.thread_name = back.process_name = "";
      ASSERT_EQ(decoder.decode_record(as_bytes(bytes), back), DecodeResult::kOk);
      expect_equal(back, record);
    }
  }
}

TEST(WholeRecordTest, IsAMapOfPythonsAttributesForMsgpack) {
  std::string bytes;
  encode_record(full_record(), bytes);
  const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size());
  const auto map = handle.get().as<std::map<std::string, msgpack::object>>();
  EXPECT_EQ(map.at("name").as<std::string>(), "a.b");
  EXPECT_EQ(map.at("funcName").as<std::string>(), "f");
  EXPECT_EQ(map.at("levelno").as<int>(), -25);
  EXPECT_EQ(map.at("args").via.array.size, 17U);
  EXPECT_EQ(map.at("args").via.array.ptr[3].type, msgpack::type::FLOAT64);
}

TEST(WholeRecordTest, TakesUnknownKeysAsFieldsAndKeepsWhatTheDrainKnows) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack(std::map<std::string, std::string>{{"msg", "m"}, {"user", "x"}});
  LogRecord record;
  record.thread = 5;
  record.created_ns = 6;
  Decoder decoder;
  ASSERT_EQ(decoder.decode_record(as_bytes({buffer.data(), buffer.size()}), record), DecodeResult::kOk);
  EXPECT_EQ(record.msg, Value("m"));
  EXPECT_EQ(record.extra, (Fields{{"user", "x"}}));
  EXPECT_EQ(record.thread, 5U);
  EXPECT_EQ(record.created_ns, 6);
}

TEST(WholeRecordTest, RefusesAttributesOfAWrongType) {
  Decoder decoder;
  LogRecord record;
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\xa4name\x01"), record), DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\xa7levelno\xa1x"), record), DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\xa7levelno\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), record),
            DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\x01\x01"), record), DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\xa5style\x09"), record), DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(as_bytes("\x81\xa5"
                                           "extra\x81\x01\x01"),
                                  record),
            DecodeResult::kMalformed);
}

TEST(WholeRecordTest, EncodesNoDeeperThanItDecodes) {
  Value deep = List{};
  for (int i = 0; i < 1000; ++i)
    deep = i % 2 == 0 ? Value(List{std::move(deep)}) : Value(Tuple{{std::move(deep)}});
  LogRecord record;
  record.args = List{deep};
  record.extra = {{"deep", deep}};
  std::string bytes;
  encode_record(record, bytes);
  Decoder decoder;
  LogRecord back;
  EXPECT_EQ(decoder.decode_record(as_bytes(bytes), back), DecodeResult::kOk);
}

}  // namespace
}  // namespace logbus::wire::test
