# SPDX-License-Identifier: MIT
"""RotatingFileHandler: when it rolls over, and what happens to the files."""

from casebook import append, case, error, info, mkdir, one_handler, rename, rmtree, truncate, unlink, write


def config(format=None, **more):
    handler = {"class": "logging.handlers.RotatingFileHandler", "filename": "a.log", **more}
    made = one_handler(handler)
    if format is not None:
        made["formatters"] = {"f": {"format": format}}
        handler["formatter"] = "f"
    return made


def messages(*texts):
    return [info(text) for text in texts]


LONG_RUN = [info("".join("aé✓😀\n"[(n * 7 + i * i) % 5] for i in range(n * 13 % 41))) for n in range(300)]

CASES = [
    *(case(f"two records of five bytes, a limit of {limit}", config(maxBytes=limit, backupCount=2), messages("aaaa", "bbbb"))
      for limit in (4, 5, 9, 10, 11)),
    *(case(f"a record counts in code points, the file in bytes: limit {limit}", config(maxBytes=limit, backupCount=2),
           messages("éééé", "éééé", "✓✓✓")) for limit in (13, 14, 15)),
    case("no limit, no rollover", config(maxBytes=0, backupCount=3), messages("aaaa", "bbbb")),
    case("no limit honours mode w", config(maxBytes=0, backupCount=3, mode="w"), messages("aaaa"), files={"a.log": "old\n"}),
    case("a limit turns mode w into a", config(maxBytes=100, backupCount=3, mode="w"), messages("aaaa"), files={"a.log": "old\n"}),
    case("a limit without backups goes on in the same file", config(maxBytes=8, backupCount=0), messages("aaaa", "bbbb", "cccc")),
    case("backups shift, and the last one goes", config(maxBytes=5, backupCount=2), messages("1", "22", "333", "4444", "55555", "6")),
    case("a dozen backups", config(maxBytes=12, backupCount=12), messages(*(f"record {n}" for n in range(30)))),
    case("gaps stay gaps and files beyond the count stay", config(maxBytes=8, backupCount=3), messages("aaaa", "bbbb"),
         files={"a.log": "old\n", "a.log.1": "1", "a.log.3": "3", "a.log.4": "4", "a.log.9": "9", "b.log.1": "other"}),
    case("a first record beyond the limit doesn't roll an empty file", config(maxBytes=10, backupCount=2), messages("x" * 50, "y" * 50, "z")),
    case("a file that is there counts", config(maxBytes=20, backupCount=1), messages("aaaa"), files={"a.log": "x" * 100 + "\n"}),
    case("a file that is there counts up to the byte", config(maxBytes=16, backupCount=1), messages("aaaa"), files={"a.log": "x" * 11}),
    case("the traceback counts", config(maxBytes=30, backupCount=1), [info("aaaa"), error("b", exc_text="Traceback " + "t" * 15), info("c")]),
    case("the format counts", config("%(levelname)-20s %(message)s", maxBytes=45, backupCount=1), messages("aa", "bb", "cc")),
    case("the terminator doesn't count", config(maxBytes=12, backupCount=2, **{".": {"terminator": "....\n"}}), messages("aaaa", "bbb", "cc", "d")),
    case("a delayed file rolls from its first record on", config(maxBytes=8, backupCount=2, delay=True), messages("aaaa", "bbbb", "cccc")),
    case("a delayed file with no record is not made", config(maxBytes=8, backupCount=2, delay=True), []),
    case("a delayed file that is there rolls at once", config(maxBytes=8, backupCount=2, delay=True), messages("aaaa"), files={"a.log": "x" * 10}),
    case("what others append is noticed after the next record", config(maxBytes=30, backupCount=2), messages("aaaa"),
         append("a.log", "x" * 40 + "\n"), messages("bbbb"), messages("cccc")),
    case("a file that is cut by others", config(maxBytes=20, backupCount=2), messages("aaaaaaaa", "b"), truncate("a.log"),
         messages("cccc"), messages("dddd"), messages("eeee")),
    case("a file that is renamed by others", config(maxBytes=14, backupCount=2), messages("aaaa"), rename("a.log", "mine"),
         messages("bbbb"), messages("cccc"), messages("dddd")),
    case("a file that is unlinked by others", config(maxBytes=14, backupCount=2), messages("aaaa"), unlink("a.log"),
         messages("bbbb"), messages("cccc"), messages("dddd")),
    case("a file replaced by others", config(maxBytes=14, backupCount=2), messages("aaaa"), unlink("a.log"), write("a.log", "theirs\n"),
         messages("bbbb"), messages("cccc")),
    case("a folder removed under the files", config(filename="sub/a.log", maxBytes=14, backupCount=2), messages("aaaa"), rmtree("sub"),
         messages("bbbb"), messages("cccc"), messages("dddd"), files={"sub/": None}),
    case("a name that has become a folder never rolls", config(maxBytes=14, backupCount=2), messages("aaaa"), unlink("a.log"),
         mkdir("a.log"), messages("bbbb"), messages("cccc")),
    case("a backup's name that is a folder", {**config(maxBytes=8, backupCount=1), "logbus": {"compat": "strict"}}, messages("aaaa"), messages("bbbb"), messages("cccc"),
         files={"a.log.1/": None}),
    case("a device never rolls", config(filename="/dev/null", maxBytes=8, backupCount=2), messages("aaaa", "bbbb")),
    case("a link to a file is a file", config(maxBytes=8, backupCount=2, delay=True), ("symlink", "target", "a.log"), messages("aaaa"), messages("bbbb"),
         files={"target": "old\n"}),
    case("a long run of lines of all lengths", config(maxBytes=500, backupCount=40), LONG_RUN),
    case("a long run, one batch a record", config("%(message)s|", maxBytes=64, backupCount=3), *[[r] for r in LONG_RUN[:40]]),
    case("a record that can't be formatted rolls nothing", config("%(message)s %(x)s", maxBytes=10, backupCount=2),
         [info("aaaa", x=1), info("bbbb"), info("cc", x=22)]),
    case("a limit of one byte", config(maxBytes=1, backupCount=3), messages("", "a", "b")),
    case("empty messages are lines too", config(maxBytes=3, backupCount=3), messages("", "", "", "")),
    case("a negative limit is none", config(maxBytes=-1, backupCount=3), messages("aaaa", "bbbb")),
    case("a negative count is none", config(maxBytes=4, backupCount=-1), messages("aaaa", "bbbb")),
]  # fmt: skip
