// SPDX-License-Identifier: MIT
#include "sidecar/service.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <logbus/error.h>
#include <logbus/file_handler.h>

#include "sidecar/takeover.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;

constexpr int kFailure = 1;
// How long a listener that has ended by itself may go unnoticed.
constexpr auto kTick = 250ms;
// What wait_for_signal() gives for another sidecar's request.
constexpr int kHandover = -1;
// How much longer than the other's limits to wait for it.
constexpr auto kHandoverMargin = 10s;
constexpr auto kDrainTick = 10ms;
// A reload waits so long for handlers that are at work. Those that stand still get their formatters later.
constexpr auto kSettleTime = 1s;

sigset_t own_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, number);
  return signals;
}

Durability durability(const Configuration& configuration) {
  const BusSettings& bus = configuration.bus;
  return {bus.holds, bus.async.durable, bus.hold_max};
}

std::vector<std::string> log_files(const Configuration& configuration) {
  std::vector<std::string> files;
  for (const HandlerSettings& handler : configuration.handlers) {
    if (!handler.file) continue;
    std::error_code error;
    files.push_back(std::filesystem::absolute(handler.file->filename, error).lexically_normal().string());
  }
  return files;
}

// A write to a console that nobody reads may never return. Ends the program all the same, some time after it
// should have ended: what is not flushed is still in the bus.
unsigned prepare_limit(std::chrono::milliseconds timeouts) {
  constexpr auto kGrace = 5s;  // longer than a close() that waits for a server once more
  std::signal(SIGALRM, [](int) {
    write_if_ready(STDERR_FILENO,
                   "logbusd: error: a handler does not return; what it has not written stays in the bus\n");
    ::_exit(kFailure);
  });
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeouts + kGrace).count();
  return static_cast<unsigned>(std::min<std::chrono::seconds::rep>(seconds, 3600));
}

void limit_the_end(std::chrono::milliseconds timeouts) {
  ::alarm(prepare_limit(timeouts));
}

std::atomic<int> end_signal{0};  // that has come during a Lengthy one
std::atomic<unsigned> end_limit{0};

// What may wait for a handler, or for a full disk. SIGTERM and SIGINT limit it, as they limit the end itself,
// and are obeyed behind it.
class Lengthy {
 public:
  explicit Lengthy(std::chrono::milliseconds timeouts) {
    end_limit = prepare_limit(timeouts);
    for (const int number : {SIGTERM, SIGINT}) {
      sigaddset(&signals_, number);
      std::signal(number, [](int signal) {
        end_signal = signal;
        ::alarm(end_limit);
      });
    }
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }
  ~Lengthy() { ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr); }
  Lengthy(const Lengthy&) = delete;
  Lengthy& operator=(const Lengthy&) = delete;

 private:
  sigset_t signals_{};  // empty
};

bool is_ending() {
  return end_signal != 0;
}

}  // namespace

Service::Service(Options options, Configuration configuration, OwnLog& log)
    : options_(std::move(options)),
      log_(log),
      configuration_(std::make_unique<Configuration>(std::move(configuration))) {
  if (options_.drain && options_.timeout) deadline_ = std::chrono::steady_clock::now() + *options_.timeout;
}

void Service::attach() {
  const auto tell = [this](Level level, const std::string& sentence) {
    if (level >= Level::kError)
      log_.error(sentence);
    else if (level >= Level::kWarning)
      log_.warning(sentence);
    else
      log_.info(sentence);
  };
  bus_ = std::make_unique<consumer::Bus>(consumer::Bus::Options{
      configuration_->bus.options, options_.config, log_files(*configuration_), !options_.drain, tell});
}

// What a killed sidecar has left to be written needs room: nothing else begins before. False: it was ended.
bool Service::attach_with_room() {
  for (bool told = false;; told = true) {
    try {
      options_.takeover && !told ? attach_when_let_go() : attach();
      return true;
    } catch (const consumer::NoRoomToRecover& error) {
      if (!told) log_.error(fmt::format("{}: waiting for room", error.what()));
    }
    if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) return false;
    sigset_t signals = own_signals();
    sigdelset(&signals, SIGHUP);
    sigdelset(&signals, SIGUSR1);
    constexpr timespec kWait = {0, 250'000'000};
    if (::sigtimedwait(&signals, nullptr, &kWait) > 0) return false;
  }
}

// The other one ends as at SIGTERM, so it needs no longer than its limits, which are most likely ours.
void Service::attach_when_let_go() {
  const BusSettings& settings = configuration_->bus;
  const auto limit =
      options_.timeout.value_or(settings.drain_timeout + settings.shutdown_timeout() + kHandoverMargin);
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    take_over(settings.options, deadline);
    try {
      return attach();
    } catch (const Error& error) {  // a third one may have been faster
      if (error.code() != EBUSY || std::chrono::steady_clock::now() > deadline) throw;
    }
  }
}

