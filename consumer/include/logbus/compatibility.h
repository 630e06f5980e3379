// SPDX-License-Identifier: MIT
// How closely a handler follows Python, and which Python.
#pragma once

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Where Python itself stops working or loses records, handlers here go on and lose nothing, unless `strict`:
/// then they do as Python. Where versions differ, `python_minor` says which one is followed: 12 (the first
/// releases of 3.12) to 15; newer ones are taken as 15, older ones as 12.
struct Compatibility {
  bool strict = false;
  int python_minor = 14;
};

}  // namespace abi1
}  // namespace logbus
