// SPDX-License-Identifier: MIT
// A record as it came off its lane: what it shares with others, and its payload, not yet decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <logbus/log_record.h>

#include "wire/codec.h"

namespace logbus::consumer {

/// What all records of a lane's tenant share.
struct Tenant {
  std::uint64_t word = 0;     // lane word this was read for; 0: none
  std::uint64_t version = 0;  // another one after each change; never used twice in a process
  std::uint64_t thread = 0;
  std::int64_t process = 0;
  std::int64_t start_ns = 0;
  std::string thread_name;
  std::string process_name;

  void identify(LogRecord& record) const {
    record.start_ns = start_ns;
    record.thread = thread;
    record.process = process;
    record.thread_name = thread_name;
    record.process_name = process_name;
  }
};

/// Good until the queue is asked for the next one.
struct PackedRecord {
  const wire::Site* site = nullptr;  // null: the payload has it all
  std::uint32_t site_id = 0;
  std::uint32_t lane = 0;
  const Tenant* tenant = nullptr;
  std::span<const std::byte> payload;  // a copy: its writer can't change it any more
  std::uint64_t position = 0;          // in the lane
  std::uint64_t ticks = 0;
  std::int64_t created_ns = 0;
  bool late = false;
  bool truncated = false;
  LogRecord* own = nullptr;  // the queue's own, about drops and broken lanes; nothing else is set then
};

}  // namespace logbus::consumer
