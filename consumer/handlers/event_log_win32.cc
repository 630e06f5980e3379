// SPDX-License-Identifier: MIT
// The Windows event log, and the registry's entry of a source of events. Nothing else of logbus runs there
// yet: the tests compile this file with mingw-w64 and run it under Wine.
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#define NOMINMAX
#include <windows.h>

#include <climits>
#include <string>

#include <logbus/error.h>
#include <logbus/event_log.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// Its resources have a message of each id from 1 to 1000, and each is "%1".
constexpr std::string_view kEventCreate = "%SystemRoot%\\System32\\EventCreate.exe";
constexpr std::wstring_view kSources = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\";
constexpr DWORD kTypes = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;

[[noreturn]] void fail(const std::string& sentence, DWORD code) {
  throw Error(sentence + ": Windows error " + std::to_string(code));
}

// Bytes that are not UTF-8 become U+FFFD.
std::wstring wide(std::string_view text) {
  if (text.find('\0') != text.npos) throw Error("an event's text can't hold a NUL");
  if (text.empty()) return {};
  if (text.size() > INT_MAX) throw Error("an event's text can't be that long");
  const int size = static_cast<int>(text.size());
  const int length = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), size, nullptr, 0);
  std::wstring result(static_cast<std::size_t>(length), L'\0');
  ::MultiByteToWideChar(CP_UTF8, 0, text.data(), size, result.data(), length);
  return result;
}

/// A key of the registry that is open for writing.
class Key {
 public:
  /// False: no right to. Throws for another reason.
  bool create(const std::wstring& path) {
    const LSTATUS status = ::RegCreateKeyExW(HKEY_LOCAL_MACHINE, path.c_str(), 0, nullptr,
                                             REG_OPTION_NON_VOLATILE, KEY_SET_VALUE, nullptr, &key_, nullptr);
    if (status == ERROR_ACCESS_DENIED) return false;
    if (status != ERROR_SUCCESS) fail("the event source can't be registered", static_cast<DWORD>(status));
    return true;
  }
  void set(const wchar_t* name, DWORD type, const void* data, std::size_t bytes) {
    const LSTATUS status =
        ::RegSetValueExW(key_, name, 0, type, static_cast<const BYTE*>(data), static_cast<DWORD>(bytes));
    if (status != ERROR_SUCCESS) fail("the event source can't be registered", static_cast<DWORD>(status));
  }
  Key() = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() {
    if (key_ != nullptr) ::RegCloseKey(key_);
  }

 private:
  HKEY key_ = nullptr;
};

// What pywin32's AddSourceToRegistry writes.
void register_source(const std::wstring& app_name, const std::wstring& dll_name,
                     const std::wstring& log_type) {
  Key key;
  if (!key.create(std::wstring(kSources) + log_type + L"\\" + app_name)) return;
  key.set(L"EventMessageFile", REG_EXPAND_SZ, dll_name.c_str(), (dll_name.size() + 1) * sizeof(wchar_t));
  key.set(L"TypesSupported", REG_DWORD, &kTypes, sizeof(kTypes));
}

class WindowsEventLog : public EventLog {
 public:
  explicit WindowsEventLog(std::wstring app_name) : app_name_(std::move(app_name)) {}

  // The source is opened for each event, as pywin32's ReportEvent does: the service may have been restarted.
  void report(EventType type, std::uint16_t category, std::uint32_t message_id,
              std::string_view text) override {
    const std::wstring words = wide(text);
    const HANDLE source = ::RegisterEventSourceW(nullptr, app_name_.c_str());
    if (source == nullptr) fail("the event log can't be opened", ::GetLastError());
    const wchar_t* const strings[] = {words.c_str()};
    const BOOL done = ::ReportEventW(source, static_cast<WORD>(type), category, message_id, nullptr, 1, 0,
                                     const_cast<const wchar_t**>(strings), nullptr);
    const DWORD code = done ? 0 : ::GetLastError();
    ::DeregisterEventSource(source);
    if (!done) fail("the event log refused an event", code);
  }

 private:
  const std::wstring app_name_;
};

}  // namespace

std::unique_ptr<EventLog> open_event_log(std::string_view app_name, std::string_view dll_name,
                                         std::string_view log_type) {
  const std::wstring name = wide(app_name);
  register_source(name, wide(dll_name.empty() ? kEventCreate : dll_name), wide(log_type));
  return std::make_unique<WindowsEventLog>(name);
}

}  // namespace abi1
}  // namespace logbus
