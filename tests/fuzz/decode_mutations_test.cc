// SPDX-License-Identifier: MIT
// The fuzz target's promises on mutated good payloads, with any compiler. LOGBUS_SEED repeats a run.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "decode_once.h"
#include "payload.h"
#include "wire/codec.h"

namespace logbus::wire::test {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kDefaultSeed = 20260301;
constexpr int kRounds = 30000;

std::vector<std::string> good_payloads() {
  LogRecord record;
  record.args = Dict{{"a", List{1, 2.0, Set{{"x"}}}}, {"b", Tuple{{Duration{}, TimePoint{}, Pointer{}}}}};
  record.extra = {{"style", 1}};
  record.overrides = {{"name", None{}}};
  std::vector<std::string> out(3);
  encode_record(record, out[0]);
  encode_site({"n", 20, "INFO", "/p", 300, "f", MessageStyle::kBrace, "{}"}, out[1]);
  encode_names({"thread", "process"}, out[2]);
  out.push_back(encode_arguments());
  out.push_back(encode_arguments(1, -1L, 1U, 'c', true, 0.5F, 2.0, "text", nullptr, 5ms, 1.5L) +
                encode_fields("ms", 1.0, "exc_text", "E: e", "nested", std::vector<std::string>{"a", "b"}));
  out.push_back(encode_arguments(
      std::map<std::string, std::vector<std::pair<int, std::set<char>>>>{{"k", {{1, {'a'}}, {2, {}}}}},
      std::optional<int>(), std::chrono::system_clock::time_point(1s)));
  return out;
}

TEST(DecodeMutationsTest, TakesGoodPayloads) {
  for (const std::string& payload : good_payloads())
    EXPECT_GE(decode_once(as_bytes(payload)), 1) << hex(payload);
}

TEST(DecodeMutationsTest, SurvivesMutatedPayloads) {
  const char* const given = std::getenv("LOGBUS_SEED");
  const auto seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : kDefaultSeed;
  std::cout << "LOGBUS_SEED=" << seed << '\n';
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const std::vector<std::string> good = good_payloads();
  // Headers of containers, strings and extensions: more telling than any byte.
  const std::string tags =
      "\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc4\xc7\xc8\xc9\xca\xcb\xcf\xd3\xd4\xd8\xd9\xdb\xdc\xdd\xde\xdf";
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = good[below(good.size())];
    for (std::size_t changes = 1 + below(4); changes != 0 && !bytes.empty(); --changes) {
      const std::size_t at = below(bytes.size());
      switch (below(6)) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = tags[below(tags.size())];
          break;
        case 2:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 3:
          bytes.resize(at);
          break;
        case 4:
          bytes.insert(at, good[below(good.size())]);
          break;
        default:
          bytes.erase(at, 1 + below(8));
          break;
      }
    }
    taken += decode_once(as_bytes(bytes)) > 0 ? 1 : 0;
  }
  std::cout << taken << " of " << kRounds << " were still good\n";
  EXPECT_GT(taken, kRounds / 100);
  EXPECT_LT(taken, kRounds);
}

}  // namespace
}  // namespace logbus::wire::test
