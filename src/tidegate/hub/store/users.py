"""People who may sign in: local accounts, and those whom the OpenID provider vouches for."""

from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import sessions, users
from tidegate.wire.sign_in_v1 import UserCreateV1, UserRole, UserV1, UserWriteV1


async def find(connection: AsyncConnection, name: str) -> Row[Any] | None:
    """Return a user's row, None if there is none of this name."""
    if "\x00" in name:  # PostgreSQL takes none in a text
        return None
    return (await connection.execute(select(users).where(users.c.name == name))).first()


async def load(connection: AsyncConnection, name: str) -> UserV1:
    """Return a user.

    Raises:
        NotFoundError: there is none of this name.
    """
    row = await find(connection, name)
    if row is None:
        raise NotFoundError(f"there is no user named {name!r}")
    return _user(row)


async def page(connection: AsyncConnection, after: str, limit: int) -> list[UserV1]:
    """Return up to `limit` users by name, those after `after`."""
    query = select(users).where(users.c.name > after).order_by(users.c.name).limit(limit)
    return [_user(row) for row in await connection.execute(query)]


async def has_local(connection: AsyncConnection) -> bool:
    """Whether there is any local user."""
    query = select(users.c.name).where(users.c.source == "local").limit(1)
    return (await connection.execute(query)).first() is not None


async def add(
    connection: AsyncConnection, body: UserCreateV1, password_hash: str, author: Author
) -> UserV1:
    """Make a local user, who must change the password at the first sign-in.

    Raises:
        ConflictError: the name is taken.
    """
    if await find(connection, body.name) is not None:
        raise ConflictError(f"there is a user named {body.name!r} already", field="name")
    await connection.execute(
        insert(users).values(
            name=body.name,
            display_name=body.display_name,
            role=body.role,
            source="local",
            enabled=True,
            password_hash=password_hash,
            must_change_password=True,
            created_at=author.at,
            last_sign_in_at="",
        )
    )
    return await _recorded(connection, body.name, "user.create", author, None)


async def change(
    connection: AsyncConnection, name: str, body: UserWriteV1, author: Author
) -> UserV1:
    """Change a user; disabled, the sessions end.

    Raises:
        ConflictError: it is the last local administrator, or what the provider decides.
    """
    before = await load(connection, name)
    given = (body.role, body.display_name)
    if before.source == "oidc" and given != (before.role, before.display_name):
        raise ConflictError(
            f"role and name of {name!r} are the sign-in provider's word; change them there, "
            "or set enabled alone"
        )
    if body.role != "admin" or not body.enabled:
        await _require_other_admin(connection, before)
    await connection.execute(
        update(users)
        .where(users.c.name == name)
        .values(role=body.role, display_name=body.display_name, enabled=body.enabled)
    )
    if not body.enabled:
        await end_sessions(connection, name)
    return await _recorded(connection, name, "user.update", author, before)


async def remove(connection: AsyncConnection, name: str, author: Author) -> None:
    """Forget a user and end the sessions.

    Raises:
        ConflictError: it is the last local administrator.
    """
    before = await load(connection, name)
    await _require_other_admin(connection, before)
    await connection.execute(delete(users).where(users.c.name == name))
    await audit.record(connection, author, "user.delete", f"user/{name}", before=before)


async def reset_password(
    connection: AsyncConnection, name: str, password_hash: str, author: Author
) -> UserV1:
    """Give a local user a new initial password and end the sessions.

    Raises:
        ConflictError: the user has no password here.
    """
    before = await load(connection, name)
    if before.source == "oidc":
        raise ConflictError(f"{name!r} signs in at the provider and has no password here")
    await connection.execute(
        update(users)
        .where(users.c.name == name)
        .values(password_hash=password_hash, must_change_password=True)
    )
    await end_sessions(connection, name)
    return await _recorded(connection, name, "user.reset", author, before)


async def set_password(
    connection: AsyncConnection, name: str, old_hash: str, new_hash: str, author: Author
) -> None:
    """Set the password that a user chose and end the sessions.

    Raises:
        ConflictError: the password was changed by somebody else meanwhile.
    """
    changed = await connection.execute(
        update(users)
        .where(users.c.name == name, users.c.password_hash == old_hash)
        .values(password_hash=new_hash, must_change_password=False)
    )
    if changed.rowcount != 1:
        raise ConflictError("the password was changed meanwhile; sign in again")
    await end_sessions(connection, name)
    await audit.record(connection, author, "user.password", f"user/{name}")


async def note_sign_in(
    connection: AsyncConnection, name: str, at: str, password_hash: str = ""
) -> None:
    """Keep when a user signed in, and the password's hash where it was made anew."""
    values = {"last_sign_in_at": at} | ({"password_hash": password_hash} if password_hash else {})
    await connection.execute(update(users).where(users.c.name == name).values(**values))


async def put_from_provider(
    connection: AsyncConnection, name: str, display_name: str, role: UserRole, author: Author
) -> UserV1:
    """Make or renew a user as the provider describes it now.

    Raises:
        ConflictError: an administrator disabled the user here.
    """
    row = await find(connection, name)
    if row is None:
        await connection.execute(
            insert(users).values(
                name=name,
                display_name=display_name,
                role=role,
                source="oidc",
                enabled=True,
                password_hash="",
                must_change_password=False,
                created_at=author.at,
                last_sign_in_at=author.at,
            )
        )
        return await _recorded(connection, name, "user.create", author, None)
    before = _user(row)
    if not before.enabled:
        raise ConflictError(f"the user {name!r} is disabled here; ask an administrator")
    await note_sign_in(connection, name, author.at)
    if (before.role, before.display_name) == (role, display_name):
        return before
    await connection.execute(
        update(users).where(users.c.name == name).values(role=role, display_name=display_name)
    )
    return await _recorded(connection, name, "user.update", author, before)


async def end_sessions(connection: AsyncConnection, name: str) -> None:
    """End all sessions of a user."""
    await connection.execute(delete(sessions).where(sessions.c.user_name == name))


async def _require_other_admin(connection: AsyncConnection, user: UserV1) -> None:
    """Refuse to be without a local administrator: the provider may be away some day."""
    if (user.source, user.role, user.enabled) != ("local", "admin", True):
        return
    # All of them, locked in one order: two at a time must not each find the other.
    query = (
        select(users.c.name)
        .where(users.c.source == "local", users.c.role == "admin", users.c.enabled.is_(True))
        .order_by(users.c.name)
        .with_for_update()
    )
    if set((await connection.execute(query)).scalars()) <= {user.name}:
        raise ConflictError(
            f"{user.name!r} is the last local administrator; make another one first"
        )


async def _recorded(
    connection: AsyncConnection, name: str, action: str, author: Author, before: UserV1 | None
) -> UserV1:
    after = await load(connection, name)
    await audit.record(connection, author, action, f"user/{name}", before=before, after=after)
    return after


def _user(row: Row[Any]) -> UserV1:
    return UserV1(
        name=row.name,
        display_name=row.display_name,
        role=row.role,
        source=row.source,
        enabled=row.enabled,
        must_change_password=row.must_change_password,
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
    )
