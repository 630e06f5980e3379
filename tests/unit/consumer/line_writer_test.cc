// SPDX-License-Identifier: MIT
// LineWriter: which records it makes lines of, and that they are those that the Dispatcher's handlers make.
#include "line_writer.h"

#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/filter.h>
#include <logbus/log_queue.h>
#include <logbus/null_handler.h>
#include <logbus/queue_handler.h>

#include "both_ways.h"

namespace logbus::consumer::test {
namespace {

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

TEST(LineWriterTest, MakesNoRecordForAFullQueueAndCountsIt) {
  const auto queue = std::make_shared<LogQueue>(2);
  const auto queueing = std::make_shared<QueueHandler>(queue);
  const auto null = std::make_shared<NullHandler>();
  std::vector<LoggerNode> nodes;
  nodes.push_back({.name = "", .level = Level::kNotSet, .handlers = {null, queueing}, .filters = {}});
  const Dispatcher dispatcher(std::move(nodes), nullptr);
  LineWriter writer(dispatcher);
  const wire::Site site = some_site("{}");
  const std::string payload = Payload(1).i32(7).bytes();
  const Tenant tenant = some_tenant();
  ::testing::internal::CaptureStderr();
  int made = 0;
  const auto handle = [&](int records) {
    for (int i = 0; i < records; ++i) {
      PackedRecord packed;
      packed.site = &site;
      packed.site_id = 1;
      packed.tenant = &tenant;
      packed.payload = std::as_bytes(std::span(payload));
      std::vector<Handler*> need_record;
      ASSERT_TRUE(writer.handle(packed, need_record));
      for (Handler* handler : need_record) {
        ++made;
        EXPECT_EQ(handler, queueing.get());
        handler->handle(LogRecord());
      }
    }
  };
  handle(1000);
  // Two were taken, one was refused, one more was told after it at the most.
  EXPECT_LE(made, 4);
  EXPECT_GE(made, 3);
  writer.release();
  EXPECT_EQ(queueing->counters().records, 2U);
  EXPECT_EQ(queueing->counters().dropped, 998U);
  EXPECT_EQ(queueing->counters().errors, 998U);
  EXPECT_EQ(queueing->counters().dropped_for[static_cast<std::size_t>(DropReason::kQueueFull)], 998U);
  LogRecord taken;
  EXPECT_TRUE(queue->get(taken, std::chrono::milliseconds(0)));
  made = 0;
  handle(1);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(queue->size(), 2U);
  ::testing::internal::GetCapturedStderr();
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

/// Whether a record for this handler alone is a line, or needs to be made.
bool makes_line(const std::shared_ptr<Handler>& handler) {
  std::vector<LoggerNode> nodes;
  nodes.push_back({.name = "", .level = Level::kNotSet, .handlers = {handler}, .filters = {}});
  const Dispatcher dispatcher(std::move(nodes), nullptr);
  LineWriter lines(dispatcher);
  const wire::Site site = some_site("{}");
  const Tenant tenant = some_tenant();
  const std::string payload = Payload(1).i32(1).bytes();
  PackedRecord packed;
  packed.site = &site;
  packed.tenant = &tenant;
  packed.payload = std::as_bytes(std::span(payload));
  std::vector<Handler*> failed;
  const bool made = lines.handle(packed, failed);
  lines.release();
  return made && failed.empty();
}

TEST(LineWriterTest, HandlersOfOtherClassesAndWithFiltersGetTheRecord) {
  class Own : public FileHandler {
   public:
    using FileHandler::FileHandler;
    void emit(const LogRecord&) override {}
  };
  const FileOptions nowhere{"/dev/null", "a", "", false};
  const auto filtered = std::make_shared<FileHandler>(nowhere);
  filtered->add_filter(std::make_shared<const Filter>("orders"));
  EXPECT_TRUE(makes_line(std::make_shared<FileHandler>(nowhere)));
  EXPECT_TRUE(makes_line(std::make_shared<NullHandler>()));
  EXPECT_FALSE(makes_line(std::make_shared<Own>(nowhere)));
  EXPECT_FALSE(makes_line(filtered));
}

// A MemoryHandler's thread has its own lock and wants its target's: nobody may have them the other way round.
// Notes what it is given: like a handler that sends records elsewhere.
class TextsHandler : public Handler {
 public:
  using Handler::Takes;
  explicit TextsHandler(Takes takes) : takes_(takes) {}
  std::vector<std::string> seen;

 protected:
  Takes takes() const noexcept override { return takes_; }
  void emit(const LogRecord& record) override {
    std::string text;
    if (takes_ == Takes::kMessage) {
      text = record.get_message();
    } else {
      format(record, text);
    }
    emit_text(record, text);
  }
  void emit_text(const LogRecord& record, std::string_view text) override {
    if (text.find("refused") != text.npos) throw std::runtime_error("no");
    seen.push_back(record.name + '|' + record.levelname + '|' + record.thread_name + '|' +
                   record.process_name + '|' + std::to_string(record.process) + '|' +
                   std::to_string(record.thread) + '|' + std::to_string(record.created_ns) + '|' +
                   std::to_string(record.relative_created()) + '|' + std::string(text));
  }

 private:
  Takes takes_;
};

TEST(LineWriterTest, HandlersOfTextsSeeTheSameEitherWay) {
  std::vector<std::vector<std::string>> seen;
  ::testing::internal::CaptureStderr();
  for (const bool with_lines : {true, false}) {
    auto texts = std::make_shared<TextsHandler>(TextsHandler::Takes::kText);
    auto messages = std::make_shared<TextsHandler>(TextsHandler::Takes::kMessage);
    const auto formatter = std::make_shared<const Formatter>(kUsual);
    for (const auto& handler : {texts, messages}) handler->set_formatter(formatter);
    std::vector<LoggerNode> nodes{
        {.name = "", .level = Level::kNotSet, .handlers = {texts, messages}, .filters = {}}};
    Dispatcher dispatcher(std::move(nodes), nullptr);
    LineWriter lines(dispatcher);
    const std::vector<wire::Site> sites{some_site("{} and {}"), some_site("no arguments"),
                                        some_site("refused {}")};
    const std::string payload = Payload(2).i32(7).text("x").bytes();
    int short_way = 0;
    for (std::uint32_t i = 0; i < 60; ++i) {
      const Tenant tenant = some_tenant(1 + i % 7 / 3);
      PackedRecord packed;
      packed.site_id = i % 3;
      packed.site = &sites[packed.site_id];
      packed.lane = i % 7 / 3;
      packed.tenant = &tenant;
      packed.payload = std::as_bytes(std::span(payload));
      packed.created_ns = kNoon + i * kSecond / 7;
      std::vector<Handler*> failed;
      if (with_lines && lines.handle(packed, failed)) {
        ++short_way;
        EXPECT_EQ(failed.size(), i % 3 == 2 ? 2U : 0U);
        continue;
      }
      LogRecord record;
      record.created_ns = packed.created_ns;
      tenant.identify(record);
      ASSERT_EQ(wire::Decoder().decode_record(*packed.site, packed.payload, record), wire::DecodeResult::kOk);
      dispatcher.handle(record);
    }
    lines.release();
    EXPECT_EQ(short_way, with_lines ? 60 : 0);
    EXPECT_EQ(texts->seen.size(), 40U);
    EXPECT_EQ(texts->counters().records.load(), 40U);
    seen.push_back(texts->seen);
    seen.push_back(messages->seen);
  }
  (void)::testing::internal::GetCapturedStderr();
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_EQ(seen[1], seen[3]);
  EXPECT_NE(seen[0], seen[1]);
}

TEST(LineWriterTest, HoldsNoHandlerWhenTheDispatcherIsToHandle) {
  FileOptions nowhere;
  nowhere.filename = "/dev/null";
  const auto handler = std::make_shared<FileHandler>(nowhere);
  LoggerNode root{.name = "", .level = Level::kNotSet, .handlers = {handler}, .filters = {}};
  std::vector<LoggerNode> nodes;
  nodes.push_back(std::move(root));
  const Dispatcher dispatcher(std::move(nodes), nullptr);
  LineWriter lines(dispatcher);
  const wire::Site site = some_site("{}");
  const Tenant tenant = some_tenant();
  std::vector<Handler*> failed;
  const auto handle = [&](const std::string& payload) {
    PackedRecord packed;
    packed.site = &site;
    packed.tenant = &tenant;
    packed.payload = std::as_bytes(std::span(payload));
    return lines.handle(packed, failed);
  };
  ASSERT_TRUE(handle(Payload(1).i32(1).bytes()));
  ASSERT_FALSE(handle(Payload(1).i32(1).field("k", 1).bytes()));
  auto flushed = std::async(std::launch::async, [&handler] { handler->flush(); });
  EXPECT_EQ(flushed.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  lines.release();
}

// A lane's word that makes no sense leads to nobody.
TEST(LineWriterTest, ATenantThatIsUnknownNeedsTheRecord) {
  BothWays ways({{.format = "%(process)d %(message)s"}});
  for (int i = 0; i < 3; ++i) ways.handle(1, some_site("{}"), Tenant(), kNoon, Payload(1).i32(1).bytes());
  ways.expect_same();
  EXPECT_EQ(ways.lines.lines_made(), 0U);
}

}  // namespace
}  // namespace logbus::consumer::test
