// SPDX-License-Identifier: MIT
#include "scheduled_worker.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <logbus/logger.h>
#include "board.h"

namespace logbus::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t seed = 0;
  std::uint64_t worker = 0;
  std::uint64_t threads = 1;
  std::uint64_t records = 0;
  std::uint64_t pause_us = 0;
  std::uint64_t payload = 0;  // letters, at most
  std::uint64_t stops = 0;    // one of so many bursts
  std::uint64_t membarrier = 1;
  std::string board;
};

// Never destroyed: threads log while the process exits.
Options& options = *new Options;
Board* board = nullptr;

void parse(int argc, char** argv) {
  const struct {
    std::string_view name;
    std::uint64_t& value;
  } numbers[] = {{"--schedule", options.seed},     {"--worker", options.worker},
                 {"--threads", options.threads},   {"--records", options.records},
                 {"--pause-us", options.pause_us}, {"--payload", options.payload},
                 {"--stops", options.stops},       {"--membarrier", options.membarrier}};
  for (int i = 1; i + 1 < argc; i += 2) {
    bool known = std::string_view(argv[i]) == "--board";
    if (known) options.board = argv[i + 1];
    for (const auto& number : numbers) {
      if (number.name != argv[i]) continue;
      number.value = std::strtoull(argv[i + 1], nullptr, 10);
      known = true;
    }
    if (known) continue;
    std::fprintf(stderr, "bus_worker: unknown option %s\n", argv[i]);
    std::exit(2);
  }
}

/// Also for all children, and across exec.
void refuse_membarrier() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {sizeof program / sizeof *program, program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
    return;
  std::perror("seccomp");
  std::_Exit(3);
}

constexpr std::uint64_t kLongestPause = 100;  // in records
constexpr std::uint64_t kStoppedBurst = 500;
constexpr std::uint64_t kStoppedWithinNs = 20'000;
timer_t timer = {};

/// A thread at work.
class Writer {
 public:
  Writer(BoardEntry& entry, std::uint64_t seed)
      : entry_(&entry), rng_(seed), logger_(get_logger("load")), index_(&entry - board->entries) {}

  /// To the end of its part of the schedule.
  void run();

 private:
  std::uint64_t below(std::uint64_t n) { return rng_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  /// Up to n, small ones more often.
  std::uint64_t skewed(std::uint64_t n) {
    return below(std::uint64_t{1} << below(64 - static_cast<unsigned>(__builtin_clzll(n)) + 1)) % (n + 1);
  }
  bool over() const { return board->stop.load(std::memory_order_relaxed) != 0; }

  void log_one();
  void call(Level level, std::uint64_t number);
  void pause(std::uint64_t records);
  void stop_soon();
  bool something_happens();
  void have_child();
  void become_another();
  [[noreturn]] void die();

  BoardEntry* entry_;
  std::mt19937_64 rng_;
  const Logger& logger_;
  std::int64_t index_;
};

void start_thread(std::uint64_t seed) {
  std::thread([seed] {
    if (BoardEntry* entry = board->take()) Writer(*entry, seed).run();
  }).detach();
}

void Writer::call(Level level, std::uint64_t number) {
  if (options.payload == 0 || one_in(2)) {
    logger_.log(level, "w {} t {} n {}", options.worker, index_, number);
    return;
  }
  const std::string letters(skewed(options.payload), static_cast<char>('a' + number % 26));
  if (one_in(8)) {
    // A field that no format asks for.
    logger_.log(level, "w {} t {} n {} p {} {}", options.worker, index_, number, letters.size(), letters,
                kv("field", number));
  } else {
    logger_.log(level, "w {} t {} n {} p {} {}", options.worker, index_, number, letters.size(), letters);
  }
}

void Writer::log_one() {
  const std::uint64_t number = entry_->begun.load(std::memory_order_relaxed);
  const std::uint64_t dice = below(64);
  entry_->begun.store(number + 1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const auto before = Clock::now();
  call(dice == 0 ? Level::kError : dice < 4 ? Level::kWarning : Level::kInfo, number);
  const auto took = static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - before).count());
  std::atomic_signal_fence(std::memory_order_seq_cst);
  entry_->returned.store(number + 1, std::memory_order_relaxed);
  if (took < kSlowNs) return;
  const std::uint64_t noted = entry_->slow.load(std::memory_order_relaxed);
  if (noted < kSlowCalls) {
    entry_->slow_calls[noted].number.store(number, std::memory_order_relaxed);
    entry_->slow_calls[noted].nanoseconds.store(took, std::memory_order_relaxed);
  }
  entry_->slow.store(noted + 1, std::memory_order_relaxed);
}

