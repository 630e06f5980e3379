// SPDX-License-Identifier: MIT
#include "handlers/mail_body.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "handlers/url_text.h"

namespace logbus::handlers {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t kLine = 78;
// What decides between quoted-printable and base64.
constexpr std::size_t kSniffedLines = 10;

Lines split_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    lines.push_back(text.substr(0, end));
    const bool both = text.substr(end, 2) == "\r\n";
    text.remove_prefix(std::min(end + (both ? 2 : 1), text.size()));
  }
  return lines;
}

std::string join(const Lines& lines, std::string_view end) {
  std::string all;
  for (const std::string_view line : lines) (all += line) += end;
  if (lines.empty()) all = end;
  return all;
}

void append_escape(char byte, std::string& out) {
  fmt::format_to(std::back_inserter(out), "={:02X}", static_cast<unsigned char>(byte));
}

// Soft breaks, "=" at the end, and none of them in the middle of an escape.
void append_quoted_line(std::string_view text, std::string& out) {
  std::string line;
  for (const char byte : text) {
    const bool plain = (byte >= ' ' && byte < 0x7F && byte != '=') || byte == '\t';
    plain ? line.push_back(byte) : append_escape(byte, line);
  }
  constexpr std::size_t kPiece = kLine - 1;
  std::size_t start = 0;
  while (start + kLine < line.size()) {
    std::size_t stop = start + kPiece;
    if (line[stop - 2] == '=') {
      stop -= 2;
    } else if (line[stop - 1] == '=') {
      stop -= 1;
    }
    out.append(line, start, stop - start).append("=\n");
    start = stop;
  }
  const std::size_t rest = line.size() - start;
  if (rest == 0 || (line.back() != ' ' && line.back() != '\t')) {
    out.append(line, start).push_back('\n');
    return;
  }
  // A blank at the end would be cut off on its way: it is escaped, or has a soft break behind it.
  out.append(line, start, rest - 1);
  if (rest + 2 <= kLine) {
    append_escape(line.back(), out);
  } else if (rest + 1 == kLine) {
    (out += line.back()) += "=\n";
  } else {
    out += "=\n";
    append_escape(line.back(), out);
  }
  out.push_back('\n');
}

std::string quoted(const Lines& lines) {
  std::string all;
  for (const std::string_view line : lines) append_quoted_line(line, all);
  return all;
}

std::string base64_lines(std::string_view bytes) {
  constexpr std::size_t kBytesOfALine = kLine / 4 * 3;
  std::string all;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kBytesOfALine, bytes.size())))
    all += base64(bytes.substr(0, kBytesOfALine)) + "\n";
  return all;
}

// Text with LF becomes the bytes of a mail.
std::string as_sent(const std::string& text) {
  std::string out;
  for (const std::string_view line : split_lines(text)) {
    if (line.starts_with("From ")) out += '>';
    (out += line) += "\r\n";
  }
  return out;
}

}  // namespace

MailBody mail_body(std::string_view text) {
  const Lines lines = split_lines(text);
  const auto is_short = [](std::string_view line) { return line.size() <= kLine; };
  const std::string whole = join(lines, "\n");
  if (std::all_of(lines.begin(), lines.end(), is_short)) {
    const bool ascii = std::all_of(whole.begin(), whole.end(),
                                   [](char byte) { return static_cast<signed char>(byte) >= 0; });
    return {ascii ? "7bit" : "8bit", as_sent(whole)};
  }
  const Lines first(lines.begin(),
                    lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), kSniffedLines)));
  const std::size_t size = join(first, "\n").size();
  if (quoted(first).size() > (size + 2) / 3 * 4 + 1) return {"base64", as_sent(base64_lines(whole))};
  return {"quoted-printable", as_sent(quoted(lines))};
}

}  // namespace logbus::handlers
