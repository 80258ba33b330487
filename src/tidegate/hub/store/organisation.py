"""What holds for the whole organisation, and the count of changes that reach clusters."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.rule import EvaluationMode
from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import ORGANISATION_ID, organisation
from tidegate.wire.hub_v1 import SettingsV1

_REVISION = select(organisation.c.revision)


@dataclass(frozen=True, slots=True)
class Organisation:
    """The one row of settings."""

    evaluation_mode: EvaluationMode
    security_findings: Literal["On", "Off"]
    registry_access: Literal["On", "Off"]
    security_gating: Literal["On", "Off"]
    revision: int
    edited_at: str

    @property
    def settings(self) -> SettingsV1:
        """The part that people set."""
        return SettingsV1(
            self.evaluation_mode,
            security_findings=self.security_findings,
            registry_access=self.registry_access,
            security_gating=self.security_gating,
        )


async def seed(connection: AsyncConnection, now: str) -> None:
    """Create the row where there is none yet."""
    if (await connection.execute(select(organisation.c.id))).first() is None:
        await connection.execute(
            insert(organisation).values(
                id=ORGANISATION_ID,
                evaluation_mode=EvaluationMode.FIRST_MATCH.value,
                security_findings="On",
                registry_access="On",
                security_gating="On",
                revision=1,
                edited_at=now,
            )
        )


async def load(connection: AsyncConnection) -> Organisation:
    """Return the row."""
    row = (await connection.execute(select(organisation))).one()
    return Organisation(
        evaluation_mode=EvaluationMode(row.evaluation_mode),
        security_findings=row.security_findings,
        registry_access=row.registry_access,
        security_gating=row.security_gating,
        revision=row.revision,
        edited_at=row.edited_at,
    )


async def revision(connection: AsyncConnection) -> int:
    """Return how many changes of what clusters get there were."""
    return int((await connection.execute(_REVISION)).scalar_one())


async def lock(connection: AsyncConnection) -> None:
    """Keep other changes of what clusters get waiting until this transaction ends.

    SQLite has one writer anyway and ignores the clause.
    """
    await connection.execute(select(organisation.c.id).with_for_update())


async def count_change(connection: AsyncConnection, now: str) -> None:
    """Count a change of what clusters get."""
    await connection.execute(
        update(organisation).values(revision=organisation.c.revision + 1, edited_at=now)
    )


async def change(connection: AsyncConnection, settings: SettingsV1, author: Author) -> None:
    """Set the organisation's settings."""
    before = (await load(connection)).settings
    if settings == before:
        return
    await count_change(connection, author.at)
    await connection.execute(
        update(organisation).values(
            evaluation_mode=settings.evaluation_mode.value,
            security_findings=settings.security_findings,
            registry_access=settings.registry_access,
            security_gating=settings.security_gating,
        )
    )
    await audit.record(
        connection, author, "settings.update", "settings", before=before, after=settings
    )
