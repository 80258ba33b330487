"""Brings a database to this version's schema; what is stored stays."""

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConfigurationError
from tidegate.hub.store.database import Database, Turn, take_turn
from tidegate.hub.store.faults import meaning_of

_MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Run the migrations that `database` has not seen, all or none.

    Raises:
        ConfigurationError: the database is of a newer version, or something stands in the way.
        DatabaseUnavailableError: it is locked, full or away.
    """
    async with database.write() as connection:
        await take_turn(connection, Turn.MIGRATE)  # hubs that start together
        await connection.run_sync(_upgrade)


def head() -> str:
    """Return the revision that this version's schema is."""
    return revisions()[0]


@functools.cache
def revisions() -> tuple[str, ...]:
    """Return the revisions that this version knows, the newest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in scripts)


async def found_behind(connection: AsyncConnection) -> str:
    """Return the database's revision where it is one before this version's; empty: it is not.

    One that is not known here is of a newer version: the hubs before it still work on its schema.
    """
    found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    revision = str(found.scalar_one())
    return revision if revision in revisions()[1:] else ""


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the hub's database cannot be brought to schema {head()} ({error}); it was probably "
            "written by a newer version: run that version, or restore an older copy"
        ) from error
    except DBAPIError as error:
        if meaning_of(error) is not None:
            raise  # locked, full or away: said as for any other transaction
        raise ConfigurationError(
            f"the hub's database cannot be brought to schema {head()} ({error.orig}); nothing of "
            "it was changed: remove what stands in the way, or restore a backup"
        ) from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
