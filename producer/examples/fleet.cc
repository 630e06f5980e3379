// SPDX-License-Identifier: MIT
// A pre-forked fleet of workers that hash the machine's own files and log each one: how a server of many
// processes adopts logbus.
//
//   fleet [--workers N] [--threads M] [--seconds S] [PATH...]        bus: $LOGBUS_BUS, $LOGBUS_DIR
//
// Three places matter for adoption: basic_config() once in the master before it forks, basic_config(force) in
// each child to give it a name of its own, and nothing at all at a child's end: what it has logged is on the
// bus.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <logbus/logger.h>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uintmax_t kHugeBytes = 16 << 20;
constexpr unsigned kMostWorkers = 64;

struct Options {
  unsigned workers = 4;
  unsigned threads = 2;
  std::chrono::seconds time{10};
  std::vector<fs::path> roots;
};

/// One worker's line on the master's scoreboard, in memory that all share. A killed worker's count stays.
struct alignas(64) Score {
  std::atomic<std::uint64_t> logged;  // log calls that have returned
};

Score* scoreboard = nullptr;
std::atomic<bool> stopping{false};

/// 64-bit FNV-1a. Throws filesystem_error if the file is not there, system_error if it can't be read.
std::uint64_t hash_of(const fs::path& path) {
  if (!fs::exists(path)) {
    throw fs::filesystem_error("broken link", path,
                               std::make_error_code(std::errc::no_such_file_or_directory));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::system_error(errno, std::generic_category(), "open");
  std::uint64_t hash = 0xcbf29ce484222325;
  char buffer[16384];
  while (file.read(buffer, sizeof buffer), file.gcount() > 0) {
    for (std::streamsize i = 0; i < file.gcount(); ++i) {
      hash = (hash ^ static_cast<unsigned char>(buffer[i])) * 0x100000001b3;
    }
  }
  if (file.bad()) throw std::system_error(errno, std::generic_category(), "read");
  return hash;
}

/// Exactly one record a file.
void handle_file(const fs::path& path, const logbus::Logger& logger) {
  const auto begin = Clock::now();
  try {
    std::error_code ignored;
    if (const std::uintmax_t bytes = fs::file_size(path, ignored); !ignored && bytes > kHugeBytes) {
      logger.warning("too large to hash", logbus::kv("path", path), logbus::kv("bytes", bytes));
      return;
    }
    const std::uint64_t hash = hash_of(path);
    const std::uintmax_t bytes = fs::file_size(path, ignored);
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    logger.info("hashed {path}: {:016x}", hash, logbus::kv("path", path), logbus::kv("bytes", bytes),
                logbus::kv("ms", ms));
  } catch (const fs::filesystem_error&) {
    logger.exception("no file behind the name", logbus::kv("path", path));
  } catch (const std::exception& error) {
    logger.warning("unreadable: {}", error.what(), logbus::kv("path", path));
  }
}

/// Its share of the files, again and again until the time is over.
void work(const std::vector<fs::path>& files, unsigned first, unsigned step, Score& score,
          Clock::time_point deadline) {
  const logbus::Logger& logger = logbus::get_logger("fleet.hash");
  while (!files.empty()) {
    for (std::size_t i = first; i < files.size(); i += step) {
      if (stopping.load(std::memory_order_relaxed) || Clock::now() >= deadline) return;
      handle_file(files[i], logger);
      score.logged.fetch_add(1, std::memory_order_relaxed);
    }
    if (first >= files.size()) return;
  }
}

std::string name_of(unsigned worker) {
  return "worker-" + std::to_string(worker + 1);
}

int worker_main(const Options& options, unsigned index, const std::vector<fs::path>& files,
                Clock::time_point deadline) {
  // The same settings as the master's, under a name of its own. (Without this line the child's records would
  // carry the master's name; they would arrive all the same.)
  logbus::basic_config({.level = logbus::Level::kInfo, .process_name = name_of(index), .force = true});
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] {
      const std::string name = "hash-" + std::to_string(i + 1);
      logbus::set_thread_name(name);
      work(files, index * options.threads + i, options.workers * options.threads, scoreboard[index],
           deadline);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return EXIT_SUCCESS;
}

std::vector<fs::path> list_files(const std::vector<fs::path>& roots, const logbus::Logger& logger) {
  std::vector<fs::path> files;
  for (const fs::path& root : roots) {
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      if (at->is_regular_file(ignored) || (at->is_symlink(ignored) && !at->is_directory(ignored))) {
        files.push_back(at->path());
      }
    }
    if (error) logger.warning("cannot list {}: {}", root, error.message());
  }
  return files;
}

