// SPDX-License-Identifier: MIT
// Fields as a form's data, as Python's urllib.parse makes it.
#pragma once

#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::handlers {

/// quote_plus(text), appended. Bytes that are no UTF-8 are quoted too.
void append_quoted(std::string_view text, std::string& out);
/// urlencode(fields): str() of each value.
std::string url_encoded(const Fields& fields);
/// base64, without line ends.
std::string base64(std::string_view bytes);

}  // namespace logbus::handlers
