// SPDX-License-Identifier: MIT
// Records over ZeroMQ, PUB to SUB: a queue of one's own between a QueueHandler and a QueueListener, for
// programs on several machines. A worker uses the first two classes, a listener the others. Against the
// installed library:
//
//   g++ -std=c++20 -O2 worker.cc $(pkg-config --cflags --libs logbus libzmq)
//   g++ -std=c++20 -O2 listener.cc $(pkg-config --cflags --libs logbus-consumer libzmq)
//
// As always with PUB and SUB, what is published while nobody listens is lost. What a listener is too slow for
// is refused, and counted by the handler.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include <logbus/pack_record.h>
#include <logbus/queue.h>
#include <logbus/queue_handler.h>
#include <logbus/queue_listener.h>

/// The worker's end: publishes to all who have subscribed.
class ZeroMQPublisher : public logbus::Queue {
 public:
  /// Connects to `uri`, "tcp://logs.example.com:5556". Throws zmq::error_t.
  explicit ZeroMQPublisher(const std::string& uri) : context_(1), socket_(context_, zmq::socket_type::xpub) {
    socket_.set(zmq::sockopt::xpub_nodrop, true);  // a full socket says so, instead of losing the record
    socket_.set(zmq::sockopt::sndhwm, 100'000);    // records
    socket_.set(zmq::sockopt::linger, 2000);       // ms at the end, for what is not sent yet
    socket_.connect(uri);
  }

  /// Waits until somebody listens; false if nobody does in time. Call it before other threads log.
  bool wait_for_subscriber(std::chrono::milliseconds timeout) {
    const std::lock_guard guard(lock_);
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    return zmq::poll(&item, 1, timeout) > 0;
  }

  bool put_nowait(const logbus::LogRecord& record) override {
    const std::lock_guard guard(lock_);  // a socket is for one thread at a time
    bytes_.clear();
    logbus::pack_record(record, bytes_);
    return socket_.send(zmq::buffer(bytes_), zmq::send_flags::dontwait).has_value();
  }

  bool get(logbus::LogRecord&, std::chrono::milliseconds) override { return false; }

  /// Sends what is not sent yet, for as long as the linger time allows.
  void close() {
    const std::lock_guard guard(lock_);
    socket_.close();
    context_.close();
  }

 private:
  std::mutex lock_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string bytes_;
};

class ZeroMQSocketHandler : public logbus::QueueHandler {
 public:
  explicit ZeroMQSocketHandler(std::shared_ptr<ZeroMQPublisher> publisher)
      : QueueHandler(publisher), publisher_(std::move(publisher)) {}
  /// Before the program ends: loggers keep their handlers.
  void close() override { publisher_->close(); }
  std::string_view class_name() const noexcept override { return "ZeroMQSocketHandler"; }

 private:
  const std::shared_ptr<ZeroMQPublisher> publisher_;
};

/// The listener's end: takes what any worker publishes.
class ZeroMQSubscriber : public logbus::Queue {
 public:
  /// Binds to `uri`, "tcp://*:5556". Throws zmq::error_t.
  explicit ZeroMQSubscriber(const std::string& uri) : context_(1), socket_(context_, zmq::socket_type::sub) {
    socket_.set(zmq::sockopt::rcvhwm, 100'000);
    socket_.set(zmq::sockopt::subscribe, "");
    socket_.bind(uri);
  }

  bool put_nowait(const logbus::LogRecord&) override { return false; }

  bool get(logbus::LogRecord& record, std::chrono::milliseconds timeout) override {
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, timeout);
    while (socket_.recv(message_, zmq::recv_flags::dontwait)) {
      if (logbus::unpack_record(message_.to_string_view(), record)) return true;
      // Somebody else's bytes: the next message may be a record.
    }
    return false;
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
  zmq::message_t message_;
};

/// Hands what comes from the network to handlers. The subscriber is a base, so that it is there first and
/// goes last.
class ZeroMQSocketListener : private ZeroMQSubscriber, public logbus::QueueListener {
 public:
  ZeroMQSocketListener(const std::string& uri, std::vector<std::shared_ptr<logbus::Handler>> handlers)
      : ZeroMQSubscriber(uri), QueueListener(static_cast<ZeroMQSubscriber&>(*this), std::move(handlers)) {}
  ~ZeroMQSocketListener() override { stop(); }
};
