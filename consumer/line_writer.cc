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
  if (plan.shows_site && plan.tenant_version != tenant.version) {
    packed.tenant->identify(plan.site);
    plan.tenant_version = tenant.version;
  }
  const record::LineInput input{*arguments, tenant.texts, tenant.version, plan.site};
  for (Target& target : plan.targets)
    if (!write(target, input)) failed.push_back(target.handler);
  return true;
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
    if (typeid(*handler) != typeid(NullHandler) && !add_target(*handler, plan)) return plan;
  }
  plan.plain = true;
  return plan;
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
