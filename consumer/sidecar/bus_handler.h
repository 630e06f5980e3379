// SPDX-License-Identifier: MIT
// The QueueHandler that stands for the bus itself.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <logbus/handler.h>

namespace logbus::sidecar {

/// In the workers, Python's QueueHandler puts a record into the queue and its listener gives it to
/// `handlers`. Here the record has been through the queue already: what is left of both is the filters and
/// the listener's loop.
class BusHandler : public Handler {
 public:
  BusHandler(std::vector<std::shared_ptr<Handler>> handlers, bool respect_handler_level)
      : handlers_(std::move(handlers)), respect_handler_level_(respect_handler_level) {}

  std::string_view class_name() const noexcept override { return "QueueHandler"; }

 protected:
  void emit(const LogRecord& record) override;

 private:
  std::vector<std::shared_ptr<Handler>> handlers_;  // shared with the pipeline, which flushes and closes them
  bool respect_handler_level_;
};

}  // namespace logbus::sidecar