/// After so many records.
void Writer::pause(std::uint64_t records) {
  if (options.pause_us != 0) ::usleep(static_cast<useconds_t>(records * below(2 * options.pause_us)));
}

/// The process stands still in a moment, on any instruction of the burst that follows, until somebody
/// continues it.
void Writer::stop_soon() {
  itimerspec in = {};
  in.it_value.tv_nsec = static_cast<long>(1 + below(kStoppedWithinNs));
  ::timer_settime(timer, 0, &in, nullptr);
}

void Writer::run() {
  for (bool goes_on = true; goes_on && !over();) {
    std::uint64_t burst = 1 + skewed(100);
    if (options.stops != 0 && one_in(options.stops)) {
      burst = kStoppedBurst;
      stop_soon();
    }
    for (std::uint64_t i = 0; i < burst; ++i) {
      if (options.records != 0 && entry_->begun.load(std::memory_order_relaxed) == options.records)
        goes_on = false;
      if (!goes_on) break;
      log_one();
    }
    if (goes_on) pause(std::min(burst, kLongestPause));
    int status = 0;
    while (::waitpid(-1, &status, WNOHANG) > 0) {
      const bool good = (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                        (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGABRT));
      if (!good) board->bad_status.store(static_cast<std::uint64_t>(status), std::memory_order_relaxed);
    }
    if (goes_on && options.seed != 0) goes_on = something_happens();
  }
  entry_->stage.store(2, std::memory_order_relaxed);
}

/// False: the thread ends.
bool Writer::something_happens() {
  switch (below(400)) {
    case 0:
    case 1:
    case 2:
    case 3:
      start_thread(rng_());
      break;
    case 4:
    case 5:
      have_child();
      break;
    case 6:
      become_another();
      break;
    case 7:
      die();
    case 8:
    case 9:
    case 10:
      start_thread(rng_());  // others than the first few shall come to their end too
      return false;
    default:
      break;
  }
  return true;
}

void Writer::have_child() {
  const std::uint64_t seed = rng_();
  const pid_t pid = ::fork();
  if (pid != 0) return;  // also if there was none
  BoardEntry* entry = board->take();
  if (entry == nullptr) ::_exit(0);
  entry_ = entry;
  index_ = entry - board->entries;
  rng_.seed(seed);
  const std::uint64_t rounds = skewed(200);
  for (std::uint64_t i = 0; i < rounds && !over(); ++i) {
    log_one();
    pause(1);
    if (one_in(50)) start_thread(rng_());
  }
  die();
}

void Writer::become_another() {
  std::vector<std::string> texts = {"bus_worker", "--schedule", std::to_string(1 + rng_() / 2), "--board",
                                    options.board};
  const auto add = [&](const char* name, std::uint64_t value) {
    texts.emplace_back(name);
    texts.push_back(std::to_string(value));
  };
  add("--worker", options.worker);
  add("--threads", 1 + below(3));
  add("--pause-us", options.pause_us);
  add("--payload", options.payload);
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
}

void Writer::die() {
  switch (below(5)) {
    case 0:
      ::kill(::getpid(), SIGKILL);
      for (;;) ::pause();
    case 1:
      std::abort();
    case 2:
      ::_exit(0);
    default:
      std::exit(0);  // with all static destructors, and while other threads log
  }
}

}  // namespace

int run_schedule(int argc, char** argv) {
  parse(argc, argv);
  if (options.membarrier == 0) refuse_membarrier();
  board = &Board::open(options.board);
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGSTOP;
  if (options.stops != 0 && ::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) std::perror("timer_create");
  basic_config({.level = Level::kInfo});
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < options.threads; ++t) {
    BoardEntry* entry = board->take();
    if (entry == nullptr) break;
    threads.emplace_back([entry, t] { Writer(*entry, options.seed * 1000 + t).run(); });
  }
  for (std::thread& thread : threads) thread.join();
  if (options.seed == 0) return 0;
  // Those that came later.
  while (board->stop.load(std::memory_order_relaxed) == 0) ::usleep(10'000);
  return 0;
}

}  // namespace logbus::testing
