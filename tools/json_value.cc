// SPDX-License-Identifier: MIT
// Values as JSON, and back; lines of JSON.
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "tools/json_text.h"

namespace logbus::tools {
namespace {

// The codec's own bound is a little above.
constexpr int kMaxDepth = 20;

Json tagged(const char* tag, Json value) {
  Json object = Json::object();
  object[tag] = std::move(value);
  return object;
}

Json list_json(const List& items) {
  Json array = Json::array();
  for (const Value& item : items) array.push_back(to_json(item));
  return array;
}

Json float_json(double value) {
  if (std::isfinite(value)) return value;
  return tagged("$float", std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

Json dict_json(const Dict& dict) {
  Json object = Json::object();
  bool plain = true;
  for (const auto& [key, value] : dict) {
    const auto* name = key.get_if<std::string>();
    // The same key twice can't be in an object; one that looks like a tag would be taken for it.
    plain =
        plain && name != nullptr && !object.contains(*name) && !(dict.size() == 1 && name->starts_with('$'));
    if (!plain) break;
    object[*name] = to_json(value);
  }
  if (plain) return object;
  Json pairs = Json::array();
  for (const auto& [key, value] : dict) pairs.push_back(Json::array({to_json(key), to_json(value)}));
  return tagged("$dict", std::move(pairs));
}

struct ToJson {
  Json operator()(const None&) const { return nullptr; }
  Json operator()(bool v) const { return v; }
  Json operator()(std::int64_t v) const { return v; }
  Json operator()(std::uint64_t v) const { return v; }
  Json operator()(float v) const { return tagged("$float32", float_json(static_cast<double>(v))); }
  Json operator()(double v) const { return float_json(v); }
  Json operator()(char v) const { return tagged("$char", static_cast<unsigned char>(v)); }
  Json operator()(const std::string& v) const { return v; }
  Json operator()(const Pointer& v) const { return tagged("$pointer", v.address); }
  Json operator()(const Text& v) const { return tagged("$text", v.text); }
  Json operator()(const TimePoint& v) const {
    return tagged("$time", Json::array({v.seconds, v.nanoseconds}));
  }
  Json operator()(const Duration& v) const {
    Json count = std::visit([this](auto n) { return (*this)(n); }, v.count);
    return tagged("$duration", Json::array({v.numerator, v.denominator, std::move(count)}));
  }
  Json operator()(const List& v) const { return list_json(v); }
  Json operator()(const Tuple& v) const { return tagged("$tuple", list_json(v.items)); }
  Json operator()(const Set& v) const { return tagged("$set", list_json(v.items)); }
  Json operator()(const Dict& v) const { return dict_json(v); }
};

List to_list(const Json& array) {
  List items;
  items.reserve(array.size());
  for (const Json& item : array) items.push_back(to_value(item));
  return items;
}

double to_double(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const Value value = to_value(json);
  const double* number = value.get_if<double>();
  if (number == nullptr) throw std::invalid_argument("not a number");
  return *number;
}

Duration to_duration(const Json& parts) {
  Duration duration{parts.at(0).get<std::uint32_t>(), parts.at(1).get<std::uint32_t>(), std::int64_t{0}};
  if (parts.at(2).is_number_integer())
    duration.count = parts.at(2).get<std::int64_t>();
  else
    duration.count = to_double(parts.at(2));
  if (duration.numerator == 0 || duration.denominator == 0) throw std::invalid_argument("no unit of time");
  return duration;
}

Value to_dict(const Json& pairs) {
  Dict dict;
  for (const Json& pair : pairs) dict.emplace_back(to_value(pair.at(0)), to_value(pair.at(1)));
  return dict;
}

/// An object with one key that begins with '$'; what is not one of ours, or not of its shape, is a plain
/// object.
bool take_tagged(const std::string& tag, const Json& content, Value& value) {
  try {
    if (tag == "$char")
      value = static_cast<char>(content.get<std::uint8_t>());
    else if (tag == "$float32")
      value = static_cast<float>(to_double(content));
    else if (tag == "$float" && content == "nan")
      value = std::numeric_limits<double>::quiet_NaN();
    else if (tag == "$float" && content == "inf")
      value = std::numeric_limits<double>::infinity();
    else if (tag == "$float" && content == "-inf")
      value = -std::numeric_limits<double>::infinity();
    else if (tag == "$pointer")
      value = Pointer{content.get<std::uint64_t>()};
    else if (tag == "$text")
      value = Text{content.get<std::string>()};
    else if (tag == "$time")
      value = TimePoint{content.at(0).get<std::int64_t>(), content.at(1).get<std::uint32_t>()};
    else if (tag == "$duration")
      value = to_duration(content);
    else if (tag == "$tuple" && content.is_array())
      value = Tuple{to_list(content)};
    else if (tag == "$set" && content.is_array())
      value = Set{to_list(content)};
    else if (tag == "$dict" && content.is_array())
      value = to_dict(content);
    else
      return false;
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

Json to_json(const Value& value) {
  return std::visit(ToJson(), value.variant());
}

Value to_value(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(INT64_MAX)) return number;
      return static_cast<std::int64_t>(number);
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get_ref<const std::string&>();
    case Json::value_t::array:
      return to_list(json);
    case Json::value_t::object: {
      Value value;
      if (json.size() == 1 && json.begin().key().starts_with('$') &&
          take_tagged(json.begin().key(), json.begin().value(), value))
        return value;
      Dict dict;
      dict.reserve(json.size());
      for (const auto& [key, item] : json.items()) dict.emplace_back(Value(key), to_value(item));
      return dict;
    }
    default:
      return None{};
  }
}

Json parse_json_line(std::string_view line) {
  try {
    return Json::parse(line, [](int depth, Json::parse_event_t, Json&) {
      if (depth > kMaxDepth) throw std::invalid_argument("nested deeper than " + std::to_string(kMaxDepth));
      return true;
    });
  } catch (const Json::exception& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: ...": from the column on it is for
    // people.
    const std::string_view what = e.what();
    const std::size_t column = what.find("column ");
    throw std::invalid_argument("not JSON: " + std::string(what.substr(column == what.npos ? 0 : column)));
  }
}

std::string json_line(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  constexpr char kHex[] = "0123456789abcdef";
  // dump() escapes what JSON demands; DEL and C1, which terminals obey too, can only be inside strings here.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    unsigned control = 0;
    if (byte == 0x7F) control = byte;
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) control = next;
    if (control == 0) {
      out += text[i];
      continue;
    }
    out += "\\u00";
    out += kHex[control >> 4];
    out += kHex[control & 15];
    if (byte == 0xC2) ++i;
  }
  return out;
}

}  // namespace logbus::tools
