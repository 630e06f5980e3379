// SPDX-License-Identifier: MIT
// Headers of a mail, with the bytes that Python's email package gives them.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace logbus::handlers {

/// Whether there is anything in it that would end a header or could be taken for it: control characters but
/// tabs, and Unicode's separators of lines.
bool breaks_line(std::string_view text) noexcept;

/// "NAME: TEXT\r\n": encoded words (RFC 2047) for what is not ASCII, and lines of 78 characters where blanks
/// or encoded words let them be. Source: email.headerregistry.UnstructuredHeader.
std::string text_header(std::string_view name, std::string_view text);

/// The same of addresses, "a@b.c" or "Name <a@b.c>", with a comma between them. Names may be of any letters.
/// Differs from Python: folded only where a line would be longer than SMTP allows.
std::string address_header(std::string_view name, const std::vector<std::string>& addresses);

/// What is between commas, which may be in quotes or angle brackets. Blanks around are cut off.
std::vector<std::string> split_addresses(std::string_view text);
/// "a@b.c" of an address of either form.
std::string_view bare_address(std::string_view address) noexcept;
/// Whether the bare address is one that a server can be given: printable ASCII and nothing else.
bool is_address(std::string_view address) noexcept;

/// "Sat, 21 Nov 2026 09:05:00 +0100", in local time.
std::string mail_date(std::time_t time);

}  // namespace logbus::handlers
