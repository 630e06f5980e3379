// SPDX-License-Identifier: MIT
#include "record/line_program.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "record/brace_scanner.h"
#include "record/float_text.h"
#include "record/fmt_value.h"
#include "record/line_format.h"
#include "record/merge_limits.h"

namespace logbus::record {
namespace {

Value to_value(const Scalar& scalar) {
  switch (scalar.kind) {
    case Scalar::Kind::kBool:
      return scalar.boolean;
    case Scalar::Kind::kInt64:
      return scalar.int64;
    case Scalar::Kind::kUint64:
      return scalar.uint64;
    case Scalar::Kind::kFloat:
      return scalar.float32;
    case Scalar::Kind::kDouble:
      return scalar.float64;
    case Scalar::Kind::kString:
      break;
  }
  return scalar.text();
}

}  // namespace

/// Writes behind the end of a buffer; finish() makes what was written part of it.
class LineProgram::Cursor {
 public:
  explicit Cursor(detail::LineBuffer& out)
      : out_(out), at_(out.reserve(kRoom)), end_(out.data() + out.capacity()) {}

  void copy(const char* text, std::size_t size) {
    need(size);
    std::memcpy(at_, text, size);
    at_ += size;
  }
  void copy_padded(const char* text, std::size_t size) {
    constexpr std::size_t kPiece = PaddedText::kPadding;
    need(size + kPiece);
    for (std::size_t done = 0; done < size; done += kPiece) std::memcpy(at_ + done, text + done, kPiece);
    at_ += size;
  }
  /// As "{}" prints it.
  void copy(const Scalar& scalar) {
    need(kLongestShortest);  // of all numbers
    switch (scalar.kind) {
      case Scalar::Kind::kBool:
        return scalar.boolean ? copy("true", 4) : copy("false", 5);
      case Scalar::Kind::kInt64:
        // Most numbers are small, and 32 bits are divided sooner.
        if (std::in_range<std::uint32_t>(scalar.int64))
          at_ = fmt::format_to(at_, FMT_COMPILE("{}"), static_cast<std::uint32_t>(scalar.int64));
        else
          at_ = fmt::format_to(at_, FMT_COMPILE("{}"), scalar.int64);
        return;
      case Scalar::Kind::kUint64:
        at_ = fmt::format_to(at_, FMT_COMPILE("{}"), scalar.uint64);
        return;
      case Scalar::Kind::kFloat:
        at_ = fmt::format_to(at_, FMT_COMPILE("{}"), scalar.float32);
        return;
      case Scalar::Kind::kDouble:
        at_ = write_shortest(scalar.float64, at_);
        return;
      case Scalar::Kind::kString:
        return copy(scalar.string, scalar.size);
    }
  }
  void finish() noexcept { out_.set_end(at_); }

 private:
  static constexpr std::size_t kRoom = 256;

  void need(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) >= bytes) [[likely]]
      return;
    finish();
    at_ = out_.reserve(bytes + kRoom);
    end_ = out_.data() + out_.capacity();
  }

  detail::LineBuffer& out_;
  char* at_;
  const char* end_;
};

/// The pieces of a message format, as ops.
class LineProgram::MessageSink {
 public:
  explicit MessageSink(LineProgram& program) : program_(program) {}

  void literal(const char* begin, const char* end) {
    program_.add_literal({begin, static_cast<std::size_t>(end - begin)});
  }
  void field(const ArgumentId& id) { program_.add_argument(checked(id), nullptr); }
  void field(const ArgumentId& id, std::string_view spec) {
    const std::string text(spec);
    program_.add_argument(checked(id), &text);
  }
  [[noreturn]] void number(const ArgumentId&, bool, SpecBuffer&) {
    throw fmt::format_error("not the same for all records");
  }

 private:
  // So that no message is longer than merging allows, however long each of its fields.
  static constexpr std::size_t kMostFields = kLongestMessage / kLargestWidth / 2;

