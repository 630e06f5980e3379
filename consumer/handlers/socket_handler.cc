// SPDX-License-Identifier: MIT
#include <logbus/socket_handler.h>

#include <typeinfo>
#include <utility>

#include <logbus/datagram_handler.h>
#include <logbus/detail/encode_bytes.h>

#include "pickle.h"
#include "wire/attributes.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

constexpr std::size_t kLengthBytes = 4;
// What one huge record has blown up is given back.
constexpr std::size_t kKeptBytes = 1U << 20;

}  // namespace

SocketHandler::SocketHandler(std::string host, std::optional<std::uint16_t> port,
                             const SocketOptions& options)
    : SocketHandler(std::move(host), port, options, Frames::kStream) {}

SocketHandler::SocketHandler(std::string host, std::optional<std::uint16_t> port,
                             const SocketOptions& options, Frames frames)
    : ConnectionHandler(options, frames),
      host_(std::move(host)),
      port_(port),
      codec_(options.codec),
      close_on_error_(options.close_on_error) {}

SocketHandler::~SocketHandler() {
  try {
    close();
  } catch (const std::exception& error) {
    handle_error(nullptr, error);
  }
}

Handler::Takes SocketHandler::takes() const noexcept {
  const bool is_ours = typeid(*this) == typeid(SocketHandler) || typeid(*this) == typeid(DatagramHandler);
  return is_ours ? Takes::kMessage : Takes::kRecord;
}

void SocketHandler::emit(const LogRecord& record) {
  frame_.clear();
  make_frame(record, frame_);
  send(frame_);
  if (frame_.capacity() > kKeptBytes) [[unlikely]]
    frame_ = message_ = std::string();
}

void SocketHandler::emit_text(const LogRecord& record, std::string_view text) {
  frame_.clear();
  append_frame(record, text, frame_);
  send_frame(frame_);
}

void SocketHandler::make_frame(const LogRecord& record, std::string& frame) {
  message_.clear();
  record.append_message(message_);
  append_frame(record, message_, frame);
}

void SocketHandler::append_frame(const LogRecord& record, std::string_view message,
                                 std::string& frame) const {
  const std::size_t begin = frame.size();
  frame.append(kLengthBytes, '\0');
  if (codec_ == SocketOptions::Codec::kPickle) {
    handlers::append_pickle(record, message, frame);
  } else {
    wire::encode_attributes(record, message, frame);
  }
  detail::put_u32(frame.data() + begin, static_cast<std::uint32_t>(frame.size() - begin - kLengthBytes));
}

std::unique_ptr<Connection> SocketHandler::make_socket(std::chrono::milliseconds timeout) {
  return port_ ? connect_tcp(host_, *port_, timeout) : connect_unix(host_, timeout);
}

std::unique_ptr<Connection> SocketHandler::create_socket() {
  return make_socket(options().timeout);
}

void SocketHandler::send(std::string_view frame) {
  send_frame(frame);
}

void SocketHandler::connection_failed(const Error& error) {
  if (!options().compatibility.strict) ConnectionHandler::connection_failed(error);
}

void SocketHandler::handle_error(const LogRecord* record, const std::exception& error) noexcept {
  if (close_on_error_) {
    const std::lock_guard guard(lock());
    disconnect();
  }
  ConnectionHandler::handle_error(record, error);
}

}  // namespace abi1
}  // namespace logbus
