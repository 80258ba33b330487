"""Brings a database to this version's schema; what is stored stays."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from tidegate.domain.errors import ConfigurationError
from tidegate.hub.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Run the migrations that `database` has not seen, all or none.

    Raises:
        ConfigurationError: the database is of a newer version.
    """
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def head() -> str:
    """Return the revision that this version's schema is."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
