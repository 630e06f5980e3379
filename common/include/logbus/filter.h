// SPDX-License-Identifier: MIT
// Python's Filter and Filterer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Passes records of the logger `name` and its children; "" passes all. Derive to decide otherwise.
/// filter() may be called from several threads at once. Source: logging.Filter.
class Filter {
 public:
  explicit Filter(std::string_view name = {}) : name_(name) {}
  virtual ~Filter() = default;
  /// False drops the record. May change the record for those that come after it.
  virtual bool filter(LogRecord& record) const;

 private:
  std::string name_;
};

/// What Logger and Handler share: a list of filters, asked in order. Source: logging.Filterer.
/// Adding while another thread logs is not synchronised here: Logger and Handler do that.
class Filterer {
 public:
  void add_filter(std::shared_ptr<const Filter> filter);  // shared: the same filter on several handlers
  void remove_filter(const std::shared_ptr<const Filter>& filter);
  bool has_filters() const noexcept { return !filters_.empty(); }
  /// False if a filter refused.
  bool filter(LogRecord& record) const;

 private:
  std::vector<std::shared_ptr<const Filter>> filters_;
};

}  // namespace abi1
}  // namespace logbus
