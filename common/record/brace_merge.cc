// SPDX-License-Identifier: MIT
// Each field goes to fmt on its own: cheaper than building fmt's argument store for values whose types are
// only known here.
#include "record/brace_merge.h"

#include <fmt/format.h>

#include "record/brace_scanner.h"
#include "record/fmt_value.h"
#include "record/merge_limits.h"

namespace logbus::record {
namespace {

/// Appends each piece to the message as it is met.
class Merge {
 public:
  Merge(const List& args, const Fields& extra, std::string& out) : args_(args), extra_(extra), out_(out) {}

  void literal(const char* begin, const char* end) { out_.append(begin, end); }

  void field(const ArgumentId& id) {
    check_length();
    append_fmt(value(id), out_);
  }
  void field(const ArgumentId& id, std::string_view spec) {
    check_length();
    append_fmt(value(id), spec, out_);
  }

  void number(const ArgumentId& id, bool is_precision, SpecBuffer& spec) const {
    const Value& given = value(id);
    std::uint64_t number = 0;
    if (const auto* held = given.get_if<std::int64_t>()) {
      if (*held < 0) throw fmt::format_error(is_precision ? "negative precision" : "negative width");
      number = static_cast<std::uint64_t>(*held);
    } else if (const auto* large = given.get_if<std::uint64_t>()) {
      number = *large;
    } else {
      throw fmt::format_error(is_precision ? "precision is not integer" : "width is not integer");
    }
    // A width of 0 is no width; written out it would be read as the flag.
    if (number == 0 && !is_precision) return;
    const fmt::format_int digits(number);
    spec.append(digits.data(), digits.data() + digits.size());
  }

 private:
  void check_length() const {
    if (out_.size() - begin_ > kLongestMessage) throw fmt::format_error("message is too long");
  }

  const Value& value(const ArgumentId& id) const {
    if (id.name.empty()) {
      if (id.index < args_.size()) return args_[id.index];
    } else {
      for (const auto& [key, value] : extra_) {
        if (key == id.name) return value;
      }
    }
    throw fmt::format_error("argument not found");
  }

  const List& args_;
  const Fields& extra_;
  std::string& out_;
  const std::size_t begin_ = out_.size();
};

}  // namespace

void append_brace(std::string_view format, const List& args, const Fields& extra, std::string& out) {
  Merge merge(args, extra, out);
  BraceScanner(format, merge).run();
}

void append_runtime_brace(std::string_view format, const List& args, const Fields& extra, std::string& out) {
  const std::size_t begin = out.size();
  try {
    append_brace(format, args, extra, out);
  } catch (const fmt::format_error&) {
    out.resize(begin);
    out += format;
    if (args.empty()) return;
    out.push_back(' ');
    append_fmt(Value(Tuple{args}), out);
  }
}

}  // namespace logbus::record
