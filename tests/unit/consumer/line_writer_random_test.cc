// SPDX-License-Identifier: MIT
// Random formats, messages and records through both ways.
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "both_ways.h"

namespace logbus::consumer::test {
namespace {

using namespace std::string_view_literals;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

FormatterOptions random_format(Random& random) {
  static const std::vector<std::string> kSteps = {
      "%(asctime)s",    "%(message)s", "%(message)s",      "%(levelname)-8s", "%(name)s",     "%(process)d",
      "%(thread)d",     "%(msecs)03d", "%(created)f",      "%(filename)s:",   "%(module).2s", "%(lineno)5d",
      "%(threadName)s", "%(args)s",    "%(asctime)25s",    "%(created)s",     "%%",           "%(taskName)s",
      "%(a)s",          "%(msg)s",     "%(processName)5s", "%(message)10s",   "%(levelno)s",  "%(funcName)s"};
  FormatterOptions options;
  for (std::uint64_t n = 1 + random.below(6); n > 0; --n) options.format += random.pick(kSteps) + " ";
  options.format += "%(message)s";
  if (random.below(4) == 0) options.datefmt = "%d.%m.%y %H:%M:%S";
  if (random.below(4) == 0) options.default_msec_format = "%s.%05d";
  options.utc = random.below(2) == 0;
  return options;
}

std::string random_message(Random& random) {
  static const std::vector<std::string> kPieces = {
      "{}",  "{}",    "text ", "{{", "{:>6}", "{:.2f}", "a longer text of thirty bytes ", "{0}", "{:x}",
      "{a}", "{:{}}", "}",     "",   " ",     "{:*^12}"};
  std::string message;
  for (std::uint64_t n = random.below(6); n > 0; --n)
    message += random.below(30) == 0 ? random.pick(kPieces) : kPieces[random.below(8)];
  return message;
}

std::string random_payload(Random& random) {
  const auto count = static_cast<unsigned>(random.below(7));
  Payload payload(count);
  for (unsigned i = 0; i < count; ++i) {
    switch (random.below(random.below(8) == 0 ? 12 : 8)) {
      case 0:
        payload.i32(static_cast<std::int32_t>(random.bits()) >> random.below(32));
        break;
      case 1:
        payload.u32(static_cast<std::uint32_t>(random.bits()) >> random.below(32));
        break;
      case 2:
        payload.i64(static_cast<std::int64_t>(random.bits()) >> random.below(64));
        break;
      case 3:
        payload.u64(random.bits() >> random.below(64));
        break;
      case 4:
        payload.f32(static_cast<float>(random.below(1000)) / 8);
        break;
      case 5:
        payload.f64(random.below(2) == 0 ? static_cast<double>(random.below(100000)) / 100
                                         : std::bit_cast<double>(random.bits()));
        break;
      case 6:
        payload.text(std::string(random.below(60), static_cast<char>('a' + random.below(26))));
        break;
      case 7:
        payload.byte(0xc2 + static_cast<unsigned>(random.below(2)));
        break;
      case 8:
        payload.text("K\u00e4se\xe2"sv.substr(0, random.below(8)));
        break;
      case 9:
        payload.ext(1, "c");
        break;
      case 10:
        payload.byte(0xc0);
        break;
      default:
        payload.byte(0x92).i32(1).text("in");
        break;
    }
  }
  if (random.below(10) == 0) payload.field("a", 1);
  if (random.below(50) == 0) payload.cut(random.below(20));
  return payload.bytes();
}

std::int64_t random_time(Random& random) {
  const std::int64_t at = kNoon + static_cast<std::int64_t>(random.below(5)) * kSecond;
  switch (random.below(4)) {
    case 0:  // where Python's float rounds up into the next second
      return at - static_cast<std::int64_t>(random.below(2000));
    case 1:
      return at + static_cast<std::int64_t>(random.below(3)) * 1'000'000 -
             static_cast<std::int64_t>(random.below(3));
    case 2:
      return random.below(50) == 0 ? -at : static_cast<std::int64_t>(random.below(2000));
    default:
      return at + static_cast<std::int64_t>(random.below(kSecond));
  }
}

TEST(LineWriterTest, RandomRecordsComeOutTheSame) {
  std::size_t plain = 0;
  std::size_t all = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<FormatterOptions> formats;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) formats.push_back(random_format(random));
    BothWays ways(formats);
    std::vector<wire::Site> sites;
    for (int i = 0; i < 20; ++i) {
      sites.push_back(some_site(random_message(random)));
      if (random.below(10) == 0) sites.back().style = static_cast<MessageStyle>(random.below(4));
    }
    for (int i = 0; i < 200; ++i, ++all) {
      const auto site = static_cast<std::uint32_t>(random.below(sites.size()));
      const auto lane = static_cast<std::uint32_t>(random.below(3));
      const Tenant tenant = some_tenant(1 + lane + 10 * random.below(2));
      ways.handle(site, sites[site], tenant, random_time(random), random_payload(random), lane);
    }
    ways.expect_same();
    plain += ways.lines.lines_made();
    if (::testing::Test::HasFailure()) break;
  }
  // Otherwise one way is compared with itself.
  EXPECT_GT(plain, all / 8);
  EXPECT_LT(plain, all * 7 / 8);
}

}  // namespace
}  // namespace logbus::consumer::test
