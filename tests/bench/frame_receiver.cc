// SPDX-License-Identifier: MIT
// A server that understands SocketHandler's frames and does nothing but count them.
//
//   frame_receiver RECORDS   listens on a free port of 127.0.0.1 and prints it; takes one connection; when so
//   many frames
//                            have come, prints how many seconds there were from the first bytes to the last
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <logbus/detail/clock.h>

namespace {

constexpr std::size_t kLengthBytes = 4;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Counts the frames in a stream that comes in pieces.
class FrameCounter {
 public:
  void take(const unsigned char* at, std::size_t size) {
    while (size > 0) {
      if (left_ == 0 && !take_length(at, size)) return;
      const std::size_t taken = left_ < size ? left_ : size;
      at += taken;
      size -= taken;
      left_ -= taken;
      if (left_ == 0) ++frames_;
    }
  }
  std::uint64_t frames() const { return frames_; }

 private:
  // False: there is no more.
  bool take_length(const unsigned char*& at, std::size_t& size) {
    for (; length_bytes_ < kLengthBytes && size > 0; ++length_bytes_, --size) length_ = length_ << 8 | *at++;
    if (length_bytes_ < kLengthBytes) return false;
    left_ = length_;
    length_bytes_ = length_ = 0;
    return true;
  }

  std::uint64_t frames_ = 0;
  std::size_t left_ = 0;
  std::size_t length_bytes_ = 0;
  std::uint32_t length_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t records = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (records == 0) {
    std::fprintf(stderr, "usage: frame_receiver RECORDS\n");
    return 2;
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, any, size) != 0 || ::listen(listener, 1) != 0) fail("bind");
  if (::getsockname(listener, any, &size) != 0) fail("getsockname");
  std::printf("%u\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection < 0) fail("accept");
  std::vector<unsigned char> bytes(1 << 18);
  FrameCounter counter;
  std::uint64_t begin = 0, total = 0;
  while (counter.frames() < records) {
    const ssize_t got = ::recv(connection, bytes.data(), bytes.size(), 0);
    if (got <= 0) fail("the sender has gone");
    if (begin == 0) begin = logbus::detail::clock_ns(CLOCK_MONOTONIC);
    counter.take(bytes.data(), static_cast<std::size_t>(got));
    total += static_cast<std::uint64_t>(got);
  }
  const std::uint64_t took = logbus::detail::clock_ns(CLOCK_MONOTONIC) - begin;
  std::printf("{\"records\": %llu, \"bytes\": %llu, \"seconds\": %.6f}\n",
              static_cast<unsigned long long>(counter.frames()), static_cast<unsigned long long>(total),
              static_cast<double>(took) / 1e9);
  return counter.frames() == records ? 0 : 1;
}
