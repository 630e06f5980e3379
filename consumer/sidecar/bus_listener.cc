// SPDX-License-Identifier: MIT
#include "sidecar/bus_listener.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <logbus/stream_handler.h>

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

// While read positions wait for a full disk, the batch at hand must not be too much for the handlers to keep.
constexpr std::size_t kHeldBacklog = 64U << 20;

void set_backlogs(const Pipeline& pipeline, bool holds) {
  for (const std::shared_ptr<Handler>& handler : pipeline.direct) {
    if (auto* const stream = dynamic_cast<StreamHandler*>(handler.get()))
      stream->set_backlog(holds ? kHeldBacklog : StreamHandler::kDefaultBacklog);
  }
}

void set_deferred(const Pipeline& pipeline, bool deferred) {
  for (const std::shared_ptr<Handler>& handler : pipeline.direct) {
    try {
      handler->defer_flush(deferred);
    } catch (const std::exception& error) {
      handler->handle_error(nullptr, error);
    }
  }
}

// By the drain's thread, and by no other.
bool is_direct(const Pipeline& pipeline, const std::shared_ptr<Handler>& handler) {
  const auto includes = [&handler](const Handlers& list) {
    return std::find(list.begin(), list.end(), handler) != list.end();
  };
  return includes(pipeline.direct) &&
         std::none_of(pipeline.queues.begin(), pipeline.queues.end(),
                      [&](const auto& queue) { return includes(queue->behind()); });
}

// How often a handler that holds what it could not write tries again.
constexpr std::chrono::milliseconds kRetryInterval = 100ms;

}  // namespace

BusListener::BusListener(consumer::Bus& bus, Pipeline& pipeline, const Durability& durability,
                         bool until_idle)
    : QueueListener(bus, {}), bus_(bus), until_idle_(until_idle) {
  // The handlers' lines lie in the segment of their batch.
  bus_.on_batch([this](consumer::BusQueue& queue) { use(queue); });
  bus_.on_removal([this](const consumer::BusQueue& queue) {
    if (journal_.queue() == &queue) use(bus_.current());
  });
  serve(pipeline, durability);
}

BusListener::~BusListener() {
  try {
    stop();
  } catch (...) {  // what ended the thread; whoever wanted to know has called stop()
  }
  journal_.leave();
  bus_.on_batch([](consumer::BusQueue&) {});
  bus_.on_removal([](const consumer::BusQueue&) {});
  set_deferred(*pipeline_, false);
}

void BusListener::serve(Pipeline& pipeline, const Durability& durability) {
  if (pipeline_ != nullptr) {
    journal_.leave();
    set_deferred(*pipeline_, false);
  }
  pipeline_ = &pipeline;
  durability_ = durability;
  lines_ = std::make_unique<consumer::LineWriter>(*pipeline.dispatcher);
  set_backlogs(pipeline, durability.holds);
  set_deferred(pipeline, true);
  std::vector<std::shared_ptr<FileHandler>> files;
  std::vector<std::shared_ptr<Handler>> others;
  others.push_back(pipeline.last_resort);
  for (const std::shared_ptr<Handler>& handler : pipeline.handlers) {
    auto file = std::dynamic_pointer_cast<FileHandler>(handler);
    if (file != nullptr && is_direct(pipeline, handler))
      files.push_back(std::move(file));
    else
      others.push_back(handler);
  }
  journal_.use(bus_.batch());
  journal_.join(files, others);
  others_.clear();
  for (const std::shared_ptr<Handler>& handler : pipeline.direct)
    if (!journal_.has(*handler)) others_.push_back(handler);
  publish_at_ = {};
}

void BusListener::use(consumer::BusQueue& queue) {
  if (journal_.queue() == &queue) return;
  lines_->forget_segment();
  journal_.use(queue);
}

bool BusListener::between_batches(const std::function<void()>& job, const std::function<bool()>& given_up) {
  std::unique_lock lock(job_lock_);
  job_.store(&job, std::memory_order_release);
  bus_.interrupt();
  // The thread may end by itself, without a word to us.
  while (!job_done_.wait_for(lock, kIdleWait, [this] { return job_ == nullptr; }) && running() &&
         !given_up()) {
  }
  const bool ran = job_.exchange(nullptr) == nullptr;
  if (job_failure_ != nullptr) std::rethrow_exception(std::exchange(job_failure_, nullptr));
  return ran;
}

