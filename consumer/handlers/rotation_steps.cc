// SPDX-License-Identifier: MIT
#include "rotation_steps.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace logbus::handlers {

bool file_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) throw Error(errno, "cannot remove " + path);
}

RotationSteps::RotationSteps(const record::RotationPlan& plan, record::WriteGroup* group)
    : plan_(plan), group_(group) {
  if (group_ != nullptr) group_->begin_rotation(plan_);
}

RotationSteps::~RotationSteps() {
  if (group_ != nullptr) group_->end_rotation();
}

void RotationSteps::rename_files() {
  for (std::size_t i = 0; i < plan_.renames.size(); ++i) {
    const auto& [from, to, clears] = plan_.renames[i];
    if (group_ != nullptr) group_->rotation_step(i);
    const bool there = file_exists(from);
    if ((there || clears) && file_exists(to)) remove_file(to);
    if (there && std::rename(from.c_str(), to.c_str()) != 0)
      throw Error(errno, "cannot rename " + from + " to " + to);
  }
  if (group_ != nullptr) group_->rotation_step(plan_.renames.size());
}

void RotationSteps::delete_files(const std::function<void(const Error&)>& failed) {
  for (const std::string& name : plan_.deletions) {
    try {
      remove_file(name);
    } catch (const Error& error) {
      failed(error);
    }
  }
}

}  // namespace logbus::handlers
