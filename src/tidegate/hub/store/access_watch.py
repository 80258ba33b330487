"""Notices the transactions after which somebody may have less access than before.

On the statements themselves, so that no way of revoking can forget to say so. Inserts only give
access, and the one update of sessions notes their last use; neither is looked for.
"""

from typing import Any

from sqlalchemy import Connection, Delete, Executable, Update, event, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tidegate.hub.store.schema import access_changes, clusters, sessions, tokens, users

_TAKES_ACCESS = frozenset(
    (kind, table.name)
    for kind, tables in (
        (Delete, (clusters, sessions, tokens, users)),  # a cluster's token goes with it
        (Update, (tokens, users)),
    )
    for table in tables
)


async def count_changes(connection: AsyncConnection) -> int:
    """Return how often access was taken so far, by whoever writes to the database."""
    return int((await connection.execute(select(access_changes.c.total))).scalar_one())


class AccessWatch:
    """Watches one engine; transactions ask at their end whether they did such a thing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._touched: set[Connection] = set()
        event.listen(engine.sync_engine, "before_execute", self._look)

    def touched(self, connection: AsyncConnection) -> bool:
        """Whether `connection` took access from somebody since this was asked last."""
        found = connection.sync_connection in self._touched
        self._touched.discard(connection.sync_connection)
        return found

    def _look(self, connection: Connection, statement: Executable, *_: Any) -> None:  # noqa: ANN401  # SQLAlchemy's further arguments
        table = getattr(statement, "table", None)
        if (type(statement), getattr(table, "name", "")) in _TAKES_ACCESS:
            self._touched.add(connection)
