"""Users: who may sign in, and as what."""

from litestar import delete, get, post, put
from litestar.params import JSONBody

from tidegate.hub.accounts.passwords import initial_password
from tidegate.hub.api.access import TheCaller, TheHub, allow
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Limit,
    parse_cursor,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.store import users
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import Page
from tidegate.wire.sign_in_v1 import UserCreateV1, UserPasswordV1, UserV1, UserWriteV1


@get("/users", guards=allow(Role.ADMIN), summary="List users by name", responses=documented())
async def list_users(
    hub: TheHub, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[UserV1]:
    """Return a page of the users, local ones and those of the provider."""
    after = parse_cursor(cursor, tuple[str])
    async with hub.database.read() as connection:
        found = await users.page(connection, after[0] if after else "", limit + 1)
    page = found[:limit]
    return Page(page, render_cursor(page[-1].name) if len(found) > limit else None)


@post("/users", guards=allow(Role.ADMIN), summary="Make a local user", responses=documented(409))
async def create_user(
    hub: TheHub, caller: TheCaller, data: JSONBody[UserCreateV1]
) -> UserPasswordV1:
    """Make a user; the initial password is in this answer and nowhere else."""
    password = initial_password()
    password_hash = await hub.passwords.hash(password)
    async with hub.database.write() as connection:
        user = await users.add(connection, data, password_hash, hub.author(caller))
    return UserPasswordV1(user, password)


@put(
    "/users/{name:str}",
    guards=allow(Role.ADMIN),
    summary="Change a user",
    responses=documented(404, 409),
)
async def put_user(hub: TheHub, caller: TheCaller, name: Id, data: JSONBody[UserWriteV1]) -> UserV1:
    """Set role and name, or disable; it holds from the user's next request on."""
    async with hub.database.write() as connection:
        user = await users.change(connection, name, data, hub.author(caller))
    hub.signals.events.ring()  # a stream of theirs ends now
    return user


@delete(
    "/users/{name:str}",
    guards=allow(Role.ADMIN),
    summary="Delete a user",
    responses=documented(404, 409),
)
async def delete_user(hub: TheHub, caller: TheCaller, name: Id) -> None:
    """Forget a user and end the sessions at once; the last local administrator stays."""
    async with hub.database.write() as connection:
        await users.remove(connection, name, hub.author(caller))
    hub.signals.events.ring()


@post(
    "/users/{name:str}/reset",
    guards=allow(Role.ADMIN),
    summary="Reset a user's password",
    responses=documented(404, 409),
)
async def reset_user(hub: TheHub, caller: TheCaller, name: Id) -> UserPasswordV1:
    """Give a user a new initial password and end the sessions at once."""
    password = initial_password()
    password_hash = await hub.passwords.hash(password)
    async with hub.database.write() as connection:
        user = await users.reset_password(connection, name, password_hash, hub.author(caller))
    hub.signals.events.ring()
    return UserPasswordV1(user, password)


HANDLERS = (list_users, create_user, put_user, delete_user, reset_user)
