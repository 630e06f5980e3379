// SPDX-License-Identifier: MIT
#include "sidecar/own_log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include <logbus/json_formatter.h>

#include "record/escaped_text.h"

namespace logbus::sidecar {
namespace {

constexpr double kBurst = 100;
constexpr double kPerSecond = 10;

}  // namespace

bool write_if_ready(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    struct pollfd ready = {fd, POLLOUT, 0};
    // A pipe that is ready takes PIPE_BUF bytes without blocking, which is more than a line has.
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
    constexpr std::size_t kPipeBuf = 4096;
    const ssize_t count = ::write(fd, text.data(), std::min(text.size(), kPipeBuf));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool OwnLog::take_token() noexcept {
  const auto now = std::chrono::steady_clock::now();
  tokens_ = std::min(kBurst, tokens_ + kPerSecond * std::chrono::duration<double>(now - filled_).count());
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void OwnLog::set_json(bool json) {
  const std::lock_guard lock(lock_);
  json_ = json ? std::make_unique<const JsonFormatter>() : nullptr;
}

std::string OwnLog::line(Level level, std::string_view word, std::string_view sentence) const {
  if (json_ == nullptr) {
    std::string text = fmt::format("logbusd[{}]: {}{}", ::getpid(), word, sentence);
    record::escape_controls(text, 0);  // it may be a terminal, and names of files may hold anything
    return text + '\n';
  }
  LogRecord record;
  record.name = "logbusd";
  record.levelno = static_cast<int>(level);
  record.levelname = get_level_name(level);
  record.msg = std::string(sentence);
  record.style = MessageStyle::kVerbatim;
  record.created_ns = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  record.extra = {{"pid", std::int64_t{::getpid()}}};
  return json_->format(record) + '\n';
}

void OwnLog::write(Level level, std::string_view word, std::string_view sentence) noexcept {
  if (level < level_) return;
  try {
    const std::lock_guard lock(lock_);
    if (!take_token()) {
      ++suppressed_;
      return;
    }
    std::string lines = line(level, word, sentence);
    if (suppressed_ > 0) lines += line(level, "", fmt::format("{} lines suppressed", suppressed_));
    if (write_if_ready(STDERR_FILENO, lines)) {
      suppressed_ = 0;
    } else {
      ++suppressed_;
    }
  } catch (...) {  // no memory for a line about something else
  }
}

}  // namespace logbus::sidecar
