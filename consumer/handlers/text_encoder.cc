// SPDX-License-Identifier: MIT
#include "text_encoder.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>

#include <logbus/error.h>

#include "record/python_error.h"
#include "record/utf8.h"

namespace logbus::handlers {
namespace {

constexpr const char* kPoints = std::endian::native == std::endian::little ? "UTF-32LE" : "UTF-32BE";
// glibc's encoders leave them out without a word (they are deprecated), Python's have no character for them.
constexpr char32_t kFirstTag = 0xE0000;
constexpr char32_t kLastTag = 0xE007F;
// What Python's surrogateescape makes of a byte that is no text.
constexpr char32_t kEscapedByte = 0xDC00;

const TextCodec& codec_of(std::string_view encoding) {
  const TextCodec* codec = find_text_codec(encoding);
  if (codec == nullptr) throw Error("unknown encoding: " + std::string(encoding));
  return *codec;
}

bool is_unicode(const TextCodec& codec) {
  return codec.kind == TextCodec::Kind::kUtf8 || codec.kind == TextCodec::Kind::kWideUnicode;
}

EncodingErrors errors_of(std::string_view name, const TextCodec& codec) {
  if (name.empty() || name == "strict") return EncodingErrors::kStrict;
  if (name == "ignore") return EncodingErrors::kIgnore;
  if (name == "replace") return EncodingErrors::kReplace;
  if (name == "backslashreplace") return EncodingErrors::kBackslashReplace;
  if (name == "xmlcharrefreplace") return EncodingErrors::kXmlCharRefReplace;
  if (name == "surrogateescape") return EncodingErrors::kSurrogateEscape;
  if (name == "namereplace") {
    if (is_unicode(codec))
      return EncodingErrors::kBackslashReplace;  // only surrogates, and they have no names
    throw Error(
        "errors 'namereplace' needs the names of all characters, which are not in this version; "
        "there is 'backslashreplace'");
  }
  throw Error("unknown error handler name '" + std::string(name) + "'");
}

iconv_t open_conversion(const TextCodec& codec) {
  if (codec.iconv_name == nullptr) return nullptr;
  const iconv_t conversion = ::iconv_open(codec.iconv_name, kPoints);
  if (conversion == reinterpret_cast<iconv_t>(-1))  // NOLINT: POSIX says so
    throw Error(errno, "this system cannot encode " + std::string(codec.iconv_name));
  return conversion;
}

void decode(std::string_view text, std::u32string& points) {
  points.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = record::next_code_point(text, at);
    points +=
        point != record::kInvalidCodePoint ? point : kEscapedByte + static_cast<unsigned char>(text[begin]);
  }
}

std::string escaped(char32_t point) {
  char text[16];
  const char* format = point < 0x100 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x";
  std::snprintf(text, sizeof text, format, static_cast<unsigned>(point));
  return text;
}

}  // namespace

TextEncoder::TextEncoder(std::string_view encoding, std::string_view errors)
    : codec_(codec_of(encoding)), errors_(errors_of(errors, codec_)), conversion_(open_conversion(codec_)) {}

TextEncoder::~TextEncoder() {
  if (conversion_ != nullptr) ::iconv_close(conversion_);
}

std::string_view TextEncoder::encode(std::string_view text) {
  out_.clear();
  first_ = at_begin_;
  at_begin_ = false;  // as in Python, whether this text can be encoded or not
  if (first_) out_ += codec_.bom;
  decode(text, points_);
  const std::u32string_view points = points_;
  // Most of Python's encoders speak of all characters that they can't encode; these of the first one.
  const bool tells_runs =
      codec_.kind != TextCodec::Kind::kWideUnicode && codec_.kind != TextCodec::Kind::kMultibyte;
  for (std::size_t at = convert(points); at < points.size();) {
    std::size_t end = at + 1;
    while (tells_runs && end < points.size() && !can_encode(points[end])) ++end;
    handle_run(at, end);
    at = end + convert(points.substr(end));
  }
  return out_;
}

// How many points are encoded, up to the first one that can't be.
std::size_t TextEncoder::convert(std::u32string_view points) {
  constexpr std::size_t kAtOnce = 512;  // what may have to be done once more, after each one that can't be
  std::size_t done = 0;
  while (done < points.size()) {
    const std::u32string_view some = points.substr(done, kAtOnce);
    const std::size_t count = convert_some(some);
    done += count;
    if (count < some.size()) break;
  }
  return done;
}

