// SPDX-License-Identifier: MIT
// A handler that writes records into a table of an SQLite database, one transaction for each of a listener's
// batches. Against the installed library:
//
//   g++ -std=c++20 -O2 listener.cc $(pkg-config --cflags --libs logbus-consumer sqlite3)
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include <logbus/error.h>
#include <logbus/handler.h>

class SQLiteHandler : public logbus::Handler {
 public:
  /// Makes the file and its table `records` if they are not there. Another program's lock is waited for that
  /// long; then the batch stays, and is tried again. Throws logbus::Error.
  explicit SQLiteHandler(const std::string& file,
                         std::chrono::milliseconds busy_timeout = std::chrono::seconds(1)) {
    sqlite3* database = nullptr;
    const int result = sqlite3_open(file.c_str(), &database);
    database_.reset(database);  // there also if it failed
    if (result != SQLITE_OK) fail();
    sqlite3_busy_timeout(database, static_cast<int>(busy_timeout.count()));
    run("PRAGMA journal_mode = WAL");  // who reads holds up nobody
    run("CREATE TABLE IF NOT EXISTS records (created REAL, level INTEGER, levelname TEXT, name TEXT,"
        " process INTEGER, thread TEXT, file TEXT, line INTEGER, message TEXT, exception TEXT)");
    sqlite3_stmt* insert = nullptr;
    constexpr const char* kInsert = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    if (sqlite3_prepare_v2(database, kInsert, -1, &insert, nullptr) != SQLITE_OK) fail();
    insert_.reset(insert);
  }

  /// Whether to write a record at once, or with its batch.
  void defer_flush(bool deferred) override {
    const std::lock_guard guard(lock());
    deferred_ = deferred;
  }
  void end_batch() override {
    const std::lock_guard guard(lock());
    if (!batch_.empty()) write_batch();
  }
  void flush() override { end_batch(); }
  /// Until then the listener calls end_batch() again and again.
  bool pending() const noexcept override { return waiting_ > 0; }
  /// A listener leaves the records in its queue meanwhile.
  bool has_room() const noexcept override { return waiting_ < kMost; }
  /// What can't be written now is lost.
  void close() override {
    const std::lock_guard guard(lock());
    try {
      end_batch();
    } catch (...) {
      count_dropped(logbus::DropReason::kShutdown, batch_.size());
      keep_none();
      throw;
    }
  }
  std::string_view class_name() const noexcept override { return "SQLiteHandler"; }

 protected:
  void emit(const logbus::LogRecord& record) override {
    if (batch_.size() >= kMost) return count_dropped(logbus::DropReason::kBacklogFull);
    batch_.emplace_back(record, record.get_message());
    set_waiting(waiting_ = batch_.size());
    if (deferred_) return;
    try {
      write_batch();
    } catch (const logbus::Error& error) {
      handle_error(&record, error);  // not thrown: the record isn't lost
    }
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  static constexpr std::size_t kMost = 10'000;

  [[noreturn]] void fail() const {
    throw logbus::Error(std::string("SQLite: ") + sqlite3_errmsg(database_.get()));
  }
  void run(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }

  // All or nothing.
  void write_batch() {
    run("BEGIN IMMEDIATE");
    try {
      for (const auto& [record, message] : batch_) write(record, message);
      run("COMMIT");
    } catch (...) {
      sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
    keep_none();
  }
  void write(const logbus::LogRecord& record, const std::string& message) {
    sqlite3_stmt* const insert = insert_.get();
    sqlite3_bind_double(insert, 1, record.created());
    sqlite3_bind_int(insert, 2, record.levelno);
    bind(3, record.levelname);
    bind(4, record.name);
    sqlite3_bind_int64(insert, 5, record.process);
    bind(6, record.thread_name);
    bind(7, record.pathname);
    sqlite3_bind_int(insert, 8, record.lineno);
    bind(9, message);
    if (record.exc_text.empty()) {
      sqlite3_bind_null(insert, 10);
    } else {
      bind(10, record.exc_text);
    }
    sqlite3_step(insert);
    if (sqlite3_reset(insert) != SQLITE_OK) fail();  // what the step said
  }
  // The text must outlive the step.
  void bind(int column, std::string_view text) {
    sqlite3_bind_text64(insert_.get(), column, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void keep_none() {
    batch_.clear();
    set_waiting(waiting_ = 0);
  }

  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<sqlite3_stmt, Close> insert_;  // after the database, so that it goes before it
  bool deferred_ = false;
  std::vector<std::pair<logbus::LogRecord, std::string>> batch_;  // with their messages
  std::atomic<std::size_t> waiting_{0};                           // batch_.size(), for any thread
};
