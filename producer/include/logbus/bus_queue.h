// SPDX-License-Identifier: MIT
// The bus as a Queue, for a QueueHandler of the program's own.
#pragma once

#include <memory>

#include <logbus/detail/abi.h>
#include <logbus/queue.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// The bus that basic_config() has attached to, as a Queue to put into; null before. get() never gives a
/// record.
std::shared_ptr<Queue> bus_queue();

}  // namespace abi1
}  // namespace logbus
