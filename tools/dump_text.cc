// SPDX-License-Identifier: MIT
// dump for people: a line a record, in the words of a log file.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <logbus/level.h>
#include "record/value_text.h"
#include "tools/bus_text.h"
#include "tools/dump_writer.h"
#include "tools/escape.h"
#include "tools/time_text.h"

namespace logbus::tools {
namespace {

using detail::ProcessSlot;

constexpr std::size_t kBarCells = 10;
// As wide as a time and a level beside it.
constexpr std::string_view kInFlight = "in flight                                ";
constexpr std::string_view kIndent = "        ";

/// "[###.......]": a cell for each begun tenth of the lane that is unread.
std::string bar(std::uint64_t unread, std::uint64_t size) {
  const std::size_t cells =
      std::min(kBarCells, static_cast<std::size_t>((unread * kBarCells + size - 1) / size));
  return "[" + std::string(cells, '#') + std::string(kBarCells - cells, '.') + "]";
}

std::string_view color_of(int levelno) {
  if (levelno >= static_cast<int>(Level::kCritical)) return "\x1b[1;31m";
  if (levelno >= static_cast<int>(Level::kError)) return "\x1b[31m";
  if (levelno >= static_cast<int>(Level::kWarning)) return "\x1b[33m";
  return levelno >= static_cast<int>(Level::kInfo) ? "" : "\x1b[2m";
}

void append_who(std::string_view process, std::int64_t pid, std::uint64_t thread,
                std::string_view thread_name, std::string& out) {
  append_escaped(process.empty() ? "?" : process, out);
  out += pid == 0 ? "[-]/" : fmt::format("[{}]/", pid);
  if (thread_name.empty())
    out += std::to_string(thread);
  else
    append_escaped(thread_name, out);
}

void append_where(std::string_view file, int line, std::string_view function, std::string& out) {
  if (file.empty() && line == 0) return;
  out += "  (";
  append_escaped(file, out);
  out += fmt::format(":{}", line);
  if (!function.empty()) {
    out += ' ';
    append_escaped(function, out);
  }
  out += ')';
}

void append_indented(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += kIndent;
    append_escaped(text.substr(0, end), out);
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_fields(const Fields& fields, std::string& out) {
  std::string_view separator = "  ";
  for (const auto& [key, value] : fields) {
    out += separator;
    append_escaped(key, out);
    out += '=';
    std::string text;
    record::append_str(value, text);
    append_quoted_if_needed(text, out);
    separator = " ";
  }
}

class TextWriter : public DumpWriter {
 public:
  TextWriter(bool utc, bool color) : utc_(utc), color_(color) {}

  void bus(const shm::Snapshot& snapshot, std::string& out) const override {
    const shm::Preamble& p = snapshot.preamble();
    out += "# bus ";
    append_escaped(bus_name(snapshot.path()), out);
    out += fmt::format("  layout {}  uuid {}  clock {}  created {}\n", p.magic.back(), short_uuid(p),
                       clock_name(p.clock_source),
                       format_time(static_cast<std::int64_t>(p.created_realtime_ns), utc_, 0));
  }

  void process(const shm::Snapshot& snapshot, std::uint32_t index, std::string& out) const override {
    const ProcessSlot& slot = snapshot.slot(index);
    out += fmt::format("# process {}  ", index);
    append_escaped(shm::bounded_text(slot.process_name), out);
    out += fmt::format("  pid {}  uid {}  ", slot.pid.load(std::memory_order_relaxed),
                       slot.uid.load(std::memory_order_relaxed));
    append_escaped(shm::bounded_text(slot.executable), out);
    out += fmt::format("  {}\n", life_name(snapshot.slot_life(index)));
  }

  void site(std::uint32_t id, const wire::Site& site, std::string& out) const override {
    out += fmt::format("# site {}  ", id);
    append_escaped(site.name, out);
    out += ' ';
    append_escaped(site.levelname, out);
    out += " \"";
    append_escaped(site.format, out);
    out += '"';
    append_where(site.pathname, site.lineno, site.func_name, out);
    out += '\n';
  }

  void lane(const shm::Snapshot& snapshot, const ReadLane& lane, std::string& out) const override {
    const shm::LaneContents& contents = lane.contents;
    const shm::ProducerLine& line = snapshot.producer_line(lane.lane);
    std::uint64_t dropped = 0;
    for (const auto& count : line.dropped) dropped += count.load(std::memory_order_relaxed);
    out += fmt::format("# lane {}  ", lane.lane);
    out += lane.tenant.slot ? fmt::format("process {}", *lane.tenant.slot) : "free";
    out += fmt::format("  thread {}", lane.tenant.thread);
    if (!lane.tenant.thread_name.empty()) {
      out += ' ';
      append_escaped(lane.tenant.thread_name, out);
    }
    out += fmt::format(
        "  committed {}  read {}  resident {}  dropped {}  {}", contents.committed, contents.read,
        binary_size(snapshot.lane_memory(lane.lane)), dropped,
        bar(contents.committed - std::min(contents.read, contents.committed), snapshot.preamble().lane_size));
    if (contents.corrupt_at) out += fmt::format("  damaged at {}", *contents.corrupt_at);
    out += '\n';
  }

  void entry(const Entry& entry, std::string& out) const override {
    const LogRecord& record = entry.record;
    out += format_time(record.created_ns, utc_);
    out += ' ';
    if (entry.kind == EntryKind::kUnreadable) {
      append_padded("?", out);
      append_who(record.process_name, record.process, record.thread, record.thread_name, out);
      out += fmt::format(" a record of {} bytes that can't be read", entry.size);
      if (entry.site != 0) out += fmt::format(" (site {})", entry.site);
      out += '\n';
      return;
    }
    const std::string_view color = color_ ? color_of(record.levelno) : "";
    out += color;
    append_padded(escaped(record.levelname), out);
    if (!color.empty()) out += kReset;
    append_who(record.process_name, record.process, record.thread, record.thread_name, out);
    out += ' ';
    append_escaped(record.name, out);
    out += ": ";
    append_escaped(entry.message, out);
    append_fields(record.extra, out);
    append_where(record.filename(), record.lineno, record.func_name, out);
    if (record.truncated) out += "  [truncated]";
    out += '\n';
    append_indented(record.exc_text, out);
    append_indented(record.stack_info, out);
  }

  void in_flight(const InFlight& record, std::string& out) const override {
    if (color_) out += "\x1b[35m";
    out += kInFlight;
    if (color_) out += kReset;
    const LaneTenant& tenant = record.lane.tenant;
    append_who(tenant.process_name, tenant.pid, tenant.thread, tenant.thread_name, out);
    if (record.site == nullptr) {
      out += " a record without a site\n";
      return;
    }
    out += ' ';
    append_escaped(record.site->name, out);
    out += ": \"";
    append_escaped(record.site->format, out);
    out += '"';
    const std::string_view path = record.site->pathname;
    append_where(path.substr(path.rfind('/') + 1), record.site->lineno, record.site->func_name, out);
    out += '\n';
  }

 private:
  static constexpr std::string_view kReset = "\x1b[0m";
  static void append_padded(std::string_view level, std::string& out) { out += fmt::format("{:<7} ", level); }

  bool utc_;
  bool color_;
};

}  // namespace

std::unique_ptr<DumpWriter> make_text_writer(bool utc, bool color) {
  return std::make_unique<TextWriter>(utc, color);
}

}  // namespace logbus::tools