// The signal, kHandover, or 0 if the deadline passed or the listener ended.
int Service::wait_for_signal(const BusListener& listener) const {
  const sigset_t signals = own_signals();
  const std::chrono::nanoseconds tick = options_.drain ? kDrainTick : kTick;
  const timespec wait = {0, static_cast<long>(tick.count())};
  while (listener.running() && (!deadline_ || std::chrono::steady_clock::now() < *deadline_)) {
    if (is_ending()) return end_signal;
    if (bus_->handover_requested()) return kHandover;
    settle(*pipeline_);
    const int signal = ::sigtimedwait(&signals, nullptr, &wait);
    if (signal > 0) return signal;
  }
  return 0;
}

// The exit code.
int Service::serve() {
  BusListener listener(*bus_, *pipeline_, durability(*configuration_), options_.drain);
  listener.start();
  int signal = wait_for_signal(listener);
  for (; signal == SIGHUP || signal == SIGUSR1; signal = wait_for_signal(listener)) {
    if (signal == SIGHUP) reload(listener);
    if (signal == SIGUSR1) reopen_files(listener);
  }
  const BusSettings& settings = configuration_->bus;
  hands_over_ = signal == kHandover;
  if (hands_over_)
    log_.info("another sidecar takes over: stopping");
  else if (signal != 0)
    log_.info(fmt::format("{}: stopping", ::strsignal(signal)));
  const bool gave_up = signal == 0 && listener.running();
  if (signal != 0 || gave_up) {
    limit_the_end(settings.drain_timeout + settings.shutdown_timeout());
    const auto end = std::chrono::steady_clock::now() + settings.drain_timeout;
    for (const std::shared_ptr<Handler>& handler : pipeline_->handlers) end_by(*handler, end);
  }
  const bool complete = listener.stop(gave_up ? 0ms : settings.drain_timeout);
  bus_->publish_handlers(pipeline_->handlers);
  if (listener.lost_lease()) {
    const consumer::BusQueue* lost = bus_->lost();  // whoever wrote to it may have written again
    const shm::Segment& segment = lost != nullptr ? lost->segment() : bus_->segment();
    log_.error(
        fmt::format("{} has another sidecar by now, pid {}, though this one has not let it go: what is "
                    "not written yet is left to it",
                    segment.path(), segment.consumer().holder_pid.load(std::memory_order_relaxed)));
    return EX_TEMPFAIL;
  }
  if (listener.replaced() && signal == 0 && !options_.drain) {
    log_.error(fmt::format("another sidecar has the bus {}", settings.options.bus));
    return EX_TEMPFAIL;
  }
  if (gave_up) {
    log_.error(fmt::format("--timeout: after {} ms the bus {} still has records or workers",
                           options_.timeout->count(), settings.options.bus));
    return kFailure;
  }
  if (!complete) {
    log_.warning(fmt::format("drain_timeout: records of the bus {} are left for the next sidecar",
                             settings.options.bus));
  }
  return EXIT_SUCCESS;
}

int Service::run() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of stdout that has gone is that handler's error
  std::signal(SIGXFSZ, SIG_IGN);  // and a file over RLIMIT_FSIZE
  const sigset_t signals = own_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads: all of them inherit it
  // The bus comes before the files: a second sidecar must not open, let alone truncate, what the first one
  // writes.
  try {
    if (!attach_with_room()) return EX_TEMPFAIL;
  } catch (const Error& error) {
    log_.error(error.what());
    // Another one has the bus, or it was ended while it waited for that one.
    return error.code() == EBUSY || error.code() == EINTR ? EX_TEMPFAIL : kFailure;
  }
  try {
    pipeline_ = std::make_unique<Pipeline>(build_pipeline(*configuration_, bus_->files_in_use()));
  } catch (const Error& error) {
    log_.error(error.what());
    return EX_CONFIG;
  }
  const std::size_t count = pipeline_->handlers.size();
  log_.info(fmt::format("draining {} into {} handler{}, configuration {}", bus_->segment().path(), count,
                        count == 1 ? "" : "s", options_.config));
  start_queues(*pipeline_);
  int code = kFailure;
  try {
    code = serve();
  } catch (const std::exception& error) {
    log_.error(error.what());
  }
  close(*pipeline_, {});
  if (bus_ != nullptr) bus_->publish_handlers(pipeline_->handlers);  // with what was lost at the end
  // Who takes over goes on with them, or, if that one has died meanwhile, the next one.
  if (bus_ != nullptr && code == EXIT_SUCCESS && !hands_over_ && !bus_->handover_requested())
    consumer::forget_files(bus_->segment());
  if (AsyncQueue::any_left_alone()) {
    bus_.reset();
    log_.info("stopped");
    ::_exit(kFailure);
  }
  log_.info("stopped");
  return code;
}

