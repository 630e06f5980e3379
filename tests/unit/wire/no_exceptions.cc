// SPDX-License-Identifier: MIT
// The encoder in a program that is compiled without exceptions and without RTTI.
#include <map>
#include <string>
#include <vector>

#include <logbus/detail/encode.h>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this file shows that the encoder needs neither"
#endif

std::string encoded_without_exceptions();

std::string encoded_without_exceptions() {
  using namespace logbus::detail;
  Scratch scratch;
  const std::vector<std::map<std::string, long double>> nested = {{{"a", 1.5L}}};
  const auto prepared = prepare(nested, {}, scratch);
  std::string out(wire_size(prepared), '\0');
  write(out.data(), prepared, scratch);
  scratch.release();
  return out;
}
