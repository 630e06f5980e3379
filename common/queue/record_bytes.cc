// SPDX-License-Identifier: MIT
#include "queue/record_bytes.h"

#include <string>
#include <vector>

namespace logbus::queue {
namespace {

/// Adds up a record's blocks by their capacities, or by what is in use: a copy has no more.
template <bool kUsed>
struct Sum {
  static std::size_t of(const std::string& text) {
    static const std::size_t in_place = std::string().capacity();
    const std::size_t size = kUsed ? text.size() : text.capacity();
    return size > in_place ? size + 1 + kBlockBytes : 0;
  }

  template <class T>
  static std::size_t own(const std::vector<T>& items) {
    const std::size_t size = kUsed ? items.size() : items.capacity();
    return size == 0 ? 0 : size * sizeof(T) + kBlockBytes;
  }

  static std::size_t of(const List& items) {
    std::size_t bytes = own(items);
    for (const Value& item : items) bytes += of(item);
    return bytes;
  }

  static std::size_t of(const Value& value) {
    if (const auto* text = value.get_if<std::string>()) return of(*text);
    if (const auto* text = value.get_if<Text>()) return of(text->text);
    if (const auto* list = value.get_if<List>()) return of(*list);
    if (const auto* tuple = value.get_if<Tuple>()) return of(tuple->items);
    if (const auto* set = value.get_if<Set>()) return of(set->items);
    std::size_t bytes = 0;
    if (const auto* dict = value.get_if<Dict>()) {
      bytes = own(*dict);
      for (const auto& [key, item] : *dict) bytes += of(key) + of(item);
    }
    return bytes;
  }

  static std::size_t of(const Fields& fields) {
    std::size_t bytes = own(fields);
    for (const auto& [key, value] : fields) bytes += of(key) + of(value);
    return bytes;
  }

  static std::size_t of(const LogRecord& record) {
    std::size_t bytes = of(record.msg) + of(record.args) + of(record.extra) + of(record.overrides);
    for (const std::string* text :
         {&record.name, &record.levelname, &record.pathname, &record.func_name, &record.exc_text,
          &record.stack_info, &record.thread_name, &record.process_name})
      bytes += of(*text);
    return bytes;
  }
};

}  // namespace

std::size_t bytes_of(const LogRecord& record) {
  return Sum<false>::of(record);
}

std::size_t copied_bytes_of(const LogRecord& record) {
  return Sum<true>::of(record);
}

}  // namespace logbus::queue
