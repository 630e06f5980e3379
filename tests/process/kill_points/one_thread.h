// SPDX-License-Identifier: MIT
// logbusd's way from its start to its end on a single thread, in parts.
#pragma once

#include <memory>
#include <string>

#include "bus.h"
#include "sidecar/bus_listener.h"
#include "sidecar/config.h"
#include "sidecar/pipeline.h"

namespace logbus::kill_points {

class OneThread {
 public:
  /// Reads the configuration; its bus is that of `options`.
  OneThread(const std::string& configuration, const shm::BusOptions& options);
  ~OneThread();

  /// The bus first: it completes what another one has left. Then the files.
  void open();
  /// So many records of what is committed now. Fewer: that is all.
  std::size_t take(std::size_t count);
  void end_batch();
  /// All, in batches of a few records.
  void drain();
  /// Once the bus is empty: what the dead have left is taken back.
  void clean();
  /// A clean end.
  void close();

 private:
  class Listener;

  sidecar::Configuration configuration_;
  std::unique_ptr<consumer::Bus> bus_;
  sidecar::Pipeline pipeline_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace logbus::kill_points
