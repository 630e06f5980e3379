// SPDX-License-Identifier: MIT
// logging.handlers.QueueHandler: the bus itself, or a queue and a thread of its own.
#include <limits>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

constexpr std::int64_t kMostRecords = 1 << 24;

// `queue: {(): queue.Queue, maxsize: N}` gives the capacity. Any other queue is Python's code.
void read_queue(Section& section, QueueSettings& queue) {
  const Node* node = section.value("queue");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kMap)) {
    Section own(*node, section.place("queue"), section.diagnostics());
    const std::string factory = own.string("()").value_or("");
    if (factory == "queue.Queue" || factory == "queue.SimpleQueue") {
      const auto size = own.integer("maxsize", std::numeric_limits<int>::min(), kMostRecords);
      if (size && *size > 0) queue.capacity = static_cast<std::size_t>(*size);  // else: without a bound
      own.unknown_keys(Section::Unknown::kRefuse);
      return;
    }
  }
  section.diagnostics().warning(section.place("queue"), "ignored: the sidecar has a queue of its own");
}

}  // namespace

void read_queue_handler(HandlerReading& reading) {
  Section& section = reading.section;
  QueueSettings queue;
  reading.settings.targets = section.names("handlers", "handler", reading.names);
  if (const auto flag = section.truth("respect_handler_level")) queue.respect_handler_level = *flag;
  read_queue(section, queue);
  if (section.value("listener") != nullptr) {
    section.diagnostics().warning(section.place("listener"),
                                  "ignored: the sidecar has a listener of its own");
  }
  reading.settings.queue = queue;
}

}  // namespace logbus::sidecar
