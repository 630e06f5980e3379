# SPDX-License-Identifier: MIT
"""WatchedFileHandler: a file that is moved, removed or replaced while it is written to."""

from casebook import append, case, info, mkdir, one_handler, rename, rmtree, symlink, truncate, unlink, write

ONE, TWO, THREE, FOUR = info("one"), info("two"), info("three"), info("four")


def watched(**more):
    return one_handler({"class": "logging.handlers.WatchedFileHandler", "filename": "a.log", **more})


CASES = [
    case("a file is written to", watched(), [ONE, TWO], files={"a.log": "old\n"}),
    case("a renamed file is made anew", watched(), ONE, rename("a.log", "b.log"), [TWO, THREE]),
    case("a renamed file of mode w", watched(mode="w"), ONE, rename("a.log", "b.log"), TWO, rename("a.log", "c.log"), THREE, files={"a.log": "old\n"}),
    case("a removed file is made anew", watched(), ONE, unlink("a.log"), TWO),
    case("a file that is cut is the same", watched(), ONE, truncate("a.log"), TWO),
    case("another file takes its place", watched(), ONE, write("b.log", "theirs\n"), rename("b.log", "a.log"), TWO, THREE),
    case("another file takes its place, mode w", watched(mode="w"), ONE, write("b.log", "theirs\n"), rename("b.log", "a.log"), TWO, THREE),
    case("a file written over is the same", watched(), ONE, append("a.log", "theirs\n"), TWO),
    case("it is moved and comes back", watched(), ONE, rename("a.log", "b.log"), TWO, unlink("a.log"), rename("b.log", "a.log"), THREE),
    case("a delay", watched(delay=True), [ONE, TWO, THREE]),
    case("a delay and mode w lose the first record", watched(delay=True, mode="w"), [ONE, TWO, THREE]),
    case("a delay and mode w, over a file", watched(delay=True, mode="w"), ONE, [TWO, THREE], files={"a.log": "old\n"}),
    case("a delay, and the file moved after its first record", watched(delay=True), ONE, rename("a.log", "b.log"), TWO, THREE),
    case("a delay and no record", watched(delay=True, level="ERROR"), ONE, files={"a.log": "old\n"}),
    case("a folder removed with the file", watched(filename="sub/a.log"), ONE, rmtree("sub"), TWO, files={"sub/": None}),
    case("a folder that comes back", watched(filename="sub/a.log"), ONE, rename("sub", "old"), TWO, mkdir("sub"), THREE, FOUR, files={"sub/": None}),
    case("a folder that comes back, mode w", watched(filename="sub/a.log", mode="w"), ONE, rename("sub", "old"), TWO, mkdir("sub"), [THREE, FOUR],
         files={"sub/": None}),
    case("a folder takes its place and goes", watched(), ONE, rename("a.log", "b.log"), mkdir("a.log"), TWO, THREE, rmtree("a.log"), [FOUR, ONE]),
    case("a folder takes its place and goes, mode w", watched(mode="w"), ONE, rename("a.log", "b.log"), mkdir("a.log"), TWO, rmtree("a.log"), [FOUR, ONE]),
    case("a link to another file", watched(), ONE, unlink("a.log"), symlink("b.log", "a.log"), TWO, THREE, files={"b.log": "theirs\n"}),
    case("a link that leads elsewhere", watched(), ONE, unlink("a.log"), symlink("c.log", "a.log"), TWO,
         files={"a.log": "", "b.log": "b\n", "c.log": "c\n"}),
    case("a record that can't be formatted opens the file too", watched(), ONE, unlink("a.log"), info("%d", "x")),
    case("a name within a file", watched(filename="sub/a.log"), ONE, rmtree("sub"), write("sub", "a file\n"), TWO, unlink("sub"), mkdir("sub"), THREE, files={"sub/": None}),
]  # fmt: skip