void Service::close(const Pipeline& pipeline, const Pipeline& kept) {
  tell(close_handlers(pipeline, configuration_->bus.shutdown_timeout(), kept));
}

void Service::tell(const Losses& losses) const {
  for (const Loss& loss : losses) {
    if (loss.stands_still)
      log_.error(fmt::format("{}: a handler does not return, and is left alone", in_quotes(loss.handler)));
    if (loss.records > 0)
      log_.error(fmt::format("{}: {} records could not be delivered before the end, and are lost",
                             in_quotes(loss.handler), loss.records));
  }
}

// The file's configuration as it is now, or null and told why not.
std::unique_ptr<Configuration> Service::read_again() const {
  Diagnostics diagnostics(options_.config);
  std::unique_ptr<Configuration> fresh;
  std::string problem;
  try {
    fresh = std::make_unique<Configuration>(load_config(options_.config, diagnostics));
    if (fresh->increment && !diagnostics.failed())
      *fresh = apply_increment(*configuration_, *fresh->increment, diagnostics);
  } catch (const Error& error) {
    problem = error.what();
  }
  for (const std::string& line : diagnostics.lines(false)) log_.warning(line);
  if (problem.empty() && diagnostics.failed())
    problem = fmt::format("{}: {}", options_.config, diagnostics.errors_text());
  if (problem.empty()) return fresh;
  log_.error(problem + "; the configuration in use stays");
  return nullptr;
}

// What is settled when the bus is attached to, and by the command line.
void Service::keep_what_needs_a_restart(shm::BusOptions& options) const {
  const shm::BusOptions& used = configuration_->bus.options;
  const auto differs = [this](std::string_view key) {
    log_.warning(fmt::format("logbus.{}: a change needs a restart", key));
  };
  if (!options.bus.empty() && options.bus != used.bus) differs("bus");
  if (!options.directory.empty() && options.directory != used.directory) differs("directory");
  options.bus = used.bus;
  options.directory = used.directory;
}

void Service::reload(BusListener& listener) {
  const Lengthy lengthy(configuration_->bus.drain_timeout + configuration_->bus.shutdown_timeout());
  std::unique_ptr<Configuration> fresh = read_again();
  if (fresh == nullptr) return;
  keep_what_needs_a_restart(fresh->bus.options);
  auto next = std::make_unique<Pipeline>();
  try {
    Losses losses;
    const auto job = [&] {
      *next = rebuild_pipeline(*fresh, {*configuration_, *pipeline_});
      bus_->apply(fresh->bus.options);
      losses = hand_over(*pipeline_, *next, configuration_->bus.shutdown_timeout());
      listener.serve(*next, durability(*fresh));
    };
    if (!listener.between_batches(job, is_ending)) {  // the end has come before it
      ::raise(SIGHUP);                                // blocked: it is for the next bus, if there is one
      return;
    }
    tell(losses);
  } catch (const std::exception& error) {
    log_.error(fmt::format("{}; the configuration in use stays", error.what()));
    return;
  }
  std::swap(configuration_, fresh);
  std::swap(pipeline_, next);
  log_.set_level(configuration_->bus.log_level);
  log_.set_json(configuration_->bus.logs_json);
  // Queues of before come to their end before new ones begin: both may lead to the same file.
  close(*next, *pipeline_);
  start_queues(*pipeline_, *next);
  const auto end = std::chrono::steady_clock::now() + kSettleTime;
  while (!settle(*pipeline_) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(kDrainTick);
  const auto kept = std::count_if(
      pipeline_->handlers.begin(), pipeline_->handlers.end(), [&](const std::shared_ptr<Handler>& handler) {
        return std::find(next->handlers.begin(), next->handlers.end(), handler) != next->handlers.end();
      });
  log_.info(fmt::format("{}: loaded again; of {} handlers {} go on as they were", options_.config,
                        pipeline_->handlers.size(), kept));
}

// For those who rename log files, and tell us.
void Service::reopen_files(BusListener& listener) {
  const Lengthy lengthy(configuration_->bus.drain_timeout + configuration_->bus.shutdown_timeout());
  const auto job = [this] {
    for (const std::shared_ptr<Handler>& handler : pipeline_->handlers) {
      try {
        if (auto* file = dynamic_cast<FileHandler*>(handler.get())) file->reopen();
      } catch (const Error& error) {
        handler->handle_error(nullptr, error);
      }
    }
  };
  if (!listener.between_batches(job, is_ending)) {
    ::raise(SIGUSR1);
    return;
  }
  log_.info("the log files are opened anew");
}

}  // namespace logbus::sidecar
