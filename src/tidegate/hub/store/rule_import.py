"""Taking over the rules of a file: what would become of each, and then doing it, all or none."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import InputError, InvalidPolicyError, PreconditionFailedError
from tidegate.hub.rule_body import require_storable, sign_exemptions
from tidegate.hub.store import organisation, rule_changes
from tidegate.hub.store import rules as rows
from tidegate.hub.store.audit import Author
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_rules_v1 import ChosenRuleV1, ImportedRuleV1, Outcome, RuleImportV1
from tidegate.wire.hub_v1 import RuleApplyV1
from tidegate.wire.policy_defender_v1alpha3 import ImportedRule
from tidegate.wire.policy_v1alpha1 import RuleV1
from tidegate.wire.rule_files import RuleFile


async def plan(connection: AsyncConnection, file: RuleFile, author: Author) -> list[ImportedRuleV1]:
    """Return what would become of each rule of `file` if `author` took it over now."""
    stored = {rule.entry.name: rule for rule in await rows.load_all(connection)}
    return [_planned(found, stored.get(found.name), author) for found in file.rules]


async def save(
    connection: AsyncConnection,
    file: RuleFile,
    body: RuleImportV1,
    author: Author,
) -> list[ImportedRuleV1]:
    """Take over those rules of `file` that `body` chooses, all or none.

    Raises:
        InvalidPolicyError: one of them is refused.
        InputError: one of them is not in the file.
        PreconditionFailedError: one of them replaces another rule than the caller saw.
    """
    await organisation.lock(connection)
    planned = await plan(connection, file, author)
    wanted = planned if body.chosen is None else _select(planned, body.chosen)
    for rule in wanted:
        if rule.outcome == "refused":
            raise InvalidPolicyError(
                f"rule {rule.name!r} cannot be taken over: {rule.problem}; nothing was saved",
                field="content" if body.chosen is None else "chosen",
            )
    for choice in body.chosen or ():
        await _require_seen(connection, choice)
    entries = [rule.after for rule in wanted if rule.after is not None]
    await rule_changes.apply(connection, RuleApplyV1(entries, body.evaluation_mode), author)
    return wanted


def _planned(found: ImportedRule, stored: StoredRule | None, author: Author) -> ImportedRuleV1:
    etag = "" if stored is None else stored.etag
    before = None if stored is None else stored.entry
    try:
        entry = _storable(found)
    except InvalidPolicyError as error:
        return ImportedRuleV1(found.name, "refused", str(error), found.warnings, etag, before)
    after = sign_exemptions(entry, before, author.name)
    outcome: Outcome = "create" if before is None else "unchanged" if after == before else "update"
    return ImportedRuleV1(found.name, outcome, "", found.warnings, etag, before, after)


def _storable(found: ImportedRule) -> RuleV1:
    if found.rule is None:
        raise InvalidPolicyError(found.problem)
    require_storable(found.rule)
    return found.rule


def _select(planned: list[ImportedRuleV1], chosen: list[ChosenRuleV1]) -> list[ImportedRuleV1]:
    names = {choice.name for choice in chosen}
    known = {rule.name for rule in planned}
    for place, choice in enumerate(chosen):
        if choice.name not in known:
            raise InputError(
                f"the file has no rule {choice.name!r}; choose among its own",
                field=f"chosen[{place}].name",
            )
    return [rule for rule in planned if rule.name in names]


async def _require_seen(connection: AsyncConnection, choice: ChosenRuleV1) -> None:
    """Refuse to replace a rule that is not the one that the preview showed."""
    stored = await rows.load_named(connection, choice.name)
    if choice.etag == "*":
        return
    if stored is None:
        if choice.etag:
            raise PreconditionFailedError(
                f"rule {choice.name!r} was deleted or renamed since the preview; nothing was "
                "saved: look at the preview again"
            )
        return
    if not choice.etag:
        raise PreconditionFailedError(
            f"rule {choice.name!r} was added by {stored.updated_by} at {stored.updated_at}, since "
            "the preview; nothing was saved: look at the preview again"
        )
    await rule_changes.require_match(connection, stored, choice.etag)
