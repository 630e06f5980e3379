// SPDX-License-Identifier: MIT
#include "handlers/mail_header.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "handlers/url_text.h"
#include "record/utf8.h"

namespace logbus::handlers {
namespace {

constexpr std::size_t kUsualLine = 78;     // RFC 5322's recommendation
constexpr std::size_t kLongestLine = 998;  // and its limit
constexpr std::string_view kBlanks = " \t";
constexpr std::size_t kWordFrame = 12;  // of an encoded word, beside its text

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char byte) { return static_cast<signed char>(byte) >= 0; });
}

bool is_blank(char byte) noexcept {
  return kBlanks.find(byte) != kBlanks.npos;
}

bool is_plain(char byte) noexcept {
  constexpr std::string_view kMarks = "-!*+/";
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         kMarks.find(byte) != kMarks.npos;
}

std::string q_encoded(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    if (byte == ' ') {
      out += '_';
    } else if (is_plain(byte)) {
      out += byte;
    } else {
      fmt::format_to(std::back_inserter(out), "={:02X}", static_cast<unsigned char>(byte));
    }
  }
  return out;
}

// Quoted-printable, unless base64 is shorter by five.
std::string encoded_word(std::string_view text) {
  const std::string q = q_encoded(text);
  const std::size_t b_size = (text.size() + 2) / 3 * 4;
  return q.size() < b_size + 5 ? "=?utf-8?q?" + q + "?=" : "=?utf-8?b?" + base64(text) + "?=";
}

// A header's lines while they are filled.
class Folding {
 public:
  explicit Folding(std::string begin) { lines_.push_back(std::move(begin)); }

  // A run of blanks, or of anything else.
  void add(std::string_view token) {
    if (!is_ascii(token)) return encode(token);
    if (token.size() <= room()) return append(token);
    if (token.size() + 1 <= kUsualLine) {
      const std::string blank = take_last_blank();
      if (!blank.empty() || is_blank(token[0])) {
        const bool behind_word = in_word_ && is_blank(token[0]) && lines_.back().ends_with("?=");
        lines_.push_back(blank);
        in_word_ = false;
        append(token);
        if (behind_word) between_words_ = token;
        return;
      }
    }
    encode(token);
  }

  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += line + "\r\n";
    return all;
  }

 private:
  std::size_t room() const noexcept { return kUsualLine - std::min(lines_.back().size(), kUsualLine); }

  void append(std::string_view token) {
    lines_.back() += token;
    between_words_.clear();
    if (in_word_) since_word_ += token;
  }

  std::string take_last_blank() {
    std::string& line = lines_.back();
    if (line.empty() || !is_blank(line.back())) return {};
    const std::string blank(1, line.back());
    line.pop_back();
    return blank;
  }

  // As encoded words. Blanks between two of them would be lost to readers: one that is in the line already is
  // taken back, with what came behind it, and blanks that begin the line behind one are encoded.
  void encode(std::string_view token) {
    std::string rest(token);
    if (in_word_) {
      rest = since_word_ + rest;
      lines_.back().resize(word_begin_);
    } else if (!between_words_.empty()) {
      rest = between_words_ + rest;
      lines_.back() = ' ';
    }
    const bool goes_on = in_word_ || !between_words_.empty();
    between_words_.clear();
    // Only a run of blanks, too long for any line, begins so.
    std::string first_blank, last_blank;
    if (!goes_on && is_blank(rest.front())) {
      if (lines_.back().size() == kUsualLine) lines_.push_back(take_last_blank());
      lines_.back() += rest.front();
      rest.erase(0, 1);
    }
    if (!goes_on && !rest.empty() && is_blank(rest.back())) {
      last_blank = rest.back();
      rest.pop_back();
    }
    while (!rest.empty()) {
      std::size_t most = record::code_point_prefix(rest, room() - std::min(room(), kWordFrame));
      std::string word = encoded_word(std::string_view(rest).substr(0, most));
      while (most > 0 && word.size() > room()) {
        do {
          --most;
        } while ((static_cast<unsigned char>(rest[most]) & 0xC0) == 0x80);
        word = encoded_word(std::string_view(rest).substr(0, most));
      }
      if (most == 0) {  // no room: the line's last blank begins the next one
        const std::string blank = take_last_blank();
        lines_.push_back(blank.empty() ? " " : blank);
        continue;
      }
      word_begin_ = lines_.back().size();
      lines_.back() += word;
      since_word_ = rest.substr(0, most);
      rest.erase(0, most);
      if (!rest.empty()) lines_.emplace_back(" ");
    }
    in_word_ = true;
    lines_.back() += last_blank;
    since_word_ += last_blank;
  }

  std::vector<std::string> lines_;
  // Of the last encoded word of the last line:
  bool in_word_ = false;
  std::size_t word_begin_ = 0;
  std::string since_word_;     // what it stands for, and what came behind it
  std::string between_words_;  // all that the line has: blanks behind a line that ends with an encoded word
};

