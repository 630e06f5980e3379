// SPDX-License-Identifier: MIT
// StreamHandler over pipes and files.
#include <logbus/stream_handler.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "captured_stderr.h"

namespace logbus::stream_handler_test {
namespace {

LogRecord message(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    close_read();
    ::close(ends_[1]);
  }
  int write_end() const { return ends_[1]; }
  void close_read() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  std::string read_some() const {
    char text[65536];
    const ssize_t count = ::read(ends_[0], text, sizeof text);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }
  bool is_empty() const {
    const int flags = ::fcntl(ends_[0], F_GETFL);
    ::fcntl(ends_[0], F_SETFL, flags | O_NONBLOCK);
    char byte = 0;
    const bool empty = ::read(ends_[0], &byte, 1) < 0;
    ::fcntl(ends_[0], F_SETFL, flags);
    return empty;
  }

 private:
  int ends_[2] = {-1, -1};
};

class TemporaryFile {
 public:
  TemporaryFile() : descriptor_(::mkostemp(path_, O_CLOEXEC | O_APPEND)) {}
  ~TemporaryFile() {
    ::close(descriptor_);
    ::unlink(path_);
  }
  int descriptor() const { return descriptor_; }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }

 private:
  char path_[32] = "/tmp/logbus-stream-XXXXXX";
  int descriptor_;
};

// A file may grow to `bytes` and no further while this lives: the kernel writes what fits, then says EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &kept_);
    const rlimit limit{bytes, kept_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &kept_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit kept_{};
  void (*handler_)(int) = nullptr;
};

TEST(StreamHandlerTest, WritesEachRecordOutAtOnce) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.handle(message("one"));
  EXPECT_EQ(pipe.read_some(), "one\n");
  handler.handle(message("two"));
  EXPECT_EQ(pipe.read_some(), "two\n");
  EXPECT_EQ(handler.counters().records, 2U);
  EXPECT_EQ(handler.counters().bytes, 8U);
}

TEST(StreamHandlerTest, DeferredRecordsWaitForTheFlush) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.defer_flush(true);
  handler.handle(message("one"));
  handler.handle(message("two"));
  EXPECT_TRUE(pipe.is_empty());
  handler.flush();
  EXPECT_EQ(pipe.read_some(), "one\ntwo\n");
}

TEST(StreamHandlerTest, LongBatchIsWrittenBeforeTheFlush) {
  const TemporaryFile file;
  StreamHandler handler(file.descriptor());
  handler.defer_flush(true);
  const std::string kilobyte(1023, 'x');
  for (int count = 0; count < 1023; ++count) handler.handle(message(kilobyte));
  EXPECT_EQ(file.text().size(), 0U);
  handler.handle(message(kilobyte));
  EXPECT_EQ(file.text().size(), std::size_t{1} << 20);
}

TEST(StreamHandlerTest, EndingTheDeferralWritesOut) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.defer_flush(true);
  handler.handle(message("one"));
  handler.defer_flush(false);
  EXPECT_EQ(pipe.read_some(), "one\n");
}

TEST(StreamHandlerTest, WritesItsTerminator) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.set_terminator("\r\n");
  handler.handle(message("one"));
  EXPECT_EQ(pipe.read_some(), "one\r\n");
}

TEST(StreamHandlerTest, KeepsWhateverBytesTheMessageHas) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.handle(message(std::string("a\r\nb\0c\xff", 7)));
  EXPECT_EQ(pipe.read_some(), std::string("a\r\nb\0c\xff\n", 8));
}

TEST(StreamHandlerTest, BorrowedDescriptorOutlivesTheHandler) {
  const Pipe pipe;
  {
    StreamHandler handler(pipe.write_end());
    handler.close();
    handler.handle(message("after close"));
  }
  EXPECT_EQ(pipe.read_some(), "after close\n");
  EXPECT_NE(::fcntl(pipe.write_end(), F_GETFD), -1);
}

TEST(StreamHandlerTest, OwnedDescriptorIsClosed) {
  const Pipe pipe;
  const int owned = ::dup(pipe.write_end());
  { const StreamHandler handler(owned, StreamHandler::Ownership::kOwned); }
  EXPECT_EQ(::fcntl(owned, F_GETFD), -1);
}

TEST(StreamHandlerTest, DestructorWritesOutWhatIsBuffered) {
  const Pipe pipe;
  {
    StreamHandler handler(pipe.write_end());
    handler.defer_flush(true);
    handler.handle(message("last"));
  }
  EXPECT_EQ(pipe.read_some(), "last\n");
}

TEST(StreamHandlerTest, FailedFormatLeavesNothingBehind) {
  const Pipe pipe;
  StreamHandler handler(pipe.write_end());
  handler.set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "%(name)s %(nope)s"}));
  const CapturedStderr captured;
  handler.defer_flush(true);
  handler.handle(message("lost"));
  LogRecord record = message("x");
  record.extra = {{"nope", 1}};
  handler.handle(record);
  handler.flush();
  EXPECT_EQ(pipe.read_some(), "root 1\n");
}

TEST(StreamHandlerTest, ReaderThatIsGoneIsAnErrorOfEachRecord) {
  Pipe pipe;
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const CapturedStderr captured;
  StreamHandler handler(pipe.write_end());
  pipe.close_read();
  handler.handle(message("one"));
  handler.handle(message("two"));
  EXPECT_EQ(handler.counters().records, 0U);
  EXPECT_EQ(handler.counters().dropped, 2U);
  EXPECT_EQ(handler.counters().errors, 2U);
  std::signal(SIGPIPE, before);
}

