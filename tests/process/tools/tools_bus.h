// SPDX-License-Identifier: MIT
// A small bus and a worker process that ends as the test wants it.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "shm/lane_owner.h"
#include "shm/segment.h"
#include "shm/site_table.h"
#include "shm/snapshot.h"
#include "support/dump_text.h"
#include "support/shm_bus.h"
#include "wire/codec.h"

namespace logbus::testing {

/// A thread of a worker with a lane of its own.
class TestWriter {
 public:
  TestWriter(shm::Attachment& attachment, std::uint32_t thread, std::string_view name)
      : attachment_(attachment) {
    if (lane_.claim(attachment, thread, name) != shm::Claim::kOk) throw std::runtime_error("no lane");
  }
  shm::LaneOwner& lane() { return lane_; }

  /// A record of the call site (name, level, format) with one string argument.
  void log(const std::string& name, int levelno, const std::string& format, const std::string& argument) {
    put(payload(argument), levelno, false, site(name, levelno, format));
  }
  /// Goes as far as a writer that is killed in the middle of its payload, or (`stamping`) right before its
  /// commit.
  void begin(const std::string& name, const std::string& format, bool stamping) {
    const std::uint32_t id = site(name, 20, format);
    const std::uint32_t size = detail::LaneWriter::frame_bytes(64);
    detail::LaneWriter& writer = lane_.writer;
    if (!writer.enter() ||
        (!writer.has_room(size, 1) && lane_.make_room(size, 20, false) != shm::Room::kReady))
      throw std::runtime_error("no room");
    const std::uint32_t tag = detail::frame_tag(detail::FrameKind::kRecord, id);
    std::memset(writer.begin(size, tag), 0x90, 64);
    if (stamping) writer.line->busy.store(detail::kBusyStamping | tag << 2, std::memory_order_relaxed);
  }
  void names(const std::string& thread, const std::string& process) {
    std::string bytes;
    wire::encode_names({thread, process}, bytes);
    detail::LaneWriter& writer = lane_.writer;
    const std::uint32_t size = detail::LaneWriter::frame_bytes(static_cast<std::uint32_t>(bytes.size()));
    if (!writer.enter() ||
        (!writer.has_room(size, 1) && lane_.make_room(size, 20, false) != shm::Room::kReady))
      throw std::runtime_error("no room");
    std::memcpy(writer.begin(size, detail::frame_tag(detail::FrameKind::kNames)), bytes.data(), bytes.size());
    static_cast<void>(writer.commit());
  }
  Put put(std::span<const std::byte> bytes, int levelno, bool may_wait, std::uint32_t id) {
    return testing::put(lane_, bytes, levelno, may_wait, id);
  }
  std::uint32_t site(const std::string& name, int levelno, const std::string& format) {
    std::string bytes;
    wire::encode_site({name, levelno,
                       levelno == 20   ? "INFO"
                       : levelno == 30 ? "WARNING"
                                       : "ERROR",
                       "/src/api.cpp", 88, "handle", MessageStyle::kBrace, format},
                      bytes);
    return shm::SiteTable(attachment_.segment())
        .intern(std::as_bytes(std::span(bytes)), std::hash<std::string>()(bytes));
  }
  /// array(argument) map(order: 42)
  static std::vector<std::byte> payload(const std::string& argument) {
    std::string bytes = "\x91\xd9";
    bytes += static_cast<char>(argument.size());
    bytes += argument + "\x81\xdb" + std::string("\0\0\0\5", 4) + "order" + '\x2a';
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    return {data, data + bytes.size()};
  }

 private:
  shm::Attachment& attachment_;
  shm::LaneOwner lane_ = {};
};

/// A child process: runs `work`, tells that it is done with it, and stays until it is killed.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      try {
        work();
      } catch (const std::exception& e) {
        std::fprintf(stderr, "child: %s\n", e.what());
        ::_exit(1);
      }
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char done = 0;
    ssize_t n;
    do n = ::read(ends[0], &done, 1);
    while (n < 0 && errno == EINTR);
    ::close(ends[0]);
    if (n != 1) throw std::runtime_error("the child has failed");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }
  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    reaped_ = pid_;
    pid_ = 0;
  }
  pid_t killed_pid() const { return reaped_; }

 private:
  pid_t pid_ = 0;
  pid_t reaped_ = 0;
};

/// The JSON objects of one type that dump writes.
inline std::vector<nlohmann::ordered_json> dumped_objects(shm::Snapshot& snapshot, std::string_view type,
                                                          tools::DumpOptions options = {}) {
  options.json = true;
  std::istringstream lines(dump_text(snapshot, options));
  std::vector<nlohmann::ordered_json> objects;
  for (std::string line; std::getline(lines, line);) {
    auto object = nlohmann::ordered_json::parse(line);
    if (object["type"] == type) objects.push_back(std::move(object));
  }
  return objects;
}

inline std::vector<std::string> dumped_messages(shm::Snapshot& snapshot,
                                                const tools::DumpOptions& options = {}) {
  std::vector<std::string> messages;
  for (const auto& object : dumped_objects(snapshot, "record", options))
    messages.push_back(object["message"]);
  return messages;
}

}  // namespace logbus::testing
