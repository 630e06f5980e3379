// SPDX-License-Identifier: MIT
// A bus in numbers, written down.
#include "tools/stat.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include <logbus/detail/clock.h>

#include "tools/bus_text.h"
#include "tools/escape.h"
#include "tools/json_text.h"
#include "tools/time_text.h"

namespace logbus::tools {
namespace {

// More lines than a terminal has are of no use to people.
constexpr std::size_t kWorkersShown = 32;

/// Columns as wide as their widest cell, two spaces apart; the first row is the head.
class Table {
 public:
  /// One letter a column: 'l' or 'r'.
  explicit Table(std::string_view alignment) : alignment_(alignment), widths_(alignment.size()) {}

  void add(std::vector<std::string> row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }

  void append_to(std::string& out) const {
    for (const auto& row : rows_) {
      const std::size_t begin = out.size();
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) out += "  ";
        out += alignment_[i] == 'r' ? fmt::format("{:>{}}", row[i], widths_[i])
                                    : fmt::format("{:<{}}", row[i], widths_[i]);
      }
      out.resize(std::max(begin, out.find_last_not_of(' ') + 1));
      out += '\n';
    }
  }

 private:
  std::string_view alignment_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

/// "312 B", "512 K", "1.5 M": short enough for a column.
std::string column_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  std::string text = binary_size(bytes);
  if (text.ends_with("iB")) text.resize(text.size() - 2);
  return text;
}

std::string span(std::int64_t ns) {
  if (ns < 10'000'000'000)
    return ns < 1'000'000'000 ? fmt::format("{} ms", ns / 1'000'000)
                              : fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
  const std::int64_t seconds = ns / 1'000'000'000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return seconds < 172800 ? fmt::format("{} h", seconds / 3600) : fmt::format("{} days", seconds / 86400);
}

std::string age(std::int64_t ns) {
  return ns < 10'000'000'000 ? fmt::format("{:.1f} s ago", static_cast<double>(ns) / 1e9) : span(ns) + " ago";
}

std::string sidecar_text(const SidecarStatistics& sidecar) {
  if (sidecar.state == SidecarState::kNever) return "none has ever attached";
  std::string text = sidecar.state == SidecarState::kRunning ? fmt::format("pid {}", sidecar.pid)
                     : sidecar.state == SidecarState::kReleased
                         ? fmt::format("none now, pid {} has left", sidecar.pid)
                         : fmt::format("none now, pid {} has died", sidecar.pid);
  if (sidecar.heartbeat_age_ns) text += "  heartbeat " + age(*sidecar.heartbeat_age_ns);
  if (!sidecar.config_path.empty()) {
    text += "  ";
    append_escaped(sidecar.config_path, text);
    constexpr std::size_t kTimeOfDay = std::string_view("2026-03-01T").size();
    text += " loaded " + format_time(sidecar.attached_ns, false, 0).substr(kTimeOfDay, 8);
  }
  return text;
}

std::string_view sidecar_name(SidecarState state) {
  switch (state) {
    case SidecarState::kRunning:
      return "running";
    case SidecarState::kReleased:
      return "released";
    case SidecarState::kDied:
      return "died";
    case SidecarState::kNever:
      break;
  }
  return "never";
}

std::string_view journal_name(shm::JournalState state) {
  switch (state) {
    case shm::JournalState::kEmpty:
      return "empty";
    case shm::JournalState::kSealed:
      return "sealed";
    case shm::JournalState::kRotating:
      return "rotating";
  }
  return "damaged";
}

/// If there is something to be done, by this sidecar or the next one.
void append_journal(const JournalStatistics& journal, std::string& out) {
  if (journal.state == shm::JournalState::kEmpty) return;
  out += "journal  ";
  if (journal.state == shm::JournalState::kSealed)
    out += fmt::format("{} records sealed for {} files, not yet emptied", grouped(journal.records),
                       journal.files);
  else if (journal.state == shm::JournalState::kRotating)
    out += "a rotation is not finished yet";
  else
    out += "damaged";
  out += '\n';
}

void append_workers(std::vector<WorkerStatistics> workers, bool all, std::string& out) {
  const std::size_t count = workers.size();
  if (!all && count > kWorkersShown) {
    std::stable_sort(workers.begin(), workers.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.dropped, a.lag.bytes, a.committed) >
             std::tuple(b.dropped, b.lag.bytes, b.committed);
    });
    workers.resize(kWorkersShown);
  }
  if (workers.empty()) return;
  Table table("lrlrrrrrl");
  table.add({"WORKER", "PID", "STATE", "LANES", "COMMITTED", "LAG", "MEMORY", "DROPPED", "(D/I/W/E)"});
  for (const WorkerStatistics& w : workers)
    table.add({escaped(w.name), std::to_string(w.pid), std::string(life_name(w.life)),
               std::to_string(w.lanes), grouped(w.committed), grouped(w.lag.records),
               column_size(w.memory_bytes), grouped(w.dropped),
               fmt::format("{}", fmt::join(w.dropped_by_severity, "/"))});
  table.append_to(out);
  if (workers.size() < count) out += fmt::format("... and {} more (--per-process)\n", count - workers.size());
}

