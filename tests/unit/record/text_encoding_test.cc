// SPDX-License-Identifier: MIT
// Files in other encodings than UTF-8; tests/reference compares all characters with CPython.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/rotating_file_handler.h>

#include "captured_stderr.h"
#include "handlers/text_encoder.h"

namespace logbus::text_encoding_test {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::string encoded(std::string_view encoding, std::string_view errors, std::string_view text) {
  try {
    handlers::TextEncoder encoder(encoding, errors);
    return std::string(encoder.encode(text));
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(TextEncoderTest, KnowsPythonsNames) {
  for (const char* name : {"latin-1", "Latin1", "ISO-8859-1", "iso8859_1", "L1", "8859", " latin 1"})
    EXPECT_EQ(encoded(name, "", "é"), "\xE9") << name;
  for (const char* name : {"cp1251", "windows-1251", "CP-1251", "1251"})
    EXPECT_EQ(encoded(name, "", "д"), name == "CP-1251"s ? "unknown encoding: CP-1251" : "\xE4") << name;
  for (const char* name : {"utf-8", "UTF8", "u8", "utf_8", "U8"})
    EXPECT_TRUE(handlers::TextEncoder(name, "").changes_nothing()) << name;
  EXPECT_EQ(encoded("xyz", "", ""), "unknown encoding: xyz");
  EXPECT_EQ(encoded("", "", ""), "unknown encoding: ");
}

TEST(TextEncoderTest, FailsInPythonsWords) {
  EXPECT_EQ(
      encoded("latin-1", "strict", "12 €"),
      "UnicodeEncodeError: 'latin-1' codec can't encode character '\\u20ac' in position 3: ordinal not in "
      "range(256)");
  EXPECT_EQ(
      encoded("ascii", "", "é€\U0001F600 "),
      "UnicodeEncodeError: 'ascii' codec can't encode characters in position 0-2: ordinal not in range(128)");
  EXPECT_EQ(
      encoded("cp1251", "", "é"),
      "UnicodeEncodeError: 'charmap' codec can't encode character '\\xe9' in position 0: character maps to "
      "<undefined>");
  EXPECT_EQ(
      encoded("gbk", "", "a\U0001F600\U0001F601"),
      "UnicodeEncodeError: 'gbk' codec can't encode character '\\U0001f600' in position 1: illegal multibyte "
      "sequence");
}

TEST(TextEncoderTest, ReplacesAsTold) {
  EXPECT_EQ(encoded("ascii", "ignore", "aé€b"), "ab");
  EXPECT_EQ(encoded("ascii", "replace", "aé€b"), "a??b");
  EXPECT_EQ(encoded("ascii", "backslashreplace", "é€\U0001F600"), "\\xe9\\u20ac\\U0001f600");
  EXPECT_EQ(encoded("ascii", "xmlcharrefreplace", "é\U0001F600"), "&#233;&#128512;");
  EXPECT_EQ(encoded("cp037", "replace", "a€"), "\x81\x6F");
  EXPECT_EQ(encoded("ascii", "loud", ""), "unknown error handler name 'loud'");
  EXPECT_TRUE(encoded("ascii", "namereplace", "").starts_with("errors 'namereplace' needs"));
}

TEST(TextEncoderTest, ByteThatIsNoTextIsASurrogate) {
  EXPECT_EQ(encoded("latin-1", "surrogateescape", "a\x80\xFF"), "a\x80\xFF");
  EXPECT_EQ(encoded("utf-8-sig", "surrogateescape", "é\x80"), "é\x80");
  EXPECT_EQ(
      encoded("latin-1", "", "a\x80"),
      "UnicodeEncodeError: 'latin-1' codec can't encode character '\\udc80' in position 1: ordinal not in "
      "range(256)");
  EXPECT_EQ(
      encoded("utf-16-le", "surrogateescape", "\x80"),
      "UnicodeEncodeError: 'utf-16-le' codec can't encode character '\\udc80' in position 0: surrogates not "
      "allowed");
}

TEST(TextEncoderTest, CharacterThatIconvTakesApartIsNone) {
  EXPECT_EQ(encoded("cp1258", "backslashreplace", "aÃb"), "a\\xc3b");  // A and a combining tilde
  EXPECT_EQ(encoded("latin-1", "backslashreplace", "a\U000E0041b\U000E0041"), "a\\U000e0041b\\U000e0041");
  EXPECT_EQ(encoded("gbk", "backslashreplace", "a\U000E0041€"), "a\\U000e0041\\u20ac");
}

TEST(TextEncoderTest, MarksABeginningOnce) {
  handlers::TextEncoder encoder("utf-16", "");
  encoder.begin(true);
  EXPECT_EQ(encoder.encode("a"), "\xFF\xFE\x61\0"s);
  EXPECT_EQ(encoder.encode("\U0001F600"), "\x3D\xD8\x00\xDE"s);
  encoder.begin(false);
  EXPECT_EQ(encoder.encode("a"), "a\0"s);
  encoder.begin(true);
  EXPECT_THROW((void)encoder.encode("\x80"), std::exception);
  EXPECT_EQ(encoder.encode("a"), "a\0"s) << "the mark is lost with it, as in Python";
}

LogRecord message(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

class EncodedFileTest : public testing::Test {
 protected:
  EncodedFileTest() {
    char name[] = "/tmp/logbus-encoded-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ / "a.log";
  }
  ~EncodedFileTest() override { fs::remove_all(folder_); }

  FileOptions options(std::string encoding, std::string errors = "") const {
    return {path_.string(), "a", std::move(encoding), false, std::move(errors)};
  }
  std::string bytes(const std::string& suffix = "") const {
    std::ostringstream all;
    all << std::ifstream(path_.string() + suffix).rdbuf();
    return all.str();
  }

  fs::path folder_;
  fs::path path_;
};

TEST_F(EncodedFileTest, RecordThatCannotBeEncodedIsAnErrorAndTheNextIsFine) {
  const CapturedStderr captured;
  FileHandler handler(options("latin-1"));
  handler.defer_flush(true);
  for (const char* text : {"é", "ab€", "ok"}) handler.handle(message(text));
  handler.close();
  EXPECT_EQ(bytes(), "\xE9\nok\n");
  EXPECT_EQ(handler.counters().dropped, 1U);
  EXPECT_EQ(handler.counters().errors, 1U);
  EXPECT_EQ(handler.counters().records, 2U);
}

TEST_F(EncodedFileTest, AppendsWithoutASecondMark) {
  FileHandler(options("utf-8-sig")).handle(message("é"));
  EXPECT_EQ(bytes(), "\xEF\xBB\xBFé\n");
  FileHandler(options("utf-8-sig")).handle(message("a"));
  EXPECT_EQ(bytes(), "\xEF\xBB\xBFé\na\n");
}

TEST_F(EncodedFileTest, EachRotatedFileHasItsMarkAndCountsInBytes) {
  RotatingFileHandler handler(options("utf-16"), 13, 3);
  handler.defer_flush(true);
  for (const char* text : {"aa", "bb", "cc"}) handler.handle(message(text));  // 2 + 6 bytes, then 6 more
  handler.close();
  EXPECT_EQ(bytes(".1"),
            "\xFF\xFE"
            "a\0a\0\n\0b\0b\0\n\0"s);
  EXPECT_EQ(bytes(),
            "\xFF\xFE"
            "c\0c\0\n\0"s);
}

TEST_F(EncodedFileTest, TerminatorIsEncodedToo) {
  FileHandler handler(options("utf-16-be"));
  handler.set_terminator("€\n");
  handler.handle(message("a"));
  EXPECT_EQ(bytes(), "\0a\x20\xAC\0\n"s);
}

}  // namespace
}  // namespace logbus::text_encoding_test
