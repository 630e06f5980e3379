// SPDX-License-Identifier: MIT
#include "one_thread.h"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include <logbus/error.h>

#include "record/disk_full.h"
#include "sidecar/takeover.h"

namespace logbus::kill_points {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRecords = 5;

sidecar::Configuration parse(const std::string& text, const shm::BusOptions& options) {
  sidecar::Diagnostics diagnostics("configuration");
  sidecar::Configuration configuration = sidecar::parse_config(text, diagnostics);
  if (diagnostics.failed()) throw std::runtime_error(diagnostics.errors_text());
  configuration.bus.options = options;
  return configuration;
}

sidecar::Durability durability(const sidecar::Configuration& configuration) {
  return {configuration.bus.holds, false, configuration.bus.hold_max};
}

}  // namespace

/// The listener's own loop, without its thread.
class OneThread::Listener : public sidecar::BusListener {
 public:
  Listener(consumer::Bus& bus, sidecar::Pipeline& pipeline, const sidecar::Durability& durability)
      : BusListener(bus, pipeline, durability, false), bus_(bus) {}

  std::size_t take(std::size_t count) {
    if (!stopping()) enqueue_sentinel();
    LogRecord record;
    std::size_t taken = 0;
    while (taken < count && handle_next(record, 0ms)) ++taken;
    return taken;
  }
  void end_batch() {
    if (flush_handlers()) bus_.task_done();
  }

 private:
  consumer::Bus& bus_;
};

OneThread::OneThread(const std::string& configuration, const shm::BusOptions& options)
    : configuration_(parse(configuration, options)) {}

OneThread::~OneThread() = default;

void OneThread::open() {
  std::vector<std::string> files;
  for (const sidecar::HandlerSettings& handler : configuration_.handlers)
    if (handler.file) files.push_back(handler.file->filename);
  const consumer::Bus::Options options{
      .bus = configuration_.bus.options, .config_path = "", .log_files = std::move(files), .follows = false};
  while (listener_ == nullptr) {
    try {
      if (bus_ == nullptr) bus_ = std::make_unique<consumer::Bus>(options);
      pipeline_ =
          std::make_unique<sidecar::Pipeline>(sidecar::build_pipeline(configuration_, bus_->files_in_use()));
      listener_ = std::make_unique<Listener>(*bus_, *pipeline_, durability(configuration_));
    } catch (const Error& error) {
      if (!record::is_disk_full(error.code())) throw;
      std::this_thread::sleep_for(1ms);
    }
  }
}

std::size_t OneThread::take(std::size_t count) {
  return listener_->take(count);
}

void OneThread::end_batch() {
  listener_->end_batch();
}

void OneThread::drain() {
  for (std::size_t taken = 1; taken != 0;) {
    taken = take(kBatchRecords);
    end_batch();
  }
}

void OneThread::clean() {
  for (int i = 0; i < 2; ++i)
    if (bus_->idle()) return;
  throw std::runtime_error("the bus is not idle");
}

// As sidecar::Service does it.
void OneThread::reload(const OneThread& other) {
  end_batch();
  auto next = std::make_unique<sidecar::Pipeline>(
      sidecar::rebuild_pipeline(other.configuration_, {configuration_, *pipeline_}));
  bus_->apply(other.configuration_.bus.options);
  static_cast<void>(sidecar::hand_over(*pipeline_, *next, 1s));
  listener_->serve(*next, durability(other.configuration_));
  configuration_ = other.configuration_;
  std::swap(pipeline_, next);
  static_cast<void>(sidecar::close_handlers(*next, 1s, *pipeline_));
}

void OneThread::close_files() {
  listener_.reset();
  if (!sidecar::close_handlers(*pipeline_, 1s).empty())
    throw std::runtime_error("records are lost at the end");
  bus_->publish_handlers(pipeline_->handlers);
}

void OneThread::close() {
  close_files();
  consumer::forget_files(bus_->segment());
  pipeline_.reset();
  bus_.reset();
}

void OneThread::take_over() {
  sidecar::take_over(configuration_.bus.options, std::chrono::steady_clock::now() + 20s);
}

void OneThread::hand_over() {
  drain();
  close_files();
  pipeline_.reset();
  bus_.reset();
}

}  // namespace logbus::kill_points