std::size_t TextEncoder::convert_some(std::u32string_view points) {
  if (codec_.kind == TextCodec::Kind::kMultibyte || codec_.refused_to >= codec_.refused_from) {
    const auto end =
        std::find_if(points.begin(), points.end(), [this](char32_t point) { return refuses(point); });
    points = points.substr(0, static_cast<std::size_t>(end - points.begin()));
  }
  const std::size_t before = out_.size();
  const std::size_t done = call_iconv(points);
  if (codec_.kind != TextCodec::Kind::kOneByte || out_.size() - before == done) return done;
  // It has taken a character apart, or left one out: up to there.
  out_.resize(before);
  std::size_t same = 0;
  while (same < done && can_encode(points[same])) ++same;
  return call_iconv(points.substr(0, same));
}

std::size_t TextEncoder::call_iconv(std::u32string_view points) {
  constexpr std::size_t kMostBytes = 4;  // of a character; a one-byte encoding takes some apart, into two
  const std::size_t before = out_.size();
  out_.resize(before + kMostBytes * points.size());
  auto* in = reinterpret_cast<char*>(const_cast<char32_t*>(points.data()));  // iconv only reads it
  char* to = out_.data() + before;
  std::size_t in_left = points.size() * sizeof(char32_t);
  std::size_t out_left = out_.size() - before;
  (void)::iconv(conversion_, &in, &in_left, &to, &out_left);  // how far it has come says it all
  out_.resize(out_.size() - out_left);
  return points.size() - in_left / sizeof(char32_t);
}

bool TextEncoder::can_encode(char32_t point) {
  if (refuses(point)) return false;
  const std::size_t before = out_.size();
  const std::size_t done = call_iconv({&point, 1});
  const std::size_t bytes = out_.size() - before;
  out_.resize(before);
  return done == 1 && (codec_.kind != TextCodec::Kind::kOneByte || bytes == 1);
}

bool TextEncoder::refuses(char32_t point) const noexcept {
  if (point >= codec_.refused_from && point <= codec_.refused_to) return true;
  return point >= kFirstTag && point <= kLastTag && !is_unicode(codec_);
}

void TextEncoder::handle_run(std::size_t begin, std::size_t end) {
  const auto replace = [&](std::string_view text) {
    if (!append_ascii(text)) fail(begin, end);
  };
  for (std::size_t at = begin; at < end; ++at) {
    const char32_t point = points_[at];
    switch (errors_) {
      case EncodingErrors::kStrict:
        fail(begin, end);
      case EncodingErrors::kIgnore:
        break;
      case EncodingErrors::kReplace:
        replace("?");
        break;
      case EncodingErrors::kBackslashReplace:
        replace(escaped(point));
        break;
      case EncodingErrors::kXmlCharRefReplace:
        replace("&#" + std::to_string(static_cast<std::uint32_t>(point)) + ";");
        break;
      case EncodingErrors::kSurrogateEscape:
        // A single byte is no part of an encoding of two or four each.
        if (point < kEscapedByte + 0x80 || point > kEscapedByte + 0xFF ||
            codec_.kind == TextCodec::Kind::kWideUnicode)
          fail(begin, end);
        out_ += static_cast<char>(point - kEscapedByte);
        break;
    }
  }
}

bool TextEncoder::append_ascii(std::string_view text) {
  const std::u32string points(text.begin(), text.end());
  return convert(points) == points.size();
}

// Source: UnicodeEncodeError.__str__
void TextEncoder::fail(std::size_t begin, std::size_t end) const {
  std::string text = "UnicodeEncodeError: '" + std::string(first_ ? codec_.first_name : codec_.error_name) +
                     "' codec can't encode character";
  if (end == begin + 1) {
    text += " '" + escaped(points_[begin]) + "' in position " + std::to_string(begin);
  } else {
    text += "s in position " + std::to_string(begin) + "-" + std::to_string(end - 1);
  }
  throw record::PythonError(text + ": " + std::string(codec_.reason));
}

}  // namespace logbus::handlers
