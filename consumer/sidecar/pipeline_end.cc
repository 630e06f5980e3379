// SPDX-License-Identifier: MIT
// How handlers and queues come to their end: in the order in which records go through them, and in time.
#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <logbus/connection_handler.h>
#include <logbus/file_handler.h>
#include <logbus/request_handler.h>
#include <logbus/stream_handler.h>

#include "sidecar/pipeline.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;
using std::chrono::ceil;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A handler that is at a record when the time is over may finish it: those that wait for a server do so for a
// second.
constexpr auto kGrace = 1500ms;
// How often to look which queue has ended.
constexpr auto kLook = 5ms;

template <class T>
bool includes(const std::vector<T>& list, const T& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// One file, by the names that the configuration has for it, or one descriptor.
bool write_to_the_same(const Handler& one, const Handler& other) {
  const auto* const stream = dynamic_cast<const StreamHandler*>(&one);
  const auto* const other_stream = dynamic_cast<const StreamHandler*>(&other);
  if (stream == nullptr || other_stream == nullptr) return false;
  const auto* const file = dynamic_cast<const FileHandler*>(stream);
  const auto* const other_file = dynamic_cast<const FileHandler*>(other_stream);
  if (file != nullptr && other_file != nullptr) return file->base_filename() == other_file->base_filename();
  return file == nullptr && other_file == nullptr && stream->descriptor() == other_stream->descriptor();
}

// Whether a handler behind the queue, or its file, is written to directly.
bool leads_to(const AsyncQueue& queue, const Handlers& direct) {
  return std::any_of(queue.behind().begin(), queue.behind().end(), [&](const auto& behind) {
    return std::any_of(direct.begin(), direct.end(), [&](const auto& handler) {
      return behind == handler || write_to_the_same(*behind, *handler);
    });
  });
}

// Ends handlers, each when no record can come to it any more: the last made first, those behind a queue after
// it. Queues that have nothing to do with each other end at the same time.
class Ending {
 public:
  Ending(const Pipeline& pipeline, milliseconds timeout)
      : pipeline_(pipeline), deadline_(Clock::now() + timeout) {}

  void add(const std::shared_ptr<Handler>& handler) {
    left_.push_back({handler, queue_of(pipeline_, *handler), {}});
    end_by(*handler, deadline_);
  }

  Losses run() {
    for (;;) {
      while (end_what_can_be()) {
      }
      if (left_.empty()) return std::move(losses_);
      const bool over = Clock::now() >= deadline_;
      for (Item& item : left_)
        if (item.begun && over) item.queue->abandon();
      std::this_thread::sleep_for(kLook);
    }
  }

 private:
  struct Item {
    std::shared_ptr<Handler> handler;
    std::shared_ptr<AsyncQueue> queue;  // null: it has none of its own
    std::optional<Clock::time_point> begun;
  };

  // True: something has ended, and others may be able to.
  bool end_what_can_be() {
    for (auto at = left_.begin(); at != left_.end(); ++at) {
      if (waits_for_a_queue(*at)) continue;
      if (at->queue != nullptr) {
        if (!at->begun) {
          at->begun = Clock::now();
          at->queue->begin_stop();
        }
        const bool ended = at->queue->has_stopped();
        if (!ended && Clock::now() < std::max(deadline_, *at->begun) + kGrace) continue;
        note(at->handler->name(), at->queue->finish(), !ended);
      }
      close(*at->handler);
      left_.erase(at);
      return true;
    }
    return false;
  }

  bool waits_for_a_queue(const Item& item) const {
    return std::any_of(left_.begin(), left_.end(), [&](const Item& other) {
      return other.queue != nullptr && &other != &item && includes(other.queue->behind(), item.handler);
    });
  }

  void close(Handler& handler) {
    if (handler.is_at_work())  // it would wait for its lock for ever
      return note(handler.name(), handler.counters().waiting.load(std::memory_order_relaxed), true);
    const auto& lost = handler.counters().dropped_for[static_cast<std::size_t>(DropReason::kShutdown)];
    const std::uint64_t before = lost.load(std::memory_order_relaxed);
    try {
      if (handler.flush_on_close()) handler.flush();
      handler.close();
    } catch (const std::exception& error) {
      handler.handle_error(nullptr, error);
    }
    note(handler.name(), lost.load(std::memory_order_relaxed) - before, false);
  }

  void note(const std::string& handler, std::uint64_t records, bool stands_still) {
    if (records != 0 || stands_still) losses_.push_back({handler, records, stands_still});
  }

  const Pipeline& pipeline_;
  const Clock::time_point deadline_;
  std::vector<Item> left_;
  Losses losses_;
};

}  // namespace

void end_by(Handler& handler, Clock::time_point end) {
  if (auto* const connection = dynamic_cast<ConnectionHandler*>(&handler)) connection->end_by(end);
  if (auto* const request = dynamic_cast<RequestHandler*>(&handler)) request->end_by(end);
}

Losses hand_over(const Pipeline& from, const Pipeline& to, milliseconds timeout) {
  for (const auto& handler : from.direct) {  // each before its targets
    if (includes(to.handlers, handler) || !handler->flush_on_close()) continue;
    try {
      handler->flush();
    } catch (const std::exception& error) {
      handler->handle_error(nullptr, error);
    }
  }
  Ending ending(from, timeout);
  for (auto at = from.handlers.rbegin(); at != from.handlers.rend(); ++at) {
    const auto queue = queue_of(from, **at);
    if (queue != nullptr && !includes(to.queues, queue) && leads_to(*queue, to.direct)) ending.add(*at);
  }
  return ending.run();
}

Losses close_handlers(const Pipeline& pipeline, milliseconds timeout, const Pipeline& kept) {
  Ending ending(pipeline, timeout);
  for (auto at = pipeline.handlers.rbegin(); at != pipeline.handlers.rend(); ++at)
    if (!includes(kept.handlers, *at)) ending.add(*at);
  return ending.run();
}

}  // namespace logbus::sidecar
