// SPDX-License-Identifier: MIT
// YAML 1.1 scalars: a table, and PyYAML itself as the oracle.
#include "sidecar/yaml_scalar.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sidecar/yaml_node.h"

namespace logbus::sidecar {
namespace {

TEST(YamlScalarTest, BooleansAreElevenWordsInThreeSpellingsEach) {
  for (const char* word : {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}) {
    EXPECT_EQ(resolve_scalar(word), Scalar(true)) << word;
  }
  for (const char* word : {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}) {
    EXPECT_EQ(resolve_scalar(word), Scalar(false)) << word;
  }
  for (const char* word : {"y", "n", "Y", "N", "yEs", "tRUE", "oN", "t", "f"}) {
    EXPECT_EQ(resolve_scalar(word), Scalar(TextScalar{})) << word;
  }
}

TEST(YamlScalarTest, IntegersHaveFiveNotations) {
  const std::pair<const char*, std::int64_t> table[] = {
      {"0", 0},
      {"-0", 0},
      {"+7", 7},
      {"010", 8},
      {"-010", -8},
      {"0b101", 5},
      {"0x1F", 31},
      {"1_000_000", 1000000},
      {"0b_1", 1},
      {"12:30:00", 45000},
      {"1:30", 90},
      {"-1:30", -90},
      {"190:20:30", 685230},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"0_", 0},
  };
  for (const auto& [text, value] : table) EXPECT_EQ(resolve_scalar(text), Scalar(value)) << text;
  for (const char* text :
       {"08", "0o10", "1e6", "12:60", "0:30", "10MB", "1,000", "--1", "+", "-", "0b", "0b2"}) {
    EXPECT_EQ(resolve_scalar(text), Scalar(TextScalar{})) << text;
  }
}

TEST(YamlScalarTest, AFloatNeedsAPoint) {
  const std::pair<const char*, double> table[] = {
      {"1.5", 1.5},
      {"1.", 1.0},
      {".5", 0.5},
      {"-1.5", -1.5},
      {"1.0e+6", 1e6},
      {"1_0.5", 10.5},
      {"1:30.5", 90.5},
      {".inf", std::numeric_limits<double>::infinity()},
      {"-.INF", -std::numeric_limits<double>::infinity()},
  };
  for (const auto& [text, value] : table) EXPECT_EQ(resolve_scalar(text), Scalar(value)) << text;
  for (const char* text : {"1e6", "1.0e6", "1e+6", ".", "-.5", "inf", "nan", "1.2.3"}) {
    EXPECT_EQ(resolve_scalar(text), Scalar(TextScalar{})) << text;
  }
}

TEST(YamlScalarTest, NullDatesMergeAndNonsenseAreTold) {
  for (const char* text : {"", "~", "null", "Null", "NULL"})
    EXPECT_EQ(resolve_scalar(text), Scalar(NullScalar{})) << text;
  for (const char* text : {"2024-01-01", "2024-1-1 10:00:00", "2001-12-14t21:59:43.10-05:00"}) {
    EXPECT_EQ(resolve_scalar(text), Scalar(TimestampScalar{})) << text;
  }
  EXPECT_EQ(resolve_scalar("<<"), Scalar(MergeScalar{}));
  for (const char* text : {"=", "0x_", "0b_", "9223372036854775808"}) {
    EXPECT_NE(resolve_scalar(text), Scalar(TextScalar{})) << text;
  }
  EXPECT_EQ(resolve_scalar("9223372036854775808"), Scalar(BadScalar{}));
  EXPECT_EQ(resolve_scalar(std::string(100'000, '1')),
            Scalar(TextScalar{}));  // too long to be a number, no crash
}

// --- PyYAML
// ---------------------------------------------------------------------------------------------------

// The value in one canonical spelling, the same in C++ and in the script below.
std::string canonical(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kBool:
      return node.boolean ? "true" : "false";
    case Node::Kind::kInteger:
      return fmt::format("int {}", node.integer);
    case Node::Kind::kFloat:
      return fmt::format("float {:.17g}", node.real);
    case Node::Kind::kTimestamp:
      return "date";
    case Node::Kind::kString:
      return "str " + node.text;
    default:
      return "?";
  }
}

constexpr const char* kScript = R"(
import sys, yaml, datetime
for value in yaml.safe_load(open(sys.argv[1]).read()):
    if value is None: print('null')
    elif value is True or value is False: print(str(value).lower())
    elif isinstance(value, int): print('int', value)
    elif isinstance(value, float): print('float', '%.17g' % value)
    elif isinstance(value, (datetime.date, datetime.datetime)): print('date')
    else: print('str', value)
)";

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  return ::pclose(pipe) == 0 ? output : std::string();
}

class PyYamlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("/usr/bin/python3 -c 'import yaml' 2>/dev/null") != 0) GTEST_SKIP() << "no python3-yaml";
    char name[] = "/tmp/logbus-yaml-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    std::ofstream(directory_ + "/oracle.py") << kScript;
  }
  void TearDown() override {
    if (!directory_.empty()) std::system(("rm -r " + directory_).c_str());
  }
  // Each scalar as PyYAML and as we read it.
  void expect_same(const std::vector<std::string>& scalars) {
    std::string document;
    for (const std::string& scalar : scalars) document += "- " + scalar + "\n";
    std::ofstream(directory_ + "/scalars.yaml") << document;
    const std::string expected =
        output_of("/usr/bin/python3 " + directory_ + "/oracle.py " + directory_ + "/scalars.yaml");
    Diagnostics diagnostics("scalars.yaml");
    const Node node = load_yaml(document, diagnostics);
    ASSERT_FALSE(diagnostics.failed()) << diagnostics.lines(true).front();
    ASSERT_EQ(node.items.size(), scalars.size());
    std::istringstream lines(expected);
    std::string line;
    for (std::size_t i = 0; i < scalars.size(); ++i) {
      ASSERT_TRUE(std::getline(lines, line)) << "the oracle ended at " << scalars[i];
      EXPECT_EQ(canonical(node.items[i]), line) << scalars[i];
    }
  }
  std::string directory_;
};

TEST_F(PyYamlTest, ReadsTheSameScalars) {
  expect_same({"no",
               "off",
               "Yes",
               "on",
               "y",
               "n",
               "true",
               "TRUE",
               "tRue",
               "010",
               "0o10",
               "08",
               "1_000_000",
               "1e6",
               "1.0e+6",
               "1.0e6",
               "12:30:00",
               "1:30",
               "12:60:00",
               "0:30",
               "2024-01-01",
               "2024-1-1",
               "~",
               "null",
               "",
               "Null",
               "nUll",
               "0x1F",
               "-0x1f",
               "0b11",
               "+12",
               "-1:30",
               "1:30.5",
               ".5",
               "-.5",
               "5.",
               ".inf",
               "-.Inf",
               "'10'",
               "\"yes\"",
               "!!str 10",
               "!!int '10'",
               "!!float '1'",
               "!!bool 'no'",

               "10 MB",
               "64 MiB",
               "1.2.3",
               "0_",
               "1__0",
               "1_",
               "_1",
               "+",
               "-1",
               "+.inf",
               "NaN",
               "0",
               "00",
               "-0",
               "0.0",
               "1e+6",
               "2001-12-14t21:59:43.10-05:00",
               "x#y",
               "x:y",
               "ext://sys.stdout",
               "10:00",
               "1:2:3",
               "1:2:3.4",
               "'%(message)s'"});
}

TEST_F(PyYamlTest, ReadsTheSameRandomScalars) {
  // Letters that numbers, booleans and dates are made of: about one in five is no plain text. Fixed seed.
  constexpr std::string_view kLetters = "0123456789+-_.:eExbonyfOFNt";
  std::vector<std::string> scalars;
  std::uint64_t state = 20240607;
  const auto next = [&state] {
    return (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 33;
  };
  while (scalars.size() < 3000) {
    std::string scalar;
    const std::size_t length = 1 + next() % 7;
    for (std::size_t i = 0; i < length; ++i)
      scalar += kLetters[next() % (next() % 3 == 0 ? kLetters.size() : 16)];
    // Not scalars but YAML's own signs, and texts on which PyYAML itself fails (0b_, 0x_).
    if (scalar.front() == '-' && (scalar.size() == 1 || scalar[1] == '-')) continue;
    if (scalar.back() == ':' || std::holds_alternative<BadScalar>(resolve_scalar(scalar))) continue;
    scalars.push_back(scalar);
  }
  expect_same(scalars);
}

}  // namespace
}  // namespace logbus::sidecar
