// SPDX-License-Identifier: MIT
// The encodings of text files by Python's names for them. Here are those that glibc's iconv encodes as Python
// does, except for what refused_from and refused_to name; tests/reference compares all characters.
#include "text_codecs.h"

#include <algorithm>
#include <bit>
#include <string>

namespace logbus::handlers {
namespace {

using Kind = TextCodec::Kind;

constexpr TextCodec unicode(const char* iconv_name, std::string_view first_name, std::string_view error_name,
                            std::string_view bom, std::string_view python_names) {
  const Kind kind = error_name == "utf-8" ? Kind::kUtf8 : Kind::kWideUnicode;
  return {kind, iconv_name, error_name, first_name, "surrogates not allowed", bom, 1, 0, python_names};
}

constexpr TextCodec one_byte(const char* iconv_name, std::string_view name, std::string_view reason,
                             std::string_view python_names) {
  return {Kind::kOneByte, iconv_name, name, name, reason, {}, 1, 0, python_names};
}

constexpr TextCodec charmap(const char* iconv_name, std::string_view python_names, char32_t refused_from = 1,
                            char32_t refused_to = 0) {
  TextCodec codec = one_byte(iconv_name, "charmap", "character maps to <undefined>", python_names);
  codec.refused_from = refused_from;
  codec.refused_to = refused_to;
  return codec;
}

constexpr TextCodec multibyte(const char* iconv_name, std::string_view name, char32_t refused_from,
                              char32_t refused_to, std::string_view python_names) {
  return {Kind::kMultibyte, iconv_name, name,        name, "illegal multibyte sequence", {},
          refused_from,     refused_to, python_names};
}

constexpr bool kLittle = std::endian::native == std::endian::little;
constexpr std::string_view kBom8("\xEF\xBB\xBF", 3);
constexpr std::string_view kBom16 =
    kLittle ? std::string_view("\xFF\xFE", 2) : std::string_view("\xFE\xFF", 2);
constexpr std::string_view kBom32 =
    kLittle ? std::string_view("\xFF\xFE\0\0", 4) : std::string_view("\0\0\xFE\xFF", 4);

constexpr TextCodec kCodecs[] = {
    unicode(nullptr, "utf-8", "utf-8", {}, "utf_8 cp65001 locale u8 utf utf8 utf8_ucs2 utf8_ucs4"),
    unicode("UTF-8", "utf-8", "utf-8", kBom8, "utf_8_sig"),
    unicode(kLittle ? "UTF-16LE" : "UTF-16BE", "utf-16", kLittle ? "utf-16-le" : "utf-16-be", kBom16,
            "utf_16 u16 utf16"),
    unicode("UTF-16LE", "utf-16-le", "utf-16-le", {}, "utf_16_le unicodelittleunmarked utf_16le"),
    unicode("UTF-16BE", "utf-16-be", "utf-16-be", {}, "utf_16_be unicodebigunmarked utf_16be"),
    unicode(kLittle ? "UTF-32LE" : "UTF-32BE", "utf-32", kLittle ? "utf-32-le" : "utf-32-be", kBom32,
            "utf_32 u32 utf32"),
    unicode("UTF-32LE", "utf-32-le", "utf-32-le", {}, "utf_32_le utf_32le"),
    unicode("UTF-32BE", "utf-32-be", "utf-32-be", {}, "utf_32_be utf_32be"),
    one_byte(
        "ASCII", "ascii", "ordinal not in range(128)",
        "ascii 646 ansi_x3_4_1968 ansi_x3_4_1986 cp367 csascii ibm367 iso646_us iso_646_irv_1991 iso_ir_6 us "
        "us_ascii"),
    one_byte("ISO-8859-1", "latin-1", "ordinal not in range(256)",
             "latin_1 8859 cp819 csisolatin1 ibm819 iso8859 iso8859_1 iso_8859_1 iso_8859_1_1987 iso_ir_100 "
             "l1 latin "
             "latin1"),
    charmap("CP037", "cp037 037 csibm037 ebcdic_cp_ca ebcdic_cp_nl ebcdic_cp_us ebcdic_cp_wt ibm037 ibm039"),
    charmap("CP1125", "cp1125 1125 cp866u ibm1125 ruscii"),
    charmap("CP1140", "cp1140 1140 ibm1140", 0x203E, 0x203E),
    charmap("CP1250", "cp1250 1250 windows_1250"),
    charmap("CP1251", "cp1251 1251 windows_1251"),
    charmap("CP1252", "cp1252 1252 windows_1252"),
    charmap("CP1253", "cp1253 1253 windows_1253"),
    charmap("CP1254", "cp1254 1254 windows_1254"),
    charmap("CP1255", "cp1255 1255 windows_1255"),
    charmap("CP1256", "cp1256 1256 windows_1256"),
    charmap("CP1257", "cp1257 1257 windows_1257"),
    charmap("CP1258", "cp1258 1258 windows_1258", 0x0340, 0x0341),
    charmap("CP437", "cp437 437 cspc8codepage437 ibm437"),
    charmap("CP500", "cp500 500 csibm500 ebcdic_cp_be ebcdic_cp_ch ibm500"),
    charmap("CP737", "cp737"),
    charmap("CP775", "cp775 775 cspc775baltic ibm775"),
    charmap("CP850", "cp850 850 cspc850multilingual ibm850"),
    charmap("CP852", "cp852 852 cspcp852 ibm852"),
    charmap("CP855", "cp855 855 csibm855 ibm855"),
    charmap("CP857", "cp857 857 csibm857 ibm857"),
    charmap("CP858", "cp858 858 csibm858 ibm858"),
    charmap("CP860", "cp860 860 csibm860 ibm860"),
    charmap("CP861", "cp861 861 cp_is csibm861 ibm861"),
    charmap("CP862", "cp862 862 cspc862latinhebrew ibm862"),
    charmap("CP863", "cp863 863 csibm863 ibm863"),
    charmap("CP864", "cp864 864 csibm864 ibm864"),
    charmap("CP865", "cp865 865 csibm865 ibm865"),
    charmap("CP866", "cp866 866 csibm866 ibm866"),
    charmap("CP869", "cp869 869 cp_gr csibm869 ibm869"),
    charmap("CP874", "cp874"),
    charmap("HP-ROMAN8", "hp_roman8 cp1051 ibm1051 r8 roman8"),
    charmap("ISO-8859-10", "iso8859_10 csisolatin6 iso_8859_10 iso_8859_10_1992 iso_ir_157 l6 latin6"),
    charmap("ISO-8859-11", "iso8859_11 iso_8859_11 iso_8859_11_2001 thai"),
    charmap("ISO-8859-13", "iso8859_13 iso_8859_13 l7 latin7"),
    charmap("ISO-8859-14", "iso8859_14 iso_8859_14 iso_8859_14_1998 iso_celtic iso_ir_199 l8 latin8"),
    charmap("ISO-8859-15", "iso8859_15 iso_8859_15 l9 latin9"),
    charmap("ISO-8859-16", "iso8859_16 iso_8859_16 iso_8859_16_2001 iso_ir_226 l10 latin10"),
    charmap("ISO-8859-2", "iso8859_2 csisolatin2 iso_8859_2 iso_8859_2_1987 iso_ir_101 l2 latin2"),
    charmap("ISO-8859-3", "iso8859_3 csisolatin3 iso_8859_3 iso_8859_3_1988 iso_ir_109 l3 latin3"),
    charmap("ISO-8859-4", "iso8859_4 csisolatin4 iso_8859_4 iso_8859_4_1988 iso_ir_110 l4 latin4"),
    charmap("ISO-8859-5", "iso8859_5 csisolatincyrillic cyrillic iso_8859_5 iso_8859_5_1988 iso_ir_144"),
    charmap("ISO-8859-6",
            "iso8859_6 arabic asmo_708 csisolatinarabic ecma_114 iso_8859_6 iso_8859_6_1987 iso_ir_127"),
    charmap("ISO-8859-7",
            "iso8859_7 csisolatingreek ecma_118 elot_928 greek greek8 iso_8859_7 iso_8859_7_1987 iso_ir_126"),
    charmap("ISO-8859-8", "iso8859_8 csisolatinhebrew hebrew iso_8859_8 iso_8859_8_1988 iso_ir_138"),
    charmap("ISO-8859-9", "iso8859_9 csisolatin5 iso_8859_9 iso_8859_9_1989 iso_ir_148 l5 latin5"),
    charmap("KOI8-R", "koi8_r cskoi8r"),
    charmap("KOI8-T", "koi8_t"),
    charmap("KOI8-U", "koi8_u"),
    charmap("RK1048", "kz1048 kz_1048 rk1048 strk1048_2002"),
    charmap("PT154", "ptcp154 cp154 csptcp154 cyrillic_asian pt154"),
    multibyte("CP949", "cp949", 1, 0, "cp949 949 ms949 uhc"),
    multibyte("GB2312", "gb2312", 1, 0,
              "gb2312 chinese csiso58gb231280 euc_cn euccn eucgb2312_cn gb2312_1980 gb2312_80 iso_ir_58 "
              "x_mac_simp_chinese"),
    multibyte("GBK", "gbk", 0x20AC, 0x20AC, "gbk 936 cp936 ms936"),
    multibyte("SJIS", "shift_jis", 0xFFE0, 0xFFE2, "shift_jis csshiftjis s_jis shiftjis sjis x_mac_japanese"),
};

bool names(std::string_view all, std::string_view name) {
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find(' ', at), all.size());
    if (all.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

// "ISO-8859-1" -> "iso_8859_1": whatever is between letters and digits is one underscore.
std::string normalized(std::string_view name) {
  std::string result;
  bool between = false;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!digit && (lower < 'a' || lower > 'z')) {
      between = true;
      continue;
    }
    if (between && !result.empty()) result += '_';
    between = false;
    result += lower;
  }
  return result;
}

}  // namespace

const TextCodec* find_text_codec(std::string_view name) {
  const std::string normal = normalized(name);
  if (normal.empty()) return nullptr;
  const auto found = std::find_if(std::begin(kCodecs), std::end(kCodecs),
                                  [&](const TextCodec& codec) { return names(codec.python_names, normal); });
  return found != std::end(kCodecs) ? found : nullptr;
}

}  // namespace logbus::handlers
