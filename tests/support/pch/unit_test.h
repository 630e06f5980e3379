// SPDX-License-Identifier: MIT
// What nearly every unit test includes: read once a program instead of once a file, which is half of the
// compiler's time. No file may rely on it: each includes what it uses. (No #pragma once: GCC warns of it in
// what is compiled by itself.)
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
