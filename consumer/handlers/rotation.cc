// SPDX-License-Identifier: MIT
#include <logbus/rotation.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <logbus/error.h>

#include "base/unique_fd.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// zlib's stream takes its descriptor over, and tells of errors by errno.
class GzipFile {
 public:
  explicit GzipFile(base::UniqueFd file) : stream_(::gzdopen(file.get(), "wb")) {
    if (stream_ == nullptr) throw Error(ENOMEM, "cannot compress");
    (void)file.release();
  }
  ~GzipFile() {
    if (stream_ != nullptr) ::gzclose(stream_);
  }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  bool write(const char* bytes, std::size_t count) {
    errno = 0;
    return ::gzwrite(stream_, bytes, static_cast<unsigned>(count)) == static_cast<int>(count);
  }
  bool close() {
    errno = 0;
    return ::gzclose(std::exchange(stream_, nullptr)) == Z_OK;
  }

 private:
  gzFile stream_;
};

int error_number() {
  return errno != 0 ? errno : EIO;
}

void compress(int source, const std::string& target, mode_t mode) {
  base::UniqueFd file(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (file.get() < 0) throw Error(errno, "cannot open " + target);
  GzipFile compressed(std::move(file));
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t count = ::read(source, part.data(), part.size());
    if (count == 0) break;
    if (count < 0) throw Error(errno, "cannot read what is to be compressed into " + target);
    if (!compressed.write(part.data(), static_cast<std::size_t>(count)))
      throw Error(error_number(), "cannot write " + target);
  }
  if (!compressed.close()) throw Error(error_number(), "cannot write " + target);
}

void rotate_with_gzip(const std::string& source, const std::string& destination) {
  const base::UniqueFd file(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return;
    throw Error(errno, "cannot open " + source);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw Error(errno, "cannot look at " + source);
  const std::string unfinished = destination + ".tmp";
  try {
    compress(file.get(), unfinished, status.st_mode & 0777);
    if (std::rename(unfinished.c_str(), destination.c_str()) != 0)
      throw Error(errno, "cannot rename " + unfinished + " to " + destination);
  } catch (...) {
    ::unlink(unfinished.c_str());
    throw;
  }
  if (::unlink(source.c_str()) != 0) throw Error(errno, "cannot remove " + source);
}

}  // namespace

BaseRotatingHandler::Namer suffix_namer(std::string suffix) {
  return [suffix = std::move(suffix)](const std::string& name) { return name + suffix; };
}

BaseRotatingHandler::Rotator gzip_rotator() {
  return rotate_with_gzip;
}

}  // namespace abi1
}  // namespace logbus
