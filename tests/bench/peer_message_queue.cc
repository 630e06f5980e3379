// SPDX-License-Identifier: MIT
// Peer: Boost.Interprocess' message_queue between two processes, raw: a struct goes in, a struct comes out,
// and nobody makes text of it. The lock and the copies are what a log queue built on it cannot avoid.
#include <boost/interprocess/ipc/message_queue.hpp>

#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "peers.h"

namespace {

using boost::interprocess::message_queue;

struct Message {
  std::uint64_t ticks;
  std::int32_t a, b;
  double c;
  std::uint64_t rest[3];
};
static_assert(sizeof(Message) == 48);

constexpr std::int32_t kEnd = -1;

class Queue {
 public:
  Queue()
      : name_("logbus-bench-" + std::to_string(::getpid())),
        queue_(boost::interprocess::create_only, name_.c_str(), 8192, sizeof(Message)) {}
  ~Queue() { message_queue::remove(name_.c_str()); }
  Queue(const Queue&) = delete;

  void send(std::int32_t a, std::int32_t b, double c) {
    const Message message{logbus::detail::read_ticks(clock_), a, b, c, {}};
    queue_.send(&message, sizeof message, 0);
  }
  void receive_all() {
    Message message;
    message_queue::size_type size;
    unsigned priority;
    do queue_.receive(&message, sizeof message, size, priority);
    while (message.a != kEnd);
  }

 private:
  std::string name_;
  logbus::detail::ClockSource clock_ = logbus::bench::machine_clock();
  message_queue queue_;
};

}  // namespace

int main(int argc, char** argv) {
  const logbus::bench::PeerCommand command(argc, argv);
  Queue queue;
  const pid_t child = ::fork();
  if (child == 0) {
    queue.receive_all();
    ::_exit(0);
  }
  const auto finish = [&] {
    queue.send(kEnd, 0, 0);
    return ::waitpid(child, nullptr, 0) == child;
  };
  const auto call = [&](int i) { queue.send(i, 2 * i, i / 2.0); };
  if (command.file) return logbus::bench::run_lines(command.number, call, finish);
  logbus::bench::time_bursts(command, call);
  return finish() ? 0 : 1;
}
