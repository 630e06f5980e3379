// SPDX-License-Identifier: MIT
#include "sidecar/app.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <logbus/error.h>

#include "drain.h"
#include "shm/sigbus_guard.h"
#include "sidecar/bus_listener.h"
#include "sidecar/config.h"
#include "sidecar/own_log.h"
#include "sidecar/pipeline.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;

constexpr int kFailure = 1;
constexpr int kUsage = 2;
// How long a listener that has ended by itself may go unnoticed.
constexpr auto kTick = 250ms;
constexpr auto kDrainTick = 10ms;

struct Arguments {
  std::string config;
  std::string bus;
  std::string directory;
  std::string timeout;
  bool drain = false;
  bool check = false;
};

// The exit code if there is nothing more to do.
std::optional<int> parse(int argc, const char* const* argv, Arguments& arguments) {
  CLI::App app("Drains the bus of a fleet of workers into the handlers of a logging configuration.",
               "logbusd");
  app.set_version_flag("--version", "logbusd " LOGBUS_VERSION);
  app.add_option("--config", arguments.config, "configuration: Python's dictConfig schema in YAML")
      ->required();
  const auto bus_name = [](const std::string& name) {
    return is_bus_name(name) ? std::string()
                             : "not a bus's name: " + in_quotes(name) + " (1 to 64 of A-Z a-z 0-9 _ . -)";
  };
  app.add_option("--bus", arguments.bus, "the bus; before the file's, $LOGBUS_BUS and 'default'")
      ->check(CLI::Validator(bus_name, "NAME"));
  app.add_option("--directory", arguments.directory,
                 "where it is; before the file's, $LOGBUS_DIR and /dev/shm");
  CLI::Option* drain =
      app.add_flag("--drain", arguments.drain, "end once the bus is empty and no worker is attached");
  const auto duration = [](const std::string& text) {
    return parse_duration(text) ? std::string()
                                : "not a duration: " + in_quotes(text) + " (such as '10 s' or '500 ms')";
  };
  app.add_option("--timeout", arguments.timeout, "with --drain: give up after this time, such as '10 s'")
      ->check(CLI::Validator(duration, "DURATION"))
      ->needs(drain);
  app.add_flag("--check", arguments.check, "check the configuration, say what may surprise, and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return std::nullopt;
}

std::string counted(std::size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// Errors of the file are the program's output, not a stream of events: they are never cut short.
void print(const Diagnostics& diagnostics, bool notes) {
  for (const std::string& line : diagnostics.lines(notes)) fmt::print(stderr, "{}\n", line);
}

// Flag > file > environment > default. False if the environment's name is no name.
bool choose_bus(const Arguments& arguments, shm::BusOptions& options, OwnLog& log) {
  if (!arguments.bus.empty()) options.bus = arguments.bus;
  if (!arguments.directory.empty()) options.directory = arguments.directory;
  if (!options.bus.empty()) return true;
  const char* from_environment = std::getenv("LOGBUS_BUS");
  options.bus = from_environment != nullptr && *from_environment != '\0' ? from_environment : "default";
  if (is_bus_name(options.bus)) return true;
  log.error(fmt::format("LOGBUS_BUS: {} is not a bus's name (1 to 64 of A-Z a-z 0-9 _ . -)",
                        in_quotes(options.bus)));
  return false;
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  // A hang-up is a reason to stop in good order, not to die with records half handled.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

// The signal, or 0 if `deadline` passed or the listener ended.
int wait_for_signal(const BusListener& listener, bool drain,
                    std::optional<std::chrono::steady_clock::time_point> deadline) {
  const sigset_t signals = stop_signals();
  const std::chrono::nanoseconds tick = drain ? kDrainTick : kTick;
  const timespec wait = {0, static_cast<long>(tick.count())};
  while (listener.running() && (!deadline || std::chrono::steady_clock::now() < *deadline)) {
    const int signal = ::sigtimedwait(&signals, nullptr, &wait);
    if (signal > 0) return signal;
  }
  return 0;
}

// A write to a console that nobody reads may never return. Ends the program all the same, some time after it
// should have ended: what is not flushed is still in the bus.
void limit_the_end(std::chrono::milliseconds drain_timeout) {
  constexpr auto kGrace = 2s;
  std::signal(SIGALRM, [](int) {
    write_if_ready(STDERR_FILENO,
                   "logbusd: error: a handler does not return; what it has not written stays in the bus\n");
    ::_exit(kFailure);
  });
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(drain_timeout + kGrace).count();
  ::alarm(static_cast<unsigned>(std::min<std::chrono::seconds::rep>(seconds, 3600)));
}

// The exit code; nothing if the bus was removed and there is a new one to serve.
std::optional<int> serve(const Arguments& arguments, const Configuration& configuration,
                         consumer::BusQueue& bus, Pipeline& pipeline, OwnLog& log) {
  const BusSettings& settings = configuration.bus;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (!arguments.timeout.empty())
    deadline = std::chrono::steady_clock::now() + *parse_duration(arguments.timeout);
  BusListener listener(bus, pipeline, arguments.drain);
  listener.start();
  const int signal = wait_for_signal(listener, arguments.drain, deadline);
  if (signal != 0) log.info(fmt::format("{}: stopping", ::strsignal(signal)));
  const bool gave_up = signal == 0 && listener.running();
  if (signal != 0 || gave_up) limit_the_end(settings.drain_timeout);
  const bool complete = listener.stop(gave_up ? 0ms : settings.drain_timeout);
  bus.publish_handlers(pipeline.handlers);
  if (listener.replaced() && signal == 0 && !arguments.drain) return std::nullopt;
  if (gave_up) {
    log.error(fmt::format("--timeout: after {} the bus {} still has records or workers", arguments.timeout,
                          settings.options.bus));
    return kFailure;
  }
  if (!complete) {
    log.warning(fmt::format("drain_timeout: records of the bus {} are left for the next sidecar",
                            settings.options.bus));
  }
  return EXIT_SUCCESS;
}

int run(const Arguments& arguments, Configuration& configuration, OwnLog& log) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of stdout that has gone is that handler's error
  const sigset_t signals = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads: all of them inherit it
  // The bus comes before the files: a second sidecar must not open, let alone truncate, what the first one
  // writes.
  std::unique_ptr<consumer::BusQueue> bus;
  const auto attach = [&] {
    bus.reset();
    bus = std::make_unique<consumer::BusQueue>(configuration.bus.options, arguments.config);
    shm::guard_lane_data(bus->segment());
  };
  try {
    attach();
  } catch (const Error& error) {
    log.error(error.what());
    return error.code() == EBUSY ? EX_TEMPFAIL : kFailure;
  }
  Pipeline pipeline;
  try {
    pipeline = build_pipeline(configuration);
  } catch (const Error& error) {
    log.error(error.what());
    return EX_CONFIG;
  }
  log.info(fmt::format("draining {} into {}, configuration {}", shm::bus_path(configuration.bus.options),
                       counted(configuration.handlers.size(), "handler"), arguments.config));
  std::optional<int> code;
  try {
    while (!(code = serve(arguments, configuration, *bus, pipeline, log))) {
      log.warning(fmt::format("{} was removed: attaching anew", bus->segment().path()));
      attach();
    }
  } catch (const std::exception& error) {
    log.error(error.what());
  }
  close_handlers(pipeline);
  log.info("stopped");
  return code.value_or(kFailure);
}

}  // namespace

int run_logbusd(int argc, const char* const* argv) {
  Arguments arguments;
  if (const std::optional<int> code = parse(argc, argv, arguments)) return *code;
  OwnLog log;
  Diagnostics diagnostics(arguments.config);
  Configuration configuration;
  try {
    configuration = load_config(arguments.config, diagnostics);
  } catch (const Error& error) {
    log.error(error.what());
    return EX_CONFIG;
  }
  print(diagnostics, arguments.check);
  if (diagnostics.failed()) {
    log.error(
        fmt::format("{}: {}; nothing was started", arguments.config, counted(diagnostics.errors(), "error")));
    return EX_CONFIG;
  }
  log.set_level(configuration.bus.log_level);
  if (!choose_bus(arguments, configuration.bus.options, log)) return EX_CONFIG;
  if (arguments.check) {
    log.info(fmt::format("{}: no errors", arguments.config));
    return EXIT_SUCCESS;
  }
  return run(arguments, configuration, log);
}

}  // namespace logbus::sidecar
