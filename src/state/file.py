"""Open the SQLite file of a state, and say in words why it cannot be.

The file belongs to whoever has it open: SQLite's exclusive locking keeps others out, so that the cache before the table
is never behind it, and the lock goes with the process however that ends. What was committed is in the write-ahead log,
from which the next one to open the file takes it. (`synchronous=NORMAL`: safe when the process is killed; when the
power fails, the last commits may be lost, but never half of one.)
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ..errors import StateError

__all__ = ["open_file", "problem_of", "said"]

_APPLICATION: Final = 0x706C6169  # "plai"
_VERSION: Final = 1
_TABLES: Final = """
BEGIN EXCLUSIVE;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,  -- in the order in which keys were first set, as in a dict
    namespace TEXT NOT NULL,
    scope TEXT NOT NULL,     -- empty; or the key, or the window, that it is the state of
    key TEXT NOT NULL,       -- JSON, see keys.py
    value BLOB NOT NULL,     -- pickled
    expires INTEGER,         -- microseconds since 1970 UTC after which it is gone; null: never
    waits INTEGER,           -- time to live, in microseconds, that begins when the stream has reached a time
    UNIQUE (namespace, scope, key)
);
CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
CREATE TABLE clock (time INTEGER);  -- microseconds since 1970 UTC that the stream has reached; null: none yet
INSERT INTO clock VALUES (NULL);
"""
_EFFECTIVE: Final = os.access in os.supports_effective_ids
_WORDS: Final = {
    sqlite3.SQLITE_BUSY: "another process has it open, or this one already; a state belongs to one at a time",
    sqlite3.SQLITE_LOCKED: "another process has it open, or this one already; a state belongs to one at a time",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made there",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is no state, or damaged",
}


def problem_of(path: Path) -> str | None:
    """Return why the file cannot be used as a state, as far as its head tells; None if it can, or is not there.

    This neither waits for whoever has it open, nor disturbs them. SQLite does the reading: were the file opened and
    closed beside it, the operating system would drop the locks that this process may have on it (POSIX has it so).
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            return "it is a folder; name a file in it"
        if not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
            return _WORDS[sqlite3.SQLITE_READONLY]
        return _problem_of_head(*_head(path)) if size else None
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    except sqlite3.Error as error:
        is_other = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB
        return "the file is no state: it is not of SQLite" if is_other else said(error)


def _head(path: Path) -> tuple[int, int]:
    """Return the marks in the head of the file: whose it is, and which version."""
    place = f"{path.absolute().as_uri()}?mode=ro&immutable=1"  # immutable: take no lock, look at no log
    with closing(sqlite3.connect(place, uri=True, timeout=0)) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _problem_of_head(application: int, version: int) -> str | None:
    if application != _APPLICATION:
        return "the file is no state: it is an SQLite file of another program"
    if version > _VERSION:
        return f"the file is of version {version}, and this plait knows version {_VERSION}; use a newer one"
    return None


def said(error: sqlite3.Error) -> str:
    """Say in words what SQLite has said in a code."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of the code says more than a person wants to know
    return f"{_WORDS[code]} ({error})" if code in _WORDS else str(error)


def open_file(path: Path | None) -> sqlite3.Connection:
    """Open the file of a state, made if it is not there; without a path, a table in memory.

    Raises:
        StateError: it is none, of a newer version, open elsewhere, or cannot be made or written.
    """
    if path is not None and (problem := problem_of(path)) is not None:
        raise StateError(f"{path}: {problem}")
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        reason = said(error) if isinstance(error, sqlite3.Error) else error.strerror
        raise StateError(f"{path}: {reason}") from error
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StateError(f"{path}: {said(error)}") from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        # The marks go into the head of the file itself: before the log, where `problem_of` would not see them.
        connection.executescript(
            f"{_TABLES} PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_VERSION}; COMMIT"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN EXCLUSIVE")  # takes the lock now, and keeps it
    connection.execute("COMMIT")
