// SPDX-License-Identifier: MIT
#include "net/curl_smtp.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/curl_easy.h"

namespace logbus::net {
namespace {

// The name that smtplib gives: one with a dot, else an address.
std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "[127.0.0.1]";
  const std::string text(name.data());
  const bool usable =
      text.find('.') != std::string::npos && std::all_of(text.begin(), text.end(), [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '.' || byte == '-';
      });
  return usable ? text : "[127.0.0.1]";
}

std::string url_of(const SmtpSettings& settings) {
  const bool v6 = settings.host.find(':') != std::string::npos;
  std::string name = own_name();
  if (name.starts_with('[')) name = "%5B" + name.substr(1, name.size() - 2) + "%5D";
  return "smtp://" + (v6 ? "[" + settings.host + "]" : settings.host) + ":" + std::to_string(settings.port) +
         "/" + name;
}

}  // namespace

struct CurlSmtp::Transfer {
  std::string_view unsent;
  std::size_t reply_bytes = 0;
  std::vector<std::string> refusals = {};  // replies from 400 on
  bool refused_last = false;               // the last reply is one of them
};

CurlSmtp::CurlSmtp(SmtpSettings settings) : settings_(std::move(settings)) {}

CurlSmtp::~CurlSmtp() {
  disconnect();
}

void CurlSmtp::connect() {
  auto curl = std::make_unique<CurlEasy>("smtp");
  curl->set(CURLOPT_URL, url_of(settings_));
  if (settings_.credentials) {
    curl->set(CURLOPT_USERNAME, settings_.credentials->first);
    curl->set(CURLOPT_PASSWORD, settings_.credentials->second);
    curl->set(CURLOPT_LOGIN_OPTIONS, "AUTH=CRAM-MD5;AUTH=PLAIN;AUTH=LOGIN");  // those that smtplib knows
  }
  curl->set(CURLOPT_USE_SSL, static_cast<long>(settings_.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (settings_.starttls) curl->set_tls(*settings_.starttls);
  curl->set(CURLOPT_UPLOAD, 1L);
  curl->set(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
  curl->set(CURLOPT_READFUNCTION, &CurlSmtp::write_message);
  curl->set(CURLOPT_HEADERFUNCTION, &CurlSmtp::read_reply);
  curl_ = std::move(curl);
}

SmtpResult CurlSmtp::send(const std::string& from, const std::vector<std::string>& to,
                          std::string_view message, std::chrono::milliseconds timeout) {
  if (curl_ == nullptr) connect();
  CurlList recipients;
  for (const std::string& address : to) append(recipients, address);
  Transfer transfer{message};
  curl_->set(CURLOPT_MAIL_FROM, from);
  curl_->set(CURLOPT_MAIL_RCPT, recipients.get());
  curl_->set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));
  curl_->set(CURLOPT_READDATA, &transfer);
  curl_->set(CURLOPT_HEADERDATA, &transfer);
  const std::string error = curl_->perform(timeout);
  curl_->set(CURLOPT_MAIL_RCPT, static_cast<curl_slist*>(nullptr));
  if (error.empty()) return {.sent = true, .refused = std::move(transfer.refusals)};
  SmtpResult result{.error = error};
  // Else a recipient was refused, or EHLO, and it went on.
  if (transfer.refused_last && !curl_->unanswered()) {
    result.error = transfer.refusals.back();
    result.code = std::stoi(result.error.substr(0, 3));
  }
  disconnect();
  return result;
}

// libcurl would wait for the server's answer to QUIT, for two minutes if it has to.
void CurlSmtp::disconnect() noexcept {
  if (curl_ == nullptr) return;
  const auto socket = curl_->info<curl_socket_t>(CURLINFO_ACTIVESOCKET);
  if (socket != CURL_SOCKET_BAD) ::shutdown(socket, SHUT_RD);
  curl_.reset();
}

// A line of a reply.
std::size_t CurlSmtp::read_reply(char* bytes, std::size_t size, std::size_t count, void* data) {
  Transfer& transfer = *static_cast<Transfer*>(data);
  transfer.reply_bytes += size * count;
  if (transfer.reply_bytes > kMostReplyBytes) return 0;
  std::string_view line(bytes, size * count);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  const bool coded = line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3,
                                                     [](char byte) { return byte >= '0' && byte <= '9'; });
  constexpr std::size_t kMostTold = 256;
  if (!coded || line.starts_with("221")) return size * count;  // that is the answer to our good-bye
  transfer.refused_last = line[0] == '4' || line[0] == '5';
  if (transfer.refused_last) transfer.refusals.emplace_back(line.substr(0, kMostTold));
  return size * count;
}

std::size_t CurlSmtp::write_message(char* bytes, std::size_t size, std::size_t count, void* data) {
  std::string_view& unsent = static_cast<Transfer*>(data)->unsent;
  const std::size_t written = std::min(size * count, unsent.size());
  std::memcpy(bytes, unsent.data(), written);
  unsent.remove_prefix(written);
  return written;
}

}  // namespace logbus::net
