"""`tidegate token`: the API tokens of people, scan workers and registries."""

from typing import Annotated, Literal

import typer

from tidegate.cli import verb
from tidegate.cli.completion import complete_tokens
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import short_moment
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_items,
    print_line,
    print_note,
    print_table,
)
from tidegate.domain.errors import NotFoundError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import TokenCreateV1

MAX_NAMED = 20

app = verb.group("API tokens: list, create, revoke. Clusters get theirs by `cluster enrol`.")

Role = Literal["admin", "reader", "scanner", "registry"]


@app.command("list")
def list_tokens(
    context: typer.Context, output: OutputOption = Format.TABLE, hub: HubOption = ""
) -> None:
    """List the tokens by name; the hub does not know the secrets, only their hashes."""
    tokens = ask_hub(world_of(context), hub, lambda client: client.list_tokens())
    if output is not Format.TABLE:
        print_items(tokens, output)
        return
    print_table(
        ("NAME", "ROLE", "CLUSTER", "CREATED"),
        (
            (token.name, token.role, token.cluster or "-", short_moment(token.created_at))
            for token in tokens
        ),
    )


@app.command("create")
def create_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what uses it.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = "reader",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Make a token and print it; it is shown this once.

    admin changes things, reader sees them, scanner is for a scan worker, registry for a registry's
    notifications.
    """
    body = TokenCreateV1(name, role)
    made = ask_hub(world_of(context), hub, lambda client: client.create_token(body))
    if output is not Format.TABLE:
        print_data(made, output)
        return
    print_line(made.token)
    print_note(f"token {made.name!r} of the role {role}; shown this once")


@app.command("revoke")
def revoke_token(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The token's name.", autocompletion=complete_tokens),
    ],
    hub: HubOption = "",
) -> None:
    """End a token at once, and the sessions that were opened with it."""

    async def revoke(client: HubClient) -> None:
        tokens = await client.list_tokens()
        for token in tokens:
            if token.name == name:
                return await client.delete_token(token.id)
        known = ", ".join(repr(token.name) for token in tokens[:MAX_NAMED])
        raise NotFoundError(f"there is no token named {name!r}; there are: {known}")

    ask_hub(world_of(context), hub, revoke)
    print_line(f"token {name!r} revoked")
