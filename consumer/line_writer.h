// SPDX-License-Identifier: MIT
// From the payload straight into the handlers' buffers, where no handler needs the record.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <logbus/queue_handler.h>
#include <logbus/stream_handler.h>

#include "dispatcher.h"
#include "packed_record.h"
#include "record/line_format.h"
#include "record/line_program.h"
#include "record/padded_text.h"
#include "wire/scalars.h"

namespace logbus::consumer {

/// Handles the records whose line follows from their call site, their thread, the time and plain arguments:
/// for handlers that write lines, or take texts, without filters, with formats that ask for no more. All
/// others are the Dispatcher's. Both give the same bytes. One thread.
class LineWriter {
 public:
  /// Borrows it, and through it the handlers, whose formatters, filters and levels must not change.
  explicit LineWriter(const Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// False: the record needs the Dispatcher, and nothing has been done with it. `need_record`: handlers that
  /// could not do with the line, and queues.
  bool handle(const PackedRecord& packed, std::vector<Handler*>& need_record);
  /// At the end of each batch, on the same thread: lets go of the handler that was written to last, and
  /// counts what full queues have refused. handle() has done so when it gives false.
  void release() noexcept;
  /// The next records are of another segment: numbers of sites and lanes mean others there. Between batches.
  void forget_segment() noexcept;

 private:
  /// A handler with a queue. While that is full its records are not made, only counted.
  struct Queueing {
    QueueHandler* handler;
    std::uint32_t unasked = 0;                        // records that are refused without asking it again
    std::uint64_t refused = 0;                        // and not counted yet
    std::chrono::steady_clock::time_point tell_at{};  // a record is made for it, and its refusal told
    bool tells = true;                                // now
  };
  struct Target {
    Handler* handler;
    StreamHandler* stream;  // the same, if it writes lines
    record::LineProgram program;
  };
  struct Plan {
    bool plain = false;
    bool shows_site = false;           // a target takes texts, and looks at `site` beside them
    std::uint64_t tenant_version = 0;  // that `site` has the names and numbers of, if so
    LogRecord site;                    // what the records of a site share; the times of the one at hand
    std::vector<Target> targets;
    std::vector<Queueing*> queues;
  };
  struct LaneTexts {
    std::uint64_t version = 0;  // of the tenant; 0: none
    std::size_t formats = 0;    // that it has the texts of
    std::vector<record::PaddedText> texts;
  };
  struct Format {
    const Formatter* key;  // as the handler has it; null: the default one
    std::unique_ptr<record::LineFormat> format;
  };

  Plan& plan(const PackedRecord& packed) {
    const std::uint32_t id = packed.site_id;
    return id < plans_.size() && plans_[id] != nullptr ? *plans_[id] : make_plan(packed);
  }
  Plan& make_plan(const PackedRecord& packed);
  Plan plan_for(const wire::Site& site);
  bool add_target(Handler& handler, Plan& plan);
  bool add_queue(Handler& handler, Plan& plan);
  bool refuses(Queueing& queue);
  void count_refused() noexcept;
  record::LineFormat& format_of(std::shared_ptr<const Formatter> formatter);
  bool has_texts(const PackedRecord& packed) const {
    if (packed.lane >= lanes_.size()) return false;
    const LaneTexts& lane = lanes_[packed.lane];
    return lane.version == packed.tenant->version && lane.formats == formats_.size();
  }
  bool make_texts(const PackedRecord& packed);
  /// The Dispatcher's handlers may take the locks of others in turn, or wait for threads that want this one.
  bool refuse() noexcept {
    release();
    return false;
  }
  bool write(Target& target, const record::LineInput& input);
  void hold(Handler& handler);

  const Dispatcher& dispatcher_;
  std::vector<std::unique_ptr<Plan>> plans_;  // by site id, as they are met
  std::vector<Format> formats_;
  std::uint32_t tenant_text_count_ = 0;  // of all formats
  std::vector<LaneTexts> lanes_;         // by lane
  wire::Scalars scalars_;
  detail::LineBuffer text_;
  std::deque<Queueing> queues_;
  bool any_refused_ = false;
  Handler* held_ = nullptr;  // its lock is held: the next line most often goes there too
};

}  // namespace logbus::consumer
