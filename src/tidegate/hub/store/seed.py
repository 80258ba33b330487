"""What a database holds before anyone has written to it, and the tokens of a bootstrap file."""

from pathlib import Path

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConfigurationError, InputError
from tidegate.hub.accounts.passwords import Passwords, require_acceptable
from tidegate.hub.store import clusters, organisation, rules, tokens, users
from tidegate.hub.store.audit import Author
from tidegate.hub.store.database import Database, Turn, take_turn
from tidegate.hub.store.schema import clusters as cluster_rows
from tidegate.hub.store.schema import tokens as token_rows
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import ClusterEnrolV1
from tidegate.wire.sign_in_v1 import UserCreateV1

MIN_TOKEN_CHARS = 32
MAX_FILE_BYTES = 1 * 2**20
FIRST_ADMIN = "admin"
MAX_PASSWORD_BYTES = 1024


class BootstrapTokens(msgspec.Struct, forbid_unknown_fields=True):
    """The bootstrap file: tokens made outside, so that parts can start together."""

    admin: str = ""
    reader: str = ""
    scanner: str = ""
    registry: str = ""
    clusters: dict[str, str] = {}


def read_bootstrap(path: Path) -> BootstrapTokens:
    """Return the tokens in the file at `path`.

    Raises:
        ConfigurationError: it cannot be read, is not of the form, or a token is too short.
    """
    try:
        body = path.read_bytes()[: MAX_FILE_BYTES + 1]
        found = msgspec.json.decode(body, type=BootstrapTokens)
        for name in found.clusters:
            _enrolment(name)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"bootstrap tokens {path}: {error}") from error
    named = {r: getattr(found, r) for r in ("admin", "reader", "scanner", "registry")}
    every = {**named, **{f"clusters.{name}": token for name, token in found.clusters.items()}}
    for field, token in every.items():
        if len(token) < MIN_TOKEN_CHARS and (token or field.startswith("clusters.")):
            raise ConfigurationError(
                f"bootstrap tokens {path}: {field} has {len(token)} characters; "
                f"want at least {MIN_TOKEN_CHARS} random ones"
            )
    return found


def read_password(path: Path) -> str:
    """Return the initial password of the first administrator in the file at `path`.

    Raises:
        ConfigurationError: it cannot be read, or is none that a user may have.
    """
    try:
        password = path.read_bytes()[: MAX_PASSWORD_BYTES + 1].decode().strip()
        require_acceptable(password, FIRST_ADMIN)
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise ConfigurationError(f"bootstrap password {path}: {error}") from error
    return password


async def bootstrap_admin(
    database: Database, passwords: Passwords, password: str, now: str
) -> None:
    """Make the user `admin` with an initial password, while there is no local user."""
    async with database.read() as connection:
        if await users.has_local(connection):
            return
    password_hash = await passwords.hash(password)
    async with database.write() as connection:
        await take_turn(connection, Turn.MIGRATE)
        if not await users.has_local(connection):
            body = UserCreateV1(FIRST_ADMIN, "admin", "Administrator")
            author = Author("bootstrap file", "system", now)
            await users.add(connection, body, password_hash, author)


async def seed(connection: AsyncConnection, now: str) -> None:
    """Create the organisation and the default rule where they are not there yet."""
    await organisation.seed(connection, now)
    await rules.seed(connection, now)


async def bootstrap(connection: AsyncConnection, file: BootstrapTokens, now: str) -> None:
    """Make the file's tokens valid; those that an earlier file gave for the same end."""
    author = Author("bootstrap file", "system", now)
    for role in (Role.ADMIN, Role.READER, Role.SCANNER, Role.REGISTRY):
        token = getattr(file, role.value)
        if token:
            await _put(connection, f"bootstrap:{role.value}", role, token, author)
    for name, token in file.clusters.items():
        enrolled = await connection.execute(
            select(cluster_rows.c.name).where(cluster_rows.c.name == name)
        )
        if enrolled.first() is None:
            await clusters.enrol(connection, _enrolment(name), token, author)
        else:
            await _put(connection, f"cluster:{name}", Role.CLUSTER, token, author, cluster=name)


def _enrolment(name: str) -> ClusterEnrolV1:
    try:
        return msgspec.convert({"name": name}, ClusterEnrolV1)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"bootstrap tokens: {name[:128]!r} is no name for a cluster; want up to 128 letters, "
            "digits, '.', '_' and '-', the first a letter or digit"
        ) from error


async def _put(  # a row has these columns
    connection: AsyncConnection,
    name: str,
    role: Role,
    token: str,
    author: Author,
    *,
    cluster: str | None = None,
) -> None:
    known = await tokens.find_caller(connection, token)
    if known is not None and known.name == name:
        return
    if known is not None:
        raise ConfigurationError(
            f"bootstrap tokens: {name} and {known.name} share one token; want one each"
        )
    await connection.execute(delete(token_rows).where(token_rows.c.name == name))
    await tokens.add(connection, name, role, token, author, cluster=cluster)