std::string_view reason_name(std::size_t index) {
  return drop_reason_name(logbus::DropReason{static_cast<std::uint8_t>(index)});
}

std::int64_t error_age(const HandlerStatistics& handler) {
  return static_cast<std::int64_t>(detail::clock_ns(CLOCK_REALTIME)) - *handler.last_error_ns;
}

std::string queue_text(const HandlerStatistics& handler) {
  if (handler.queue_capacity != 0) return fmt::format("{}/{}", handler.queue_length, handler.queue_capacity);
  return handler.queue_length != 0 ? std::to_string(handler.queue_length) : "-";
}

/// Escaped, and no longer than a line of a terminal has room for.
std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 76;
  std::string shown = escaped(text);
  if (shown.size() <= kMost) return shown;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;
  shown.replace(end, shown.npos, "...");
  return shown;
}

/// What a column is too narrow for.
void append_troubles(const HandlerStatistics& handler, std::string& out) {
  if (handler.dropped != 0) {
    out += escaped(handler.name) + ": dropped";
    const char* separator = " ";
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      if (handler.dropped_for[i] == 0) continue;
      out += separator + fmt::format("{} {}", reason_name(i), grouped(handler.dropped_for[i]));
      separator = ", ";
    }
    out += '\n';
  }
  if (handler.last_error_ns)
    out += fmt::format("{}: last error {}: {}\n", escaped(handler.name),
                       age(std::max<std::int64_t>(0, error_age(handler))), shortened(handler.last_error));
}

void append_handlers(const std::vector<HandlerStatistics>& handlers, std::string& out) {
  if (handlers.empty()) return;
  Table table("llrrrrrl");
  table.add({"HANDLER", "CLASS", "RECORDS", "BYTES", "ERRORS", "RETRIES", "DROPPED", "QUEUE"});
  for (const HandlerStatistics& h : handlers)
    table.add({escaped(h.name), escaped(h.class_name), grouped(h.records),
               h.bytes == 0 && h.queue_capacity != 0 ? "-" : decimal_size(h.bytes), grouped(h.errors),
               grouped(h.retries), grouped(h.dropped), queue_text(h)});
  table.append_to(out);
  for (const HandlerStatistics& h : handlers) append_troubles(h, out);
}

Json worker_json(const WorkerStatistics& w) {
  return {{"worker", w.name},
          {"pid", w.pid},
          {"state", life_name(w.life)},
          {"slot", w.slot},
          {"lanes", w.lanes},
          {"committed", w.committed},
          {"lag_records", w.lag.records},
          {"lag_bytes", w.lag.bytes},
          {"memory_bytes", w.memory_bytes},
          {"dropped", w.dropped},
          {"dropped_by_level",
           {{"DEBUG", w.dropped_by_severity[0]},
            {"INFO", w.dropped_by_severity[1]},
            {"WARNING", w.dropped_by_severity[2]},
            {"ERROR", w.dropped_by_severity[3]}}}};
}

Json reasons_json(const HandlerStatistics& handler) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kDropReasonCount; ++i)
    json[std::string(reason_name(i))] = handler.dropped_for[i];
  return json;
}

Json error_json(const HandlerStatistics& handler) {
  if (!handler.last_error_ns) return {};
  return {{"text", handler.last_error},
          {"time", format_time(*handler.last_error_ns, false)},
          {"age_s", static_cast<double>(error_age(handler)) / 1e9}};
}

Json sidecar_json(const SidecarStatistics& sidecar) {
  Json json = {{"state", sidecar_name(sidecar.state)}};
  if (sidecar.state == SidecarState::kNever) return json;
  json["pid"] = sidecar.pid;
  json["heartbeat_age_s"] =
      sidecar.heartbeat_age_ns ? Json(static_cast<double>(*sidecar.heartbeat_age_ns) / 1e9) : Json();
  json["config"] = sidecar.config_path;
  json["attached_ns"] = sidecar.attached_ns;
  return json;
}

}  // namespace

