"""What an import changed: kept in the index itself, by the transaction that changed it.

Triggers note every package name and identifier whose records came, went or became others, however
the import is written. So nothing that another process imports is missed, and a crash keeps or loses
both together. A reader takes what was noted so far, and drops it once it is dealt with. Which code
dealt with it is kept as well: other code may judge everything differently.
"""

import sqlite3
from dataclasses import dataclass
from hashlib import sha256

from tidegate.advisories.matcher import matcher_name

_EVERYTHING = "*"

_TABLES = """
CREATE TABLE IF NOT EXISTS changed(kind TEXT NOT NULL, value TEXT NOT NULL, batch INTEGER NOT NULL,
                                   PRIMARY KEY(kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changed_batch(one INTEGER PRIMARY KEY CHECK (one = 1),
                                         batch INTEGER NOT NULL, state TEXT NOT NULL);
INSERT OR IGNORE INTO changed_batch VALUES (1, 1, '');
CREATE TABLE IF NOT EXISTS changed_by(one INTEGER PRIMARY KEY CHECK (one = 1),
                                      matcher TEXT NOT NULL);
INSERT OR IGNORE INTO changed_by VALUES (1, '');
"""

_NOTE = "INSERT OR REPLACE INTO changed SELECT '{kind}', {value}, batch FROM changed_batch"

_TRIGGERS = "".join(
    f"CREATE TRIGGER IF NOT EXISTS changed_{table}_{event.lower()} AFTER {event} ON {table} "
    f"BEGIN {statement}; END;\n"
    for table, event, statement in (
        ("affected", "INSERT", _NOTE.format(kind="name", value="new.package")),
        ("affected", "DELETE", _NOTE.format(kind="name", value="old.package")),
        ("identifier", "INSERT", _NOTE.format(kind="identifier", value="new.identifier")),
        ("identifier", "DELETE", _NOTE.format(kind="identifier", value="old.identifier")),
        (
            "record",
            "UPDATE",
            _NOTE.format(kind="name", value="affected.package")
            + " JOIN affected ON affected.id = new.id; "
            + _NOTE.format(kind="identifier", value="identifier.identifier")
            + " JOIN identifier ON identifier.id = new.id",
        ),
        # An ecosystem that is served from now on, or no longer, is judged anew as a whole.
        ("source", "INSERT", _NOTE.format(kind="all", value=f"'{_EVERYTHING}'")),
        ("source", "DELETE", _NOTE.format(kind="all", value=f"'{_EVERYTHING}'")),
    )
)

# Records that share an identifier with a changed one take severities and names from each other
# (`match`): directly, and through one record between them.
_NAMES = """
WITH direct(id) AS (
  SELECT DISTINCT identifier.id FROM changed JOIN identifier ON identifier = value
   WHERE kind = 'identifier' AND batch <= ?1),
near(id) AS (
  SELECT id FROM direct UNION
  SELECT other.id FROM direct JOIN identifier AS own ON own.id = direct.id
    JOIN identifier AS other ON other.identifier = own.identifier)
SELECT value FROM changed WHERE kind = 'name' AND batch <= ?1
UNION SELECT package FROM affected JOIN near USING (id)
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became different since `since`."""

    batch: int
    """Names what was taken, for `forget_changes`."""
    state: str
    """What the index holds now, with all of it; see `state_of`."""
    since: str
    """State in which everything before was dealt with; empty: never."""
    names: frozenset[str] | None
    """Package names, whatever their ecosystem; None: any package may be judged differently."""


def prepare_changes(connection: sqlite3.Connection) -> None:
    """Let the index note changes from now on; nothing happens where it does already."""
    known = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'changed%'"
    if connection.execute(known).fetchone() == (3 + _TRIGGERS.count("CREATE TRIGGER"),):
        return
    for statement in filter(str.strip, _TABLES.split(";\n")):
        connection.execute(statement)
    for trigger in filter(None, _TRIGGERS.splitlines()):
        connection.execute(trigger)


def take_changes(connection: sqlite3.Connection) -> Changes:
    """Return what is noted; what changes from now on is of a later batch."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (batch, since) = connection.execute("SELECT batch, state FROM changed_batch").fetchone()
        (matcher,) = connection.execute("SELECT matcher FROM changed_by").fetchone()
        connection.execute("UPDATE changed_batch SET batch = batch + 1")
        everything = connection.execute(
            "SELECT 1 FROM changed WHERE kind = 'all' AND batch <= ?", (batch,)
        ).fetchone()
        names = None
        if everything is None and since and matcher == matcher_name():
            names = frozenset(name for (name,) in connection.execute(_NAMES, (batch,)))
        state = state_of(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return Changes(batch, state, since, names)


def forget_changes(connection: sqlite3.Connection, taken: Changes) -> None:
    """Drop what was taken: it is dealt with."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM changed WHERE batch <= ?", (taken.batch,))
        connection.execute("UPDATE changed_batch SET state = ?", (taken.state,))
        connection.execute("UPDATE changed_by SET matcher = ?", (matcher_name(),))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def state_of(connection: sqlite3.Connection) -> str:
    """Return a name of what is said by the index: the same for the same records, however they came.

    The code that judges by them is a part of it. Reads every record's digest, which takes about a
    microsecond each.
    """
    content = sha256(matcher_name().encode())
    for ecosystem in connection.execute("SELECT ecosystem FROM source ORDER BY ecosystem"):
        content.update(repr(ecosystem).encode())
    for identifier, digest in connection.execute("SELECT id, digest FROM record ORDER BY id"):
        content.update(b"%b\0%b" % (identifier.encode(), digest))
    return content.hexdigest()