  std::size_t checked(const ArgumentId& id) {
    if (!id.name.empty() || ++fields_ > kMostFields) throw fmt::format_error("not an argument");
    return id.index;
  }

  std::size_t fields_ = 0;

  LineProgram& program_;
};

void LineProgram::add_literal(std::string_view text) {
  if (text.empty()) return;
  if (ops_.empty() || ops_.back().kind != Op::Kind::kLiteral)
    ops_.push_back({Op::Kind::kLiteral, static_cast<std::uint32_t>(literals_.size()), 0});
  ops_.back().size += static_cast<std::uint32_t>(text.size());
  literals_ += text;
}

void LineProgram::add_argument(std::size_t index, const std::string* spec) {
  const auto at = static_cast<std::uint32_t>(index);
  arguments_ = std::max(arguments_, index + 1);
  if (spec == nullptr) {
    ops_.push_back({Op::Kind::kArgument, at, 0});
  } else {
    ops_.push_back({Op::Kind::kSpecArgument, at, static_cast<std::uint32_t>(specs_.size())});
    specs_.push_back(*spec);
  }
}

void LineProgram::add_message(const LogRecord& site) {
  const std::string& message = *site.msg.get_if<std::string>();
  if (site.style != MessageStyle::kBrace) return add_literal(message);
  MessageSink sink(*this);
  BraceScanner(message, sink).run();
}

void LineProgram::finish() {
  literals_.append(PaddedText::kPadding, '\0');
  const auto changes = [](const Op& op) {
    return op.kind != Op::Kind::kLiteral && op.kind != Op::Kind::kTime && op.kind != Op::Kind::kTenant;
  };
  has_time_ = std::any_of(ops_.begin(), ops_.end(), [](const Op& op) { return op.kind == Op::Kind::kTime; });
  prefix_ops_ = static_cast<std::size_t>(std::find_if(ops_.begin(), ops_.end(), changes) - ops_.begin());
}

bool LineProgram::append(const LineInput& input, detail::LineBuffer& out) {
  if (input.args.size() < arguments_) return false;
  const PaddedText* const time = has_time_ ? &format_->time(input.record) : nullptr;
  const Prefix prefix{has_time_ ? format_->time_begin_ : 0, input.tenant_version};
  const std::size_t begin = out.size();
  Cursor to(out);
  if (prefix == kept_) {
    to.copy_padded(prefix_.data(), prefix_.size());
  } else {
    run(0, prefix_ops_, input, time, to);
    if (prefix == last_) {  // twice in a row: worth keeping
      to.finish();
      prefix_.assign(out.view().substr(begin));
      kept_ = prefix;
    }
    last_ = prefix;
  }
  run(prefix_ops_, ops_.size(), input, time, to);
  to.finish();
  return true;
}

void LineProgram::run(std::size_t first, std::size_t end, const LineInput& input, const PaddedText* time,
                      Cursor& to) {
  for (std::size_t next = first; next < end; ++next) {
    const Op& op = ops_[next];
    switch (op.kind) {
      case Op::Kind::kLiteral:
        to.copy_padded(literals_.data() + op.at, op.size);
        break;
      case Op::Kind::kTime:
        to.copy_padded(time->data(), time->size());
        break;
      case Op::Kind::kTenant:
        to.copy_padded(input.tenant[op.at].data(), input.tenant[op.at].size());
        break;
      case Op::Kind::kArgument:
        to.copy(input.args[op.at]);
        break;
      case Op::Kind::kSpecArgument:
        scratch_.clear();
        append_fmt(to_value(input.args[op.at]), specs_[op.size], scratch_);
        to.copy(scratch_.data(), scratch_.size());
        break;
      case Op::Kind::kStep:
        scratch_.clear();
        run_steps(steps_[op.at], format_->input(input.record), scratch_);
        to.copy(scratch_.data(), scratch_.size());
        break;
    }
  }
}

}  // namespace logbus::record
