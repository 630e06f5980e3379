// SPDX-License-Identifier: MIT
// Foreign bytes to records, sites and names.
#include "wire/codec.h"

#include <algorithm>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "wire/keys.h"
#include "wire/value_reader.h"

namespace logbus::wire {
namespace {

template <class T>
T& become(Value& value) {
  T* const held = value.get_if<T>();
  return held != nullptr ? *held : value.variant().emplace<T>();
}

bool take(Value& from, std::string& to) {
  std::string* const text = from.get_if<std::string>();
  if (text != nullptr) to.swap(*text);
  return text != nullptr;
}

template <class Integer>
bool take(const Value& from, Integer& to) {
  if (const auto* number = from.get_if<std::int64_t>()) {
    if (!std::in_range<Integer>(*number)) return false;
    to = static_cast<Integer>(*number);
    return true;
  }
  if (const auto* number = from.get_if<std::uint64_t>()) {
    if (!std::in_range<Integer>(*number)) return false;
    to = static_cast<Integer>(*number);
    return true;
  }
  return false;
}

bool take(const Value& from, MessageStyle& to) {
  std::uint8_t number = 0;
  if (!take(from, number) || number > static_cast<std::uint8_t>(MessageStyle::kRuntimeBrace)) return false;
  to = static_cast<MessageStyle>(number);
  return true;
}

bool take(Value& from, Fields& to) {
  Dict* const dict = from.get_if<Dict>();
  if (dict == nullptr) return false;
  to.reserve(to.size() + dict->size());
  for (auto& [key, value] : *dict) {
    std::string* const text = key.get_if<std::string>();
    if (text == nullptr) return false;
    to.emplace_back(std::move(*text), std::move(value));
  }
  return true;
}

/// Absent means the default: what a record made of nothing has, except for what the drain knows.
void reset(LogRecord& record) {
  record.name.assign("root");
  become<std::string>(record.msg).clear();
  record.args = None{};
  record.style = MessageStyle::kPercent;
  record.levelno = 0;
  record.levelname.clear();
  record.pathname.clear();
  record.lineno = 0;
  record.func_name.clear();
  record.exc_text.clear();
  record.stack_info.clear();
  record.extra.clear();
  record.overrides.clear();
}

bool set_attribute(LogRecord& record, std::string& name, Value& value) {
  if (name == key::kName) return take(value, record.name);
  if (name == key::kMsg) return record.msg.variant().swap(value.variant()), true;
  if (name == key::kArgs) return record.args.variant().swap(value.variant()), true;
  if (name == key::kStyle) return take(value, record.style);
  if (name == key::kLevelno) return take(value, record.levelno);
  if (name == key::kLevelname) return take(value, record.levelname);
  if (name == key::kPathname) return take(value, record.pathname);
  if (name == key::kLineno) return take(value, record.lineno);
  if (name == key::kFuncName) return take(value, record.func_name);
  if (name == key::kExcText) return take(value, record.exc_text);
  if (name == key::kStackInfo) return take(value, record.stack_info);
  if (name == key::kCreatedNs) return take(value, record.created_ns);
  if (name == key::kStartNs) return take(value, record.start_ns);
  if (name == key::kThread) return take(value, record.thread);
  if (name == key::kThreadName) return take(value, record.thread_name);
  if (name == key::kProcess) return take(value, record.process);
  if (name == key::kProcessName) return take(value, record.process_name);
  if (name == key::kExtra) return take(value, record.extra);
  if (name == key::kOverrides) return take(value, record.overrides);
  record.extra.emplace_back(std::move(name), std::move(value));
  return true;
}

/// exc_text and stack_info travel among the fields of a record with a site.
bool take_reserved_fields(LogRecord& record) {
  Fields& extra = record.extra;
  bool good = true;
  const auto is_reserved = [&](auto& field) {
    if (field.first == key::kExcText) {
      good = take(field.second, record.exc_text) && good;
    } else if (field.first == key::kStackInfo) {
      good = take(field.second, record.stack_info) && good;
    } else {
      return false;
    }
    return true;
  };
  std::erase_if(extra, is_reserved);
  return good;
}

}  // namespace

class Decoder::Impl {
 public:
  ReadState state;
  ValueReader reader{state};
  Fields fields;
  List list;
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

std::uint64_t Decoder::invalid_utf8() const noexcept {
  return impl_->state.invalid_utf8;
}

DecodeResult Decoder::decode_record(const Site& site, std::span<const std::byte> payload,
                                    LogRecord& record) noexcept {
  try {
    ReadState& state = impl_->state;
    state.start(payload.size());
    std::size_t offset = 0;
    if (!impl_->reader.read_list(payload, offset, become<List>(record.args))) return state.result;
    record.exc_text.clear();
    record.stack_info.clear();
    record.overrides.clear();
    if (fields_follow(payload, offset)) {
      if (!impl_->reader.read_fields(payload, offset, record.extra)) return state.result;
      if (!take_reserved_fields(record)) return DecodeResult::kMalformed;
    } else {
      record.extra.clear();
    }
    record.name.assign(site.name);
    become<std::string>(record.msg).assign(site.format);
    record.style = site.style;
    record.levelno = site.levelno;
    record.levelname.assign(site.levelname);
    record.pathname.assign(site.pathname);
    record.lineno = site.lineno;
    record.func_name.assign(site.func_name);
    return DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return DecodeResult::kNoMemory;
  } catch (...) {  // msgpack-c's own, where a size does not fit this machine
    return DecodeResult::kMalformed;
  }
}

DecodeResult Decoder::decode_record(std::span<const std::byte> payload, LogRecord& record) noexcept {
  try {
    ReadState& state = impl_->state;
    state.start(payload.size());
    std::size_t offset = 0;
    if (!impl_->reader.read_fields(payload, offset, impl_->fields)) return state.result;
    reset(record);
    for (auto& [name, value] : impl_->fields) {
      if (!set_attribute(record, name, value)) return DecodeResult::kMalformed;
    }
    return DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return DecodeResult::kNoMemory;
  } catch (...) {
    return DecodeResult::kMalformed;
  }
}

DecodeResult Decoder::decode_site(std::span<const std::byte> bytes, Site& site) noexcept {
  try {
    ReadState& state = impl_->state;
    state.start(bytes.size());
    List& list = impl_->list;
    std::size_t offset = 0;
    if (!impl_->reader.read_list(bytes, offset, list)) return state.result;
    const bool good =
        list.size() == kSiteElements && take(list[0], site.name) && take(list[1], site.levelno) &&
        take(list[2], site.levelname) && take(list[3], site.pathname) && take(list[4], site.lineno) &&
        take(list[5], site.func_name) && take(list[6], site.style) && take(list[7], site.format);
    return good ? DecodeResult::kOk : DecodeResult::kMalformed;
  } catch (const std::bad_alloc&) {
    return DecodeResult::kNoMemory;
  } catch (...) {
    return DecodeResult::kMalformed;
  }
}

DecodeResult Decoder::decode_names(std::span<const std::byte> payload, Names& names) noexcept {
  try {
    ReadState& state = impl_->state;
    state.start(payload.size());
    names.thread_name.reset();
    names.process_name.reset();
    std::size_t offset = 0;
    if (!impl_->reader.read_fields(payload, offset, impl_->fields)) return state.result;
    for (auto& [name, value] : impl_->fields) {
      bool good = true;
      if (name == key::kThreadName) good = take(value, names.thread_name.emplace());
      if (name == key::kProcessName) good = take(value, names.process_name.emplace());
      if (!good) return DecodeResult::kMalformed;
    }
    return DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return DecodeResult::kNoMemory;
  } catch (...) {
    return DecodeResult::kMalformed;
  }
}

bool decode_site(std::span<const std::byte> bytes, Site& site) noexcept {
  try {
    return Decoder().decode_site(bytes, site) == DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool decode_names(std::span<const std::byte> payload, Names& names) noexcept {
  try {
    return Decoder().decode_names(payload, names) == DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace logbus::wire
