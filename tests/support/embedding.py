#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Other projects find logbus: embedding.py BUILD-FOLDER SOURCE-FOLDER.

CMake's find_package(logbus) against an installed tree, where there is a CMake; and Meson's dependency('logbus') with this
source as a subproject (configured, not compiled: the compiled whole is what the other tests use).
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from readme import installed

WORKER = """\
#include <logbus/logger.h>
int main() { logbus::get_logger("x").debug("{}", 1); }
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(outside CXX)
find_package(logbus REQUIRED)
add_executable(worker worker.cc)
target_link_libraries(worker PRIVATE logbus::producer)
if(NOT TARGET logbus::consumer)
  message(FATAL_ERROR "no target logbus::consumer")
endif()
"""
MESON = """\
project('outside', 'cpp', default_options: ['cpp_std=c++20'])
logbus_dep = dependency('logbus', fallback: ['logbus', 'logbus_dep'])
consumer_dep = dependency('logbus-consumer')
executable('worker', 'worker.cc', dependencies: logbus_dep)
"""


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")


def with_cmake(build, folder):
    environment = installed(build, str(folder / "root"))
    prefix = next((folder / "root").rglob("logbus-config.cmake")).parent
    project = folder / "cmake"
    project.mkdir()
    (project / "worker.cc").write_text(WORKER)
    (project / "CMakeLists.txt").write_text(CMAKE)
    run("cmake", "-S", project, "-B", project / "build", f"-Dlogbus_DIR={prefix}", env=environment)
    run("cmake", "--build", project / "build", env=environment)
    run(project / "build" / "worker", env=environment)


def with_meson(source, folder):
    project = folder / "meson"
    (project / "subprojects").mkdir(parents=True)
    (project / "worker.cc").write_text(WORKER)
    (project / "meson.build").write_text(MESON)
    # A copy without build folders: Meson would take those for a part of the subproject.
    shutil.copytree(
        source, project / "subprojects" / "logbus", ignore=shutil.ignore_patterns("build*", ".git"), symlinks=True
    )
    run("meson", "setup", project / "build", project, "--force-fallback-for=logbus")


def main(build, source):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="logbus-embedding-"))
    try:
        with_meson(source, folder)
        if shutil.which("cmake"):
            with_cmake(build, folder)
        else:
            print("no cmake: find_package is not tested")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
