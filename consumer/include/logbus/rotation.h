// SPDX-License-Identifier: MIT
// Namers and rotators that are ready to use.
#pragma once

#include <string>

#include <logbus/detail/abi.h>
#include <logbus/rotating_file_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Gives rotated files `suffix`: base.1 -> base.1.gz. Source: what Python's logging cookbook does with
/// `namer`.
BaseRotatingHandler::Namer suffix_namer(std::string suffix);

/// Moves the base file away by compressing it: into a file beside the destination ("destination.tmp"), which
/// then gets the destination's name, so that there never is half a file of that name. Nothing if there is no
/// source. Gives the name no suffix: that is a namer's. Throws logbus::Error; then the source is as it was.
/// Source: the same, with `rotator`.
BaseRotatingHandler::Rotator gzip_rotator();

}  // namespace abi1
}  // namespace logbus
