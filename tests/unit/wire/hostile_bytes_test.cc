// SPDX-License-Identifier: MIT
// What the decoder does with bytes that no encoder wrote.
#include <cstdint>
#include <exception>
#include <string>

#include <gtest/gtest.h>

#include "payload.h"
#include "wire/codec.h"

namespace logbus::wire::test {
namespace {

using namespace std::string_literals;

DecodeResult decode(const std::string& payload) {
  Decoder decoder;
  LogRecord record;
  return decoder.decode_record(Site(), as_bytes(payload), record);
}

std::string u32(std::uint32_t value) {
  std::string out(4, '\0');
  detail::put_u32(out.data(), value);
  return out;
}

TEST(HostileBytesTest, RefusesEveryTruncation) {
  const std::string payload = encode_arguments(1, "text", 2.0, 'c', nullptr, std::pair(1, 2));
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_EQ(decode(payload.substr(0, size)), DecodeResult::kMalformed) << size;
  }
  const std::string both = encode_arguments() + encode_fields("key", "value");
  for (std::size_t size = 9; size < both.size(); ++size) {
    EXPECT_EQ(decode(both.substr(0, size)), DecodeResult::kMalformed) << size;
  }
}

TEST(HostileBytesTest, RefusesWhatIsNoArray) {
  for (const char* payload : {"\x01", "\xc0", "\x80", "\xa1x", "\xc1", "\xd4\x01x"}) {
    EXPECT_EQ(decode(payload), DecodeResult::kMalformed) << hex(payload);
  }
}

TEST(HostileBytesTest, RefusesTheByteThatMsgpackNeverUses) {
  EXPECT_EQ(decode("\x91\xc1"), DecodeResult::kMalformed);
}

TEST(HostileBytesTest, RefusesCountsThatTheBytesCannotHold) {
  EXPECT_EQ(decode("\xdd" + u32(0xffffffff)), DecodeResult::kMalformed);
  EXPECT_EQ(decode("\xdd" + u32(100) + std::string(50, '\0')), DecodeResult::kMalformed);
  EXPECT_EQ(decode("\x91\xdf" + u32(0xffffffff)), DecodeResult::kMalformed);
  // Each fits by itself; together they promise more than there is.
  std::string nested;
  for (int i = 0; i < 10; ++i) nested += "\xdc" + u32(40).substr(2);
  EXPECT_EQ(decode(nested + std::string(60, '\0')), DecodeResult::kMalformed);
}

TEST(HostileBytesTest, RefusesMoreElementsThanTheLimit) {
  const auto list = [](std::uint32_t n) { return "\xdd" + u32(n) + std::string(n, '\0'); };
  EXPECT_EQ(decode(list(kMaxElements)), DecodeResult::kOk);
  EXPECT_EQ(decode(list(kMaxElements + 1)), DecodeResult::kTooLarge);
}

TEST(HostileBytesTest, RefusesTooDeepNesting) {
  EXPECT_EQ(decode(std::string(kMaxDepth - 1, '\x91') + "\x90"), DecodeResult::kOk);
  EXPECT_EQ(decode(std::string(kMaxDepth, '\x91') + "\x90"), DecodeResult::kTooDeep);
  EXPECT_EQ(decode(std::string(100000, '\x91')), DecodeResult::kTooDeep);
  std::string maps = "\x91";
  for (int i = 0; i < 100; ++i) maps += "\x81\x01";
  EXPECT_EQ(decode(maps + "\x01"), DecodeResult::kTooDeep);
}

TEST(HostileBytesTest, RefusesTooDeepNestingInsideExtensions) {
  const auto tuples = [](int levels) {
    std::string bytes = "\x90";
    for (int i = 0; i < levels; ++i) {
      std::string outer = "\x91\xc9" + u32(static_cast<std::uint32_t>(bytes.size()));
      outer.push_back(detail::kExtTuple);
      bytes = outer + bytes;
    }
    return bytes;
  };
  EXPECT_EQ(decode(tuples(static_cast<int>(kMaxDepth) - 1)), DecodeResult::kOk);
  EXPECT_EQ(decode(tuples(static_cast<int>(kMaxDepth))), DecodeResult::kTooDeep);
  EXPECT_EQ(decode(tuples(10000)), DecodeResult::kTooDeep);
}

TEST(HostileBytesTest, RefusesExtensionsOfAWrongShape) {
  const auto ext = [](std::int8_t type, const std::string& payload) {
    std::string bytes = "\x91\xc9" + u32(static_cast<std::uint32_t>(payload.size()));
    bytes.push_back(type);
    return decode(bytes + payload);
  };
  using namespace logbus::detail;
  EXPECT_EQ(ext(kExtChar, ""), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtChar, "ab"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtPointer, "1234567"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtTimestamp, "123"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtTimestamp, u32(1'000'000'000) + std::string(8, '\0')), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtTimestamp, std::string(8, '\xff')), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtDuration, u32(1) + u32(1) + "\x01"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtDuration, u32(1) + u32(0) + "\xd3" + std::string(8, '\0')), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtDuration, u32(1) + u32(1) + "\xcf" + std::string(8, '\0')), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtTuple, ""), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtTuple, "\x01"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtSet, "\x91"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtSet, "\x90\x90"), DecodeResult::kMalformed);
  EXPECT_EQ(ext(kExtText, ""), DecodeResult::kOk);
}

TEST(HostileBytesTest, RefusesTheExtensionSizeThatOverflows) {
  EXPECT_EQ(decode("\x91\xc9\xff\xff\xff\xff\x04" + std::string(20, 'x')), DecodeResult::kMalformed);
}

TEST(HostileBytesTest, RefusesFieldsWhoseKeysAreNoStrings) {
  for (const std::string& key : {"\x01"s, "\xc0"s, "\x90"s, "\x80"s, "\x81\x01\x01"s, "\xd4\x01x"s}) {
    EXPECT_EQ(decode("\x90\x81" + key + std::string(8, '\x01')), DecodeResult::kMalformed) << hex(key);
  }
}

TEST(HostileBytesTest, RefusesExceptionTextThatIsNoText) {
  EXPECT_EQ(decode(encode_arguments() + encode_fields("exc_text", 5)), DecodeResult::kMalformed);
}

TEST(HostileBytesTest, MakesNoMessageOfGigabytes) {
  Decoder decoder;
  LogRecord record;
  Site site;
  for (const char* format : {"{:{}}", "{:.{}f}", "{0:2000000000}", "{0:.99999999999999999999f}"}) {
    site.format = format;
    ASSERT_EQ(decoder.decode_record(site, as_bytes(encode_arguments(1.5, 2'000'000'000)), record),
              DecodeResult::kOk);
    EXPECT_THROW(record.get_message(), std::exception) << format;
  }
}

TEST(HostileBytesTest, GoesOnAfterABadPayload) {
  Decoder decoder;
  LogRecord record;
  EXPECT_EQ(decoder.decode_record(Site(), as_bytes("\x92\x93\xa1x\xc1"), record), DecodeResult::kMalformed);
  EXPECT_EQ(decoder.decode_record(Site(), as_bytes(encode_arguments("fine")), record), DecodeResult::kOk);
  EXPECT_EQ(record.args, Value(List{"fine"}));
}

}  // namespace
}  // namespace logbus::wire::test
