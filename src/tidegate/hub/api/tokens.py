"""Tokens of people, scanners and registries; clusters get theirs by enrolment."""

from litestar import delete, get, post
from litestar.params import JSONBody

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
from tidegate.hub.store import tokens
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import Page, TokenCreatedV1, TokenCreateV1, TokenV1


@get("/tokens", guards=allow(Role.ADMIN), summary="List tokens", responses=documented())
async def list_tokens(
    hub: TheHub, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[TokenV1]:
    """Return a page of the tokens by name, without the secrets."""
    after = parse_cursor(cursor, tuple[str])
    async with hub.database.read() as connection:
        every = await tokens.list_all(connection)
    rest = [token for token in every if after is None or token.name > after[0]]
    page = rest[:limit]
    return Page(page, render_cursor(page[-1].name) if len(rest) > limit else None)


@post("/tokens", guards=allow(Role.ADMIN), summary="Make a token", responses=documented(409))
async def create_token(
    hub: TheHub, caller: TheCaller, data: JSONBody[TokenCreateV1]
) -> TokenCreatedV1:
    """Make a token; it is in this answer and nowhere else."""
    secret = tokens.new_token()
    async with hub.database.write() as connection:
        author = hub.author(caller)
        made = await tokens.add(connection, data.name, Role(data.role), secret, author)
    return TokenCreatedV1(made.id, made.name, secret)


@delete(
    "/tokens/{token_id:str}",
    guards=allow(Role.ADMIN),
    summary="Revoke a token",
    responses=documented(404, 409),
)
async def delete_token(hub: TheHub, caller: TheCaller, token_id: Id) -> None:
    """Revoke a token at once; the last administrator's stays."""
    async with hub.database.write() as connection:
        await tokens.remove(connection, token_id, hub.author(caller))
    hub.signals.events.ring()  # a stream that the token opened ends now


HANDLERS = (list_tokens, create_token, delete_token)
