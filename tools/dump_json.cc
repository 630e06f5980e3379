// SPDX-License-Identifier: MIT
// dump for programs: an object a line, with its `type`.
#include <string_view>

#include "tools/bus_text.h"
#include "tools/dump_writer.h"
#include "tools/json_text.h"

namespace logbus::tools {
namespace {

void append(const Json& json, std::string& out) {
  out += json_line(json);
  out += '\n';
}

class JsonWriter : public DumpWriter {
 public:
  void bus(const shm::Snapshot& snapshot, std::string& out) const override {
    const shm::Preamble& p = snapshot.preamble();
    append({{"type", "bus"},
            {"bus", bus_name(snapshot.path())},
            {"path", snapshot.path()},
            {"layout", p.magic.back()},
            {"uuid", long_uuid(p)},
            {"clock", clock_name(p.clock_source)},
            {"created_ns", p.created_realtime_ns},
            {"lanes", p.lanes},
            {"lane_size", p.lane_size}},
           out);
  }

  void process(const shm::Snapshot& snapshot, std::uint32_t index, std::string& out) const override {
    const detail::ProcessSlot& slot = snapshot.slot(index);
    append({{"type", "process"},
            {"process", index},
            {"name", shm::bounded_text(slot.process_name)},
            {"pid", load(slot.pid)},
            {"uid", load(slot.uid)},
            {"executable", shm::bounded_text(slot.executable)},
            {"attached_ns", load(slot.attach_realtime_ns)},
            {"state", life_name(snapshot.slot_life(index))}},
           out);
  }

  void site(std::uint32_t id, const wire::Site& site, std::string& out) const override {
    append({{"type", "site"},
            {"site", id},
            {"name", site.name},
            {"levelno", site.levelno},
            {"levelname", site.levelname},
            {"pathname", site.pathname},
            {"lineno", site.lineno},
            {"funcName", site.func_name},
            {"format", site.format}},
           out);
  }

  void lane(const shm::Snapshot& snapshot, const ReadLane& lane, std::string& out) const override {
    const shm::ProducerLine& line = snapshot.producer_line(lane.lane);
    std::uint64_t dropped = 0;
    for (const auto& count : line.dropped) dropped += load(count);
    Json json = {{"type", "lane"}, {"lane", lane.lane}};
    json["process"] = lane.tenant.slot ? Json(*lane.tenant.slot) : Json();
    json["thread"] = lane.tenant.thread;
    json["thread_name"] = lane.tenant.thread_name;
    json["committed"] = lane.contents.committed;
    json["read"] = lane.contents.read;
    json["resident"] = snapshot.lane_memory(lane.lane);
    json["dropped"] = dropped;
    if (lane.contents.corrupt_at) json["damaged_at"] = *lane.contents.corrupt_at;
    append(json, out);
  }

  void entry(const Entry& entry, std::string& out) const override {
    Json json = {{"type", kind_name(entry.kind)},
                 {"lane", entry.lane},
                 {"position", entry.position},
                 {"state", entry.read ? "read" : "committed"}};
    switch (entry.kind) {
      case EntryKind::kRecord:
        json["message"] = entry.message;
        if (entry.record.truncated) json["truncated"] = true;
        json["record"] = to_json(entry.record);
        break;
      case EntryKind::kGap:
        json["dropped"] = entry.dropped;
        json["first_ns"] = entry.first_ns;
        json["last_ns"] = entry.last_ns;
        break;
      case EntryKind::kUnreadable:
        json["created_ns"] = entry.record.created_ns;
        json["size"] = entry.size;
        json["site"] = entry.site;
        break;
    }
    append(json, out);
  }

  void in_flight(const InFlight& record, std::string& out) const override {
    const LaneTenant& tenant = record.lane.tenant;
    Json json = {
        {"type", "in_flight"}, {"lane", record.lane.lane}, {"position", record.lane.contents.committed}};
    json["processName"] = tenant.process_name;
    json["process"] = tenant.pid;
    json["thread"] = tenant.thread;
    json["threadName"] = tenant.thread_name;
    if (record.site != nullptr) {
      json["name"] = record.site->name;
      json["levelname"] = record.site->levelname;
      json["levelno"] = record.site->levelno;
      json["format"] = record.site->format;
      json["pathname"] = record.site->pathname;
      json["lineno"] = record.site->lineno;
      json["funcName"] = record.site->func_name;
    }
    append(json, out);
  }

 private:
  static std::string_view kind_name(EntryKind kind) {
    return kind == EntryKind::kRecord ? "record" : kind == EntryKind::kGap ? "gap" : "unreadable";
  }
};

}  // namespace

std::unique_ptr<DumpWriter> make_json_writer() {
  return std::make_unique<JsonWriter>();
}

}  // namespace logbus::tools
