// SPDX-License-Identifier: MIT
#include "stage.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <logbus/logger.h>

#include "drain.h"
#include "shm/segment.h"

namespace logbus::kill_points {

namespace {
constexpr unsigned kHelperSeconds = 30;
}  // namespace

pid_t Stage::start(const std::function<void()>& work) const {
  board->failure[0] = '\0';
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid != 0) return pid;
  ::alarm(kHelperSeconds);
  try {
    work();
  } catch (const std::exception& error) {
    std::snprintf(board->failure, sizeof board->failure, "%s", error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

void Stage::finish(pid_t pid) const {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return;
  if (WIFSIGNALED(status))
    throw std::runtime_error("a helper ends by signal " + std::to_string(WTERMSIG(status)));
  throw std::runtime_error(board->failure[0] != '\0' ? board->failure : "a helper fails");
}

void Stage::in_process(const std::function<void()>& work) const {
  finish(start(work));
}

void Stage::configure() const {
  basic_config(
      {.bus = "test", .directory = directory, .level = Level::kDebug, .on_failure = OnFailure::kThrow});
}

void Stage::log(Writer who, const std::string& text, const char* logger) const {
  const std::uint32_t n = board->issued[who].fetch_add(1);
  get_logger(logger).info("record {} {} {}", static_cast<int>(who), n, text);
  board->returned[who].store(n + 1);
}

void Stage::log_operation(Writer who, const std::string& text) const {
  static const Logger& logger = get_logger("kill");
  const std::uint32_t n = board->issued[who].fetch_add(1);
  logger.info("operation {} {} {}", static_cast<int>(who), n, text);
  board->returned[who].store(n + 1);
}

void Stage::replace_bus() const {
  const std::string path = shm::bus_path(options);
  {
    const shm::Segment segment = shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
    if (std::rename(path.c_str(), (directory + "/old.logbus").c_str()) != 0)
      throw std::runtime_error("rename");
    segment.shared().attention.fetch_or(detail::kAttentionRetired);
  }
  static_cast<void>(shm::Segment::open(options, shm::Segment::Role::kWorker));
}

void Stage::drain(const std::string& bus) const {
  shm::BusOptions of_bus = options;
  of_bus.bus = bus;
  consumer::BusQueue queue(of_bus);
  queue.begin_stop();
  LogRecord record;
  while (queue.get(record, std::chrono::milliseconds(0))) note(*board, record.name, record.get_message());
  queue.task_done();
}

std::string text_of(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (bytes + i * i) % 26);
  return text;
}

void note(Board& board, const std::string& logger, const std::string& message) {
  if (logger == "logbus") {
    unsigned long dropped = 0;
    if (std::sscanf(message.c_str(), "%lu records dropped", &dropped) != 1)
      throw std::runtime_error("the reader says: " + message);
    board.told += dropped;
    return;
  }
  std::size_t who = 0, n = 0;
  int text_at = 0;
  const std::size_t at = message.find(' ') + 1;
  if (std::sscanf(message.c_str() + at, "%zu %zu %n", &who, &n, &text_at) != 2 || who >= kWriters ||
      n >= kMostRecords)
    throw std::runtime_error("a torn record is delivered: " + message.substr(0, 100));
  const std::string text = message.substr(at + static_cast<std::size_t>(text_at));
  if (text != text_of(text.size()))
    throw std::runtime_error("a torn record is delivered: " + message.substr(0, 100));
  ++board.seen[who][n];
}

}  // namespace logbus::kill_points
