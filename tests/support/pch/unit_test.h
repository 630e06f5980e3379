// SPDX-License-Identifier: MIT
// What nearly every unit test includes: read once a program instead of once a file, which is half of the
// compiler's time. No file may rely on it: each includes what it uses. For programs that are compiled without
// optimization: else GCC 12 warns of what it inlines out of the system's headers, which it no longer knows as
// such. (No #pragma once: GCC warns of it in what is compiled by itself.)
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
