// SPDX-License-Identifier: MIT
// The same records through the LineWriter (and, where it passes, the Dispatcher) and through the Dispatcher
// alone: the same bytes in the same files, the same counters.
#include "line_writer.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/detail/encode_bytes.h>
#include <logbus/file_handler.h>
#include <logbus/rotating_file_handler.h>

#include "dispatcher.h"
#include "wire/codec.h"

namespace logbus::consumer {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kNoon = 1'790'000'000'000'000'000;
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

/// Handlers of one kind each over a folder of their own.
class Way {
 public:
  Way(std::string folder, const std::vector<FormatterOptions>& formats, bool with_lines) : folder_(folder) {
    std::filesystem::create_directories(folder);
    LoggerNode root{.name = "", .level = Level::kNotSet, .handlers = {}, .filters = {}};
    for (std::size_t i = 0; i < formats.size(); ++i) {
      const FileOptions file{folder + "/" + std::to_string(i), "a", "", false};
      std::shared_ptr<StreamHandler> handler;
      if (i % 2 == 0)
        handler = std::make_shared<FileHandler>(file);
      else
        handler = std::make_shared<RotatingFileHandler>(file, 2000, 3);
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
    for (const auto& handler : handlers_) handler->flush();
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
  explicit BothWays(const std::vector<FormatterOptions>& formats)
      : folder_(std::filesystem::temp_directory_path() / ("logbus-lines-" + std::to_string(::getpid()))),
        lines(folder_ / "lines", formats, true),
        records(folder_ / "records", formats, false) {
    testing::internal::CaptureStderr();  // what handlers say of lines that can't be made
  }
  ~BothWays() {
    (void)testing::internal::GetCapturedStderr();
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

Tenant some_tenant(std::uint64_t version = 1) {
  Tenant tenant;
  tenant.version = version;
  tenant.thread = 4711 + version;
  tenant.process = 815 + static_cast<std::int64_t>(version);
  tenant.start_ns = kNoon - 123'456'789;
  tenant.thread_name = "worker-" + std::to_string(version);
  tenant.process_name = version % 2 == 0 ? "" : "orders";
  return tenant;
}

wire::Site some_site(std::string format) {
  return {"orders.api", 20, "INFO", "/src/api.v2.cpp", 88, "handle", MessageStyle::kBrace, std::move(format)};
}

const FormatterOptions kUsual{.format = "%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"};

TEST(LineWriterTest, MakesTheLineOfPlainArguments) {
  BothWays ways({kUsual});
  const wire::Site site = some_site("{} {} {} {} {} {} {} {{}} {}");
  const std::string payload = Payload(8)
                                  .i32(-1)
                                  .u32(4'000'000'000)
                                  .i64(std::numeric_limits<std::int64_t>::min())
                                  .u64(std::numeric_limits<std::uint64_t>::max())
                                  .f32(0.1F)
                                  .f64(0.1)
                                  .text("K\u00e4se")
                                  .byte(0xc3)
                                  .bytes();
  ways.handle(1, site, some_tenant(), kNoon, payload);
  ways.expect_same();
  EXPECT_EQ(ways.lines.lines_made(), 1U);
  const std::string text = ways.lines.files().at("0");
  EXPECT_NE(text.find(" 816 orders.api INFO -1 4000000000 -9223372036854775808 18446744073709551615 0.1 0.1 "
                      "K\u00e4se {} true\r\n"),
            std::string::npos)
      << text;
}

// Each says whether a line can be made without the record; the bytes are the same in any case.
TEST(LineWriterTest, LeavesToTheDispatcherWhatIsNotPlain) {
  struct Case {
    std::string what;
    wire::Site site;
    std::string payload;
    bool plain;
  };
  wire::Site verbatim = some_site("{not a field}");
  verbatim.style = MessageStyle::kVerbatim;
  wire::Site percent = some_site("%d");
  percent.style = MessageStyle::kPercent;
  const std::string two = Payload(2).i32(7).text("x").bytes();
  const std::vector<Case> cases = {
      {"numbers and text", some_site("{} {}"), two, true},
      {"by number", some_site("{1} {0} {1}"), two, true},
      {"a spec", some_site("{:>5} {:*^9}"), two, true},
      {"verbatim", verbatim, Payload(0).bytes(), true},
      {"more arguments than fields", some_site("{}"), two, true},
      {"%", percent, two, false},
      {"too few arguments", some_site("{} {} {}"), two, false},
      {"a nested spec", some_site("{1:>{0}}"), two, false},
      {"an extra field by name", some_site("{a}"), Payload(0).field("a", 1).bytes(), false},
      {"extra fields", some_site("{} {}"), Payload(2).i32(7).text("x").field("a", 1).bytes(), false},
      {"exc_text", some_site("x"), Payload(0).byte(0x81).text("exc_text").text("E: e").bytes(), false},
      {"a bad format", some_site("{"), two, false},
      {"a spec that doesn't fit", some_site("{:d} {:d}"), two, false},
      {"not UTF-8", some_site("{}"), Payload(1).text("\xff").bytes(), false},
      {"a char", some_site("{}"), Payload(1).ext(1, "c").bytes(), false},
      {"nil", some_site("{}"), Payload(1).byte(0xc0).bytes(), false},
      {"a short integer", some_site("{}"), Payload(1).byte(5).bytes(), false},
      {"cut short", some_site("{}"), Payload(1).text("longer than what is there").cut(10).bytes(), false},
      {"no array", some_site("{}"), std::string("\xc0\0\0\0\0\0\0\0", 8), false},
  };
  std::uint32_t id = 0;
  for (const Case& test : cases) {
    BothWays ways({kUsual});
    ways.handle(++id, test.site, some_tenant(), kNoon, test.payload);
    ways.expect_same();
    EXPECT_EQ(ways.lines.lines_made(), test.plain ? 1U : 0U) << test.what;
  }
}

TEST(LineWriterTest, FormatsThatAskForMoreNeedTheRecord) {
  const auto makes_line = [](FormatterOptions options) {
    BothWays ways({options});
    ways.handle(1, some_site("{} {}"), some_tenant(), kNoon, Payload(2).i32(7).text("x").bytes());
    ways.expect_same();
    return ways.lines.lines_made() == 1;
  };
  EXPECT_TRUE(makes_line({}));
  EXPECT_TRUE(makes_line({.format = "{levelname:<8}|{process:>9}|{created}|{message}", .style = '{'}));
  EXPECT_TRUE(makes_line({.format = "$asctime ${threadName} $$ $message $relativeCreated", .style = '$'}));
  EXPECT_TRUE(makes_line({.format = "%(levelname)-8s %(lineno)04d %(msecs)03d %(message)s"}));
  EXPECT_TRUE(
      makes_line({.format = "%(asctime)30s %(message)s %(message)s", .datefmt = "%H:%M:%S", .utc = true}));
  EXPECT_FALSE(makes_line({.format = "%(message)20s"}));
  EXPECT_FALSE(makes_line({.format = "%(args)s %(message)s"}));
  EXPECT_FALSE(makes_line({.format = "%(asctime)s"}));  // arguments that don't fit are an error all the same
  EXPECT_FALSE(makes_line({.format = "%(missing)s %(message)s"}));
  EXPECT_FALSE(makes_line({.format = "%(threadName)d %(message)s"}));
  EXPECT_TRUE(makes_line({.format = "%(missing)s %(message)s", .defaults = {{"name", "x"}}}) == false);
}

TEST(LineWriterTest, ATenantThatChangesIsSeen) {
  BothWays ways({{.format = "%(process)d %(processName)s %(thread)d %(threadName)s %(message)s"}});
  const wire::Site site = some_site("{}");
  for (std::uint64_t version = 1; version < 5; ++version)
    for (const std::uint32_t lane : {0U, 5U})
      ways.handle(1, site, some_tenant(version * 10 + lane), kNoon, Payload(1).i32(1).bytes(), lane);
  ways.expect_same();
  EXPECT_EQ(ways.lines.lines_made(), 8U);
}

// A lane's word that makes no sense leads to nobody.
TEST(LineWriterTest, ATenantThatIsUnknownNeedsTheRecord) {
  BothWays ways({{.format = "%(process)d %(message)s"}});
  for (int i = 0; i < 3; ++i) ways.handle(1, some_site("{}"), Tenant(), kNoon, Payload(1).i32(1).bytes());
  ways.expect_same();
  EXPECT_EQ(ways.lines.lines_made(), 0U);
}

// --- at random

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

FormatterOptions random_format(Random& random) {
  static const std::vector<std::string> kSteps = {
      "%(asctime)s",    "%(message)s", "%(message)s",      "%(levelname)-8s", "%(name)s",     "%(process)d",
      "%(thread)d",     "%(msecs)03d", "%(created)f",      "%(filename)s:",   "%(module).2s", "%(lineno)5d",
      "%(threadName)s", "%(args)s",    "%(asctime)25s",    "%(created)s",     "%%",           "%(taskName)s",
      "%(a)s",          "%(msg)s",     "%(processName)5s", "%(message)10s",   "%(levelno)s",  "%(funcName)s"};
  FormatterOptions options;
  for (std::uint64_t n = 1 + random.below(6); n > 0; --n) options.format += random.pick(kSteps) + " ";
  options.format += "%(message)s";
  if (random.below(4) == 0) options.datefmt = "%d.%m.%y %H:%M:%S";
  if (random.below(4) == 0) options.default_msec_format = "%s.%05d";
  options.utc = random.below(2) == 0;
  return options;
}

std::string random_message(Random& random) {
  static const std::vector<std::string> kPieces = {
      "{}",  "{}",    "text ", "{{", "{:>6}", "{:.2f}", "a longer text of thirty bytes ", "{0}", "{:x}",
      "{a}", "{:{}}", "}",     "",   " ",     "{:*^12}"};
  std::string message;
  for (std::uint64_t n = random.below(6); n > 0; --n)
    message += random.below(30) == 0 ? random.pick(kPieces) : kPieces[random.below(8)];
  return message;
}

std::string random_payload(Random& random) {
  const auto count = static_cast<unsigned>(random.below(7));
  Payload payload(count);
  for (unsigned i = 0; i < count; ++i) {
    switch (random.below(random.below(8) == 0 ? 12 : 8)) {
      case 0:
        payload.i32(static_cast<std::int32_t>(random.bits()) >> random.below(32));
        break;
      case 1:
        payload.u32(static_cast<std::uint32_t>(random.bits()) >> random.below(32));
        break;
      case 2:
        payload.i64(static_cast<std::int64_t>(random.bits()) >> random.below(64));
        break;
      case 3:
        payload.u64(random.bits() >> random.below(64));
        break;
      case 4:
        payload.f32(static_cast<float>(random.below(1000)) / 8);
        break;
      case 5:
        payload.f64(random.below(2) == 0 ? static_cast<double>(random.below(100000)) / 100
                                         : std::bit_cast<double>(random.bits()));
        break;
      case 6:
        payload.text(std::string(random.below(60), static_cast<char>('a' + random.below(26))));
        break;
      case 7:
        payload.byte(0xc2 + static_cast<unsigned>(random.below(2)));
        break;
      case 8:
        payload.text("K\u00e4se\xe2"sv.substr(0, random.below(8)));
        break;
      case 9:
        payload.ext(1, "c");
        break;
      case 10:
        payload.byte(0xc0);
        break;
      default:
        payload.byte(0x92).i32(1).text("in");
        break;
    }
  }
  if (random.below(10) == 0) payload.field("a", 1);
  if (random.below(50) == 0) payload.cut(random.below(20));
  return payload.bytes();
}

std::int64_t random_time(Random& random) {
  const std::int64_t at = kNoon + static_cast<std::int64_t>(random.below(5)) * kSecond;
  switch (random.below(4)) {
    case 0:  // where Python's float rounds up into the next second
      return at - static_cast<std::int64_t>(random.below(2000));
    case 1:
      return at + static_cast<std::int64_t>(random.below(3)) * 1'000'000 -
             static_cast<std::int64_t>(random.below(3));
    case 2:
      return random.below(50) == 0 ? -at : static_cast<std::int64_t>(random.below(2000));
    default:
      return at + static_cast<std::int64_t>(random.below(kSecond));
  }
}

TEST(LineWriterTest, RandomRecordsComeOutTheSame) {
  std::size_t plain = 0;
  std::size_t all = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<FormatterOptions> formats;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) formats.push_back(random_format(random));
    BothWays ways(formats);
    std::vector<wire::Site> sites;
    for (int i = 0; i < 20; ++i) {
      sites.push_back(some_site(random_message(random)));
      if (random.below(10) == 0) sites.back().style = static_cast<MessageStyle>(random.below(4));
    }
    for (int i = 0; i < 200; ++i, ++all) {
      const auto site = static_cast<std::uint32_t>(random.below(sites.size()));
      const auto lane = static_cast<std::uint32_t>(random.below(3));
      const Tenant tenant = some_tenant(1 + lane + 10 * random.below(2));
      ways.handle(site, sites[site], tenant, random_time(random), random_payload(random), lane);
    }
    ways.expect_same();
    plain += ways.lines.lines_made();
    if (testing::Test::HasFailure()) break;
  }
  // Otherwise one way is compared with itself.
  EXPECT_GT(plain, all / 8);
  EXPECT_LT(plain, all * 7 / 8);
}

}  // namespace
}  // namespace logbus::consumer
