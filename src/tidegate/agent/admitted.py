"""The index of admissions, on disk: which owner was admitted with which image, by which rules.

What gates tell, and what their events say on the way to the hub, are the same facts and come in any
order and more than once: the newest admission of an owner with an image counts, and the first time
that the image was judged bad after it. `reAdmission: Audit` lets pods come back by what is here, so
it errs to one side: a row that is lost, bounded away or not yet heard makes a denial.

A gate follows by a cursor: rows have a place, and each change takes the next one. A row that is
gone stays for a while as one whose rules are `[]`, so that gates hear of it.
"""

import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from tidegate.agent.sqlite_file import SqliteFile, open_or_begin_anew
from tidegate.wire.admitted_v1 import (
    PAGE_ROWS,
    AdmissionsV1,
    AdmittedPageV1,
    AdmittedRowV1,
    AdmittedV1,
    BadV1,
)

MAX_ROWS = 50_000
"""Owners and their images; beyond, those admitted longest ago are given up. 500 bytes each."""

MAX_GONE = 10_000
"""Rows that are gone and still told of; a gate that is further behind starts again."""

_FILE = "admitted.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 1), history TEXT NOT NULL, place INTEGER NOT NULL,
    forgotten INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS admitted (
    owner TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL, rules TEXT NOT NULL,
    at TEXT NOT NULL, bad_since TEXT NOT NULL, place INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (owner, digest));
CREATE INDEX IF NOT EXISTS admitted_by_age ON admitted (at) WHERE rules <> '[]';
"""

_CURSOR = re.compile(r"([0-9a-f]{16}):([0-9]{1,18})")


class AdmittedIndex:
    """The index in a folder; for one process, any of its threads."""

    def __init__(self, folder: Path, *, max_rows: int = MAX_ROWS, max_gone: int = MAX_GONE) -> None:
        """Open it, made where missing.

        Raises:
            OSError: the folder cannot be written.
            sqlite3.Error: the file is none.
        """
        self._max_rows, self._max_gone = max_rows, max_gone
        self._file = SqliteFile(folder / _FILE, _SCHEMA)
        self._database = self._file.connection
        with self._file.changing():
            self._database.execute(
                "INSERT OR IGNORE INTO state VALUES (1, ?, 0, 0)", (secrets.token_hex(8),)
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def take(self, told: AdmissionsV1) -> bool:
        """Keep what is told; return whether anything of it is new."""
        with self._file.changing():
            new = [self._put(admitted) for admitted in told.admitted]
            new += [self._mark(bad) for bad in told.bad]
            if any(new):
                self._bound()
        return any(new)

    def page(self, after: str) -> AdmittedPageV1 | None:
        """Return what came after a gate's cursor; None: nothing did."""
        with self._file.reading():
            history, place, forgotten = self._database.execute(
                "SELECT history, place, forgotten FROM state"
            ).fetchone()
            begin = _place_in(after, history)
            reset = begin is None or not forgotten <= begin <= place
            rows = self._database.execute(
                "SELECT place, owner, digest, rules, at, bad_since FROM admitted "
                "WHERE place > ? ORDER BY place LIMIT ?",
                (0 if reset else begin, PAGE_ROWS),
            ).fetchall()
        if not rows and not reset:
            return None
        whole = len(rows) < PAGE_ROWS
        return AdmittedPageV1(
            cursor=f"{history}:{place if whole else rows[-1][0]}",
            rows=[_row(*row[1:]) for row in rows],
            reset=reset,
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of owners that there are rows of."""
        with self._file.reading():
            rows = self._database.execute(
                "SELECT DISTINCT kind FROM admitted WHERE rules <> '[]' ORDER BY kind"
            ).fetchall()
        return tuple(kind for (kind,) in rows)

    def drop_gone(self, kind: str, living: Collection[str], before: str) -> bool:
        """Give up rows of owners of `kind`, admitted before an instant, that live no more.

        `living` are the uids of all that there are; return whether any row went.
        """
        with self._file.changing():
            held = self._database.execute(
                "SELECT owner, digest FROM admitted WHERE kind = ? AND at < ? AND rules <> '[]'",
                (kind, before),
            ).fetchall()
            gone = [row for row in held if row[0] not in living]
            self._give_up(gone)
            self._bound()
        return bool(gone)

    def _put(self, told: AdmittedV1) -> bool:
        rules = msgspec.json.encode(sorted(set(told.rules))).decode()
        return self._change(
            "INSERT INTO admitted VALUES (:owner, :digest, :kind, :rules, :at, '', :place) "
            "ON CONFLICT (owner, digest) DO UPDATE SET kind = excluded.kind, "
            "rules = excluded.rules, at = excluded.at, bad_since = '', place = excluded.place "
            "WHERE excluded.at > at",
            owner=told.owner,
            digest=told.digest,
            kind=told.kind,
            rules=rules,
            at=told.at,
        )

    def _mark(self, bad: BadV1) -> bool:
        """Keep the first time; what was judged before the admission says nothing about it."""
        return self._change(
            "UPDATE admitted SET bad_since = :at, place = :place WHERE owner = :owner "
            "AND digest = :digest AND rules <> '[]' AND at <= :at "
            "AND (bad_since = '' OR bad_since > :at)",
            owner=bad.owner,
            digest=bad.digest,
            at=bad.at,
        )

    def _give_up(self, rows: Iterable[tuple[str, str]]) -> None:
        for owner, digest in rows:
            self._change(
                "UPDATE admitted SET rules = '[]', bad_since = '', place = :place "
                "WHERE owner = :owner AND digest = :digest",
                owner=owner,
                digest=digest,
            )

    def _change(self, statement: str, **values: str) -> bool:
        """Do `statement` about one row, whose new `:place` is the next; return whether it did."""
        (place,) = self._database.execute("SELECT place + 1 FROM state").fetchone()
        changed = self._database.execute(statement, values | {"place": place}).rowcount > 0
        if changed:
            self._database.execute("UPDATE state SET place = ?", (place,))
        return changed

    def _bound(self) -> None:
        """Keep the file small: the oldest admissions go first, then what is long gone."""
        self._give_up(
            self._database.execute(
                "SELECT owner, digest FROM admitted WHERE rules <> '[]' ORDER BY at DESC "
                "LIMIT -1 OFFSET ?",
                (self._max_rows,),
            ).fetchall()
        )
        found = self._database.execute(
            "SELECT place FROM admitted WHERE rules = '[]' ORDER BY place DESC LIMIT 1 OFFSET ?",
            (self._max_gone,),
        ).fetchone()
        if found is not None:
            self._database.execute("DELETE FROM admitted WHERE rules = '[]' AND place <= ?", found)
            self._database.execute("UPDATE state SET forgotten = ?", found)


def open_index(folder: Path) -> AdmittedIndex:
    """Return the index in `folder`; one that is broken is dropped, which makes denials alone.

    Raises:
        OSError: there can be no files.
        sqlite3.Error: the file cannot be opened.
    """
    return open_or_begin_anew(folder / _FILE, lambda: AdmittedIndex(folder))


def _place_in(cursor: str, history: str) -> int | None:
    """Return the place that a cursor names; None: it is not of this history."""
    found = _CURSOR.fullmatch(cursor)
    return int(found[2]) if found is not None and found[1] == history else None


def _row(owner: str, digest: str, rules: str, at: str, bad_since: str) -> AdmittedRowV1:
    return AdmittedRowV1(owner, digest, msgspec.json.decode(rules, type=list[str]), at, bad_since)
