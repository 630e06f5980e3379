#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does what README.md says, with an installed tree: readme.py BUILD-FOLDER README.

A block fenced as "LANGUAGE FILE" is written to FILE. C++ files are compiled by g++ and clang++ against what pkg-config
says, YAML files go through logbusd --check, a "sh" block is run, and a "text FILE" block is what FILE must hold at the end
(numbers may differ). A block of these languages without a file name is an error: nobody would notice that it is wrong.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 20
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]


def blocks(text):
    """(language, file, content) of each fenced block that names a file."""
    for match in re.finditer(r"^```(\w+)[ \t]*(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, name, content = match.groups()
        if name:
            yield language, name, content
        elif language in {"cpp", "yaml"}:
            raise SystemExit(f"a {language} block names no file, so it would go untested:\n{content}")


def without_numbers(text):
    return re.sub(r"\d+", "N", text)


def wait_for_content(path, expected):
    deadline = time.monotonic() + DEADLINE_S
    while True:
        content = path.read_text() if path.exists() else ""
        if without_numbers(content) == without_numbers(expected):
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"{path.name} is not what the README shows.\n--- README\n{expected}--- found\n{content}")
        time.sleep(0.02)


def installed(build, root):
    """Installs into `root` and gives an environment in which programs and pkg-config find it."""
    subprocess.run(
        ["meson", "install", "-C", build, "--no-rebuild", "--skip-subprojects", "--quiet", "--destdir", root],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    configs = list(pathlib.Path(root).rglob("logbus*.pc"))
    for config in configs:  # not PKG_CONFIG_SYSROOT_DIR, which would move the system's libraries too
        config.write_text(re.sub(r"^prefix=", f"prefix={root}", config.read_text(), flags=re.MULTILINE))
    program = next(path for path in pathlib.Path(root).rglob("logbusd") if path.is_file())
    libraries = str(configs[0].parent.parent)
    return dict(
        os.environ,
        PATH=f"{program.parent}:{os.environ['PATH']}",
        PKG_CONFIG_PATH=str(configs[0].parent),
        LD_LIBRARY_PATH=libraries,
        LOGBUS_DIR=root,
    )


def compile_everywhere(source, environment):
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "logbus"], env=environment, check=True, capture_output=True, text=True
    ).stdout.split()
    for compiler in ("g++", "clang++"):
        if shutil.which(compiler):
            command = [compiler, "-std=c++20", *WARNINGS, source.name, "-o", f"{source.stem}-{compiler}", *flags]
            subprocess.run(command, cwd=source.parent, env=environment, check=True)


def main(build, readme):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="logbus-readme-"))
    root, work = folder / "root", folder / "work"
    work.mkdir()
    shells = []
    try:
        environment = installed(build, str(root))
        found = list(blocks(pathlib.Path(readme).read_text()))
        for language, name, content in found:
            if language in {"cpp", "yaml"}:
                (work / name).write_text(content)
        for language, name, content in found:
            if language == "cpp":
                compile_everywhere(work / name, environment)
            elif language == "yaml":
                subprocess.run(["logbusd", "--config", name, "--check"], cwd=work, env=environment, check=True)
            elif language == "sh":
                # A session of its own: what it leaves in the background is ended with it.
                shell = subprocess.Popen(
                    ["bash", "-euo", "pipefail", "-c", content], cwd=work, env=environment, start_new_session=True
                )
                shells.append(shell)
                if shell.wait(timeout=4 * DEADLINE_S) != 0:
                    raise SystemExit(f"the block {name} failed")
            elif language == "text":
                wait_for_content(work / name, content)
        ran = [language for language, _, _ in found]
        for language in ("cpp", "yaml", "sh", "text"):
            if language not in ran:
                raise SystemExit(f"the README has no {language} block that can be tested")
    finally:
        for shell in shells:
            try:
                os.killpg(shell.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
