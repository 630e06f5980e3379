// SPDX-License-Identifier: MIT
// Every file of the corpora, as it is and with some bytes changed, with any compiler. LOGBUS_SEED repeats a
// run.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

#include "once.h"

namespace logbus::fuzz {
namespace {

using Once = void (*)(Bytes);

void run_corpus(const char* target, Once once, int mutations) {
  const char* const given = std::getenv("LOGBUS_SEED");
  const auto seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 20260301U;
  std::mt19937 random(seed);
  std::vector<std::string> inputs;
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(std::string(FUZZ_CORPUS) + "/fuzz_" + target))
    paths.push_back(file.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  ASSERT_FALSE(inputs.empty()) << "no corpus of " << target;
  for (const std::string& input : inputs) once(std::as_bytes(std::span(input)));
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (int round = 0; round < mutations; ++round) {
    std::string input = inputs[below(inputs.size())];
    for (std::size_t changes = 1 + below(4); changes != 0 && !input.empty(); --changes) {
      const std::size_t at = below(input.size());
      const std::string& other = inputs[below(inputs.size())];
      if (below(2) == 0)
        input[at] = static_cast<char>(random());
      else if (below(2) == 0)
        input.erase(at, 1 + below(8));
      else
        input.insert(at, other.substr(below(other.size() + 1), below(64)));
    }
    once(std::as_bytes(std::span(input)));
  }
  std::cout << inputs.size() << " files and " << mutations << " changed ones, LOGBUS_SEED=" << seed << '\n';
}

TEST(FuzzCorpusTest, Segment) {
  run_corpus("segment", segment_once, 100);
}
TEST(FuzzCorpusTest, Journal) {
  run_corpus("journal", journal_once, 300);
}
TEST(FuzzCorpusTest, Config) {
  run_corpus("config", config_once, 500);
}
TEST(FuzzCorpusTest, Format) {
  run_corpus("format", format_once, 2000);
}
TEST(FuzzCorpusTest, Emit) {
  run_corpus("emit", emit_once, 2000);
}

}  // namespace
}  // namespace logbus::fuzz
