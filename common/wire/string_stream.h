// SPDX-License-Identifier: MIT
// A string as msgpack's packer wants its stream.
#pragma once

#include <cstddef>
#include <string>

namespace logbus::wire {

class StringStream {
 public:
  explicit StringStream(std::string& out) : out_(out) {}
  void write(const char* bytes, std::size_t size) { out_.append(bytes, size); }

 private:
  std::string& out_;
};

}  // namespace logbus::wire
