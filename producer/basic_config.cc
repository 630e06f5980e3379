// SPDX-License-Identifier: MIT
// Set-up of a worker's logging, from its BasicConfig and the environment.
#include <logbus/basic_config.h>

#include <grp.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <logbus/bus_queue.h>
#include <logbus/error.h>
#include <logbus/formatter.h>
#include <logbus/logger.h>
#include <logbus/queue_handler.h>

#include "base/process_identity.h"
#include "producer/bus_queue.h"
#include "producer/complaint.h"
#include "producer/frame.h"
#include "producer/logger_tree.h"
#include "producer/process.h"
#include "producer/process_name.h"
#include "producer/stderr_handler.h"
#include "producer/thread_lane.h"
#include "producer/undisturbed.h"
#include "wire/codec.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// Python's BASIC_FORMAT.
constexpr std::string_view kBasicFormat = "%(levelname)s:%(name)s:%(message)s";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// Never destroyed: the bus may be asked for in static destructors.
struct Setup {
  std::mutex mutex;
  std::shared_ptr<producer::BusQueue> queue;  // shared: handlers hold it
};
Setup& setup() {
  static auto* made = new Setup;
  return *made;
}

std::shared_ptr<Handler> stderr_handler(const std::string& format) {
  FormatterOptions options;
  options.format = format.empty() ? std::string(kBasicFormat) : format;
  auto handler = std::make_shared<producer::StderrHandler>();
  handler->set_formatter(std::make_shared<Formatter>(std::move(options)));
  return handler;
}

/// "info", "INFO", "15"
std::optional<Level> parse_level(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return Level{number};
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  if (const auto exact = level_from_name(text)) return exact;
  return level_from_name(upper);
}

/// $LOGBUS_LEVEL: "info,orders.db=debug". What can't be read is told and left out.
void apply_levels(std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (item.empty()) continue;
    const std::size_t equals = item.rfind('=');
    const std::string_view name =
        equals == std::string_view::npos ? std::string_view() : item.substr(0, equals);
    const auto level = parse_level(equals == std::string_view::npos ? item : item.substr(equals + 1));
    if (level) {
      get_logger(name).set_level(*level);
    } else {
      producer::complain("LOGBUS_LEVEL: \"" + std::string(item) + "\" names no level");
    }
  }
}

void remove_handlers_of_root() {
  Logger& root = get_logger();
  for (const std::shared_ptr<Handler>& handler : root.handlers()) {
    root.remove_handler(handler);
    try {
      handler->close();  // as Python does: what is to be flushed is the handler's to know
    } catch (const std::exception& error) {
      handler->handle_error(nullptr, error);
    }
  }
}

/// $LOGBUS_MODE (octal) and $LOGBUS_GROUP (name or number): of a bus that this process creates.
void apply_permissions(shm::BusOptions& options) {
  if (const std::string mode = environment("LOGBUS_MODE"); !mode.empty()) {
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
    if (error != std::errc() || end != mode.data() + mode.size() || bits > 0777)
      throw Error(EINVAL, "LOGBUS_MODE: \"" + mode + "\" is no octal mode such as 0660");
    options.mode = static_cast<mode_t>(bits);
  }
  if (const std::string group = environment("LOGBUS_GROUP"); !group.empty()) {
    unsigned id = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), id);
    if (error == std::errc() && end == group.data() + group.size()) {
      options.group = static_cast<gid_t>(id);
    } else if (const ::group* entry = ::getgrnam(group.c_str())) {
      options.group = entry->gr_gid;
    } else {
      throw Error(EINVAL, "LOGBUS_GROUP: there is no group \"" + group + "\"");
    }
  }
}

/// Of a bus that this process creates.
detail::Policy policy_of(Overflow overflow) {
  switch (overflow) {
    case Overflow::kBlock:
      return detail::Policy::kBlock;
    case Overflow::kOverwrite:
      return detail::Policy::kOverwrite;
    case Overflow::kDrop:
      return detail::Policy::kDrop;
    case Overflow::kBus:
      break;
  }
  const std::string text = environment("LOGBUS_OVERFLOW");
  if (text.empty() || text == "drop") return detail::Policy::kDrop;
  if (text == "block") return detail::Policy::kBlock;
  if (text == "overwrite") return detail::Policy::kOverwrite;
  throw Error(EINVAL, "LOGBUS_OVERFLOW: \"" + text + "\" is none of drop, block, overwrite");
}

/// True: attached.
bool configure_bus(const BasicConfig& config, const std::string& bus) {
  auto to = std::make_unique<producer::BusConfig>();
  to->options.bus = bus;
  to->options.directory = config.directory;
  to->options.overflow = policy_of(config.overflow);
  to->options.block_timeout = config.block_timeout;
  apply_permissions(to->options);
  to->may_wait = config.overflow != Overflow::kDrop;
  to->process_name = config.process_name.empty() ? environment("LOGBUS_PROCESS_NAME") : config.process_name;
  to->fallback = stderr_handler(config.format);
  static_cast<void>(
      shm::bus_path(to->options));  // a bad name is the caller's mistake, whatever on_failure says
  if (producer::ThreadState* state = producer::thread_state()) producer::give_up_lane(*state);
  producer::set_bus_config(std::move(to));
  if (config.on_failure == OnFailure::kThrow) producer::attach_now();

  auto queue = std::make_shared<producer::BusQueue>();
  auto handler = std::make_shared<QueueHandler>(queue);
  setup().queue = std::move(queue);
  Logger& root = get_logger();
  root.add_handler(handler);
  detail::LoggerTree::instance().set_direct_handler(handler.get());
  producer::Membership* member = producer::join();
  if (member == nullptr) return false;
  producer::leave(member);
  return true;
}

}  // namespace

bool basic_config(const BasicConfig& config) {
  const producer::NotCancelled not_cancelled;
  const std::lock_guard guard(setup().mutex);
  Logger& root = get_logger();
  if (config.force) {
    remove_handlers_of_root();
  } else if (root.has_handlers()) {
    return false;
  }
  const std::string bus = config.bus.empty() ? environment("LOGBUS_BUS") : config.bus;
  bool attached = false;
  if (bus.empty()) {
    root.add_handler(stderr_handler(config.format));
  } else {
    attached = configure_bus(config, bus);
  }
  root.set_level(config.level);
  apply_levels(environment("LOGBUS_LEVEL"));
  return attached;
}

std::shared_ptr<Queue> bus_queue() {
  const std::lock_guard guard(setup().mutex);
  return setup().queue;
}

void set_thread_name(std::string_view name) noexcept {
  producer::remember_thread_name(name);
  producer::ThreadState* state = producer::thread_state();
  if (state == nullptr || !state->owner.has_lane()) return;
  try {
    // First the frame: records before it keep the old name.
    std::string payload;
    wire::encode_names({std::string(producer::current_thread_name()), {}}, payload);
    producer::send_names(*state, payload);
    if (!producer::enter_lane(*state)) return;
    state->owner.set_thread_name(producer::current_thread_name());
    state->owner.writer.leave();
  } catch (...) {
    producer::complain("a thread's new name is lost: no memory");
  }
}

}  // namespace abi1

namespace producer {

std::string process_name() {
  if (const BusConfig* config = bus_config(); config != nullptr && !config->process_name.empty())
    return config->process_name;
  if (std::string name = environment("LOGBUS_PROCESS_NAME"); !name.empty()) return name;
  static const auto* executable = new std::string([] {
    const std::string path = base::process_identity().executable;
    return path.substr(path.rfind('/') + 1);
  }());
  return *executable;
}

}  // namespace producer
}  // namespace logbus
