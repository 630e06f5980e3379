// SPDX-License-Identifier: MIT
// Filter by logger name, and the list of filters that loggers and handlers share.
#include <logbus/filter.h>

#include <algorithm>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

bool Filter::filter(LogRecord& record) const {
  if (name_.empty() || record.name == name_) return true;
  return record.name.size() > name_.size() && record.name.starts_with(name_) &&
         record.name[name_.size()] == '.';
}

void Filterer::add_filter(std::shared_ptr<const Filter> filter) {
  if (std::find(filters_.begin(), filters_.end(), filter) == filters_.end()) {
    filters_.push_back(std::move(filter));
  }
}

void Filterer::remove_filter(const std::shared_ptr<const Filter>& filter) {
  std::erase(filters_, filter);
}

bool Filterer::filter(LogRecord& record) const {
  return std::all_of(filters_.begin(), filters_.end(),
                     [&record](const auto& filter) { return filter->filter(record); });
}

}  // namespace abi1
}  // namespace logbus
