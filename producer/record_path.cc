// SPDX-License-Identifier: MIT
// Records that don't go straight to the bus: made into LogRecords, as Python does, and passed up the logger
// tree.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include <logbus/detail/clock.h>
#include <logbus/detail/hot_thread.h>

#include "base/process_identity.h"
#include "producer/complaint.h"
#include "producer/level_names.h"
#include "producer/logger_tree.h"
#include "producer/process.h"
#include "producer/process_name.h"
#include "producer/thread_lane.h"
#include "producer/undisturbed.h"
#include "wire/codec.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {
namespace {

const std::int64_t start_ns = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));

/// Whether this thread is inside log_record() already: a handler that logs to a logger that leads to itself
/// would go on for ever otherwise. So deep no sensible chain goes.
constinit thread_local int records_inside = 0;
constexpr int kMaxInside = 8;

void stamp(LogRecord& record) {
  record.created_ns = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
  record.start_ns = start_ns;
  record.thread = base::thread_id();
  record.thread_name = producer::current_thread_name();
  record.process = ::getpid();
  record.process_name = producer::process_name();
}

}  // namespace

void log_record(const LoggerGate& logger, int levelno, const CallSite& site, const char* payload,
                std::uint32_t size, bool truncated) noexcept {
  const producer::NotCancelled guard;
  const producer::NoWriteSignals no_signals;
  static_cast<void>(producer::thread_state());  // the thread's end gives back its scratch buffer
  if (records_inside >= kMaxInside) return;
  ++records_inside;
  try {
    const LoggerNode& node = LoggerTree::node(logger);
    wire::Site content;
    content.name = node.name;
    content.levelno = levelno;
    content.levelname = producer::LevelName(levelno).text();
    content.pathname = site.file;
    content.lineno = site.line;
    content.func_name = site.function;
    content.style = site.style;
    content.format = site.text();
    LogRecord record;
    wire::Decoder decoder;
    const auto result = decoder.decode_record(content, std::as_bytes(std::span(payload, size)), record);
    if (result == wire::DecodeResult::kOk) {
      stamp(record);
      record.truncated = truncated;
      LoggerTree::instance().handle(node, record);
    } else {
      producer::complain("a record of logger " + node.name +
                         " is lost: its arguments are nested too deep or too many");
    }
  } catch (...) {
    producer::complain("a record is lost: no memory");
  }
  --records_inside;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
