// SPDX-License-Identifier: MIT
// A text as the body of a mail.
#pragma once

#include <string>
#include <string_view>

namespace logbus::handlers {

struct MailBody {
  std::string_view encoding;  // 7bit, 8bit, quoted-printable or base64
  std::string bytes;          // lines that end with CRLF
};

/// `text` is UTF-8, its lines end with LF, CR or both. The encoding is the one that Python chooses, and lines
/// that begin with "From " get a ">", as there. Source: email.message.EmailMessage.set_content, and
/// smtplib.SMTP.send_message.
MailBody mail_body(std::string_view text);

}  // namespace logbus::handlers
