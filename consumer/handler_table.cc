// SPDX-License-Identifier: MIT
#include "handler_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>

namespace logbus::consumer {
namespace {

using namespace detail;

static_assert(kDropReasonCount <= kHandlerDropReasons);
static_assert(HandlerError::kMostBytes == kErrorWords * sizeof(Word64));

// Relaxed throughout: one writer, and readers are people.
void put(Word64& word, std::uint64_t value) noexcept {
  word.store(value, std::memory_order_relaxed);
}

std::uint64_t load(const std::atomic<std::uint64_t>& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}

void put(char (&to)[64], std::string_view from) noexcept {
  const std::size_t size = std::min(from.size(), sizeof to - 1);
  std::memcpy(to, from.data(), size);
  std::memset(to + size, 0, sizeof to - size);
}

void publish_counters(const HandlerCounters& counters, HandlerEntry& entry) noexcept {
  // It may be below zero for a moment: what is lost is taken off before emit() is over.
  const std::uint64_t records = load(counters.records);
  put(entry.records, static_cast<std::int64_t>(records) < 0 ? 0 : records);
  put(entry.bytes, load(counters.bytes));
  put(entry.errors, load(counters.errors));
  put(entry.retries, load(counters.retries));
  for (std::size_t i = 0; i < kHandlerDropReasons; ++i)
    put(entry.dropped[i], i < kDropReasonCount ? load(counters.dropped_for[i]) : 0);
}

void publish_queue(const Handler& handler, HandlerEntry& entry) noexcept {
  const auto* const queue_handler = dynamic_cast<const QueueHandler*>(&handler);
  // A queue of another class is asked by its consumer alone.
  const auto* const queue =
      queue_handler == nullptr ? nullptr : dynamic_cast<const LogQueue*>(queue_handler->queue().get());
  put(entry.queue_length, queue != nullptr ? queue->size() : load(handler.counters().waiting));
  put(entry.queue_capacity, queue != nullptr ? queue->capacity() : 0);
  put(entry.queue_bytes, queue != nullptr ? queue->used_memory() : 0);
  put(entry.queue_memory, queue != nullptr ? queue->memory() : 0);
}

void publish_error(const Handler& handler, HandlerEntry& entry) {
  const HandlerError error = handler.last_error();
  const auto time = static_cast<std::uint64_t>(error.time_ns);
  std::array<std::uint64_t, kErrorWords> words{};
  std::memcpy(words.data(), error.text.data(), error.text.size());
  const auto same = [&] {
    for (std::size_t i = 0; i < kErrorWords; ++i)
      if (load(entry.error_text[i]) != words[i]) return false;
    return load(entry.error_time_ns) == time && load(entry.error_size) == error.text.size();
  };
  const std::uint64_t version = load(entry.error_version);
  const bool torn = version % 2 != 0;  // whoever wrote it died
  if (same() && !torn) return;
  // Odd before the first of the words, even after the last one: a reader who has seen one of the words sees
  // the version that came before it, too.
  put(entry.error_version, version + (torn ? 0 : 1));
  std::atomic_thread_fence(std::memory_order_release);
  put(entry.error_time_ns, time);
  put(entry.error_size, error.text.size());
  for (std::size_t i = 0; i < kErrorWords; ++i) put(entry.error_text[i], words[i]);
  entry.error_version.store(version + (torn ? 1 : 2), std::memory_order_release);
}

}  // namespace

void publish_handlers(const std::vector<std::shared_ptr<Handler>>& handlers,
                      ConsumerControl& control) noexcept {
  const std::size_t count = std::min(handlers.size(), kMaxHandlers);
  for (std::size_t i = 0; i < count; ++i) {
    const Handler& handler = *handlers[i];
    HandlerEntry& entry = control.handlers[i];
    put(entry.name, handler.name());
    put(entry.class_name, handler.class_name());
    publish_counters(handler.counters(), entry);
    publish_queue(handler, entry);
    try {
      publish_error(handler, entry);
    } catch (const std::bad_alloc&) {  // no memory for the text: the one before stays
    }
  }
  control.handler_count.store(count, std::memory_order_release);
}

}  // namespace logbus::consumer
