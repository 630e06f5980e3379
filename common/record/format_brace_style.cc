// SPDX-License-Identifier: MIT
// Formats of style '{': logging.StrFormatStyle over str.format.
#include <algorithm>

#include <fmt/format.h>

#include <logbus/error.h>

#include "record/brace_field.h"
#include "record/format_program.h"
#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

// str.format expands fields in a field's spec, and nothing in those.
constexpr int kDepth = 2;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string quoted(std::string_view text) {
  std::string repr;
  append_string_repr(text, repr);
  return repr;
}

/// One piece of a format, as string.Formatter.parse gives it.
struct Piece {
  std::string literal;
  bool has_field = false;
  std::string_view name;
  std::string_view spec;
  char32_t conversion = 0;
};

// MarkupIterator of CPython's unicode_format.h. An error is a sentence, "" none.
class PieceReader {
 public:
  explicit PieceReader(std::string_view format) : format_(format) {}

  bool at_end() const noexcept { return at_ >= format_.size(); }

  std::string read(Piece& piece) {
    piece = {};
    while (!at_end()) {
      const char c = format_[at_++];
      if (c != '{' && c != '}') {
        piece.literal.push_back(c);
        continue;
      }
      if (!at_end() && format_[at_] == c) {
        piece.literal.push_back(c);
        ++at_;
        continue;
      }
      if (c == '}') return "Single '}' encountered in format string";
      if (at_end()) return "Single '{' encountered in format string";
      piece.has_field = true;
      return read_field(piece);
    }
    return {};
  }

 private:
  std::string read_field(Piece& piece) {
    const std::size_t begin = at_;
    char c = 0;
    while (!at_end()) {
      c = format_[at_++];
      if (c == '{') return "unexpected '{' in field name";
      if (c == '[') {
        at_ = std::min(format_.find(']', at_), format_.size());
        continue;
      }
      if (c == '}' || c == ':' || c == '!') break;
    }
    if (c != '}' && c != ':' && c != '!') return "expected '}' before end of string";
    piece.name = format_.substr(begin, at_ - 1 - begin);
    if (c == '}') return {};
    if (c == '!') {
      if (at_end()) return "end of string while looking for conversion specifier";
      piece.conversion = next_code_point(format_, at_);
      if (!at_end()) {
        c = format_[at_++];
        if (c == '}') return {};
        if (c != ':') return "expected ':' after conversion specifier";
      }
    }
    const std::size_t spec = at_;
    for (int depth = 1; !at_end();) {
      c = format_[at_++];
      if (c == '{') ++depth;
      if (c == '}' && --depth == 0) {
        piece.spec = format_.substr(spec, at_ - 1 - spec);
        return {};
      }
    }
    return "unmatched '{' in format spec";
  }

  std::string_view format_;
  std::size_t at_ = 0;
};

// StrFormatStyle.field_spec: ^(\d+|\w+)(\.\w+|\[[^]]+\])*$
bool is_valid_name(std::string_view name) {
  std::size_t at = 0;
  const auto skip_word = [&] {
    const std::size_t begin = at;
    while (at < name.size() && is_word_byte(name[at])) ++at;
    return at != begin;
  };
  if (!skip_word()) return false;
  while (at < name.size()) {
    if (name[at] == '.') {
      ++at;
      if (!skip_word()) return false;
    } else if (name[at] == '[') {
      const std::size_t close = name.find(']', at);
      if (close == name.npos || close == at + 1) return false;
      at = close + 1;
    } else {
      return false;
    }
  }
  return true;
}

// The part of StrFormatStyle.fmt_spec behind fill and align:
// [+ -]?#?0?(\d+|{\w+})?[,_]?(\.(\d+|{\w+}))?[bcdefgnosx%]?$
bool is_valid_spec_tail(std::string_view spec) {
  std::size_t at = 0;
  const auto take = [&](std::string_view set) {
    const bool there = at < spec.size() && set.find(spec[at]) != set.npos;
    if (there) ++at;
    return there;
  };
  const auto take_size = [&] {
    const std::size_t begin = at;
    if (at < spec.size() && spec[at] == '{') {
      std::size_t end = at + 1;
      while (end < spec.size() && is_word_byte(spec[end])) ++end;
      if (end == at + 1 || end >= spec.size() || spec[end] != '}') return false;
      at = end + 1;
    } else {
      while (at < spec.size() && is_digit(spec[at])) ++at;
    }
    return at != begin;
  };
  (void)take("+ -");
  (void)take("#");
  (void)take("0");
  (void)take_size();
  (void)take(",_");
  if (take(".") && !take_size()) return false;
  (void)take("bcdefgnosxBCDEFGNOSX%");
  return at == spec.size();
}

