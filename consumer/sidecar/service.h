// SPDX-License-Identifier: MIT
// logbusd at work: one bus, one configuration at a time, until a signal or the end of the bus.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "bus.h"
#include "sidecar/bus_listener.h"
#include "sidecar/config.h"
#include "sidecar/own_log.h"
#include "sidecar/pipeline.h"

namespace logbus::sidecar {

/// SIGTERM and SIGINT drain and end it, SIGHUP reads the configuration again, SIGUSR1 opens the files again.
class Service {
 public:
  struct Options {
    std::string config;                                // the file
    bool drain = false;                                // end once the bus is empty and no worker is attached
    bool takeover = false;                             // from the sidecar that has the bus
    std::optional<std::chrono::milliseconds> timeout;  // of either
  };

  /// The configuration names the bus. Borrows the log.
  Service(Options options, Configuration configuration, OwnLog& log);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// The exit code. Blocks the signals above in the calling thread.
  int run();

 private:
  void attach();
  void attach_when_let_go();
  bool attach_with_room();
  int serve();
  int wait_for_signal(const BusListener& listener) const;
  void close(const Pipeline& pipeline, const Pipeline& kept);
  void tell(const Losses& losses) const;
  void reload(BusListener& listener);
  std::unique_ptr<Configuration> read_again() const;
  void keep_what_needs_a_restart(shm::BusOptions& options) const;
  void reopen_files(BusListener& listener);

  Options options_;
  OwnLog& log_;
  std::unique_ptr<Configuration> configuration_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<consumer::Bus> bus_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  bool hands_over_ = false;  // it ends because another sidecar has asked it to
};

}  // namespace logbus::sidecar
