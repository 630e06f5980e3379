// SPDX-License-Identifier: MIT
// What the helpers of the comparison with CPython do: a JSON request a line, a JSON answer a line.
#pragma once

#include <exception>
#include <iostream>
#include <string>

/// Until the requests end. What `answer_to` throws is an answer too.
template <class Json>
void answer_requests(Json (*answer_to)(const Json& request)) {
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer = answer_to(Json::parse(line));
    } catch (const std::exception& error) {
      answer = Json{{"error", error.what()}};
    }
    std::cout << answer.dump(-1, ' ', true, Json::error_handler_t::replace) << std::endl;
  }
}
