// SPDX-License-Identifier: MIT
#include "sidecar/shared_streams.h"

#include <sys/stat.h>

#include <map>
#include <string>
#include <utility>

#include <logbus/file_handler.h>

namespace logbus::sidecar {
namespace {

// The same for the same file: stderr may be where stdout is. "" if there is nothing yet.
std::string target_of(const StreamHandler& handler) {
  struct stat status {};
  const auto* const file = dynamic_cast<const FileHandler*>(&handler);
  const int failed = file != nullptr ? ::stat(file->base_filename().c_str(), &status)
                                     : ::fstat(handler.descriptor(), &status);
  if (failed == 0) return std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
  return file != nullptr ? file->base_filename() : std::string();
}

}  // namespace

void share_streams(const std::vector<std::shared_ptr<Handler>>& handlers,
                   const std::function<void(const std::shared_ptr<Handler>&, std::function<void()>)>& act) {
  std::map<std::string, std::vector<std::shared_ptr<StreamHandler>>> targets;
  for (const auto& handler : handlers) {
    auto stream = std::dynamic_pointer_cast<StreamHandler>(handler);
    if (stream != nullptr) targets[target_of(*stream)].push_back(std::move(stream));
  }
  for (const auto& [target, streams] : targets) {
    const bool several = streams.size() > 1 && !target.empty();
    const auto shared = several ? std::make_shared<SharedStream>() : nullptr;
    for (const auto& stream : streams) act(stream, [stream, shared] { stream->share_stream(shared); });
  }
}

}  // namespace logbus::sidecar
