// SPDX-License-Identifier: MIT
// The bus as a Queue: whole records, without a site.
#include "producer/bus_queue.h"

#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include <logbus/detail/encode_bytes.h>
#include <logbus/detail/hot_thread.h>

#include "base/process_identity.h"
#include "producer/frame.h"
#include "producer/process.h"
#include "wire/codec.h"

namespace logbus::producer {
namespace {

/// What the drain knows of this thread needs no bytes.
void leave_out_own_identity(LogRecord& record) {
  if (record.process != ::getpid() || record.thread != base::thread_id()) return;
  record.process = 0;
  record.thread = 0;
  record.thread_name.clear();
  record.process_name.clear();
  record.start_ns = 0;
}

void collect_strings(Value& value, std::vector<std::string*>& strings) {
  if (auto* text = value.get_if<std::string>()) return strings.push_back(text);
  if (auto* text = value.get_if<Text>()) return strings.push_back(&text->text);
  const auto collect_all = [&strings](List& list) {
    for (Value& item : list) collect_strings(item, strings);
  };
  if (auto* list = value.get_if<List>()) return collect_all(*list);
  if (auto* tuple = value.get_if<Tuple>()) return collect_all(tuple->items);
  if (auto* set = value.get_if<Set>()) return collect_all(set->items);
  if (auto* dict = value.get_if<Dict>()) {
    for (auto& [key, item] : *dict) collect_strings(item, strings);
  }
}

/// Cuts the longest strings until at least `excess` bytes are gone; false if there is not that much text.
bool cut_strings(LogRecord& record, std::size_t excess) {
  std::vector<std::string*> strings{&record.exc_text, &record.stack_info};
  collect_strings(record.msg, strings);
  collect_strings(record.args, strings);
  for (auto& [key, value] : record.extra) collect_strings(value, strings);
  while (excess > 0) {
    std::string* longest = strings.front();
    for (std::string* text : strings) longest = text->size() > longest->size() ? text : longest;
    const std::size_t before = longest->size();
    if (before == 0) return false;
    const std::size_t keep = before > excess ? before - excess : 0;
    longest->resize(detail::utf8_cut(longest->data(), static_cast<std::uint32_t>(keep)));
    excess -= std::min(excess, before - longest->size());
  }
  return true;
}

}  // namespace

bool BusQueue::put_nowait(const LogRecord& original) {
  LogRecord record = original;
  leave_out_own_identity(record);
  std::string payload;
  wire::encode_record(record, payload);
  std::uint32_t tag = detail::frame_tag(detail::FrameKind::kInline);
  if (record.truncated) tag |= detail::kTagTruncated;
  if (payload.size() > detail::kSmallestRecordLimit && payload.size() > detail::max_payload()) {
    if (cut_strings(record, payload.size() - detail::max_payload())) {
      payload.clear();
      wire::encode_record(record, payload);
    }
    tag |= detail::kTagTruncated;
  }
  switch (send_frame(record.levelno, payload, tag)) {
    case Sent::kYes:
      return true;
    case Sent::kLost:
      return true;  // counted by the lane, and told by the sidecar: not an error of the handler's
    case Sent::kNoBus:
      break;
  }
  const BusConfig* config = bus_config();
  return config != nullptr && config->fallback != nullptr && config->fallback->handle(original);
}

}  // namespace logbus::producer
