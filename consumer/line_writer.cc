// SPDX-License-Identifier: MIT
#include "line_writer.h"

#include <algorithm>
#include <typeinfo>
#include <utility>

#include <logbus/log_queue.h>
#include <logbus/null_handler.h>

namespace logbus::consumer {
namespace {

// A queue that is full is taken for full for so many more records of the batch: some microseconds' worth.
constexpr std::uint32_t kUnasked = 63;
// As often as a QueueHandler tells that its queue is full.
constexpr std::chrono::milliseconds kTellInterval{100};

LogRecord record_of(const wire::Site& site) {
  LogRecord record;
  record.name = site.name;
  record.levelno = site.levelno;
  record.levelname = site.levelname;
  record.pathname = site.pathname;
  record.lineno = site.lineno;
  record.func_name = site.func_name;
  record.style = site.style;
  record.msg = site.format;
  return record;
}

}  // namespace

bool LineWriter::handle(const PackedRecord& packed, std::vector<Handler*>& need_record) {
  if (packed.own != nullptr || packed.site == nullptr || packed.tenant->version == 0) return refuse();
  Plan& plan = this->plan(packed);
  if (!plan.plain) return refuse();
  const auto arguments = wire::read_scalars(packed.payload, scalars_);
  if (!arguments) return refuse();
  plan.site.created_ns = packed.created_ns;
  plan.site.start_ns = packed.tenant->start_ns;
  if (!has_texts(packed) && !make_texts(packed)) return refuse();
  const LaneTexts& tenant = lanes_[packed.lane];
  if (plan.shows_site && plan.tenant_version != tenant.version) {
    packed.tenant->identify(plan.site);
    plan.tenant_version = tenant.version;
  }
  const record::LineInput input{*arguments, tenant.texts, tenant.version, plan.site};
  for (Target& target : plan.targets)
    if (!write(target, input)) need_record.push_back(target.handler);
  for (Queueing* queue : plan.queues) {
    if (refuses(*queue)) continue;
    release();  // its queue may be waited for, and who empties it may want the lock
    need_record.push_back(queue->handler);
  }
  return true;
}

bool LineWriter::refuses(Queueing& queue) {
  if (queue.unasked > 0) {
    --queue.unasked;
    ++queue.refused;
    return true;
  }
  if (!queue.handler->refuses_all()) return false;
  if (queue.tells) {
    queue.tells = false;
    queue.tell_at = std::chrono::steady_clock::now() + kTellInterval;
    return false;
  }
  queue.unasked = kUnasked;
  ++queue.refused;
  return any_refused_ = true;
}

void LineWriter::count_refused() noexcept {
  any_refused_ = false;
  const auto now = std::chrono::steady_clock::now();
  for (Queueing& queue : queues_) {
    queue.unasked = 0;
    if (queue.refused != 0) queue.handler->count_refused(std::exchange(queue.refused, 0));
    queue.tells = now >= queue.tell_at;
  }
}

// Whatever goes wrong is told by the handler itself, which gets the record and comes to the same end.
bool LineWriter::write(Target& target, const record::LineInput& input) {
  Handler& handler = *target.handler;
  hold(handler);
  try {
    if (target.stream != nullptr) {
      StreamHandler& stream = *target.stream;
      const std::size_t begin = stream.buffer_.size();
      if (!target.program.append(input, stream.buffer_)) return false;
      stream.place_record(stream.buffer_.view().substr(begin));
    } else {
      text_.truncate(0);
      if (!target.program.append(input, text_)) return false;
      handler.emit_text(input.record, text_.view());
    }
    handler.count_record();
    return true;
  } catch (const std::exception&) {
    if (target.stream != nullptr) target.stream->discard_record();
    return false;
  }
}

void LineWriter::hold(Handler& handler) {
  if (held_ == &handler) return;
  release();  // first: never two at a time
  handler.lock().lock();
  held_ = &handler;
}

void LineWriter::release() noexcept {
  if (held_ != nullptr) std::exchange(held_, nullptr)->lock().unlock();
  if (any_refused_) count_refused();
}

void LineWriter::forget_segment() noexcept {
  plans_.clear();
  lanes_.clear();
}

LineWriter::Plan& LineWriter::make_plan(const PackedRecord& packed) {
  if (packed.site_id >= plans_.size()) plans_.resize(packed.site_id + 1);
  plans_[packed.site_id] = std::make_unique<Plan>(plan_for(*packed.site));
  return *plans_[packed.site_id];
}

LineWriter::Plan LineWriter::plan_for(const wire::Site& site) {
  Plan plan;
  plan.site = record_of(site);
  const auto handlers = dispatcher_.handlers_for(site.name, site.levelno);
  if (!handlers) return plan;
  for (Handler* handler : *handlers) {
    if (typeid(*handler) == typeid(NullHandler) || add_queue(*handler, plan)) continue;
    if (!add_target(*handler, plan)) return plan;
  }
  plan.plain = true;
  return plan;
}

// False: it is no handler that does nothing but put records into a queue.
bool LineWriter::add_queue(Handler& handler, Plan& plan) {
  if (typeid(handler) != typeid(QueueHandler)) return false;
  auto& queueing = static_cast<QueueHandler&>(handler);
  if (dynamic_cast<const LogQueue*>(queueing.queue().get()) == nullptr) return false;
  const auto known = std::find_if(queues_.begin(), queues_.end(),
                                  [&](const Queueing& queue) { return queue.handler == &queueing; });
  plan.queues.push_back(known != queues_.end() ? &*known : &queues_.emplace_back(Queueing{&queueing}));
  return true;
}

// False: it needs the records.
bool LineWriter::add_target(Handler& handler, Plan& plan) {
  if (handler.has_filters()) return false;
  auto* const stream = dynamic_cast<StreamHandler*>(&handler);
  const Handler::Takes takes = handler.takes();
  if (stream != nullptr ? stream->encodes_ || !stream->takes_lines() : takes == Handler::Takes::kRecord)
    return false;
  record::LineFormat& format = format_of(takes == Handler::Takes::kMessage ? nullptr : handler.formatter());
  std::optional<record::LineProgram> program = format.compile(plan.site);
  if (!program) return false;
  plan.shows_site = plan.shows_site || stream == nullptr;
  plan.targets.push_back({&handler, stream, std::move(*program)});
  return true;
}

record::LineFormat& LineWriter::format_of(std::shared_ptr<const Formatter> formatter) {
  for (const Format& known : formats_)
    if (known.key == formatter.get()) return *known.format;
  const Formatter* const key = formatter.get();
  if (formatter == nullptr) formatter = std::make_shared<const Formatter>();
  auto format = std::make_unique<record::LineFormat>(std::move(formatter), tenant_text_count_);
  tenant_text_count_ += format->tenant_text_count();
  return *formats_.emplace_back(Format{key, std::move(format)}).format;
}

// False: a format doesn't fit them.
bool LineWriter::make_texts(const PackedRecord& packed) {
  if (packed.lane >= lanes_.size()) lanes_.resize(packed.lane + 1);
  LaneTexts& lane = lanes_[packed.lane];
  LogRecord record;
  packed.tenant->identify(record);
  lane.version = 0;
  lane.texts.clear();
  try {
    for (const Format& format : formats_) format.format->append_tenant_texts(record, lane.texts);
  } catch (const std::exception&) {
    return false;
  }
  lane.version = packed.tenant->version;
  lane.formats = formats_.size();
  return true;
}

}  // namespace logbus::consumer
