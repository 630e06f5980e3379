// SPDX-License-Identifier: MIT
// What is dumped, and in which order.
#include "tools/dump.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tools/dump_writer.h"
#include "tools/lane_records.h"

namespace logbus::tools {
namespace {

using detail::SlotState;

bool passes_worker(const DumpOptions& options, std::string_view name, std::int64_t pid) {
  const auto& pids = options.filter.pids;
  return (options.worker.empty() || options.worker == name) &&
         (pids.empty() || std::find(pids.begin(), pids.end(), pid) != pids.end());
}

class Dump {
 public:
  Dump(shm::Snapshot& snapshot, const DumpOptions& options, std::FILE* file)
      : snapshot_(snapshot),
        options_(options),
        file_(file),
        writer_(options.json ? make_json_writer() : make_text_writer(options.utc, options.color)),
        records_(snapshot, options.lane_number) {}

  void run() {
    if (options_.bus) writer_->bus(snapshot_, out_);
    if (options_.process) processes();
    if (options_.site) sites();
    if (options_.lane) lanes();
    if (options_.record) {
      entries();
      in_flight();
    }
    write_out();
  }

 private:
  void write_out() {
    std::fwrite(out_.data(), 1, out_.size(), file_);
    out_.clear();
  }
  void write_out_if_long() {
    constexpr std::size_t kLong = 64 << 10;
    if (out_.size() >= kLong) write_out();
  }

  void processes() {
    for (std::uint32_t i = 0; i < snapshot_.slots(); ++i) {
      const detail::ProcessSlot& slot = snapshot_.slot(i);
      if (detail::slot_state(slot.word.load(std::memory_order_relaxed)) == SlotState::kFree) continue;
      if (passes_worker(options_, shm::bounded_text(slot.process_name),
                        slot.pid.load(std::memory_order_relaxed)))
        writer_->process(snapshot_, i, out_);
    }
  }

  void sites() {
    for (std::uint32_t id = 1; id < snapshot_.sites(); ++id) {
      if (const wire::Site* site = records_.site(id)) writer_->site(id, *site, out_);
      write_out_if_long();
    }
  }

  void lanes() {
    for (const ReadLane& lane : records_.lanes()) {
      // A free lane says something only by what is still in it.
      if (!lane.tenant.slot && lane.contents.frames.empty() && !lane.contents.corrupt_at &&
          !options_.lane_number)
        continue;
      if (passes_worker(options_, lane.tenant.process_name, lane.tenant.pid))
        writer_->lane(snapshot_, lane, out_);
    }
  }

  bool passes(const Entry& entry) const {
    return (options_.worker.empty() || options_.worker == entry.record.process_name) &&
           options_.filter.passes(entry.record, entry.message);
  }

  void entries() {
    Entry entry;
    if (!options_.tail) {
      for (std::size_t i = 0; i < records_.size(); ++i) {
        records_.decode(i, entry);
        if (passes(entry)) writer_->entry(entry, out_);
        write_out_if_long();
      }
      return;
    }
    std::vector<std::size_t> last;
    for (std::size_t i = records_.size(); i > 0 && last.size() < *options_.tail; --i) {
      records_.decode(i - 1, entry);
      if (passes(entry)) last.push_back(i - 1);
    }
    for (auto i = last.rbegin(); i != last.rend(); ++i) {
      records_.decode(*i, entry);
      writer_->entry(entry, out_);
      write_out_if_long();
    }
  }

  void in_flight() {
    for (const ReadLane& lane : records_.lanes()) {
      if (!lane.contents.in_flight || !passes_worker(options_, lane.tenant.process_name, lane.tenant.pid))
        continue;
      const std::uint32_t tag = *lane.contents.in_flight;
      const bool has_site = detail::frame_kind(tag) == detail::FrameKind::kRecord;
      const wire::Site* site = has_site ? records_.site(detail::frame_id(tag)) : nullptr;
      if (site != nullptr) {
        // It has no time yet: that filter says nothing of it.
        RecordFilter filter = options_.filter;
        filter.since = filter.until = std::nullopt;
        LogRecord record;
        record.name = site->name;
        record.levelno = site->levelno;
        record.process = lane.tenant.pid;
        if (!filter.passes(record, site->format)) continue;
      }
      writer_->in_flight({lane, site}, out_);
    }
  }

  shm::Snapshot& snapshot_;
  const DumpOptions& options_;
  std::FILE* file_;
  std::unique_ptr<DumpWriter> writer_;
  LaneRecords records_;
  std::string out_;
};

}  // namespace

void dump(shm::Snapshot& snapshot, const DumpOptions& options, std::FILE* out) {
  Dump(snapshot, options, out).run();
}

}  // namespace logbus::tools