void BusListener::run_job() noexcept {
  const std::lock_guard lock(job_lock_);
  if (const std::function<void()>* job = job_.load(std::memory_order_relaxed)) {
    try {
      (*job)();
    } catch (...) {
      job_failure_ = std::current_exception();
    }
    job_.store(nullptr, std::memory_order_relaxed);
    job_done_.notify_all();
  }
}

void BusListener::enqueue_sentinel() {
  bus_.begin_stop();
  QueueListener::enqueue_sentinel();
}

bool BusListener::handle_next(LogRecord& record, std::chrono::milliseconds timeout) {
  if (timeout == 0ms ? !bus_.next(packed_, timeout) : !wait_for_next()) return false;
  need_record_.clear();
  journal_.begin_record();
  if (!lines_->handle(packed_, need_record_)) {
    if (bus_.unpack(packed_, record)) handle_safely(record);
  } else if (!need_record_.empty() && bus_.unpack(packed_, record)) {
    for (Handler* handler : need_record_) handler->handle(record);
  }
  return true;
}

// Between two batches: everything given so far is flushed and committed.
bool BusListener::wait_for_next() {
  if (bus_.lost() != nullptr) {
    lost_lease_ = true;
    abandon();
    return false;
  }
  if (job_.load(std::memory_order_acquire) != nullptr) run_job();
  if (const auto now = std::chrono::steady_clock::now(); now >= publish_at_) {
    publish_at_ = now + kPublishInterval;
    if (pending_) (void)end_of_batch();  // also when no record comes that would do it
    bus_.publish_handlers(pipeline_->handlers);
  }
  if (bus_.next(packed_, until_idle_ ? kIdleWait : kWait)) return true;
  replaced_ = bus_.replaced();
  if (replaced_ || (until_idle_ && bus_.idle())) enqueue_sentinel();
  return false;
}

// False: a disk is full. A server that is away is no reason to hold the bus: its handler has a backlog.
bool BusListener::end_batches() noexcept {
  bool written = true;
  for (const std::shared_ptr<Handler>& handler : others_) {
    end_batch(*handler);
    written =
        written && !(handler->pending() && dynamic_cast<const StreamHandler*>(handler.get()) != nullptr);
  }
  return written;
}

bool BusListener::may_wait() noexcept {
  if (!waits_until_) waits_until_ = std::chrono::steady_clock::now() + durability_.hold_max;
  return !abandoned() && bus_.lost() == nullptr && std::chrono::steady_clock::now() < *waits_until_;
}

bool BusListener::wait_for_room() noexcept {
  if (!durability_.holds || !may_wait()) return false;
  bus_.publish_handlers(pipeline_->handlers);  // why nothing moves
  std::this_thread::sleep_for(kRetryInterval);
  return true;
}

bool BusListener::settle_others() noexcept {
  waits_until_.reset();
  bool written = end_batches();
  if (!durability_.holds && !durability_.durable) return true;
  while (!written && wait_for_room()) written = end_batches();
  bool safe = written || !durability_.holds;
  for (const auto& queue : pipeline_->queues) {
    if (!durability_.durable) break;
    bool done = queue->join(kRetryInterval);
    while (!done && may_wait()) done = queue->join(kRetryInterval);
    safe = safe && done;
  }
  // What is not safe after hold_max is given up. After a stop it stays in the lanes, for the next sidecar.
  return safe || !abandoned();
}

bool BusListener::flush_handlers() noexcept {
  lines_->release();
  return end_of_batch();
}

bool BusListener::end_of_batch() noexcept {
  const bool done = journal_.commit();
  pending_ = std::any_of(pipeline_->direct.begin(), pipeline_->direct.end(),
                         [](const std::shared_ptr<Handler>& handler) { return handler->pending(); });
  return done;
}

void BusListener::handle(LogRecord& record) {
  pipeline_->dispatcher->handle(record);
}

}  // namespace logbus::sidecar
