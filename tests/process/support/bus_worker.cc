// SPDX-License-Identifier: MIT
// The workers of the end-to-end tests: processes and threads that log numbered records, as their options say.
//
// Each record is "w <worker> t <thread> n <number>" at INFO, logger "load". With --board FILE the number of
// calls that have returned is kept in that file, one u64 a thread, so that it outlives a kill. With
// --schedule as the first option it is another kind of worker (scheduled_worker.h).
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <logbus/logger.h>
#include "scheduled_worker.h"

namespace {

struct Options {
  std::uint64_t processes = 0;  // 0: this process itself
  std::uint64_t threads = 1;
  std::uint64_t records = 1000;  // of each thread
  std::uint64_t first_worker = 0;
  std::uint64_t payload = 0;    // bytes of a string argument
  std::uint64_t pause_us = 0;   // after each 100 records
  std::uint64_t stay_ms = 0;    // each thread is alive and silent afterwards
  std::string stay_until;       // the same, until there is this file
  std::string fork = "before";  // before, after (first use), thread (from one that logs), grandchild
  std::string trick;            // close-fds, mlockall, exec, child-stays: see play()
  std::string text;             // once, instead of the numbered records
  std::string thread_name;      // after the numbered records, and a WARNING behind it
  std::string board;
  std::string until;  // after `records`, each thread goes on until there is this file
  struct Also {
    std::string logger;
    std::uint64_t every;
  };
  std::vector<Also> also;  // other loggers that get a numbered record too, with every so-many-th one
};

using Count = std::atomic<std::uint64_t>;
static_assert(Count::is_always_lock_free);
Count* board = nullptr;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::_Exit(3);
}

