// SPDX-License-Identifier: MIT
// What CPython reads from our pickles and python3-msgpack from our maps. Value's repr() says what it should
// be.
#include "handlers/pickle.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "record/value_text.h"
#include "wire/attributes.h"

namespace logbus::handlers {
namespace {

using namespace std::string_literals;

// Each line of output is repr() of what a payload's dictionary has, in order; `program` is given them in
// `stdin`.
std::string python_reads(const std::string& payloads, const std::string& loads) {
  const std::string program =
      "import sys, struct, pickle, msgpack, logging\n"
      "data = sys.stdin.buffer.read()\n"
      "while data:\n"
      "    size, = struct.unpack('>L', data[:4])\n"
      "    read = " +
      loads +
      "(data[4:4 + size])\n"
      "    made = logging.makeLogRecord(read)\n"
      "    assert made.getMessage() == made.msg\n"
      "    print(ascii(list(read.items())))\n"
      "    data = data[4 + size:]\n";
  char name[] = "/tmp/logbus-pickle-XXXXXX";
  const int descriptor = ::mkstemp(name);
  FILE* const file = ::fdopen(descriptor, "wb");
  std::fwrite(payloads.data(), 1, payloads.size(), file);
  std::fclose(file);
  FILE* const output = ::popen(("/usr/bin/python3 -c \"" + program + "\" < " + name + " 2>&1").c_str(), "r");
  std::string text;
  char part[4096];
  while (const std::size_t size = std::fread(part, 1, sizeof part, output)) text.append(part, size);
  EXPECT_EQ(::pclose(output), 0) << text;
  std::remove(name);
  return text;
}

void append_framed(const std::string& payload, std::string& frames) {
  for (int shift = 24; shift >= 0; shift -= 8) frames.push_back(static_cast<char>(payload.size() >> shift));
  frames += payload;
}

std::string pickled(const LogRecord& record) {
  std::string payload, frame;
  append_pickle(record, record.get_message(), payload);
  append_framed(payload, frame);
  return frame;
}

std::string packed(const LogRecord& record) {
  std::string payload, frame;
  wire::encode_attributes(record, record.get_message(), payload);
  append_framed(payload, frame);
  return frame;
}

LogRecord sample() {
  LogRecord record;
  record.name = "app.db";
  record.msg = "h\u00e9 %d";
  record.args = List{7};
  record.levelno = 20;
  record.levelname = "INFO";
  record.pathname = "/srv/app/api.tar.py";
  record.lineno = 300;
  record.func_name = "handle";
  record.created_ns = 1'700'000'000'123'456'789;
  record.start_ns = 1'700'000'000'000'000'000;
  record.thread = 140'000'000'000'000;
  record.thread_name = "MainThread";
  record.process_name = "worker";
  record.process = 4711;
  return record;
}

const char* const kSample =
    "[('name', 'app.db'), ('msg', 'h\\xe9 7'), ('args', None), ('levelname', 'INFO'), ('levelno', 20), "
    "('pathname', '/srv/app/api.tar.py'), ('filename', 'api.tar.py'), ('module', 'api.tar'), ('exc_info', "
    "None), "
    "('exc_text', None), ('stack_info', None), ('lineno', 300), ('funcName', 'handle'), "
    "('created', 1700000000.1234567), ('msecs', 123.0), ('relativeCreated', 123.456789), "
    "('thread', 140000000000000), ('threadName', 'MainThread'), ('processName', 'worker'), ('process', "
    "4711), "
    "('taskName', None)]\n";

TEST(PickleTest, HasTheAttributesInPythonsOrder) {
  EXPECT_EQ(python_reads(pickled(sample()), "pickle.loads"), kSample);
  EXPECT_EQ(python_reads(packed(sample()), "msgpack.unpackb"), kSample);
}

// Without what CPython puts into the memo: protocol 1, byte by byte.
TEST(PickleTest, HasTheseBytes) {
  std::string payload;
  append_pickle(sample(), "m", payload);
  const std::string begin = "}(X\4\0\0\0nameX\6\0\0\0app.dbX\3\0\0\0msgX\1\0\0\0mX\4\0\0\0argsN"s;
  EXPECT_EQ(payload.substr(0, begin.size()), begin);
  EXPECT_NE(payload.find("L140000000000000L\n"), payload.npos);
  EXPECT_NE(payload.find("linenoM\x2c\x01X"s), payload.npos);
  EXPECT_EQ(payload.substr(payload.size() - 2), "u.");
}

TEST(PickleTest, PutsExtraFieldsBehindAndOverridesInPlace) {
  LogRecord record = sample();
  record.overrides = {{"levelno", None{}}, {"exc_info", true}, {"threadName", None{}}, {"lineno", 2.5}};
  record.extra = {
      {"sql_id", 42}, {"args", "hidden"}, {"message", "hidden"}, {"asctime", "12:00"}, {"f\u00fcr", None{}}};
  record.exc_text = "Traceback";
  std::string expected = kSample;
  const auto replace = [&](std::string_view from, std::string_view to) {
    expected.replace(expected.find(from), from.size(), to);
  };
  replace("'levelno', 20", "'levelno', None");
  replace("'threadName', 'MainThread'", "'threadName', None");
  replace("'lineno', 300", "'lineno', 2.5");
  replace("'exc_text', None", "'exc_text', 'Traceback'");
  replace("None)]", "None), ('sql_id', 42), ('asctime', '12:00'), ('f\\xfcr', None)]");
  EXPECT_EQ(python_reads(pickled(record), "pickle.loads"), expected);
  EXPECT_EQ(python_reads(packed(record), "msgpack.unpackb"), expected);
}

TEST(PickleTest, EscapesWhatPythonCouldNotDecode) {
  LogRecord record;
  record.msg = "a\xff z\xc3 \xed\xa0\x80 \0."s;
  record.extra = {{"k\xfe", std::string("\xf0\x9f\x98\x80")}};
  const std::string read = python_reads(pickled(record), "pickle.loads");
  EXPECT_NE(read.find("'a\\\\xff z\\\\xc3 \\ud800 \\x00.'"), read.npos) << read;
  EXPECT_NE(read.find("('k\\\\xfe', '\\U0001f600')"), read.npos) << read;
  const std::string unpacked = python_reads(packed(record), "msgpack.unpackb");
  EXPECT_NE(unpacked.find("'a\\\\xff z\\\\xc3 \\\\xed\\\\xa0\\\\x80 \\x00.'"), unpacked.npos) << unpacked;
}

// Values that both formats have, and whose repr() is their own.
class RandomValues {
 public:
  explicit RandomValues(unsigned seed) : random_(seed) {}

