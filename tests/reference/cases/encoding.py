# SPDX-License-Identifier: MIT
"""The files' encodings and what becomes of text that can't be encoded. reference.py compares all characters."""

from casebook import append, case, file_config, info, one_handler, rename, truncate

WILD = "aé €д¶ \U0001f600\U0001f601 日本 ÿ\x80 e"
ENCODINGS = ["latin-1", "ascii", "cp1251", "cp1252", "koi8-r", "utf-16", "utf-16-be", "utf-32", "utf-8-sig", "utf8", "gbk", "shift_jis", "cp037"]
ERRORS = ["ignore", "replace", "backslashreplace", "xmlcharrefreplace", "surrogateescape"]
ALIASES = ["UTF_8", "u8", "U8", "Latin1", "ISO-8859-15", "iso8859-1", "windows-1252", "1251", "KOI8_R", "us-ascii", "646", "UTF-16LE", "u32", "cp936", "locale"]


def file(encoding, *records, **more):
    return file_config(encoding=encoding, **more), list(records)


def rotating(encoding, **more):
    return one_handler({"class": "logging.handlers.RotatingFileHandler", "filename": "a.log", "encoding": encoding, **more})


CASES = [
    *(case(f"{name}: what it has is written, the rest is an error", *file(name, info("plain"), info("é"), info("д€"), info(WILD), info("after")))
      for name in ENCODINGS),
    *(case(f"{name} with errors {errors}", *file(name, info(WILD), info("after"), errors=errors))
      for name in ["latin-1", "cp1251", "utf-16", "shift_jis", "utf-8"] for errors in ERRORS),
    *(case(f"an encoding called {name}", *file(name, info("ab"), info("é"), info("€"), errors="replace")) for name in ALIASES),
    *(case(f"no character of {name} needs its name", *file(name, info(WILD), errors="namereplace")) for name in [None, "utf-8", "utf-16", "utf-8-sig"]),
    case("errors strict by name", *file("ascii", info("é"), info("e"), errors="strict")),
    case("an unknown encoding is refused", *file("utf-17", info("a"))),
    case("an empty encoding is refused", *file("", info("a"))),
    case("no encoding is UTF-8", file_config(encoding=None, errors=None), [info(WILD)]),
    case("the terminator is encoded too", *file("utf-16-le", info("a"), info("b"), **{".": {"terminator": "€\r\n"}})),
    case("a traceback is encoded too", *file("cp1251", info("a", exc_text="Ошибка: é"), info("b", exc_text="Ошибка"))),
    *(case(f"{name}: a mark at the beginning of a file alone", *file(name, info("a"), info("b")), [info("c")]) for name in ["utf-16", "utf-32", "utf-8-sig"]),
    *(case(f"{name}: no mark where there is something", *file(name, info("a"), info("b")), files={"a.log": "ab"}) for name in ["utf-16", "utf-32", "utf-8-sig"]),
    case("a mark once the old file is emptied by mode w", *file("utf-16", info("a"), mode="w"), files={"a.log": "ab"}),
    case("a delayed file has its mark", *file("utf-16", info("a"), info("b"), delay=True)),
    case("a file that others begin has the mark in the middle", file_config(encoding="utf-16"), append("a.log", "theirs"), [info("a"), info("b")]),
    case("a file that is cut has no mark", file_config(encoding="utf-16"), [info("a")], truncate("a.log"), [info("b")]),
    case("each rotated file has its mark", rotating("utf-16", maxBytes=20, backupCount=3), [info(word) for word in ["one", "two", "three", "four", "five"]]),
    case("the size counts in bytes, the record in code points", rotating("utf-16-le", maxBytes=21, backupCount=9), [info(c * 5) for c in "abcdef"]),
    case("one byte for a character", rotating("cp1251", maxBytes=12, backupCount=9), [info(c * 5) for c in "абвгде"]),
    case("a record that can't be encoded rotates all the same", rotating("latin-1", maxBytes=10, backupCount=9), [info("aaaa"), info("€€€€€"), info("bbbb")]),
    case("errors and a watched file", one_handler({"class": "logging.handlers.WatchedFileHandler", "filename": "a.log", "encoding": "utf-16", "errors": "replace"}),
         [info("a")], rename("a.log", "b.log"), [info("b"), info("c")]),
    case("a long text", *file("utf-16", info(WILD * 3000))),
    case("a long text of which little can be encoded", *file("latin-1", info(WILD * 3000), errors="xmlcharrefreplace")),
]  # fmt: skip
