// SPDX-License-Identifier: MIT
// LogRecords, sites and names as msgpack bytes, and back. FORMAT.md has the grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <logbus/log_record.h>

namespace logbus::wire {

/// What every record of one call site shares. Interned once per bus.
struct Site {
  std::string name;
  int levelno = 0;
  std::string levelname;
  std::string pathname;
  int lineno = 0;
  std::string func_name;
  MessageStyle style = MessageStyle::kBrace;
  std::string format;
  bool operator==(const Site&) const = default;
};

/// The names that a thread or process took; what is absent did not change.
struct Names {
  std::optional<std::string> thread_name;
  std::optional<std::string> process_name;
  bool operator==(const Names&) const = default;
};

enum class DecodeResult : std::uint8_t {
  kOk,
  kMalformed,  // not msgpack, or not of the expected shape
  kTooDeep,    // more than kMaxDepth containers around a value
  kTooLarge,   // more than kMaxElements values
  kNoMemory,
};

// What a hostile payload may make the decoder hold: a value takes 40 bytes here and one there.
inline constexpr std::uint32_t kMaxDepth = 32;
inline constexpr std::uint32_t kMaxElements = 1U << 20;

// Each appends to `out`. May throw std::bad_alloc.
void encode_site(const Site& site, std::string& out);
void encode_names(const Names& names, std::string& out);
/// A whole record, without a site. Numbers that are 0 and names of threads and processes that are empty count
/// as absent: the drain knows its own. `late` and `truncated` do not travel.
void encode_record(const LogRecord& record, std::string& out);

/// Foreign bytes to objects. Never throws, trusts nothing, keeps its buffers; one thread at a time.
/// Bytes after the value are a frame's padding and ignored. After a result other than kOk the object is
/// valid, its content unspecified. Strings that are not UTF-8 get `\xNN` for each byte that does not fit.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Payload of a record with a site. Sets all but what the drain knows (created_ns, start_ns, thread,
  /// thread_name, process_name, process, late, truncated), and reuses what `record` has allocated.
  [[nodiscard]] DecodeResult decode_record(const Site& site, std::span<const std::byte> payload,
                                           LogRecord& record) noexcept;
  /// Payload of a record without a site. What the drain knows is overwritten only by what the payload
  /// carries.
  [[nodiscard]] DecodeResult decode_record(std::span<const std::byte> payload, LogRecord& record) noexcept;
  [[nodiscard]] DecodeResult decode_site(std::span<const std::byte> bytes, Site& site) noexcept;
  [[nodiscard]] DecodeResult decode_names(std::span<const std::byte> payload, Names& names) noexcept;

  /// Strings so far that were not UTF-8.
  std::uint64_t invalid_utf8() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// With a Decoder of its own, for those that decode now and then.
[[nodiscard]] bool decode_site(std::span<const std::byte> bytes, Site& site) noexcept;
[[nodiscard]] bool decode_names(std::span<const std::byte> payload, Names& names) noexcept;

}  // namespace logbus::wire
