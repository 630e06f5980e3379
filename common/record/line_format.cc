// SPDX-License-Identifier: MIT
#include "record/line_format.h"

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "record/brace_field.h"
#include "record/formatter_program.h"

namespace logbus::record {
namespace {

/// What a step's text depends on.
enum class Scope : std::uint8_t { kSite, kTenant, kTime, kMessage, kMore };

Scope scope_of(Attribute attribute) noexcept {
  switch (attribute) {
    case Attribute::kThread:
    case Attribute::kThreadName:
    case Attribute::kProcessName:
    case Attribute::kProcess:
      return Scope::kTenant;
    case Attribute::kCreated:
    case Attribute::kMsecs:
    case Attribute::kRelativeCreated:
    case Attribute::kAsctime:
      return Scope::kTime;
    case Attribute::kMessage:
      return Scope::kMessage;
    case Attribute::kArgs:
      return Scope::kMore;
    default:
      return Scope::kSite;
  }
}

Scope scope_of(const FormatStep& step) noexcept {
  using Kind = FormatStep::Kind;
  if (step.kind == Kind::kLiteral) return Scope::kSite;
  if (step.kind == Kind::kEverything || step.kind == Kind::kError || !step.field.attribute)
    return Scope::kMore;
  if (step.kind == Kind::kBrace && step.brace->has_nested_fields()) return Scope::kMore;
  const Scope scope = scope_of(*step.field.attribute);
  // A message that is cut or padded is made as a whole first.
  return scope == Scope::kMessage && step.kind != Kind::kText ? Scope::kMore : scope;
}

}  // namespace

LineFormat::LineFormat(std::shared_ptr<const Formatter> formatter, std::uint32_t first_tenant_text)
    : formatter_(std::move(formatter)), first_tenant_text_(first_tenant_text) {
  const Formatter& used = *formatter_;
  const Formatter::Program& program = used.program();
  // A class of the user's own may do anything. Without the message in it, a line still depends on whether the
  // arguments fit.
  plain_ = typeid(used) == typeid(Formatter) && program.merges_message && !program.options.escape;
  for (const FormatStep& step : program.steps) {
    const Scope scope = scope_of(step);
    if (scope == Scope::kTenant) tenant_steps_.push_back({step});
    if (scope == Scope::kMore) plain_ = false;
  }
}

FormatInput LineFormat::input(const LogRecord& record) const {
  return {*formatter_, formatter_->program().options.defaults, record};
}

void LineFormat::append_tenant_texts(const LogRecord& tenant, std::vector<PaddedText>& texts) const {
  for (const FormatSteps& step : tenant_steps_) {
    std::string text;
    run_steps(step, input(tenant), text);
    texts.emplace_back(std::move(text));
  }
}

std::optional<LineProgram> LineFormat::compile(const LogRecord& site) {
  const bool has_message = site.style == MessageStyle::kBrace || site.style == MessageStyle::kVerbatim;
  if (!plain_ || !has_message) return std::nullopt;
  try {
    LineProgram program(*this);
    std::uint32_t tenant_text = first_tenant_text_;
    for (const FormatStep& step : formatter_->program().steps) {
      switch (scope_of(step)) {
        case Scope::kSite: {
          std::string text;
          run_steps({step}, input(site), text);
          program.add_literal(text);
          break;
        }
        case Scope::kTenant:
          program.ops_.push_back({LineProgram::Op::Kind::kTenant, tenant_text++, 0});
          break;
        case Scope::kTime:
          if (step.kind == FormatStep::Kind::kText && step.field.attribute == Attribute::kAsctime) {
            program.ops_.push_back({LineProgram::Op::Kind::kTime, 0, 0});
          } else {
            program.ops_.push_back(
                {LineProgram::Op::Kind::kStep, static_cast<std::uint32_t>(program.steps_.size()), 0});
            program.steps_.push_back({step});
          }
          break;
        case Scope::kMessage:
          program.add_message(site);
          break;
        case Scope::kMore:
          return std::nullopt;
      }
    }
    program.finish();
    return program;
  } catch (const std::exception&) {  // each record says so, on the general way
    return std::nullopt;
  }
}

// Milliseconds are the finest that a time shows.
const PaddedText& LineFormat::time(const LogRecord& record) {
  if (record.created_ns >= time_begin_ && record.created_ns < time_end_) [[likely]]
    return time_;
  std::string text;
  formatter_->format_time(record, text);
  time_ = PaddedText(std::move(text));
  constexpr std::int64_t kMillisecond = 1'000'000;
  constexpr std::int64_t kSecond = 1000 * kMillisecond;
  // Python's float may round the last few hundred nanoseconds of a second up into the next one.
  constexpr std::int64_t kMayRoundUp = kSecond - 1'000;
  const std::int64_t ns = record.created_ns;
  time_begin_ = time_end_ = ns;
  if (ns > 0 && ns % kSecond < kMayRoundUp) {
    time_begin_ = ns - ns % kMillisecond;
    time_end_ = std::min(time_begin_ + kMillisecond, ns - ns % kSecond + kMayRoundUp);
  }
  return time_;
}

}  // namespace logbus::record
