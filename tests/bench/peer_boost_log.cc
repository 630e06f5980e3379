// SPDX-License-Identifier: MIT
// Peer: Boost.Log over its inter-process queue. The text is made in the caller; a second process takes it out
// of the queue and writes the file, in large writes.
#include <boost/log/attributes/clock.hpp>
#include <boost/log/attributes/current_process_id.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/expressions/formatters/date_time.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_ipc_message_queue_backend.hpp>
#include <boost/log/sources/severity_channel_logger.hpp>
#include <boost/log/support/date_time.hpp>
#include <boost/log/trivial.hpp>
#include <boost/log/utility/ipc/reliable_message_queue.hpp>
#include <boost/make_shared.hpp>

#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "peers.h"

namespace {

namespace expr = boost::log::expressions;
namespace sinks = boost::log::sinks;
using boost::log::ipc::reliable_message_queue;
using boost::log::trivial::severity_level;
using Backend = sinks::text_ipc_message_queue_backend<reliable_message_queue>;
using Logger = boost::log::sources::severity_channel_logger<severity_level, std::string>;

constexpr char kEnd[] = "end";

int write_lines(const boost::log::ipc::object_name& name, const char* path) {
  const int file = ::open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  reliable_message_queue queue(boost::log::open_mode::open_only, name);
  std::string batch, line;
  for (bool more = true; more;) {
    line.clear();
    queue.receive(line);
    more = line != kEnd;
    if (more) batch.append(line).push_back('\n');
    if (!more || batch.size() > (std::size_t{1} << 20)) {
      if (::write(file, batch.data(), batch.size()) != static_cast<ssize_t>(batch.size())) return 1;
      batch.clear();
    }
  }
  return 0;
}

void set_up(const boost::shared_ptr<Backend>& backend) {
  auto sink = boost::make_shared<sinks::synchronous_sink<Backend>>(backend);
  sink->set_formatter(
      expr::stream << expr::format_date_time<boost::posix_time::ptime>("TimeStamp", "%Y-%m-%d %H:%M:%S,%f")
                   << ' ' << expr::attr<boost::log::process_id>("ProcessID") << ' '
                   << expr::attr<std::string>("Channel") << ' ' << expr::attr<severity_level>("Severity")
                   << ' ' << expr::smessage);
  auto core = boost::log::core::get();
  core->add_global_attribute("TimeStamp", boost::log::attributes::local_clock());
  core->add_global_attribute("ProcessID", boost::log::attributes::current_process_id());
  core->add_sink(sink);
}

}  // namespace

int main(int argc, char** argv) {
  const logbus::bench::PeerCommand command(argc, argv);
  const boost::log::ipc::object_name name(boost::log::ipc::object_name::user,
                                          "logbus-bench-" + std::to_string(::getpid()));
  auto backend = boost::make_shared<Backend>(boost::log::open_mode::create_only, name, 8192U, 256U,
                                             reliable_message_queue::block_on_overflow);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(write_lines(name, command.file));
  set_up(backend);
  Logger logger(boost::log::keywords::channel = "bench");
  const auto finish = [&] {
    backend->message_queue().send(kEnd, sizeof kEnd - 1);
    int status = 1;
    const bool good = ::waitpid(child, &status, 0) == child && status == 0;
    reliable_message_queue::remove(name);
    return good;
  };
  if (command.file) {
    return logbus::bench::run_lines(
        command.number,
        [&](int i) {
          BOOST_LOG_SEV(logger, severity_level::info)
              << "Iteration: " << i << " int: " << 2 * i << " double: " << i / 2.0;
        },
        finish);
  }
  logbus::bench::time_bursts(command, [&](int i) {
    BOOST_LOG_SEV(logger, severity_level::info) << "a " << i << " b " << 2 * i << " c " << i / 2.0;
  });
  return finish() ? 0 : 1;
}
