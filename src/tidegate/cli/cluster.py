"""`tidegate cluster`: the clusters that a hub knows."""

from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from tidegate.cli import verb
from tidegate.cli.completion import complete_clusters
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.hub import Person, ask_hub, ask_hub_as
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
from tidegate.cli.passwords import read_password
from tidegate.cli.protection_words import described_protection
from tidegate.domain.errors import InputError
from tidegate.wire.hub_v1 import ClusterEnrolV1, ClusterV1, Provider

MAX_LABELS = 64

app = verb.group("Clusters: list, show, enrol, switch gating, acknowledge, delete.")

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The cluster's name.", autocompletion=complete_clusters),
]


@app.command("list")
def list_clusters(
    context: typer.Context, output: OutputOption = Format.TABLE, hub: HubOption = ""
) -> None:
    """List the clusters by name."""
    clusters = ask_hub(world_of(context), hub, lambda client: client.list_clusters())
    if output is not Format.TABLE:
        print_items(clusters, output)
        return
    print_table(
        ("NAME", "PROVIDER", "ACCOUNT", "GATING", "RULES", "LAST SEEN", "PROBLEMS"),
        (
            (
                cluster.name,
                cluster.provider,
                cluster.account,
                cluster.gating,
                rules_word(cluster),
                short_moment(cluster.last_seen_at) or "never",
                str(len(cluster.problems)),
            )
            for cluster in clusters
        ),
    )


@app.command("show")
def show_cluster(
    context: typer.Context,
    name: NameArgument,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Show one cluster: what was fixed at its enrolment, and what its agent last said."""
    cluster = ask_hub(world_of(context), hub, lambda client: client.get_cluster(name))
    if output is not Format.TABLE:
        print_data(cluster, output)
        return
    for line in _described(cluster):
        print_line(line)


@app.command("enrol")
def enrol_cluster(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The cluster's name.")],
    provider: Annotated[Provider, typer.Option(help="Where it runs.")] = "on-premises",
    account: Annotated[str, typer.Option(help="Account, subscription or project.")] = "",
    label: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A label; repeatable.")
    ] = None,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Announce a cluster, and print the one-time token with which its agent enrols it.

    Provider, account and labels are fixed here, never by the cluster: they choose its rules.
    Again for a cluster whose agent has not come: the earlier token ends.
    """
    body = ClusterEnrolV1(name, provider, account, _labels(label or []))
    granted = ask_hub(world_of(context), hub, lambda client: client.announce_cluster(body))
    if output is not Format.TABLE:
        print_data(granted, output)
        return
    print_line(granted.token)
    print_note(f"one-time token of cluster {name!r}, until {short_moment(granted.expires_at)}")
    print_note("Give it to the agent in a file, with TIDEGATE_AGENT_ENROL_TOKEN_FILE.")


@app.command("delete")
def delete_cluster(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Forget a cluster and end its token; its events stay, and its rules stay in force there."""
    ask_hub(world_of(context), hub, lambda client: client.delete_cluster(name))
    print_line(f"cluster {name!r} deleted")


@app.command("gating")
def set_gating(
    context: typer.Context,
    name: NameArgument,
    state: Annotated[Literal["on", "off"], typer.Argument(help="off admits everything there.")],
    user: Annotated[
        str,
        typer.Option(
            metavar="USER",
            help="Do it as this local user, whom the audit log then names; asks for the password.",
        ),
    ] = "",
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read USER's password from standard input."),
    ] = False,
    hub: HubOption = "",
) -> None:
    """Switch the security gating of a cluster.

    A token (TIDEGATE_TOKEN, or the installation's) is proof by itself and takes no password. With
    --user no token is used: the hub wants that user's password, and for off once more as proof.
    """
    wanted: Literal["On", "Off"] = "On" if state == "on" else "Off"
    world = world_of(context)
    if password_stdin and not user:
        raise InputError(
            "--password-stdin is for the password of --user USER; a token takes none: it is proof "
            "by itself"
        )
    if user:
        password = read_password(f"Password of {user}: ", from_stdin=password_stdin)
        person = Person(user, password)
        ask_hub_as(
            world, hub, person, lambda client: client.set_gating(name, wanted, person.password)
        )
    else:
        ask_hub(world, hub, lambda client: client.set_gating(name, wanted))
    print_line(f"gating of cluster {name!r} is {wanted}")
    if wanted == "Off":
        print_note(f"Warning: cluster {name!r} admits every image until it is switched on again.")


@app.command("acknowledge")
def acknowledge(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Take the hub's alarms about a cluster's enrolment for looked into."""
    ask_hub(world_of(context), hub, lambda client: client.acknowledge_alarms(name))
    print_line(f"alarms of cluster {name!r} acknowledged")


def rules_word(cluster: ClusterV1) -> str:
    """Return whether the hub's rules are in force there, in a word."""
    if not cluster.enrolled_at:
        return "not enrolled yet"
    if not cluster.policy_generation:
        return "not in force"
    return "in force" if cluster.policy_generation == cluster.wanted_generation else "out of date"


_STANDINGS = {
    "same": "all that the hub has",
    "behind": "{missing} behind the hub",
    "ahead": "ahead of the hub, which was put back",
    "other-chain": "of another chain than the hub's",
    "unknown-key": "of a key that the hub has nothing of",
}


def _described(cluster: ClusterV1) -> Iterator[str]:
    yield f"Name:       {cluster.name}"
    yield f"Provider:   {cluster.provider}"
    yield f"Account:    {cluster.account or '-'}"
    labels = ", ".join(f"{key}={value}" for key, value in sorted(cluster.labels.items()))
    yield f"Labels:     {labels or '-'}"
    yield f"Gating:     {cluster.gating}"
    yield f"Enrolled:   {short_moment(cluster.enrolled_at) or 'waiting for its agent'}"
    yield f"Last seen:  {short_moment(cluster.last_seen_at) or 'never'}"
    yield f"Agent:      {cluster.agent_version or '-'}"
    yield f"Rules:      {rules_word(cluster)}"
    yield f"Feed:       {short_moment(cluster.feed_at) or '-'}"
    for end in cluster.feed:
        word = _STANDINGS[end.standing].format(missing=end.missing)
        yield f"            key {end.fingerprint[:12]}, batch {end.epoch}: {word}"
    yield from described_protection(cluster.protection)
    for problem in cluster.problems:
        yield f"Problem:    {problem}"


def _labels(texts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"label {text[:80]!r}: want KEY=VALUE, like env=prod")
        if key in found:
            raise InputError(f"label {key[:80]!r} is given twice")
        found[key] = value
    if len(found) > MAX_LABELS:
        raise InputError(f"{len(found)} labels; want at most {MAX_LABELS}")
    return found