bool is_valid_spec(std::string_view spec) {
  constexpr std::string_view kAligns = "<=>^";
  std::size_t second = 0;
  (void)next_code_point(spec, second);
  if (second < spec.size() && spec.front() != '\n' && kAligns.find(spec[second]) != kAligns.npos &&
      is_valid_spec_tail(spec.substr(second + 1))) {
    return true;
  }
  if (kAligns.find(spec.front()) != kAligns.npos && is_valid_spec_tail(spec.substr(1))) return true;
  return is_valid_spec_tail(spec);
}

void check(std::string_view format) {
  const auto fail = [](const std::string& what) { throw Error("invalid format: " + what); };
  PieceReader reader(format);
  Piece piece;
  bool has_field = false;
  while (!reader.at_end()) {
    const std::string error = reader.read(piece);
    if (!error.empty()) fail(error);
    if (!piece.name.empty()) {
      if (!is_valid_name(piece.name)) fail("invalid field name/expression: " + quoted(piece.name));
      has_field = true;
    }
    if (piece.conversion != 0 && piece.conversion != 'r' && piece.conversion != 's' &&
        piece.conversion != 'a') {
      std::string conversion;
      append_code_point(conversion, piece.conversion);
      fail("invalid conversion: " + quoted(conversion));
    }
    if (!piece.spec.empty() && !is_valid_spec(piece.spec)) fail("bad specifier: " + quoted(piece.spec));
  }
  if (!has_field) fail("no fields");
}

FormatStep error_step(std::string text) {
  FormatStep step;
  step.kind = FormatStep::Kind::kError;
  step.text = std::move(text);
  return step;
}

FormatSteps compile(std::string_view format, int depth);

// Splits name[key].attribute; an attribute is an error at run time: no Value has any that would be data.
FormatStep compile_field(const Piece& piece, int depth) {
  const std::size_t first_end = std::min(piece.name.find_first_of(".["), piece.name.size());
  const std::string_view first = piece.name.substr(0, first_end);
  if (std::all_of(first.begin(), first.end(), is_digit)) {
    const std::string index(first.empty() ? "0" : first);
    return error_step("IndexError: Replacement index " + index + " out of range for positional args tuple");
  }
  std::vector<BraceField::Accessor> accessors;
  for (std::string_view rest = piece.name.substr(first_end); !rest.empty();) {
    if (rest.front() == '.') return error_step("AttributeError: " + quoted(rest.substr(1)));
    const std::size_t close = rest.find(']');
    if (rest.front() != '[') {
      return error_step("ValueError: Only '.' or '[' may follow ']' in format field specifier");
    }
    if (close == rest.npos) return error_step("ValueError: Missing ']' in format string");
    if (close == 1) return error_step("ValueError: Empty attribute in format string");
    const std::string_view key = rest.substr(1, close - 1);
    accessors.push_back({std::string(key), std::all_of(key.begin(), key.end(), is_digit)});
    rest.remove_prefix(close + 1);
  }
  if (piece.conversion != 0 && piece.conversion != 'r' && piece.conversion != 's' &&
      piece.conversion != 'a') {
    return error_step("ValueError: Unknown conversion specifier");
  }
  FormatStep step;
  step.field = FieldName(first);
  const bool is_str = piece.conversion == 0 || piece.conversion == 's';
  if (accessors.empty() && piece.spec.empty() && is_str) {
    step.kind = FormatStep::Kind::kText;  // format(value, "") is str(value)
    return step;
  }
  step.kind = FormatStep::Kind::kBrace;
  step.brace = std::make_shared<const BraceField>(
      step.field, std::move(accessors), static_cast<char>(piece.conversion), compile(piece.spec, depth - 1));
  return step;
}

FormatSteps compile(std::string_view format, int depth) {
  FormatSteps steps;
  if (depth == 0 && !format.empty()) {
    steps.push_back(error_step("ValueError: Max string recursion exceeded"));
    return steps;
  }
  // A spec without fields is taken as it is: braces can't be doubled there.
  if (depth < kDepth && format.find('{') == format.npos) {
    append_literal(steps, format);
    return steps;
  }
  PieceReader reader(format);
  Piece piece;
  while (!reader.at_end()) {
    const std::string error = reader.read(piece);
    append_literal(steps, piece.literal);
    if (!error.empty()) {
      steps.push_back(error_step("ValueError: " + error));
      break;
    }
    if (piece.has_field) steps.push_back(compile_field(piece, depth));
  }
  return steps;
}

}  // namespace

FormatSteps compile_brace_style(std::string_view format, bool validate) {
  if (validate) check(format);
  return compile(format, kDepth);
}

}  // namespace logbus::record
