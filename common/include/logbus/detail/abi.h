// SPDX-License-Identifier: MIT
// The inline namespace that carries the ABI's number, and what a shared build exports: that namespace.
#pragma once

#define LOGBUS_ABI __attribute__((visibility("default")))
