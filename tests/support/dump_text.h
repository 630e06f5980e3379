// SPDX-License-Identifier: MIT
// What `logbus dump` prints of a segment.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "shm/snapshot.h"
#include "tools/dump.h"

namespace logbus::testing {

inline std::string dump_text(shm::Snapshot& snapshot, const tools::DumpOptions& options) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = ::open_memstream(&text, &size);
  tools::dump(snapshot, options, file);
  std::fclose(file);
  std::string out(text, size);
  std::free(text);
  return out;
}

}  // namespace logbus::testing
