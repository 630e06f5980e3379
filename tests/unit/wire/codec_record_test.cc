// SPDX-License-Identifier: MIT
// Whole records: their bytes, and the way there and back.
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <msgpack.hpp>

#include <logbus/pack_record.h>

#include "payload.h"
#include "records.h"
#include "wire/codec.h"

namespace logbus::wire::test {
namespace {

using namespace std::string_literals;

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
