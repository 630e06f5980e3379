// SPDX-License-Identifier: MIT
// logging.handlers.TimedRotatingFileHandler.
#include <logbus/timed_rotating_file_handler.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include <logbus/error.h>

#include "handlers/rollover_clock.h"
#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

constexpr std::string_view kTimeOfDay = "a time of day such as \"02:30\" or \"02:30:00\"";

// Takes a number of one or two digits, up to `most`, off the front.
std::optional<int> take_number(std::string_view& text, int most) {
  int number = 0;
  const char* const limit = text.data() + std::min<std::size_t>(text.size(), 2);
  const auto [end, error] = std::from_chars(text.data(), limit, number);
  if (error != std::errc() || number < 0 || number > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// HH:MM[:SS[.ffffff]]; Python's handler takes no notice of the fraction.
std::optional<std::chrono::seconds> parse_time_of_day(std::string_view text) {
  const auto hour = take_number(text, 23);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 59);
  if (!minute) return std::nullopt;
  int second = 0;
  if (take(text, ':')) {
    const auto found = take_number(text, 59);
    if (!found) return std::nullopt;
    second = *found;
    if (take(text, '.')) {
      const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
      if (digits == 0 || digits > 6) return std::nullopt;
      text.remove_prefix(digits);
    }
  }
  if (!text.empty()) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(second);
}

// Without quotes, YAML 1.1 makes 12:30:00 the number 45000, and 12:30 the number 750. Written with colons it
// is plain what is meant. A number of less than an hour's seconds may have been either, and is refused.
std::optional<std::chrono::seconds> read_time_of_day(Section& section, std::string_view key) {
  const Node* node = section.value(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::chrono::seconds> time;
  if (node->is(Node::Kind::kString) || node->text.find(':') != std::string::npos) {
    time = parse_time_of_day(node->text);
  } else if (node->is(Node::Kind::kInteger) && node->integer >= 3600 && node->integer < 86400) {
    time = std::chrono::seconds(node->integer);
  }
  if (!time) section.expected(key, kTimeOfDay);
  return time;
}

double read_interval(Section& section) {
  const Node* node = section.value("interval");
  if (node == nullptr) return 1;
  if (node->is(Node::Kind::kFloat) && node->real >= 0) return node->real;  // half an hour, say
  return static_cast<double>(
      section.integer("interval", 0, std::numeric_limits<std::int64_t>::max()).value_or(1));
}

TimedRotatingOptions read_rotation(HandlerReading& reading) {
  Section& section = reading.section;
  TimedRotatingOptions rotation;
  rotation.when = section.string("when").value_or(rotation.when);
  rotation.interval = read_interval(section);
  const std::int64_t most = std::numeric_limits<int>::max();
  const std::int64_t backup_count = section.integer("backupCount", -most, most).value_or(0);
  rotation.backup_count = static_cast<unsigned>(std::max<std::int64_t>(backup_count, 0));
  rotation.utc = section.truth("utc").value_or(false);
  rotation.at_time = read_time_of_day(section, "atTime");
  rotation.suffix = reading.attributes.string("suffix").value_or("");
  rotation.compatibility = reading.bus.compatibility;
  for (const std::string_view key : {"when", "interval"}) {  // None has no meaning for either
    if (const Node* node = section.find(key); node != nullptr && node->is(Node::Kind::kNull))
      section.expected(key, key == "when" ? "a string" : "an integer");
  }
  std::string_view judged = "when";
  try {
    (void)handlers::RolloverClock({.when = rotation.when});
    judged = "interval";
    (void)handlers::RolloverClock(rotation);
  } catch (const Error& error) {
    section.diagnostics().error(section.place(judged), error.what());
  }
  return rotation;
}

}  // namespace

void read_timed_rotating_file_handler(HandlerReading& reading) {
  Section& section = reading.section;
  const bool has_mode = section.find("mode") != nullptr;
  const FileOptions options = read_file_options(reading);
  if (has_mode) {
    section.diagnostics().error(section.place("mode"), "a TimedRotatingFileHandler has no mode: it appends");
  }
  reading.settings.make = [options, rotation = read_rotation(reading),
                           attributes = read_rotating_attributes(reading)](const Making& making) {
    return attributes.apply(
        std::make_shared<TimedRotatingFileHandler>(options_for(options, making), rotation));
  };
}

}  // namespace logbus::sidecar
