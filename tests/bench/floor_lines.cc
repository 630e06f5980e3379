// SPDX-License-Identifier: MIT
// The floor of the end-to-end benchmark: the least that two processes can do to get these lines into a file.
// One lane, one writer, one format known to the compiler, nothing that could fail, be filtered, or be
// configured.
//
//   floor_lines RECORDS FILE
//
//   writer:  clock -> frame of 40 bytes in place -> release store
//   reader:  acquire load -> text (libfmt's integers and doubles, the second's text kept) -> one write() a
//   batch
#include <fmt/compile.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "machine_clock.h"

namespace {

using logbus::bench::machine_clock;
using logbus::detail::clock_ns;
using logbus::detail::ClockSource;
using logbus::detail::read_ticks;

struct Frame {
  std::uint32_t size, site;
  std::uint64_t ticks;
  std::int64_t a, b;
  double c;
};
static_assert(sizeof(Frame) == 40);

/// As large as a lane is by default. Positions count frames and never go back.
struct Lane {
  static constexpr std::uint64_t kFrames = (std::uint64_t{4} << 20) / sizeof(Frame);
  alignas(64) std::atomic<std::uint64_t> committed;
  alignas(64) std::atomic<std::uint64_t> read;
  alignas(64) Frame frames[kFrames];
};

class Writer {
 public:
  Writer(Lane& lane, ClockSource clock) : lane_(lane), clock_(clock) {}

  void write(int a, int b, double c) {
    while (position_ == limit_) {
      limit_ = lane_.read.load(std::memory_order_acquire) + Lane::kFrames;
      if (position_ == limit_) ::usleep(50);
    }
    lane_.frames[offset_] = {sizeof(Frame), 1, read_ticks(clock_), a, b, c};
    if (++offset_ == Lane::kFrames) offset_ = 0;
    lane_.committed.store(++position_, std::memory_order_release);
  }

 private:
  Lane& lane_;
  ClockSource clock_;
  std::uint64_t position_ = 0, offset_ = 0, limit_ = Lane::kFrames;
};

/// Ticks to the wall clock's time.
class Wall {
 public:
  explicit Wall(ClockSource clock) : ticks_(read_ticks(clock)), ns_(clock_ns(CLOCK_REALTIME)) {
    const std::uint64_t begin = clock_ns(CLOCK_MONOTONIC_RAW), from = read_ticks(clock);
    std::uint64_t end = begin;
    while (end < begin + 20'000'000) end = clock_ns(CLOCK_MONOTONIC_RAW);
    rate_ = static_cast<double>(end - begin) / static_cast<double>(read_ticks(clock) - from);
  }
  std::uint64_t ns(std::uint64_t ticks) const {
    return ns_ + static_cast<std::uint64_t>(static_cast<double>(ticks - ticks_) * rate_);
  }

 private:
  std::uint64_t ticks_, ns_;
  double rate_ = 1;
};

class Reader {
 public:
  Reader(Lane& lane, const Wall& wall, int file, pid_t writer) : lane_(lane), wall_(wall), file_(file) {
    process_size_ = static_cast<std::size_t>(
        fmt::format_to_n(process_, sizeof process_, " {} bench INFO Iteration: ", writer).size);
  }

  void read(std::uint64_t records) {
    std::uint64_t position = 0, offset = 0;
    while (position < records) {
      const std::uint64_t committed = lane_.committed.load(std::memory_order_acquire);
      if (committed == position) ::usleep(50);
      char* to = text_.get();
      for (; position < committed && to < text_.get() + kBatch - kLongestLine; ++position) {
        to = line(to, lane_.frames[offset]);
        if (++offset == Lane::kFrames) offset = 0;
      }
      const auto bytes = to - text_.get();
      if (bytes != 0 && ::write(file_, text_.get(), static_cast<std::size_t>(bytes)) != bytes) std::abort();
      lane_.read.store(position, std::memory_order_release);
    }
  }

 private:
  static constexpr std::size_t kBatch = std::size_t{1} << 20;
  static constexpr std::size_t kLongestLine = 256;

  char* line(char* to, const Frame& frame) {
    const std::uint64_t ns = wall_.ns(frame.ticks), second = ns / 1'000'000'000;
    if (second != second_) {
      second_ = second;
      const auto time = static_cast<std::time_t>(second);
      tm parts{};
      ::localtime_r(&time, &parts);
      std::strftime(second_text_, sizeof second_text_, "%Y-%m-%d %H:%M:%S", &parts);
    }
    std::memcpy(to, second_text_, 19);
    const auto ms = static_cast<unsigned>(ns / 1'000'000 % 1000);
    to[19] = ',';
    to[20] = static_cast<char>('0' + ms / 100);
    to[21] = static_cast<char>('0' + ms / 10 % 10);
    to[22] = static_cast<char>('0' + ms % 10);
    std::memcpy(to + 23, process_, process_size_);
    to = fmt::format_to(to + 23 + process_size_, FMT_COMPILE("{}"), frame.a);
    std::memcpy(to, " int: ", 6);
    to = fmt::format_to(to + 6, FMT_COMPILE("{}"), frame.b);
    std::memcpy(to, " double: ", 9);
    to = fmt::format_to(to + 9, FMT_COMPILE("{}"), frame.c);
    *to++ = '\n';
    return to;
  }

  Lane& lane_;
  const Wall& wall_;
  int file_;
  char process_[48];
  std::size_t process_size_;
  std::uint64_t second_ = 0;
  char second_text_[20];
  std::unique_ptr<char[]> text_{new char[kBatch]};
};

}  // namespace

int main(int argc, char** argv) {
  const int records = argc == 3 ? std::atoi(argv[1]) : 0;
  const int file =
      records > 0 ? ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644) : -1;
  if (file < 0) {
    std::fprintf(stderr, "usage: floor_lines RECORDS FILE\n");
    return 2;
  }
  void* const memory =
      ::mmap(nullptr, sizeof(Lane), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  // All its pages: a lane that is in use has them.
  Lane& lane = *static_cast<Lane*>(std::memset(memory, 0, sizeof(Lane)));
  const ClockSource clock = machine_clock();
  const Wall wall(clock);
  const pid_t writer_id = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    Reader(lane, wall, file, writer_id).read(static_cast<std::uint64_t>(records));
    ::_exit(0);
  }
  Writer writer(lane, clock);
  return logbus::bench::run_lines(
      records, [&](int i) { writer.write(i, 2 * i, i / 2.0); },
      [&] {
        int status = 1;
        return ::waitpid(child, &status, 0) == child && status == 0;
      });
}
