// SPDX-License-Identifier: MIT
// stderr of this process, redirected into a file while a test looks at it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace logbus {

class CapturedStderr {
 public:
  CapturedStderr() : kept_(::dup(STDERR_FILENO)) {
    char path[] = "/tmp/logbus-stderr-XXXXXX";
    file_ = ::mkstemp(path);
    ::unlink(path);
    ::dup2(file_, STDERR_FILENO);
  }
  ~CapturedStderr() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    ::close(file_);
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  std::string text() const {
    std::string all;
    char part[4096];
    off_t at = 0;
    for (ssize_t count = 0; (count = ::pread(file_, part, sizeof part, at)) > 0; at += count) {
      all.append(part, static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  int kept_;
  int file_;
};

}  // namespace logbus
