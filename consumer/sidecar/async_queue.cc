// SPDX-License-Identifier: MIT
#include "sidecar/async_queue.h"

#include <utility>

namespace logbus::sidecar {
namespace {

QueueHandler::Prepare prepare(const BusSettings& bus) {
  return bus.prepares_like_python ? QueueHandler::Prepare::kPython : QueueHandler::Prepare::kLogbus;
}

// A queue that is always empty: what is put has been handled.
class NoQueue : public Queue {
 public:
  NoQueue(Handlers handlers, bool respect_handler_level)
      : handlers_(std::move(handlers)), respect_handler_level_(respect_handler_level) {}

  bool put_nowait(const LogRecord& record) override {
    for (const std::shared_ptr<Handler>& handler : handlers_) {
      if (!respect_handler_level_ || record.levelno >= static_cast<int>(handler->level()))
        handler->handle(record);
    }
    return true;
  }
  bool get(LogRecord&, std::chrono::milliseconds) override { return false; }

 private:
  Handlers handlers_;  // shared with the pipeline, which flushes and closes them
  bool respect_handler_level_;
};

// Never destroyed.
std::vector<std::shared_ptr<AsyncQueue>>& left_alone() {
  static auto* queues = new std::vector<std::shared_ptr<AsyncQueue>>;
  return *queues;
}

}  // namespace

AsyncQueue::AsyncQueue(const QueueSettings& settings, const BusSettings& bus, Handlers handlers,
                       Handlers behind)
    : queue_(std::make_shared<LogQueue>(settings.capacity.value_or(bus.async.capacity), bus.async.memory)),
      handler_(std::make_shared<QueueHandler>(
          queue_, prepare(bus),
          bus.async.blocks ? bus.async.block_timeout : std::chrono::milliseconds::zero())),
      behind_(std::move(behind)),
      listener_(*queue_, std::move(handlers), settings.respect_handler_level) {}

std::uint64_t AsyncQueue::finish() {
  if (std::exchange(finished_, true)) return 0;
  std::uint64_t left = 0;
  if (has_stopped()) {
    try {
      listener_.stop(std::chrono::milliseconds::zero());
    } catch (const std::exception& error) {
      handler_->handle_error(nullptr, error);
    }
    LogRecord record;  // this thread is the consumer now
    while (queue_->get(record, std::chrono::milliseconds::zero())) ++left;
  } else {
    left_alone().push_back(shared_from_this());
    left = queue_->size();
  }
  handler_->count_abandoned(left);
  return left;
}

bool AsyncQueue::any_left_alone() noexcept {
  return !left_alone().empty();
}

std::shared_ptr<QueueHandler> bus_handler(const QueueSettings& settings, const BusSettings& bus,
                                          Handlers handlers) {
  return std::make_shared<QueueHandler>(
      std::make_shared<NoQueue>(std::move(handlers), settings.respect_handler_level), prepare(bus));
}

}  // namespace logbus::sidecar
