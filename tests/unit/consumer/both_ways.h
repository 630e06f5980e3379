// SPDX-License-Identifier: MIT
// The same records through the LineWriter (and, where it passes, the Dispatcher) and through the Dispatcher
// alone: what is to come out the same.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/detail/encode_bytes.h>
#include <logbus/file_handler.h>
#include <logbus/rotating_file_handler.h>

#include "dispatcher.h"
#include "line_writer.h"
#include "wire/codec.h"

namespace logbus::consumer::test {

inline constexpr std::int64_t kNoon = 1'790'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

/// A payload, as call sites write them and as they don't.
class Payload {
 public:
  explicit Payload(unsigned count) { byte(0x90U | count); }

  Payload& byte(unsigned value) {
    return put([&](char* to) { return detail::put_u8(to, value); });
  }
  Payload& i32(std::int32_t value) {
    byte(0xd2);
    return put([&](char* to) { return detail::put_u32(to, static_cast<std::uint32_t>(value)); });
  }
  Payload& u32(std::uint32_t value) {
    byte(0xce);
    return put([&](char* to) { return detail::put_u32(to, value); });
  }
  Payload& i64(std::int64_t value) {
    return put([&](char* to) { return detail::put_i64(to, value); });
  }
  Payload& u64(std::uint64_t value) {
    byte(0xcf);
    return put([&](char* to) { return detail::put_u64(to, value); });
  }
  Payload& f32(float value) {
    byte(0xca);
    return put([&](char* to) { return detail::put_u32(to, std::bit_cast<std::uint32_t>(value)); });
  }
  Payload& f64(double value) {
    return put([&](char* to) { return detail::put_f64(to, value); });
  }
  Payload& text(std::string_view value) {
    put([&](char* to) { return detail::put_str_header(to, static_cast<std::uint32_t>(value.size())); });
    bytes_.append(value);
    return *this;
  }
  Payload& ext(std::int8_t type, std::string_view value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    put([&](char* to) { return detail::put_ext_header(to, type, size); });
    bytes_.append(value);
    return *this;
  }
  Payload& field(std::string_view key, int value) {
    byte(0x81);
    text(key);
    return i32(value);
  }
  Payload& cut(std::size_t bytes) {
    bytes_.resize(bytes_.size() - std::min(bytes, bytes_.size()));
    return *this;
  }
  std::string bytes() const {
    std::string padded = bytes_;
    while (padded.size() % 8 != 0) padded.push_back('\x81');  // looks like a map
    return padded;
  }

 private:
  template <class Put>
  Payload& put(Put put) {
    std::array<char, 16> buffer;
    bytes_.append(buffer.data(), put(buffer.data()));
    return *this;
  }

  std::string bytes_;
};

/// Makes the handler of the format at `index`.
using MakeHandler = std::function<std::shared_ptr<StreamHandler>(std::size_t index, const FileOptions& file)>;

inline std::shared_ptr<StreamHandler> usual_handler(std::size_t index, const FileOptions& file) {
  if (index % 2 == 0) return std::make_shared<FileHandler>(file);
  return std::make_shared<RotatingFileHandler>(file, 2000, 3);
}

/// Handlers of one kind each over a folder of their own.
class Way {
 public:
  Way(std::string folder, const std::vector<FormatterOptions>& formats, bool with_lines,
      const MakeHandler& make)
      : folder_(folder) {
    std::filesystem::create_directories(folder);
    LoggerNode root{.name = "", .level = Level::kNotSet, .handlers = {}, .filters = {}};
    for (std::size_t i = 0; i < formats.size(); ++i) {
      const FileOptions file{folder + "/" + std::to_string(i), "a", "", false};
      const std::shared_ptr<StreamHandler> handler = make(i, file);
      handler->set_formatter(std::make_shared<const Formatter>(formats[i]));
      handler->set_terminator(i % 3 == 0 ? "\r\n" : "\n");
      handler->defer_flush(true);
      root.handlers.push_back(handler);
      handlers_.push_back(handler);
    }
    std::vector<LoggerNode> nodes;
    nodes.push_back(std::move(root));
    dispatcher_ = std::make_unique<Dispatcher>(std::move(nodes), nullptr);
    if (with_lines) lines_ = std::make_unique<LineWriter>(*dispatcher_);
  }
  ~Way() { std::filesystem::remove_all(folder_); }

