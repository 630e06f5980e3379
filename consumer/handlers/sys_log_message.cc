// SPDX-License-Identifier: MIT
#include "sys_log_message.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::handlers {
namespace {

struct Name {
  std::string_view name;
  int code;
};
constexpr std::array kFacilities{
    Name{"auth", 4},    Name{"authpriv", 10}, Name{"console", 14},      Name{"cron", 9},
    Name{"daemon", 3},  Name{"ftp", 11},      Name{"kern", 0},          Name{"local0", 16},
    Name{"local1", 17}, Name{"local2", 18},   Name{"local3", 19},       Name{"local4", 20},
    Name{"local5", 21}, Name{"local6", 22},   Name{"local7", 23},       Name{"lpr", 6},
    Name{"mail", 2},    Name{"news", 7},      Name{"ntp", 12},          Name{"security", 13},
    Name{"syslog", 5},  Name{"user", 1},      Name{"solaris-cron", 15}, Name{"uucp", 8},
};
constexpr std::array kPriorities{
    Name{"alert", 1},  Name{"crit", 2},  Name{"critical", 2}, Name{"debug", 7},
    Name{"emerg", 0},  Name{"err", 3},   Name{"error", 3},    Name{"info", 6},
    Name{"notice", 5}, Name{"panic", 0}, Name{"warn", 4},     Name{"warning", 4},
};

template <std::size_t kCount>
std::optional<int> find(const std::array<Name, kCount>& names, std::string_view wanted) noexcept {
  for (const auto& [name, code] : names)
    if (name == wanted) return code;
  return std::nullopt;
}

// RFC 5424's PRINTUSASCII, at most so many; "-" if there is nothing. `but`: what else it may not hold.
void append_printable(std::string_view text, std::size_t most, std::string& out, std::string_view but = "") {
  const std::size_t begin = out.size();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // one `_` for each character
    if (out.size() - begin == most) break;
    out += byte > 32 && byte < 127 && but.find(c) == but.npos ? c : '_';
  }
  if (out.size() == begin) out += '-';
}

// RFC 5424's PARAM-VALUE.
void append_value(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = record::next_code_point(text, at);
    if (point == record::kInvalidCodePoint) {
      out += "\xEF\xBF\xBD";  // U+FFFD
      continue;
    }
    if (point == '"' || point == '\\' || point == ']') out += '\\';
    out += text.substr(begin, at - begin);
  }
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace

std::optional<int> sys_log_facility(std::string_view name) noexcept {
  return find(kFacilities, name);
}

std::optional<int> sys_log_priority(std::string_view name) noexcept {
  return find(kPriorities, name);
}

std::string sys_log_facility_names() {
  std::string names;
  for (const Name& facility : kFacilities) {
    if (!names.empty()) names += ", ";
    names += facility.name;
  }
  return names;
}

Rfc5424Header::Rfc5424Header(Options options)
    : options_(std::move(options)), data_id_("extra@" + std::to_string(options_.enterprise)) {
  if (options_.hostname.empty()) options_.hostname = machine_name();
}

void Rfc5424Header::append(const LogRecord& record, std::string& out) {
  constexpr std::size_t kMostHostname = 255, kMostAppName = 48, kMostMsgId = 32, kMostParamName = 32;
  out += "1 ";
  append_time(record.created_ns, out);
  out += ' ';
  append_printable(options_.hostname, kMostHostname, out);
  out += ' ';
  append_printable(options_.app_name.empty() ? record.process_name : options_.app_name, kMostAppName, out);
  out += ' ';
  out += record.process > 0 ? std::to_string(record.process) : "-";
  out += ' ';
  append_printable(record.name, kMostMsgId, out);
  out += ' ';
  if (record.extra.empty()) {
    out += "- ";
    return;
  }
  out += '[';
  out += data_id_;
  for (const auto& [name, value] : record.extra) {
    out += ' ';
    append_printable(name, kMostParamName, out, "=]\"");
    out += "=\"";
    value_.clear();
    record::append_str(value, value_);
    append_value(value_, out);
    out += '"';
  }
  out += "] ";
}

void Rfc5424Header::insert_mark(std::string& out, std::size_t begin) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_ascii)) return;
  for (std::size_t at = begin; at < out.size();)
    if (record::next_code_point(out, at) == record::kInvalidCodePoint) return;
  out.insert(begin, "\xEF\xBB\xBF");
}

// In UTC, with microseconds: the most that the RFC allows.
void Rfc5424Header::append_time(std::int64_t ns_since_epoch, std::string& out) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  std::int64_t second = ns_since_epoch / kPerSecond;
  std::int64_t rest = ns_since_epoch % kPerSecond;
  if (rest < 0) {
    rest += kPerSecond;
    --second;
  }
  std::array<char, 64> text{};
  if (second != second_ || second_text_.empty()) {
    std::tm parts{};
    const auto time = static_cast<std::time_t>(second);
    (void)::gmtime_r(&time, &parts);
    const int size =
        std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    second_text_.assign(text.data(), static_cast<std::size_t>(size));
    second_ = second;
  }
  out += second_text_;
  std::int64_t micro = rest / 1000;
  char* const end = text.data() + 6;
  for (char* digit = end; digit != text.data(); micro /= 10) *--digit = static_cast<char>('0' + micro % 10);
  out.append(text.data(), 6);
  out += 'Z';
}

}  // namespace logbus::handlers
