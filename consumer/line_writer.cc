// SPDX-License-Identifier: MIT
#include "line_writer.h"

#include <typeinfo>
#include <utility>

#include <logbus/null_handler.h>

namespace logbus::consumer {
namespace {

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

bool LineWriter::handle(const PackedRecord& packed, std::vector<Handler*>& failed) {
  if (packed.own != nullptr || packed.site == nullptr || packed.tenant->version == 0) return refuse();
  Plan& plan = this->plan(packed);
  if (!plan.plain) return refuse();
  const auto arguments = wire::read_scalars(packed.payload, scalars_);
  if (!arguments) return refuse();
  plan.site.created_ns = packed.created_ns;
  plan.site.start_ns = packed.tenant->start_ns;
  if (!has_texts(packed) && !make_texts(packed)) return refuse();
  const LaneTexts& tenant = lanes_[packed.lane];
  const record::LineInput input{*arguments, tenant.texts, tenant.version, plan.site};
  for (Target& target : plan.targets)
    if (!write(target, input)) failed.push_back(target.handler);
  return true;
}

// Whatever goes wrong is told by the handler itself, which gets the record and comes to the same end.
bool LineWriter::write(Target& target, const record::LineInput& input) {
  StreamHandler& handler = *target.handler;
  hold(handler);
  const std::size_t begin = handler.buffer_.size();
  try {
    if (!target.program.append(input, handler.buffer_)) return false;
    handler.place_record(handler.buffer_.view().substr(begin));
    handler.count_record();
    return true;
  } catch (const std::exception&) {
    handler.discard_record();
    return false;
  }
}

void LineWriter::hold(StreamHandler& handler) {
  if (held_ == &handler) return;
  release();  // first: never two at a time
  handler.lock().lock();
  held_ = &handler;
}

void LineWriter::release() noexcept {
  if (held_ != nullptr) std::exchange(held_, nullptr)->lock().unlock();
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
    if (typeid(*handler) == typeid(NullHandler)) continue;
    auto* const stream = dynamic_cast<StreamHandler*>(handler);
    if (stream == nullptr || stream->encodes_ || !stream->takes_lines() || stream->has_filters()) return plan;
    std::optional<record::LineProgram> program = format_of(*stream).compile(plan.site);
    if (!program) return plan;
    plan.targets.push_back({stream, std::move(*program)});
  }
  plan.plain = true;
  return plan;
}

record::LineFormat& LineWriter::format_of(Handler& handler) {
  std::shared_ptr<const Formatter> formatter = handler.formatter();
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