class Master {
 public:
  Master(const Options& options, const std::vector<fs::path>& files)
      : options_(options), files_(files), deadline_(Clock::now() + options.time), pids_(options.workers, 0) {}

  /// Returns in the parent when all workers have ended, in a child with that worker's exit code.
  int run() {
    for (unsigned i = 0; i < options_.workers; ++i) {
      if (!start(i)) return worker_main(options_, i, files_, deadline_);
    }
    for (unsigned running = options_.workers; running > 0;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, 0);
      if (pid < 0 && errno == EINTR) {
        if (stopping) stop_workers();
        continue;
      }
      if (pid < 0) break;
      --running;
      report(pid, status);
    }
    return EXIT_SUCCESS;
  }

 private:
  /// False in the child.
  bool start(unsigned index) {
    const pid_t master = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
      logger_.error("cannot fork {}: {}", name_of(index), std::system_category().message(errno));
    } else if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // no worker outlives the master
      if (::getppid() != master) ::_exit(EXIT_FAILURE);
      return false;
    }
    pids_[index] = pid;
    std::printf("started %s %d\n", name_of(index).c_str(), static_cast<int>(pid));
    std::fflush(stdout);
    return true;
  }

  void stop_workers() const {
    for (const pid_t pid : pids_) {
      if (pid > 0) ::kill(pid, SIGTERM);
    }
  }

  void report(pid_t pid, int status) {
    unsigned index = 0;
    while (index < options_.workers && pids_[index] != pid) ++index;
    if (index == options_.workers) return;
    pids_[index] = 0;
    const std::uint64_t logged = scoreboard[index].logged.load(std::memory_order_relaxed);
    if (WIFSIGNALED(status)) {
      logger_.warning("{} ended by signal {}", name_of(index), WTERMSIG(status),
                      logbus::kv("worker_pid", pid));
    } else {
      logger_.info("{} ended after {} files", name_of(index), logged, logbus::kv("worker_pid", pid));
    }
    std::printf("%s %s %d %llu\n", WIFSIGNALED(status) ? "killed" : "ended", name_of(index).c_str(),
                static_cast<int>(pid), static_cast<unsigned long long>(logged));
    std::fflush(stdout);
  }

  const Options& options_;
  const std::vector<fs::path>& files_;
  const Clock::time_point deadline_;
  std::vector<pid_t> pids_;
  const logbus::Logger& logger_ = logbus::get_logger("fleet.master");
};

[[noreturn]] void usage() {
  std::fputs("usage: fleet [--workers N] [--threads M] [--seconds S] [PATH...]\n", stderr);
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      options.roots.emplace_back(argument);
      continue;
    }
    if (i + 1 == argc) usage();
    char* end = nullptr;
    const unsigned long value = std::strtoul(argv[++i], &end, 10);
    if (*end != '\0' || value == 0 || value > 3600) usage();
    if (argument == "--workers" && value <= kMostWorkers) {
      options.workers = static_cast<unsigned>(value);
    } else if (argument == "--threads") {
      options.threads = static_cast<unsigned>(value);
    } else if (argument == "--seconds") {
      options.time = std::chrono::seconds(value);
    } else {
      usage();
    }
  }
  if (options.roots.empty()) options.roots = {"/usr/share", "/var/log"};
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  logbus::basic_config({.level = logbus::Level::kInfo, .process_name = "master"});
  const logbus::Logger& logger = logbus::get_logger("fleet.master");

  void* shared = ::mmap(nullptr, kMostWorkers * sizeof(Score), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("mmap");
    return EXIT_FAILURE;
  }
  scoreboard = static_cast<Score*>(shared);  // fresh pages: all counts are zero

  struct sigaction action = {};
  action.sa_handler = [](int) { stopping.store(true, std::memory_order_relaxed); };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);

  const std::vector<fs::path> files = list_files(options.roots, logger);
  logger.info("{} workers with {} threads each for {} files", options.workers, options.threads, files.size());
  return Master(options, files).run();
}
