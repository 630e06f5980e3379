// SPDX-License-Identifier: MIT
// SMTPHandler: mails, and what a server's replies mean.
#include <logbus/smtp_handler.h>

#include <algorithm>
#include <ctime>
#include <limits>

#include <logbus/error.h>

#include "formatters/json_writer.h"
#include "handlers/mail_body.h"
#include "handlers/mail_header.h"
#include "net/curl_smtp.h"
#include "record/value_text.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using Outcome = RequestResult::Outcome;

// Between a digest's subject and text, until they are sent: no subject has one.
constexpr char kSeparator = '\n';

std::vector<std::string> all_addresses(const std::vector<std::string>& entries) {
  std::vector<std::string> addresses;
  for (const std::string& entry : entries) {
    for (std::string& address : handlers::split_addresses(entry)) addresses.push_back(std::move(address));
  }
  return addresses;
}

SMTPOptions checked(SMTPOptions options) {
  if (const std::string wrong = wrong_with(options); !wrong.empty()) throw Error(wrong);
  return options;
}

net::SmtpSettings settings_of(const SMTPOptions& options) {
  return {.host = options.mailhost,
          .port = options.port,
          .credentials = options.credentials,
          .starttls = options.credentials ? options.secure : std::nullopt};
}

}  // namespace

std::string wrong_with(const SMTPOptions& options) {
  const bool plain = std::all_of(options.mailhost.begin(), options.mailhost.end(), [](char character) {
    return character > ' ' && character < 0x7F &&
           std::string_view("/@?#\\%\"<>[]").find(character) == std::string_view::npos;
  });
  if (options.mailhost.empty() || !plain) return "mailhost must be a name or an address";
  const auto is_wrong = [](const std::string& address) {
    return handlers::breaks_line(address) || !handlers::is_address(address);
  };
  if (is_wrong(options.fromaddr) || handlers::split_addresses(options.fromaddr).size() != 1)
    return "fromaddr must be an address: \"a@b.c\" or \"Name <a@b.c>\"";
  const std::vector<std::string> to = all_addresses(options.toaddrs);
  if (to.empty() || std::any_of(to.begin(), to.end(), is_wrong))
    return "toaddrs must be addresses: \"a@b.c\" or \"Name <a@b.c>\"";
  if (handlers::breaks_line(options.subject)) return "subject must be one line of text";
  return {};
}

SMTPHandler::SMTPHandler(SMTPOptions options)
    : RequestHandler(options.requests, options.digest ? std::numeric_limits<std::size_t>::max() : 1),
      options_(checked(std::move(options))),
      from_(handlers::bare_address(options_.fromaddr)),
      server_(std::make_unique<net::CurlSmtp>(settings_of(options_))) {
  for (const std::string& address : all_addresses(options_.toaddrs))
    to_.emplace_back(handlers::bare_address(address));
}

SMTPHandler::~SMTPHandler() {
  close_finally();
}

std::string SMTPHandler::get_subject(const LogRecord&) const {
  return options_.subject;
}

std::string SMTPHandler::digest_text(const std::vector<std::string_view>& texts) const {
  std::string all;
  for (const std::string_view text : texts) {
    if (!all.empty()) all += '\n';
    all += text;
  }
  return all;
}

std::string SMTPHandler::message(std::string_view subject, std::string_view text) const {
  const handlers::MailBody body = handlers::mail_body(text);
  std::string made = handlers::address_header("From", {options_.fromaddr});
  made += handlers::address_header("To", options_.toaddrs);
  made += handlers::text_header("Subject", subject);
  made += "Date: " + handlers::mail_date(std::time(nullptr)) + "\r\n";
  made += "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: ";
  (made += body.encoding) += "\r\nMIME-Version: 1.0\r\n\r\n";
  return made += body.bytes;
}

std::string SMTPHandler::make_payload(const LogRecord& record) {
  const std::string subject = get_subject(record);
  if (handlers::breaks_line(subject)) throw Error("a mail's subject must be one line of text");
  std::string text;
  format(record, text);
  if (!formatters::is_utf8(text)) text = formatters::as_utf8(text);
  return options_.digest ? subject + kSeparator + text : message(subject, text);
}

std::string SMTPHandler::digest(const std::deque<std::string>& waiting, std::size_t count) const {
  std::vector<std::string_view> texts;
  std::string_view subject;
  for (std::size_t index = 0; index < count; ++index) {
    const std::string_view payload = waiting[index];
    subject = payload.substr(0, payload.find(kSeparator));
    texts.push_back(payload.substr(subject.size() + 1));
  }
  return message(subject, digest_text(texts));
}

RequestResult SMTPHandler::deliver(const std::deque<std::string>& waiting, std::size_t count,
                                   std::chrono::milliseconds timeout) {
  const std::string made = options_.digest ? digest(waiting, count) : std::string();
  const net::SmtpResult result = server_->send(from_, to_, options_.digest ? made : waiting.front(), timeout);
  const std::string where = "smtp://" + options_.mailhost + ":" + std::to_string(options_.port) + ": ";
  if (result.sent) {
    for (const std::string& reply : result.refused) {
      std::string sentence = where + "a recipient is refused: ";
      record::append_string_repr(reply, sentence);
      handle_error(nullptr, Error(sentence));
    }
    return {};
  }
  std::string reason = where;
  if (result.code == 0) {
    reason += result.error;
  } else {
    record::append_string_repr(result.error, reason);
  }
  return {.outcome = result.code == 0    ? Outcome::kUnanswered
                     : result.code < 500 ? Outcome::kPutOff
                                         : Outcome::kRefused,
          .reason = std::move(reason),
          .wait = {}};
}

void SMTPHandler::disconnect() noexcept {
  server_->disconnect();
}

}  // namespace abi1
}  // namespace logbus
