// SPDX-License-Identifier: MIT
// The % operator: which argument a conversion takes.
#include "record/percent_format.h"

#include <algorithm>
#include <utility>

#include "record/merge_limits.h"
#include "record/percent_conversion.h"
#include "record/python_error.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

// Where arguments come from; the indices are CPython's (a lone value counts as -2 of -1).
class Arguments {
 public:
  explicit Arguments(const Value& args) {
    const auto* list = args.get_if<List>();
    const auto* tuple = args.get_if<Tuple>();
    items_ = list != nullptr ? list : tuple != nullptr ? &tuple->items : nullptr;
    if (items_ == nullptr) single_ = &args;
    dict_ = args.get_if<Dict>();
  }

  void select(std::string_view key) {
    if (dict_ == nullptr) throw_type_error("format requires a mapping");
    for (const auto& [name, value] : *dict_) {
      const auto* text = name.get_if<std::string>();
      if (text != nullptr && *text == key) {
        items_ = nullptr;
        single_ = &value;
        return;
      }
    }
    std::string error = "KeyError: ";
    append_string_repr(key, error);
    throw PythonError(error);
  }

  const Value& next() {
    if (items_ != nullptr && index_ < items_->size()) return (*items_)[index_++];
    if (items_ == nullptr && single_ != nullptr) return *std::exchange(single_, nullptr);
    throw_type_error("not enough arguments for format string");
  }

  int next_size(const char* name) {
    const Value& value = next();
    const auto* number = value.get_if<std::int64_t>();
    const auto* flag = value.get_if<bool>();
    if (number == nullptr && flag == nullptr) throw_type_error("* wants int");
    const std::int64_t size = number != nullptr ? *number : *flag ? 1 : 0;
    if (size > kLargestWidth || size < -kLargestWidth) throw_overflow_error(std::string(name) + " too big");
    return static_cast<int>(size);
  }

  void check_all_used() const {
    if (dict_ != nullptr) return;
    if (items_ != nullptr ? index_ < items_->size() : single_ != nullptr) {
      throw_type_error("not all arguments converted during string formatting");
    }
  }

 private:
  const List* items_ = nullptr;
  std::size_t index_ = 0;
  const Value* single_ = nullptr;
  const Dict* dict_ = nullptr;
};

void append_next(PercentConversion conversion, Arguments& arguments, std::string& out) {
  if (conversion.is_percent_sign) {
    out.push_back('%');
    return;
  }
  if (conversion.has_key) arguments.select(conversion.key);
  if (conversion.width == PercentConversion::kStar) {
    conversion.width = arguments.next_size("width");
    if (conversion.width < 0) {
      conversion.left = true;
      conversion.width = -conversion.width;
    }
  }
  if (conversion.precision == PercentConversion::kStar) {
    conversion.precision = std::max(arguments.next_size("precision"), 0);
  }
  if (conversion.error != nullptr) throw_value_error(conversion.error);
  append_converted(conversion, arguments.next(), out);
}

}  // namespace

void append_percent(std::string_view format, const Value& args, std::string& out) {
  Arguments arguments(args);
  const std::size_t begin = out.size();
  std::size_t at = 0;
  while (at < format.size()) {
    const std::size_t percent = format.find('%', at);
    out += format.substr(at, percent - at);
    if (percent == format.npos) break;
    at = percent + 1;
    if (out.size() - begin > kLongestMessage) throw_value_error("message is too long");
    append_next(parse_conversion(format, at), arguments, out);
  }
  arguments.check_all_used();
}

}  // namespace logbus::record