Options parse(int argc, char** argv) {
  Options options;
  const auto number = [](const char* text) { return std::strtoull(text, nullptr, 10); };
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--processes")
      options.processes = number(value);
    else if (name == "--threads")
      options.threads = number(value);
    else if (name == "--records")
      options.records = number(value);
    else if (name == "--first-worker")
      options.first_worker = number(value);
    else if (name == "--payload")
      options.payload = number(value);
    else if (name == "--pause-us")
      options.pause_us = number(value);
    else if (name == "--stay-ms")
      options.stay_ms = number(value);
    else if (name == "--fork")
      options.fork = value;
    else if (name == "--trick")
      options.trick = value;
    else if (name == "--text")
      options.text = value;
    else if (name == "--thread-name")
      options.thread_name = value;
    else if (name == "--board")
      options.board = value;
    else if (name == "--stay-until")
      options.stay_until = value;
    else if (name == "--until")
      options.until = value;
    else if (name == "--also" && std::strchr(value, ':') != nullptr)  // LOGGER:EVERY
      options.also.push_back(
          {std::string(value, std::strchr(value, ':')), number(std::strchr(value, ':') + 1)});
    else {
      std::fprintf(stderr, "bus_worker: unknown option %s\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

void map_board(const Options& options) {
  const int fd = ::open(options.board.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::size_t size = options.threads * sizeof(Count) * (options.processes + 1);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(size)) != 0) fail("board");
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) fail("board");
  ::close(fd);
  board = static_cast<Count*>(at);
}

/// Looked for each 100 records.
bool may_end(const Options& options, std::uint64_t records) {
  return options.until.empty() || (records % 100 == 0 && ::access(options.until.c_str(), F_OK) == 0);
}

void log_numbers(const Options& options, std::uint64_t worker, std::uint64_t thread, std::uint64_t from,
                 std::uint64_t to) {
  const logbus::Logger& logger = logbus::get_logger("load");
  const std::string payload(options.payload, 'x');
  Count* count =
      board == nullptr ? nullptr : &board[(worker - options.first_worker) * options.threads + thread];
  for (std::uint64_t i = from; i < to || !may_end(options, i); ++i) {
    if (payload.empty()) {
      logger.info("w {} t {} n {}", worker, thread, i);
    } else {
      logger.info("w {} t {} n {} {}", worker, thread, i, payload);
    }
    for (const Options::Also& also : options.also)
      if (i % also.every == 0)
        logbus::get_logger(also.logger).info("w {} t {} n {}", worker, thread, i / also.every);
    if (count != nullptr) count->store(i + 1, std::memory_order_relaxed);
    if (options.pause_us != 0 && i % 100 == 99) ::usleep(static_cast<useconds_t>(options.pause_us));
  }
}

void log_with_threads(const Options& options, std::uint64_t worker) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < options.threads; ++t)
    threads.emplace_back([&options, worker, t] {
      log_numbers(options, worker, t, 0, options.records);
      if (!options.thread_name.empty()) {
        logbus::set_thread_name(options.thread_name);
        logbus::get_logger("load").warning("renamed after {} records", options.records,
                                           logbus::kv("worker", worker), logbus::kv("share", 0.25));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(options.stay_ms));
      while (!options.stay_until.empty() && ::access(options.stay_until.c_str(), F_OK) != 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
  for (std::thread& thread : threads) thread.join();
}

/// A test that is killed leaves no worker behind. Holds until fork, and for the thread that has started us.
void die_with_parent() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool succeeded(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Forks options.processes children that call `body(worker)`; waits for them.
template <class Body>
bool in_children(const Options& options, Body body) {
  std::vector<pid_t> children;
  for (std::uint64_t p = 0; p < options.processes; ++p) {
    const pid_t pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      die_with_parent();
      body(options.first_worker + p);
      std::exit(0);  // with all static destructors, as a worker that returns from main
    }
    children.push_back(pid);
  }
  bool good = true;
  for (const pid_t pid : children) good = succeeded(pid) && good;
  return good;
}

/// The parent is worker first_worker + processes. Its threads log before, while and after it forks.
bool fork_after_first_use(const Options& options) {
  const std::uint64_t self = options.first_worker + options.processes;
  const std::uint64_t half = options.records / 2;
  for (std::uint64_t t = 0; t < options.threads; ++t) log_numbers(options, self, t, 0, half);
  const bool good = in_children(options, [&](std::uint64_t worker) { log_with_threads(options, worker); });
  for (std::uint64_t t = 0; t < options.threads; ++t) log_numbers(options, self, t, half, options.records);
  return good;
}

/// Thread t of the parent logs the first half, forks, and logs the second half; so does its child from that
/// very thread, as worker first_worker + 1 + t. A child that has no use for threads may only log from the
/// thread it was forked from.
bool fork_from_threads(const Options& options) {
  std::vector<std::thread> threads;
  std::atomic<bool> good{true};
  const std::uint64_t half = options.records / 2;
  for (std::uint64_t t = 0; t < options.threads; ++t)
    threads.emplace_back([&options, &good, half, t] {
      log_numbers(options, options.first_worker, t, 0, half);
      const pid_t pid = ::fork();
      if (pid < 0) fail("fork");
      if (pid == 0) {
        log_numbers(options, options.first_worker + 1 + t, 0, 0, options.records);
        ::_exit(0);
      }
      log_numbers(options, options.first_worker, t, half, options.records);
      if (!succeeded(pid)) good = false;
    });
  for (std::thread& thread : threads) thread.join();
  return good;
}

/// Worker 0 logs and forks worker 1, which logs and forks worker 2.
bool fork_grandchild(const Options& options) {
  log_numbers(options, options.first_worker, 0, 0, options.records);
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child != 0) return succeeded(child);
  log_numbers(options, options.first_worker + 1, 0, 0, options.records);
  const pid_t grandchild = ::fork();
  if (grandchild < 0) fail("fork");
  if (grandchild != 0) std::exit(succeeded(grandchild) ? 0 : 1);
  log_numbers(options, options.first_worker + 2, 0, 0, options.records);
  std::exit(0);
}

/// What programs do to themselves between their first half of the records and the second.
bool play(const Options& options, char** argv) {
  const std::uint64_t half = options.records / 2;
  const bool locks = options.trick == "mlockall";
  if (locks && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) fail("mlockall");
  log_numbers(options, options.first_worker, 0, 0, half);
  if (options.trick == "close-fds") {
    ::syscall(SYS_close_range, 0U, ~0U, 0U);
  } else if (options.trick == "exec") {  // the new program is worker first_worker + 1
    const std::string worker = std::to_string(options.first_worker + 1);
    const std::string records = std::to_string(options.records);
    const char* const arguments[] = {argv[0],     "--first-worker", worker.c_str(),
                                     "--records", records.c_str(),  nullptr};
    ::execv("/proc/self/exe", const_cast<char* const*>(arguments));
    fail("exec");
  } else if (options.trick == "child-stays") {  // for as long as its own stay_ms, silent
    const pid_t child = ::fork();
    if (child == 0) {
      ::usleep(static_cast<useconds_t>(options.stay_ms * 1000));
      ::_exit(0);
    }
    if (child < 0) fail("fork");
  } else if (!locks) {
    std::fprintf(stderr, "bus_worker: no such trick\n");
    std::exit(2);
  }
  log_numbers(options, options.first_worker, 0, half, options.records);
  std::this_thread::sleep_for(std::chrono::milliseconds(options.stay_ms));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  die_with_parent();
  if (argc > 1 && std::string_view(argv[1]) == "--schedule") return logbus::testing::run_schedule(argc, argv);
  const Options options = parse(argc, argv);
  if (!options.board.empty()) map_board(options);
  // The bus and its directory: $LOGBUS_BUS and $LOGBUS_DIR.
  logbus::basic_config({.level = logbus::Level::kInfo});
  if (!options.text.empty()) {
    logbus::get_logger("load").info("{}", options.text);
    return 0;
  }
  if (options.payload != 0 && options.records == 1 && options.processes == 0) {
    log_numbers(options, options.first_worker, 0, 0, 1);
    return 0;
  }
  if (options.processes == 0 && options.fork == "before" && options.trick.empty()) {
    log_with_threads(options, options.first_worker);
    return 0;
  }
  bool good = false;
  if (!options.trick.empty())
    good = play(options, argv);
  else if (options.fork == "before")
    good = in_children(options, [&](std::uint64_t worker) { log_with_threads(options, worker); });
  else if (options.fork == "after")
    good = fork_after_first_use(options);
  else if (options.fork == "thread")
    good = fork_from_threads(options);
  else if (options.fork == "grandchild")
    good = fork_grandchild(options);
  return good ? 0 : 1;
}
