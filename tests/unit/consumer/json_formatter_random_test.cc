// SPDX-License-Identifier: MIT
// Random records: whatever they hold, the line is one JSON object, in UTF-8, without control characters, and
// no object in it has a key twice.
#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <logbus/json_formatter.h>

namespace logbus {
namespace {

class RandomRecords {
 public:
  explicit RandomRecords(unsigned seed) : random_(seed) {}

  LogRecord next() {
    LogRecord record;
    record.name = text();
    record.msg = below(8) == 0 ? value(0) : Value(text());
    record.style = MessageStyle::kVerbatim;
    record.levelname = text();
    record.created_ns = static_cast<std::int64_t>(random_());
    for (std::size_t count = below(6); count != 0; --count) record.extra.emplace_back(key(), value(0));
    if (below(2) == 0) record.exc_text = text();
    if (below(2) == 0) record.stack_info = text();
    return record;
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::string text() {
    static constexpr std::string_view kPieces[] = {"a",
                                                   "\"",
                                                   "\\",
                                                   "\n",
                                                   "\r",
                                                   "\x1b[31m",
                                                   "é",
                                                   "😀",
                                                   "\xE2\x80\xA8",
                                                   "\xC2\x9B",
                                                   "\x7F",
                                                   "\xFF",
                                                   "\xC3",
                                                   "\xED\xA0\x80",
                                                   "\xF4\x90\x80\x80",
                                                   "/",
                                                   "\\u0041",
                                                   std::string_view("\0", 1),
                                                   "\xE2\x82",
                                                   "}",
                                                   "\t"};
    std::string made;
    for (std::size_t count = below(8); count != 0; --count) made += kPieces[below(std::size(kPieces))];
    return made;
  }

 private:
  // Few names, so that some are the same.
  std::string key() {
    static constexpr const char* kKeys[] = {"time", "level",    "level_", "message", "a",
                                            "b",    "exc_info", "",       "\xFF",    "\\xff"};
    return kKeys[below(std::size(kKeys))];
  }

  Value number() {
    static constexpr double kDoubles[] = {0.0,
                                          -0.0,
                                          1e16,
                                          1e-5,
                                          0.1,
                                          std::numeric_limits<double>::infinity(),
                                          -std::numeric_limits<double>::infinity(),
                                          std::numeric_limits<double>::quiet_NaN(),
                                          5e-324,
                                          1.7976931348623157e308};
    return kDoubles[below(std::size(kDoubles))];
  }

  Value value(int depth) {
    switch (below(depth < 4 ? 15 : 11)) {
      case 0:
        return None{};
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return std::uint64_t{1} << 63;
      case 4:
        return 0.1F;
      case 5:
        return number();
      case 6:
        return static_cast<char>(below(256));
      case 7:
        return Pointer{random_()};
      case 8:
        return TimePoint{static_cast<std::int64_t>(below(1U << 31)), 5};
      case 9:
        return Duration{1, 1000, std::int64_t{7}};
      case 10:
        return text();
      case 11:
        return items(depth);
      case 12:
        return Tuple{items(depth)};
      case 13:
        return Set{items(depth)};
      default: {
        Dict dict;
        for (std::size_t count = below(4); count != 0; --count)
          dict.emplace_back(below(2) == 0 ? Value(key()) : value(depth + 1), value(depth + 1));
        return dict;
      }
    }
  }

  List items(int depth) {
    List made;
    for (std::size_t count = below(4); count != 0; --count) made.push_back(value(depth + 1));
    return made;
  }

  std::mt19937_64 random_;
};

std::size_t duplicates(const std::string& text) {
  std::vector<std::set<std::string>> objects;
  std::size_t found = 0;
  const auto look = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) objects.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) objects.pop_back();
    if (event == nlohmann::json::parse_event_t::key &&
        !objects.back().insert(parsed.get<std::string>()).second)
      ++found;
    return true;
  };
  const auto parsed = nlohmann::json::parse(text, look);  // throws on what is no JSON and no UTF-8
  EXPECT_TRUE(parsed.is_object());
  return found;
}

TEST(JsonFormatterRandomTest, ALineIsAnObjectWithoutTheSameKeyTwice) {
  const unsigned seed = 20260301;
  SCOPED_TRACE(seed);
  RandomRecords records(seed);
  const JsonFormatter plain;
  const JsonFormatter other({.fields = {"level", "message", "nope"},
                             .rename_fields = {{"level", "a"}, {"a", "message"}, {"exc_info", "b"}},
                             .static_fields = {{"b", 1}, {"time", 2}},
                             .timestamp = "level_",
                             .ensure_ascii = true,
                             .exc_info_as_array = true});
  for (int round = 0; round < 3'000; ++round) {
    const LogRecord record = records.next();
    for (const JsonFormatter* formatter : {&plain, &other}) {
      const std::string line = formatter->format(record);
      ASSERT_EQ(duplicates(line), 0U) << line;
      for (const char c : line) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << line;
    }
  }
}

}  // namespace
}  // namespace logbus
