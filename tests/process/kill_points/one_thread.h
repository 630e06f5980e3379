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

  /// The bus first: it completes what another one has left. Then the files. Waits for room on a disk.
  void open();
  /// So many records of what is committed now. Fewer: that is all.
  std::size_t take(std::size_t count);
  void end_batch();
  /// All, in batches of a few records.
  void drain();
  /// Once the bus is empty: what the dead have left is taken back.
  void clean();
  /// Goes over to the configuration of `other`.
  void reload(const OneThread& other);
  /// A clean end.
  void close();
  /// Waits for the one that has the bus to let go.
  void take_over();
  bool handover_requested() { return bus_->handover_requested(); }
  /// An end for who takes over.
  void hand_over();

 private:
  class Listener;

  void close_files();

  sidecar::Configuration configuration_;
  std::unique_ptr<consumer::Bus> bus_;
  std::unique_ptr<sidecar::Pipeline> pipeline_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace logbus::kill_points
