// SPDX-License-Identifier: MIT
// The Windows back end of NTEventLogHandler as a program. Reads lines of UTF-8: the source's name, its
// message file, the log, then events as "LEVEL TEXT". Registers the source, prints what the registry says of
// it then, and writes an event for each line, of the type that the level has. Its last line is "done", or the
// error.
#include <windows.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <logbus/event_log.h>

namespace {

constexpr int kMost = 512;

void print_values(const std::string& path) {
  wchar_t key[kMost], words[kMost];
  char text[kMost];
  ::MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, key, kMost);
  DWORD type = 0, number = 0, size = sizeof(words);
  const DWORD as_it_is = RRF_RT_ANY | RRF_NOEXPAND;
  if (::RegGetValueW(HKEY_LOCAL_MACHINE, key, L"EventMessageFile", as_it_is, &type, words, &size) == 0) {
    ::WideCharToMultiByte(CP_UTF8, 0, words, -1, text, kMost, nullptr, nullptr);
    std::printf("EventMessageFile %lu %s\n", type, text);
  }
  size = sizeof(number);
  if (::RegGetValueW(HKEY_LOCAL_MACHINE, key, L"TypesSupported", as_it_is, &type, &number, &size) == 0)
    std::printf("TypesSupported %lu %lu\n", type, number);
}

}  // namespace

int main() try {
  std::string name, dll, log_type;
  std::getline(std::cin, name);
  std::getline(std::cin, dll);
  std::getline(std::cin, log_type);
  const auto log = logbus::open_event_log(name, dll, log_type);
  print_values("SYSTEM\\CurrentControlSet\\Services\\EventLog\\" + log_type + "\\" + name);
  logbus::EventTypes types;
  types.by_level[21] = logbus::EventType::kSuccess;
  for (std::string line; std::getline(std::cin, line);)
    log->report(types.of(std::atoi(line.c_str())), 0, 1, line.substr(line.find(' ') + 1));
  std::puts("done");
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
