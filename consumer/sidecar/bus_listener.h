// SPDX-License-Identifier: MIT
// The listener of logbusd: from the bus, through the logger tree.
#pragma once

#include <chrono>
#include <vector>

#include <logbus/queue_listener.h>

#include "drain.h"
#include "line_writer.h"
#include "sidecar/pipeline.h"

namespace logbus::sidecar {

/// Borrows both. It ends by itself once the bus has been removed and drained; with `until_idle` also once the
/// bus is empty and no worker is attached.
class BusListener : public QueueListener {
 public:
  BusListener(consumer::BusQueue& bus, Pipeline& pipeline, bool until_idle);
  ~BusListener() override;

  /// From now on only what is committed at this moment is handled.
  void enqueue_sentinel() override;
  /// After it has ended: because the bus was removed.
  bool replaced() const noexcept { return replaced_; }

 protected:
  bool handle_next(LogRecord& record, std::chrono::milliseconds timeout) override;
  void handle(LogRecord& record) override;
  void flush_handlers() noexcept override;

 private:
  bool wait_for_next();

  consumer::BusQueue& bus_;
  Pipeline& pipeline_;
  consumer::LineWriter lines_;
  consumer::PackedRecord packed_;
  std::vector<Handler*> failed_;
  bool until_idle_;
  bool replaced_ = false;  // the listener's thread; read after it has ended
  std::chrono::steady_clock::time_point
      publish_at_{};  // when the handlers' counters are next put where `stat` reads
};

}  // namespace logbus::sidecar
