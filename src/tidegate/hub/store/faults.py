"""What a database's refusals mean to whoever asked: try again later, or somebody was first.

A statement that is wrong means nothing to them: it stays a fault. One that names a table or column
that is not there tells of a database of another schema: every statement is tried on each release's.
"""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, NotSupportedError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tidegate.domain.errors import (
    ConflictError,
    DatabaseUnavailableError,
    InputError,
    TidegateError,
)

_NOTHING_STORED = "nothing of this request was stored; send it again"

_FULL = (
    "the hub's database has no room left (disk full, or a quota reached): make room for it; "
    + _NOTHING_STORED
)
_LOCKED = (
    "the hub's database is locked by another program (a backup, a migration, a long statement): "
    "wait for it or end it; " + _NOTHING_STORED
)
_READ_ONLY = (
    "the hub's database cannot be written (read-only file, folder or replica): give the hub the "
    "right to write, or the address of the primary; " + _NOTHING_STORED
)
_BROKEN = (
    "the hub's database cannot be read (input/output error, or no longer a database): restore the "
    "last backup; " + _NOTHING_STORED
)
_MIGRATED = (
    "the hub's database was brought to another schema at this moment, by a hub of another version; "
    + _NOTHING_STORED
)
_OTHER_SCHEMA = (
    "the hub's database has another schema than this version of the hub (was an older backup put "
    "in its place?): start the hub again, which brings it forward; nothing was stored"
)
_BUSY = "the hub's database has no connection left: raise its limit of connections, or try later"
_AWAY = "the hub's database does not answer: see that it runs and can be reached"

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _BROKEN,
    sqlite3.SQLITE_CORRUPT: _BROKEN,
    sqlite3.SQLITE_NOTADB: _BROKEN,
}

# PostgreSQL documentation, appendix A "Error Codes"; a class is the first two characters.
_POSTGRESQL = {
    "53100": _FULL,
    "53200": _BUSY,
    "53300": _BUSY,
    "55P03": _LOCKED,  # lock_not_available: lock_timeout
    "57014": _LOCKED,  # query_canceled: statement_timeout
    "40001": _LOCKED,  # serialization_failure
    "40P01": _LOCKED,  # deadlock_detected
    "25006": _READ_ONLY,
    "08": _AWAY,
    "57": _AWAY,  # operator intervention: shutting down, starting up
    "58": _BROKEN,
    "XX": _BROKEN,
}

_UNDEFINED = frozenset({"42P01", "42703"})  # undefined_table, undefined_column
_SQLITE_UNDEFINED = re.compile(r"\Ano such (table|column): |\Atable \S+ has no column named ")

_STALE_PLAN = "cached statement plan is invalid"
"""asyncpg's words where a column has another type since its connection prepared the statement."""

_DATA = "22"
"""Class "data exception": what was sent, not the database, is at fault."""


def meaning_of(error: SQLAlchemyError) -> TidegateError | None:
    """Return what `error` means to the caller; None: it is a fault of ours."""
    if isinstance(error, IntegrityError):
        return ConflictError(
            "somebody else stored the same thing at the same moment; read it again, then decide"
        )
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnavailableError(_BUSY)
    if not isinstance(error, DBAPIError):
        return None
    if str(getattr(error.orig, "sqlstate", None) or "").startswith(_DATA):
        return InputError(
            "a value is not one that the database can hold or compare (PostgreSQL has no NUL in "
            "text, and whole numbers have 64 bits); nothing of this request was stored"
        )
    words = _words(error)
    return None if words is None else DatabaseUnavailableError(words)


def of_other_schema(error: SQLAlchemyError) -> DatabaseUnavailableError | None:
    """Return the error for a statement whose table or column the database has not; else None."""
    origin = getattr(error, "orig", None)
    state = str(getattr(origin, "sqlstate", None) or "")
    if state in _UNDEFINED or _SQLITE_UNDEFINED.search(str(origin or "")):
        return DatabaseUnavailableError(_OTHER_SCHEMA)
    return None


def unreachable() -> DatabaseUnavailableError:
    """Return the error for a connection that could not be made."""
    return DatabaseUnavailableError(_AWAY)


def _words(error: DBAPIError) -> str | None:
    if isinstance(error, NotSupportedError) and _STALE_PLAN in str(error.orig):
        return _MIGRATED
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF)  # the extended code's low byte is the primary one
    state = str(getattr(error.orig, "sqlstate", None) or "")
    known = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    return known or (_AWAY if error.connection_invalidated else None)