std::string stat_text(const shm::Snapshot& snapshot, const BusStatistics& s, bool all_workers) {
  constexpr double kMiB = 1 << 20;
  std::string out = "bus      ";
  append_escaped(bus_name(snapshot.path()), out);
  out += "  ";
  append_escaped(snapshot.path(), out);
  out += fmt::format("  layout {}  overflow {}  memory {:.1f} of {:.1f} MiB  sites {} of {}\n",
                     snapshot.preamble().magic.back(), s.policy, static_cast<double>(s.memory_bytes) / kMiB,
                     static_cast<double>(s.memory_limit_bytes) / kMiB, s.sites, s.sites_limit);
  out += fmt::format("sidecar  {}\n", sidecar_text(s.sidecar));
  out += fmt::format(
      "records  committed {}  drained {}  lag {} ({}, {})  dropped {}  late {}  truncated {}  invalid_utf8 "
      "{}",
      grouped(s.committed), grouped(s.drained), grouped(s.lag.records), binary_size(s.lag.bytes),
      span(s.lag_ns), grouped(s.dropped), grouped(s.late), grouped(s.truncated), grouped(s.invalid_utf8));
  if (s.policy == "overwrite") out += fmt::format("  overwritten {}", grouped(s.overwritten));
  if (s.format_errors != 0) out += fmt::format("  format_errors {}", grouped(s.format_errors));
  if (s.quarantined_lanes != 0) out += fmt::format("  quarantined_lanes {}", s.quarantined_lanes);
  out += '\n';
  append_journal(s.journal, out);
  append_workers(s.workers, all_workers, out);
  append_handlers(s.handlers, out);
  return out;
}

std::string stat_json(const shm::Snapshot& snapshot, const BusStatistics& s, bool workers) {
  Json json = {{"bus", bus_name(snapshot.path())},
               {"path", snapshot.path()},
               {"layout", snapshot.preamble().magic.back()},
               {"uuid", long_uuid(snapshot.preamble())},
               {"overflow", s.policy},
               {"memory_bytes", s.memory_bytes},
               {"memory_limit_bytes", s.memory_limit_bytes},
               {"sites", s.sites},
               {"sites_limit", s.sites_limit}};
  json["sidecar"] = sidecar_json(s.sidecar);
  json["records"] = {{"committed", s.committed},
                     {"drained", s.drained},
                     {"lag", s.lag.records},
                     {"lag_bytes", s.lag.bytes},
                     {"lag_s", static_cast<double>(s.lag_ns) / 1e9},
                     {"dropped", s.dropped},
                     {"late", s.late},
                     {"truncated", s.truncated},
                     {"invalid_utf8", s.invalid_utf8},
                     {"format_errors", s.format_errors}};
  if (s.policy == "overwrite") json["records"]["overwritten"] = s.overwritten;
  json["quarantined_lanes"] = s.quarantined_lanes;
  json["journal"] = {
      {"state", journal_name(s.journal.state)}, {"records", s.journal.records}, {"files", s.journal.files}};
  std::size_t live = 0;
  for (const WorkerStatistics& w : s.workers) live += w.life == shm::Life::kLive ? 1U : 0U;
  json["workers_live"] = live;
  json["workers_dead"] = s.workers.size() - live;
  if (workers) {
    json["workers"] = Json::array();
    for (const WorkerStatistics& w : s.workers) json["workers"].push_back(worker_json(w));
  }
  json["handlers"] = Json::array();
  for (const HandlerStatistics& h : s.handlers)
    json["handlers"].push_back({{"handler", h.name},
                                {"class", h.class_name},
                                {"records", h.records},
                                {"bytes", h.bytes},
                                {"errors", h.errors},
                                {"retries", h.retries},
                                {"dropped", h.dropped},
                                {"dropped_by_reason", reasons_json(h)},
                                {"queue", h.queue_length},
                                {"queue_capacity", h.queue_capacity},
                                {"queue_bytes", h.queue_bytes},
                                {"queue_memory", h.queue_memory ? Json(*h.queue_memory) : Json()},
                                {"last_error", error_json(h)}});
  return json_line(json) + "\n";
}

}  // namespace logbus::tools
