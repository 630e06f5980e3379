#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A user's own queue and handler: the example of them, ZeroMQ into SQLite, run as it is and read back."""

import os
import socket
import sqlite3
import subprocess
import tempfile

import tap
from tap import check, check_equal, wait_for

PROGRAM = os.path.join(os.environ["LOGBUS_BUILD"], "consumer", "zeromq_to_sqlite")
COUNT = 3000


class Listener:
    """The listener, a free port that it is bound to, and its database."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "records.db")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.uri = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.errors = os.path.join(self.folder.name, "errors.txt")
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen([PROGRAM, "listen", self.uri, self.file], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True)  # fmt: skip
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def query(self, sql):
        connection = sqlite3.connect(self.file, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def count(self):
        return self.query("SELECT COUNT(*) FROM records")[0][0]

    def end(self):
        """Ends as a user would; gives its exit code and stdout."""
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out

    def told(self):
        with open(self.errors) as errors:
            return errors.read()

    def worker(self, name, count=COUNT):
        return subprocess.Popen([PROGRAM, "work", self.uri, name, str(count)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)  # fmt: skip


def finish(worker):
    out, err = worker.communicate(timeout=30)
    check_equal((worker.returncode, out, err), (0, "0 records lost\n", ""), "what the worker says")


def test_arrives():
    """What two workers publish is in the database: once, each worker's in its order, with its attributes"""
    with Listener() as listener:
        workers = {name: listener.worker(name) for name in ("one", "two")}
        for worker in workers.values():
            finish(worker)
        wait_for(lambda: listener.count() == 2 * (COUNT + 1), "all records")
        check_equal(listener.end(), (0, f"{2 * (COUNT + 1)} records written\n"), "what the listener says")
        check_equal(listener.told(), "", "errors")
        for name, worker in workers.items():
            where = f"FROM records WHERE name = 'shop.{name}'"
            rows = listener.query(f"SELECT message, process, levelname, level {where} AND level = 20 ORDER BY rowid")
            wanted = [(f"order {i} paid: {i * 0.25:.2f} EUR", worker.pid, "INFO", 20) for i in range(COUNT)]
            check(rows == wanted, f"the rows of {name}: {rows[:3]} ... {rows[-3:]}")
            rows = listener.query(f"SELECT levelname, message, exception, file, line > 0, created > 1e9 {where} AND level = 40")
            check_equal(len(rows), 1, "failures")
            level, message, exception, file, has_line, has_time = rows[0]
            check_equal((level, message, has_line, has_time), ("ERROR", "order failed", 1, 1), "the failure")
            check("card declined" in exception, f"its exception: {exception}")
            check(file.endswith("zeromq_to_sqlite.cc"), f"its file: {file}")


def test_lock():
    """A batch that meets another program's lock for longer than it waits is told, tried again, and written in the end"""
    with Listener() as listener:
        ready = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'records'"
        wait_for(lambda: os.path.exists(listener.file) and listener.query(ready)[0][0], "the table")
        other = sqlite3.connect(listener.file, timeout=10, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            finish(listener.worker("one", 10))
            wait_for(lambda: "SQLite: database is locked" in listener.told(), "an error, after the busy timeout")
            check_equal(listener.count(), 0, "records while the lock is held")
            other.execute("COMMIT")
        finally:
            other.close()
        wait_for(lambda: listener.count() == 11, "all records")
        check_equal(listener.end(), (0, "11 records written\n"), "what the listener says")


if __name__ == "__main__":
    tap.run(globals())
