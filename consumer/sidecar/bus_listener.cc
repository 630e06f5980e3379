// SPDX-License-Identifier: MIT
#include "sidecar/bus_listener.h"

#include <algorithm>

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;

// `logbus stat` is read by people: older counters than this would look wrong, newer ones nobody would notice.
constexpr auto kPublishInterval = 100ms;
// How long to look for records before asking whether the bus is idle.
constexpr std::chrono::milliseconds kIdleWait = 20ms;
// As long as the bus's reader sleeps at a stretch: a shorter one would be one more wake-up. A stop interrupts
// it.
constexpr std::chrono::milliseconds kWait = 400ms;

// What is to be flushed at the end of a batch.
std::vector<std::shared_ptr<Handler>> all_handlers(const Pipeline& pipeline) {
  std::vector<std::shared_ptr<Handler>> all = pipeline.handlers;
  all.push_back(pipeline.last_resort);
  return all;
}

}  // namespace

BusListener::BusListener(consumer::BusQueue& bus, Pipeline& pipeline, bool until_idle)
    : QueueListener(bus, all_handlers(pipeline)),
      bus_(bus),
      pipeline_(pipeline),
      lines_(*pipeline.dispatcher),
      until_idle_(until_idle) {}

BusListener::~BusListener() {
  try {
    stop();
  } catch (...) {  // what ended the thread; whoever wanted to know has called stop()
  }
}

void BusListener::enqueue_sentinel() {
  bus_.begin_stop();
  QueueListener::enqueue_sentinel();
}

bool BusListener::handle_next(LogRecord& record, std::chrono::milliseconds timeout) {
  if (timeout == 0ms ? !bus_.next(packed_, timeout) : !wait_for_next()) return false;
  failed_.clear();
  if (!lines_.handle(packed_, failed_)) {
    if (bus_.unpack(packed_, record)) handle_safely(record);
  } else if (!failed_.empty() && bus_.unpack(packed_, record)) {
    for (Handler* handler : failed_) handler->handle(record);
  }
  return true;
}

// Between two batches: everything given so far is flushed and committed.
bool BusListener::wait_for_next() {
  if (const auto now = std::chrono::steady_clock::now(); now >= publish_at_) {
    publish_at_ = now + kPublishInterval;
    bus_.publish_handlers(pipeline_.handlers);
  }
  if (bus_.next(packed_, until_idle_ ? kIdleWait : kWait)) return true;
  replaced_ = bus_.replaced();
  if (replaced_ || (until_idle_ && bus_.idle())) enqueue_sentinel();
  return false;
}

void BusListener::flush_handlers() noexcept {
  lines_.release();
  QueueListener::flush_handlers();
}

void BusListener::handle(LogRecord& record) {
  pipeline_.dispatcher->handle(record);
}

}  // namespace logbus::sidecar
