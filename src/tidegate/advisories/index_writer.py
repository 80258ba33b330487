"""Writing to the advisory index: records as they come, and what a whole dump lacks."""

import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from tidegate.advisories.ecosystems import family_of
from tidegate.advisories.osv import Advisory
from tidegate.domain.errors import InvalidAdvisoryError, LimitExceededError

MAX_REMOVED_SHARE = 0.2
"""Of an ecosystem's records: a whole dump that lacks more is taken for a broken one."""

FEW_REMOVED = 10
"""So many may go whatever their share."""


class Outcome(StrEnum):
    """What became of one record."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"


class IndexWriter:
    """Puts records into an index inside one transaction; see `AdvisoryIndex.writing`."""

    def __init__(self, connection: sqlite3.Connection, source: str, now: datetime) -> None:
        self._connection = connection
        self._source = source
        self._now = now.astimezone(UTC)
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS seen(id TEXT PRIMARY KEY)")
        connection.execute("DELETE FROM seen")
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS touched(ecosystem TEXT PRIMARY KEY)")
        connection.execute("DELETE FROM touched")
        connection.execute("DROP TABLE IF EXISTS temp.about")

    def holds(self, body: bytes) -> bool:
        """Whether the index has these very bytes, so that they need not be read again."""
        row = self._connection.execute(
            "SELECT id FROM record WHERE digest = ?", (sha256(body).digest(),)
        ).fetchone()
        if row is not None:
            self._see(row[0])
        return row is not None

    def put(self, advisory: Advisory, body: bytes) -> Outcome:
        """Store `advisory`, read from `body`, unless the index holds it or a later one."""
        digest = sha256(body).digest()
        self._see(advisory.id)
        if self._is_held(advisory, digest):
            return Outcome.UNCHANGED
        self._drop(advisory.id)
        self._connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?)",
            (
                advisory.id,
                advisory.modified_at.isoformat(),
                digest,
                advisory.withdrawn,
                msgspec.msgpack.encode(advisory),
            ),
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO affected VALUES (?, ?, ?)",
            [(entry.ecosystem, entry.package, advisory.id) for entry in advisory.affected],
        )
        if advisory.withdrawn:  # kept, so that an older copy does not come back
            return Outcome.WITHDRAWN
        self._connection.executemany(
            "INSERT INTO identifier VALUES (?, ?)",
            [(identifier, advisory.id) for identifier in sorted(advisory.ids)],
        )
        return Outcome.IMPORTED

    def remove_absent(self, base: str, spared: Collection[str] = ()) -> int:
        """Remove the records of ecosystem `base`, all releases, that this import did not bring.

        Withdrawn ones stay, and `spared` ids. A record that names other ecosystems as well stays
        for those.

        Raises:
            InvalidAdvisoryError: the import brought no record of `base` at all.
            LimitExceededError: so many would go that the source cannot be whole.
        """
        of_base = "(ecosystem = ?1 OR substr(ecosystem, 1, length(?1) + 1) = ?1 || ':')"
        held = [
            (identifier, bool(seen))
            for identifier, seen in self._connection.execute(
                "SELECT DISTINCT affected.id, seen.id IS NOT NULL"  # noqa: S608 - a constant
                " FROM affected JOIN record USING (id) LEFT JOIN seen USING (id)"
                f" WHERE {of_base} AND NOT withdrawn",
                (base,),
            )
        ]
        absent = [identifier for identifier, seen in held if not seen and identifier not in spared]
        if not any(seen for _, seen in held):
            raise InvalidAdvisoryError(
                f"no record of ecosystem {base!r} in it; want a whole dump of this ecosystem; "
                "nothing was imported"
            )
        if len(absent) > max(FEW_REMOVED, MAX_REMOVED_SHARE * len(held)):
            raise LimitExceededError(
                f"{len(absent)} of {len(held)} records of {base} are not in it; want at most "
                f"{MAX_REMOVED_SHARE:.0%} gone from a whole dump; nothing was imported. If they "
                "really are gone, remove the index and import everything again"
            )
        for identifier in absent:
            self._remove(base, of_base, identifier)
        return len(absent)

    def write_sources(self, whole: str = "") -> None:
        """Note this import as the source of every ecosystem that it is about, and of `whole`.

        That is one of which a record speaks alone. A dump of npm has records that name PyPI
        besides: they are kept, but they neither cover PyPI nor make its advisories younger.
        """
        self._connection.create_function("family", 1, family_of, deterministic=True)
        self._connection.execute(
            "INSERT OR IGNORE INTO touched SELECT ecosystem FROM affected JOIN seen USING (id)"
        )
        self._connection.execute(
            "CREATE TEMP TABLE about AS"
            " SELECT DISTINCT ecosystem FROM affected JOIN seen USING (id) WHERE id IN"
            "  (SELECT id FROM affected JOIN seen USING (id)"
            "   GROUP BY id HAVING count(DISTINCT family(ecosystem)) = 1)"
            " OR ? != '' AND family(ecosystem) = family(?)",
            (whole, whole),
        )
        self._connection.execute(
            "INSERT INTO source SELECT ecosystem, ?1, '', ?2, 0 FROM about WHERE true"
            " ON CONFLICT(ecosystem) DO UPDATE SET name = ?1, imported_at = ?2",
            (self._source, self._now.isoformat()),
        )
        self._connection.execute(
            "DELETE FROM source WHERE ecosystem IN (SELECT ecosystem FROM touched)"
            " AND NOT EXISTS (SELECT 1 FROM affected WHERE affected.ecosystem = source.ecosystem)"
        )
        self._connection.execute(
            "UPDATE source SET record_count = count, updated_at = CASE"
            "  WHEN ecosystem IN (SELECT ecosystem FROM about) THEN min(newest, ?)"
            "  ELSE updated_at END FROM"
            " (SELECT ecosystem AS key, max(modified_at) AS newest,"
            "         count(DISTINCT CASE WHEN NOT withdrawn THEN id END) AS count"
            "  FROM touched JOIN affected USING (ecosystem) JOIN record USING (id)"
            "  GROUP BY ecosystem)"
            " WHERE ecosystem = key",
            (self._now.isoformat(),),
        )
        self._connection.execute("DROP TABLE about")

    def _see(self, record_id: str) -> None:
        self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (record_id,))

    def _is_held(self, advisory: Advisory, digest: bytes) -> bool:
        row = self._connection.execute(
            "SELECT modified_at, digest FROM record WHERE id = ?", (advisory.id,)
        ).fetchone()
        if row is None:
            return False
        held_at = datetime.fromisoformat(row[0])
        return held_at > advisory.modified_at or (
            held_at == advisory.modified_at and row[1] == digest
        )

    def _drop(self, record_id: str) -> None:
        self._touch(record_id)
        for table in ("record", "affected", "identifier"):
            self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (record_id,))  # noqa: S608 - three constants

    def _remove(self, base: str, of_base: str, record_id: str) -> None:
        self._touch(record_id)
        self._connection.execute(
            f"DELETE FROM affected WHERE {of_base} AND id = ?2",  # noqa: S608 - a constant
            (base, record_id),
        )
        left = self._connection.execute(
            "SELECT 1 FROM affected WHERE id = ?", (record_id,)
        ).fetchone()
        if left is None:
            self._drop(record_id)
        else:  # without its digest, the next copy is read again and restores what it names
            self._connection.execute("UPDATE record SET digest = x'' WHERE id = ?", (record_id,))

    def _touch(self, record_id: str) -> None:
        """Note that the counts of the ecosystems of a record change, whatever it names next."""
        self._connection.execute(
            "INSERT OR IGNORE INTO touched SELECT ecosystem FROM affected WHERE id = ?",
            (record_id,),
        )