  Value value(int depth) {
    switch (below(depth > 3 ? 8 : 12)) {
      case 0:
        return None{};
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_() >> below(64));
      case 3:
        return -static_cast<std::int64_t>((random_() >> 1) >> below(63));
      case 4:
        return std::int64_t{1} << below(63);
      case 5:
        return random_() | (std::uint64_t{1} << 63);
      case 6:
        return static_cast<double>(static_cast<std::int64_t>(random_())) /
               static_cast<double>(1 + below(1'000'000));
      case 8:
        return list(depth);
      case 9:
        return Tuple{list(depth)};
      case 10:
        return Set{{value(9)}};
      case 11: {
        Dict dict;
        for (std::size_t index = below(4); index > 0; --index)
          dict.emplace_back(text() + std::to_string(index), value(depth + 1));
        return dict;
      }
      default:
        return text();
    }
  }
  std::string text() {
    static constexpr const char* kParts[] = {"a",          "'",  "\n",  "\u00e9", "\u20ac",
                                             "\U0001f600", "\\", "x y", "%s"};
    std::string made;
    for (std::size_t index = below(below(10) == 0 ? 200 : 6); index > 0; --index) made += kParts[below(9)];
    return made;
  }
  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  List list(int depth) {
    List items;
    for (std::size_t index = below(4); index > 0; --index) items.push_back(value(depth + 1));
    return items;
  }
  std::mt19937_64 random_;
};

TEST(PickleTest, RandomFieldsArriveAsTheyAre) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomValues random(seed);
  std::string frames, expected;
  for (int count = 0; count < 2000; ++count) {
    LogRecord record = sample();
    std::string fields;
    for (std::size_t index = random.below(4); index > 0; --index) {
      record.extra.emplace_back("k" + std::to_string(index), random.value(0));
      fields += ", ('" + record.extra.back().first + "', ";
      record::append_ascii(record.extra.back().second, fields);
      fields += ')';
    }
    frames += pickled(record);
    expected.append(kSample).insert(expected.size() - 2, fields);
  }
  EXPECT_TRUE(python_reads(frames, "pickle.loads") == expected);
}

// What Python has no type for, or could not hash, is its text.
TEST(PickleTest, OtherValuesAreText) {
  // Compilers differ in what braces around a List mean: a copy, or a list of it.
  const auto list_of = [](const List& item) { return List(1, Value(item)); };
  LogRecord record = sample();
  const Value unhashable =
      Dict{{List{1}, 'c'}, {Set{{2}}, Pointer{255}}, {Tuple{list_of(List{})}, Text{"t"}}};
  record.extra = {{"x", unhashable}, {"s", Set{list_of(List{1})}}, {"f", 0.5F}, {"d", Duration{}}};
  const std::string read = python_reads(pickled(record), "pickle.loads");
  EXPECT_NE(read.find("('x', {'[1]': 'c', frozenset({2}): '0xff', ('[]',): 't'}), ('s', {'[1]'}), ('f', "
                      "0.5), ('d', '0s')"),
            read.npos)
      << read;
  const std::string unpacked = python_reads(packed(record), "msgpack.unpackb");
  EXPECT_NE(unpacked.find(
                "('x', {'[1]': 'c', '{2}': '0xff', '([],)': 't'}), ('s', [[1]]), ('f', 0.5), ('d', '0s')"),
            unpacked.npos)
      << unpacked;
}

}  // namespace
}  // namespace logbus::handlers
