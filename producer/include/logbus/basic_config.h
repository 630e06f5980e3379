// SPDX-License-Identifier: MIT
// Set-up of a worker's logging, and what holds for the whole process.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/level.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// What happens when a lane is full. kBus: as the bus has it. kOverwrite: the newest records replace the
/// oldest, as in a flight recorder; a matter of how the bus was made.
enum class Overflow { kBus, kDrop, kBlock, kOverwrite };
/// What basic_config() does if the bus can't be attached. kStderr: says so there, logs there, and tries again
/// each second. kThrow: throws.
enum class OnFailure { kStderr, kThrow };

/// Settings of basic_config(). The order is part of the interface.
struct BasicConfig {
  std::string bus = {};                // "": $LOGBUS_BUS; neither: records go to stderr
  std::string directory = {};          // "": $LOGBUS_DIR, else /dev/shm
  Level level = Level::kWarning;       // of the root; $LOGBUS_LEVEL="info,orders.db=debug" wins
  std::string process_name = {};       // "": $LOGBUS_PROCESS_NAME, else the executable's name
  Overflow overflow = Overflow::kBus;  // kBlock, kOverwrite, block_timeout matter if this process creates the
                                       // bus; kBus then: $LOGBUS_OVERFLOW (drop, block, overwrite), else drop
  std::chrono::milliseconds block_timeout{100};
  std::string format = {};  // on stderr; "": "%(levelname)s:%(name)s:%(message)s"
  bool force = false;       // first removes and closes the root's handlers; not while other threads log
  OnFailure on_failure = OnFailure::kStderr;
};

/// Gives the root a handler: a QueueHandler on the bus, or a StreamHandler on stderr if no bus is named.
/// True: the process is attached to a bus. False and nothing changed if the root has handlers already, unless
/// `force`. Throws logbus::Error with OnFailure::kThrow, or if the bus's name or the format is not valid.
/// Source: logging.basicConfig.
bool basic_config(const BasicConfig& config = {});

/// No record of this level or below is logged any more, whatever the loggers' levels; kNotSet ends that.
/// Source: logging.disable.
void disable(Level level) noexcept;

/// The calling thread's name in records from now on, at most 63 bytes. Default: the kernel's
/// (pthread_setname_np).
void set_thread_name(std::string_view name) noexcept;

/// Waits until the sidecar has handled all that this process has logged; false if that takes longer. Only for
/// the records of calls that have returned.
[[nodiscard]] bool flush(std::chrono::milliseconds timeout) noexcept;

}  // namespace abi1
}  // namespace logbus