TEST(StreamHandlerTest, RecordThatDoesNotFitIsCutBack) {
  const TemporaryFile file;
  const CapturedStderr captured;
  StreamHandler handler(file.descriptor());
  handler.set_backlog(0);  // nothing waits for room
  {
    const FileSizeLimit limit(10);
    handler.handle(message("123456"));
    handler.handle(message("abcdefgh"));
  }
  EXPECT_EQ(file.text(), "123456\n");
  handler.handle(message("again"));
  EXPECT_EQ(file.text(), "123456\nagain\n");
  EXPECT_EQ(handler.counters().records, 2U);
  EXPECT_EQ(handler.counters().dropped, 1U);
  EXPECT_EQ(handler.counters().bytes, 13U);
}

TEST(StreamHandlerTest, RecordThatDoesNotFitWaitsForRoomAndIsNotTorn) {
  const TemporaryFile file;
  const CapturedStderr captured;
  StreamHandler handler(file.descriptor());
  {
    const FileSizeLimit limit(10);
    handler.handle(message("123456"));
    handler.handle(message("abcdefgh"));
    EXPECT_EQ(file.text(), "123456\n");
    EXPECT_TRUE(handler.pending());
  }
  handler.handle(message("again"));
  handler.flush();
  EXPECT_EQ(file.text(), "123456\nabcdefgh\nagain\n");
  EXPECT_EQ(handler.counters().records, 3U);
  EXPECT_EQ(handler.counters().dropped, 0U);
  EXPECT_EQ(handler.counters().bytes, 22U);
}

TEST(StreamHandlerTest, BatchThatDoesNotFitKeepsItsWholeRecords) {
  const TemporaryFile file;
  const CapturedStderr captured;
  StreamHandler handler(file.descriptor());
  handler.defer_flush(true);
  handler.set_backlog(0);
  {
    const FileSizeLimit limit(20);
    for (const char* text : {"one\nline", "two", "three", "four", "five"}) handler.handle(message(text));
    handler.flush();
  }
  EXPECT_EQ(file.text(), "one\nline\ntwo\nthree\n");
  EXPECT_EQ(handler.counters().records, 3U);
  EXPECT_EQ(handler.counters().dropped, 2U);
  EXPECT_EQ(handler.counters().errors, 2U);
  handler.handle(message("next batch"));
  handler.flush();
  EXPECT_EQ(file.text(), "one\nline\ntwo\nthree\nnext batch\n");
  EXPECT_EQ(handler.counters().records, 4U);
}

TEST(StreamHandlerTest, FullPipeThatDoesNotBlockIsWaitedFor) {
  const Pipe pipe;
  ::fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK);
  StreamHandler handler(pipe.write_end());
  const std::string large(300'000, 'x');  // more than a pipe holds
  std::size_t received = 0;
  std::jthread reader([&] {
    while (received < large.size() + 1) received += pipe.read_some().size();
  });
  handler.handle(message(large));
  reader.join();
  EXPECT_EQ(received, large.size() + 1);
  EXPECT_EQ(handler.counters().records, 1U);
}

TEST(StreamHandlerTest, HandlersThatShareAStreamTakeTurns) {
  const Pipe pipe;
  StreamHandler first(pipe.write_end()), second(pipe.write_end());
  const auto shared = std::make_shared<SharedStream>();
  for (StreamHandler* handler : {&first, &second}) {
    handler->share_stream(shared);
    handler->defer_flush(true);
  }
  first.handle(message("one"));
  first.handle(message("two"));
  EXPECT_TRUE(pipe.is_empty());
  second.handle(message("three"));
  first.handle(message("four"));
  second.flush();
  first.flush();
  EXPECT_EQ(pipe.read_some(), "one\ntwo\nthree\nfour\n");
}

TEST(StreamHandlerTest, HandlerThatIsGoneTakesNoTurn) {
  const Pipe pipe;
  StreamHandler first(pipe.write_end());
  const auto shared = std::make_shared<SharedStream>();
  first.share_stream(shared);
  {
    StreamHandler second(pipe.write_end());
    second.share_stream(shared);
    second.handle(message("one"));
  }
  first.handle(message("two"));
  EXPECT_EQ(pipe.read_some(), "one\ntwo\n");
}

TEST(StreamHandlerTest, SetStreamWritesOutToTheOneBefore) {
  const Pipe before, after;
  StreamHandler handler(before.write_end());
  handler.defer_flush(true);
  handler.handle(message("one"));
  EXPECT_EQ(handler.set_stream(before.write_end()), std::nullopt);
  EXPECT_EQ(handler.set_stream(after.write_end()), before.write_end());
  EXPECT_EQ(before.read_some(), "one\n");
  handler.handle(message("two"));
  handler.flush();
  EXPECT_EQ(after.read_some(), "two\n");
}

TEST(StreamHandlerTest, PipeThatNobodyReadsIsWaitedForOnceAndHasNoHalfRecord) {
  for (const bool deferred : {false, true}) {
    const Pipe pipe;
    ::fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK);
    const CapturedStderr captured;
    StreamHandler handler(pipe.write_end());
    handler.defer_flush(deferred);
    const std::string large(70'000, 'x');  // more than the pipe holds
    const auto begin = std::chrono::steady_clock::now();
    for (int count = 0; count < 20; ++count) {
      handler.handle(message(large));
      if (count % 2 == 1) handler.flush();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
    EXPECT_EQ(handler.counters().dropped, 19U);
    EXPECT_EQ(handler.counters().errors, 19U);
    EXPECT_FALSE(handler.pending());
    std::string read = pipe.read_some();
    handler.handle(message("again"));
    handler.flush();
    read += pipe.read_some();
    EXPECT_TRUE(read == large + "\nagain\n") << read.size();
    EXPECT_EQ(handler.counters().records, 2U);
  }
}

}  // namespace
}  // namespace logbus::stream_handler_test
