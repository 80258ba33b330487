"""An SQLite file of the agent's own: one process, any of its threads, each change all or nothing.

In WAL mode with `synchronous = NORMAL` a crash of the process loses nothing that was committed, one
of the machine at most the last changes. The feed's come again, as its cursor is lost with them; an
admission that is lost makes a denial.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import structlog

T = TypeVar("T")

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

log = structlog.get_logger()


class SqliteFile:
    """A file with a schema, behind one lock."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open it, made where missing, its folder too.

        Raises:
            OSError: the folder cannot be written.
            sqlite3.Error: the file is none, or cannot be opened.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        # Transactions are begun here and nowhere else (`isolation_level`).
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        """To be used within `reading` and `changing` alone."""
        try:
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self.connection.executescript(schema)
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.connection.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Give the connection to one thread."""
        with self._lock:
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Give the connection to one thread: all that it does is kept, or on an error nothing."""
        with self._lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back after some errors, such as a full disk.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


def open_or_begin_anew(path: Path, open_file: Callable[[], T]) -> T:
    """Return what `open_file` opens; a file at `path` that is broken is deleted, with a warning.

    An agent that does not start would be worse: what was in the file comes again, or makes denials.
    A disk that is full or does not answer is another matter, and leaves the file alone.

    Raises:
        OSError: there can be no files.
        sqlite3.Error: it cannot be opened, and is not known to be broken.
    """
    try:
        return open_file()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _BROKEN:
            raise
        log.warning("agent.file_broken", path=str(path), why=str(error))
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        return open_file()
