"""`tidegate user`: who may sign in to the hub, and as what."""

from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.completion import complete_users
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
from tidegate.wire.sign_in_v1 import UserCreateV1, UserPasswordV1, UserRole, UserV1, UserWriteV1

MAX_NAMED = 20

app = verb.group("Users: list, create, reset a password, disable, enable, set the role, delete.")

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The user's name.", autocompletion=complete_users),
]


@app.command("list")
def list_users(
    context: typer.Context, output: OutputOption = Format.TABLE, hub: HubOption = ""
) -> None:
    """List the users by name, local ones and those of the sign-in provider."""
    users = ask_hub(world_of(context), hub, lambda client: client.list_users())
    if output is not Format.TABLE:
        print_items(users, output)
        return
    print_table(
        ("NAME", "ROLE", "SOURCE", "STATUS", "LAST SIGN-IN", "DISPLAY NAME"),
        (
            (
                user.name,
                user.role,
                user.source,
                status_word(user),
                short_moment(user.last_sign_in_at) or "never",
                user.display_name,
            )
            for user in users
        ),
    )


@app.command("create")
def create_user(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, ._@-")],
    role: Annotated[UserRole, typer.Option(help="What the user may do.")] = "reader",
    display_name: Annotated[str, typer.Option(help="As the portal shows it.")] = "",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Make a local user, and print the first password, which the first sign-in must change."""
    body = UserCreateV1(name, role, display_name)
    made = ask_hub(world_of(context), hub, lambda client: client.create_user(body))
    _print_password(made, output)


@app.command("reset-password")
def reset_password(
    context: typer.Context,
    name: NameArgument,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Give a local user a new first password, and print it; the user's sessions end."""
    made = ask_hub(world_of(context), hub, lambda client: client.reset_user(name))
    _print_password(made, output)


@app.command("disable")
def disable_user(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Let a user sign in no more; the sessions end at once."""
    _change(context, hub, name, enabled=False)
    print_line(f"user {name!r} disabled")


@app.command("enable")
def enable_user(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Let a user sign in again."""
    _change(context, hub, name, enabled=True)
    print_line(f"user {name!r} enabled")


@app.command("role")
def set_role(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[UserRole, typer.Argument(help="admin changes things, reader sees them.")],
    hub: HubOption = "",
) -> None:
    """Set what a local user may do, from the next request on."""
    _change(context, hub, name, role=role)
    print_line(f"user {name!r} has the role {role}")


@app.command("delete")
def delete_user(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Forget a user; the sessions end at once. What the user did stays in the audit log."""
    ask_hub(world_of(context), hub, lambda client: client.delete_user(name))
    print_line(f"user {name!r} deleted")


def status_word(user: UserV1) -> str:
    """Return whether a user can sign in, in a word or three."""
    if not user.enabled:
        return "disabled"
    return "first password" if user.must_change_password else "enabled"


def _print_password(made: UserPasswordV1, output: Format) -> None:
    if output is not Format.TABLE:
        print_data(made, output)
        return
    print_line(made.password)
    print_note(f"first password of user {made.user.name!r} ({made.user.role}); shown this once")
    print_note("The first sign-in must change it.")


def _change(
    context: typer.Context,
    hub: str,
    name: str,
    *,
    role: UserRole | None = None,
    enabled: bool | None = None,
) -> UserV1:
    async def change(client: HubClient) -> UserV1:
        user = await _find(client, name)
        body = UserWriteV1(
            role=user.role if role is None else role,
            display_name=user.display_name,
            enabled=user.enabled if enabled is None else enabled,
        )
        return await client.put_user(name, body)

    return ask_hub(world_of(context), hub, change)


async def _find(client: HubClient, name: str) -> UserV1:
    users = await client.list_users()
    for user in users:
        if user.name == name:
            return user
    known = ", ".join(repr(user.name) for user in users[:MAX_NAMED])
    raise NotFoundError(f"there is no user named {name!r}; there are: {known}")
