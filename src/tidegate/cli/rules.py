"""`tidegate rules`: the security rules in the hub."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.completion import complete_rules
from tidegate.cli.context import HubOption, World, world_of
from tidegate.cli.hub import ask_hub
from tidegate.cli.output import (
    Format,
    OutputOption,
    print_data,
    print_items,
    print_line,
    print_note,
    print_table,
)
from tidegate.cli.policy_files import RuleSet, read_reference_rules, read_rules
from tidegate.cli.rule_words import cloud_scope_words, describe_rule, status_word
from tidegate.domain.errors import NotFoundError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import RuleApplyResultV1, RuleApplyV1, RuleRecordV1
from tidegate.wire.policy_v1alpha1 import (
    ObjectMetaV1,
    PolicyObjectV1,
    SpecV1,
)

app = verb.group("Security rules: list, show, apply, import, export, switch, move, delete.")

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The rule's name.", autocompletion=complete_rules),
]


@app.command("list")
def list_rules(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="Only rules that mention this text.")] = "",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """List the rules, highest priority first; the default rule is last."""
    records = ask_hub(world_of(context), hub, lambda client: client.list_rules(search))
    if output is not Format.TABLE:
        print_items(records, output)
        return
    print_table(
        ("PRIORITY", "NAME", "ACTION", "CLOUD SCOPE", "SCOPE NAME", "STATUS"),
        (
            (
                str(record.priority),
                record.rule.name,
                record.rule.action.value,
                cloud_scope_words(record.cloud_scope),
                record.rule.scope_name,
                status_word(record),
            )
            for record in records
        ),
    )


@app.command("show")
def show_rule(
    context: typer.Context,
    name: NameArgument,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Show one rule: scope, conditions, exemptions, and what it may not intend."""
    record = ask_hub(world_of(context), hub, lambda client: _find(client, name))
    if output is not Format.TABLE:
        print_data(record, output)
        return
    for line in describe_rule(record):
        print_line(line)


@app.command("apply")
def apply_rules(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE",
            help="SecurityArtifactPolicy objects in YAML or JSON; - is standard input. Repeatable.",
        ),
    ],
    hub: HubOption = "",
) -> None:
    """Create or update rules by name, all or none.

    New rules are placed directly above the default rule, in the order of the files.
    """
    _apply(world_of(context), hub, read_rules(files))


@app.command("import")
def import_rules(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Objects of defender.microsoft.com/v1alpha3, as `kubectl get "
            "securityartifactpolicies -o json` prints them; - is standard input.",
        ),
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the rules as our own object; ask no hub."),
    ] = False,
    hub: HubOption = "",
) -> None:
    """Take over the rules of Microsoft Defender's policy objects.

    What is not known here is left out and named in a warning.
    """
    found = read_reference_rules(file)
    if not dry_run:
        _apply(world_of(context), hub, found)
        return
    _warn(found)
    spec = SpecV1(vulnerability_assessment_gated_deployment=found.rules)
    policy = PolicyObjectV1(
        "tidegate.io/v1alpha1", "SecurityArtifactPolicy", ObjectMetaV1("imported"), spec
    )
    print_data(policy, Format.YAML)


@app.command("export")
def export_rules(
    context: typer.Context, output: OutputOption = Format.YAML, hub: HubOption = ""
) -> None:
    """Print all rules as one policy object, as `rules apply` and kubectl take it."""
    policy = ask_hub(world_of(context), hub, lambda client: client.export_rules())
    print_data(policy, Format.JSON if output is Format.JSON else Format.YAML)


@app.command("enable")
def enable_rule(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Switch a rule on."""
    _change(context, hub, name, "enabled", lambda client, rule: client.enable_rule(rule.id))


@app.command("disable")
def disable_rule(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Switch a rule off; it stays where it is."""
    _change(context, hub, name, "disabled", lambda client, rule: client.disable_rule(rule.id))


@app.command("move")
def move_rule(
    context: typer.Context,
    name: NameArgument,
    priority: Annotated[int, typer.Argument(min=1, help="The new place; 1 decides first.")],
    hub: HubOption = "",
) -> None:
    """Give a rule another priority; the others make room."""
    _change(context, hub, name, "moved", lambda client, rule: client.move_rule(rule.id, priority))


@app.command("delete")
def delete_rule(context: typer.Context, name: NameArgument, hub: HubOption = "") -> None:
    """Delete a rule. The default rule can be disabled, not deleted."""
    _change(
        context, hub, name, "deleted", lambda client, rule: client.delete_rule(rule.id, rule.etag)
    )


def _change(
    context: typer.Context,
    hub: str,
    name: str,
    done: str,
    change: Callable[[HubClient, RuleRecordV1], Awaitable[RuleRecordV1 | None]],
) -> None:
    async def find_and_change(client: HubClient) -> RuleRecordV1 | None:
        return await change(client, await _find(client, name))

    changed = ask_hub(world_of(context), hub, find_and_change)
    print_line(f"rule {name!r} {done}")
    for warning in changed.warnings if changed else ():
        print_note(f"Warning: {warning}")


async def _find(client: HubClient, name: str) -> RuleRecordV1:
    records = await client.list_rules()
    for record in records:
        if record.rule.name == name:
            return record
    known = ", ".join(repr(record.rule.name) for record in records[:20])
    raise NotFoundError(f"no rule {name!r} in the hub; there are: {known}")


def _apply(world: World, hub: str, found: RuleSet) -> None:
    _warn(found)

    async def apply(client: HubClient) -> tuple[RuleApplyResultV1, list[RuleRecordV1]]:
        result = await client.apply_rules(RuleApplyV1(found.rules, found.mode))
        return result, await client.list_rules()

    result, records = ask_hub(world, hub, apply)
    for name in result.created:
        print_line(f"rule {name!r} created")
    for name in result.updated:
        print_line(f"rule {name!r} updated")
    for name in result.unchanged:
        print_line(f"rule {name!r} unchanged")
    for record in records:
        for warning in record.warnings if record.rule.name in found.origins else ():
            print_note(f"Warning: rule {record.rule.name!r}: {warning}")


def _warn(found: RuleSet) -> None:
    for warning in found.warnings:
        print_note(f"Warning: {warning}")