void add_tokens(std::string_view text, Folding& folding) {
  while (!text.empty()) {
    const bool blank = is_blank(text[0]);
    const std::size_t end = blank ? text.find_first_not_of(kBlanks) : text.find_first_of(kBlanks);
    folding.add(text.substr(0, end));
    text.remove_prefix(std::min(end, text.size()));
  }
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// "Name <a@b.c>" in ASCII.
std::string encoded_address(std::string_view address) {
  if (is_ascii(address)) return std::string(address);
  std::string_view name = trimmed(address.substr(0, address.rfind('<')));
  std::string encoded;
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
    encoded = encoded_word(name.substr(1, name.size() - 2));
  } else {
    // From the first word that needs it to the last.
    std::size_t begin = name.npos, end = 0;
    for (std::size_t at = 0; at < name.size();) {
      const std::size_t next = std::min(name.find_first_of(kBlanks, at), name.size());
      if (!is_ascii(name.substr(at, next - at))) {
        begin = std::min(begin, at);
        end = next;
      }
      at = std::min(name.find_first_not_of(kBlanks, next), name.size());
    }
    encoded = std::string(name.substr(0, begin)) + encoded_word(name.substr(begin, end - begin)) +
              std::string(name.substr(end));
  }
  return encoded + " <" + std::string(bare_address(address)) + ">";
}

}  // namespace

bool breaks_line(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code_point = record::next_code_point(text, at);
    if (code_point == '\t') continue;
    if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x2028 ||
        code_point == 0x2029 || code_point == record::kInvalidCodePoint)
      return true;
  }
  return false;
}

std::string text_header(std::string_view name, std::string_view text) {
  std::string begin(name);
  if (text.empty()) return begin + ":\r\n";
  begin += ": ";
  if (is_ascii(text) && begin.size() + text.size() > kUsualLine && text.size() < kUsualLine) {
    begin.pop_back();  // all of it fits on a line of its own
    return begin + "\r\n " + std::string(text) + "\r\n";
  }
  Folding folding(begin);
  add_tokens(text, folding);
  return folding.text();
}

std::string address_header(std::string_view name, const std::vector<std::string>& addresses) {
  std::string all(name);
  all += ':';
  std::size_t line = 0;
  for (const std::string& address : addresses) {
    const std::string encoded = encoded_address(address);
    if (all.size() - line + encoded.size() + 2 > kLongestLine) {
      all += "\r\n";
      line = all.size();
    }
    all += (line == all.size() || &address == &addresses.front() ? " " : "") + encoded;
    if (&address != &addresses.back()) all += ',';
  }
  return all + "\r\n";
}

std::vector<std::string> split_addresses(std::string_view text) {
  std::vector<std::string> addresses;
  bool quoted = false;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at == text.size() || (text[at] == ',' && !quoted && depth == 0)) {
      const std::string_view address = trimmed(text.substr(begin, at - begin));
      if (!address.empty()) addresses.emplace_back(address);
      begin = at + 1;
    } else if (text[at] == '\\' && quoted && at + 1 < text.size()) {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && (text[at] == '<' || text[at] == '>')) {
      depth += text[at] == '<' ? 1 : -1;
    }
  }
  return addresses;
}

std::string_view bare_address(std::string_view address) noexcept {
  const std::string_view whole = trimmed(address);
  const std::size_t open = whole.rfind('<');
  if (open == whole.npos || whole.back() != '>') return whole;
  return trimmed(whole.substr(open + 1, whole.size() - open - 2));
}

bool is_address(std::string_view address) noexcept {
  const std::string_view bare = bare_address(address);
  return !bare.empty() && bare.front() != '-' && std::all_of(bare.begin(), bare.end(), [](char byte) {
    return byte > ' ' && byte < 0x7F && std::string_view("<>,;:\"()\\").find(byte) == std::string_view::npos;
  });
}

std::string mail_date(std::time_t time) {
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm local{};
  ::localtime_r(&time, &local);
  const long minutes = local.tm_gmtoff / 60;
  return fmt::format(
      "{}, {:02} {} {} {:02}:{:02}:{:02} {}{:02}{:02}", kDays.at(static_cast<unsigned>(local.tm_wday)),
      local.tm_mday, kMonths.at(static_cast<unsigned>(local.tm_mon)), local.tm_year + 1900, local.tm_hour,
      local.tm_min, local.tm_sec, minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

}  // namespace logbus::handlers