  void handle(const PackedRecord& packed) {
    std::vector<Handler*> failed;
    const bool done = lines_ != nullptr && lines_->handle(packed, failed);
    if (done && failed.empty()) {
      ++lines_made_;
      return;
    }
    LogRecord record;
    record.created_ns = packed.created_ns;
    packed.tenant->identify(record);
    if (decoder_.decode_record(*packed.site, packed.payload, record) != wire::DecodeResult::kOk) {
      ++malformed_;
    } else if (done) {
      for (Handler* handler : failed) handler->handle(record);
    } else {
      dispatcher_->handle(record);
    }
  }
  void flush() {
    if (lines_ != nullptr) lines_->release();
    for (const auto& handler : handlers_) handler->end_batch();
  }
  std::map<std::string, std::string> files() {
    flush();
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      all[entry.path().filename()] = text.str();
    }
    return all;
  }
  std::vector<std::uint64_t> counters() const {
    std::vector<std::uint64_t> all{malformed_};
    for (const auto& handler : handlers_) {
      const HandlerCounters& of = handler->counters();
      all.insert(all.end(), {of.records.load(), of.errors.load(), of.dropped.load()});
    }
    return all;
  }
  std::size_t lines_made() const { return lines_made_; }

 private:
  std::string folder_;
  std::vector<std::shared_ptr<StreamHandler>> handlers_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<LineWriter> lines_;
  wire::Decoder decoder_;
  std::size_t lines_made_ = 0;
  std::uint64_t malformed_ = 0;
};

class BothWays {
 public:
  explicit BothWays(const std::vector<FormatterOptions>& formats, const MakeHandler& make = usual_handler)
      : folder_(std::filesystem::temp_directory_path() / ("logbus-lines-" + std::to_string(::getpid()))),
        lines(folder_ / "lines", formats, true, make),
        records(folder_ / "records", formats, false, make) {
    ::testing::internal::CaptureStderr();  // what handlers say of lines that can't be made
  }
  ~BothWays() {
    (void)::testing::internal::GetCapturedStderr();
    std::filesystem::remove_all(folder_);
  }

  void handle(std::uint32_t site_id, const wire::Site& site, const Tenant& tenant, std::int64_t created_ns,
              const std::string& payload, std::uint32_t lane = 0) {
    PackedRecord packed;
    packed.site = &site;
    packed.site_id = site_id;
    packed.lane = lane;
    packed.tenant = &tenant;
    packed.payload = std::as_bytes(std::span(payload));
    packed.created_ns = created_ns;
    lines.handle(packed);
    records.handle(packed);
  }
  void expect_same() {
    EXPECT_EQ(lines.files(), records.files());
    EXPECT_EQ(lines.counters(), records.counters());
  }

 private:
  std::filesystem::path folder_;

 public:
  Way lines, records;
};

inline Tenant some_tenant(std::uint64_t version = 1) {
  Tenant tenant;
  tenant.version = version;
  tenant.thread = 4711 + version;
  tenant.process = 815 + static_cast<std::int64_t>(version);
  tenant.start_ns = kNoon - 123'456'789;
  tenant.thread_name = "worker-" + std::to_string(version);
  tenant.process_name = version % 2 == 0 ? "" : "orders";
  return tenant;
}

inline wire::Site some_site(std::string format) {
  return {"orders.api", 20, "INFO", "/src/api.v2.cpp", 88, "handle", MessageStyle::kBrace, std::move(format)};
}

}  // namespace logbus::consumer::test
