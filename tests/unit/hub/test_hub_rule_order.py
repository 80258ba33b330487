"""The whole order of the rules in one save: all or nothing, and never over somebody else's."""

import asyncio

import httpx2
import pytest

from support.hub_world import TOKENS, World
from tidegate.domain.rule import DEFAULT_RULE_NAME
from tidegate.wire.hub_v1 import RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, MaxAllowedSeveritiesV1, RuleV1

PATH = "/api/v1/rules/order"


def rule(name: str, description: str = "") -> RuleV1:
    limits = MaxAllowedSeveritiesV1(high=0)
    return RuleV1(name, "deny", ConfigurationV1(limits), description=description)  # type: ignore[arg-type]  # as JSON has it


async def make(world: World, *names: str) -> dict[str, str]:
    for name in names:
        await world.admin.create_rule(RuleWriteV1(rule(name)))
    return {record.rule.name: record.id for record in await world.reader.list_rules()}


async def names(world: World) -> list[str]:
    return [record.rule.name for record in await world.reader.list_rules()]


async def put(world: World, ids: list[str], if_match: str = "*") -> httpx2.Response:
    headers = {"If-Match": if_match} if if_match else {}
    return await world.raw(TOKENS["admin"]).put(PATH, json={"ids": ids}, headers=headers)


async def etag(world: World) -> str:
    return (await world.raw(TOKENS["reader"]).get(PATH)).headers["etag"]


async def test_all_rules_are_put_into_the_order_at_once(world: World) -> None:
    ids = await make(world, "a", "b", "c", "d")
    wanted = ["d", "b", "a", "c", DEFAULT_RULE_NAME]
    read = await etag(world)
    seen = world.hub.signals.policy.count
    answer = await put(world, [ids[name] for name in wanted], read)
    assert (answer.status_code, await names(world)) == (200, wanted)
    assert answer.headers["etag"] == await etag(world) != read
    assert world.hub.signals.policy.count > seen  # agents are told
    shown = await world.raw(TOKENS["reader"]).get(PATH)
    assert shown.json() == answer.json() == {"ids": [ids[name] for name in wanted]}


async def test_one_entry_of_the_audit_log_has_both_orders_by_name(world: World) -> None:
    ids = await make(world, "a", "b")
    count = len((await world.admin.list_audit()).items)
    await put(world, [ids["b"], ids["a"], ids[DEFAULT_RULE_NAME]])
    entries = (await world.admin.list_audit()).items
    assert len(entries) == count + 1
    assert (entries[0].action, entries[0].before, entries[0].after) == (
        "rule.order",
        {"order": ["a", "b", DEFAULT_RULE_NAME]},
        {"order": ["b", "a", DEFAULT_RULE_NAME]},
    )


async def test_the_order_that_is_there_changes_nothing(world: World) -> None:
    ids = await make(world, "a", "b")
    before, read = (await world.admin.list_audit()).items, await etag(world)
    assert (await put(world, list(ids.values()), read)).status_code == 200
    assert ((await world.admin.list_audit()).items, await etag(world)) == (before, read)


@pytest.mark.parametrize(
    ("wanted", "field", "why"),
    [
        pytest.param(["b", "a"], "ids", "left out: 1 ('Default vuln", id="default-left-out"),
        pytest.param([], "ids", "left out: 3 ('a', 'b', 'Default", id="empty"),
        pytest.param(["b", "default"], "ids", "left out: 1 ('a'); give all 3", id="left-out"),
        pytest.param(["b", "a", "b", "default"], "ids[2]", "'b' stands at 1 and at 3", id="twice"),
        pytest.param(["b", "a", "x", "default"], "ids[2]", "no rule with id 'x'", id="unknown"),
        pytest.param(["default", "a", "b"], "ids[0]", "default rule stands at 1", id="not-last"),
    ],
)
async def test_an_order_that_is_none_is_refused_by_field(
    world: World, wanted: list[str], field: str, why: str
) -> None:
    ids = await make(world, "a", "b")
    ids["default"] = ids[DEFAULT_RULE_NAME]
    answer = await put(world, [ids.get(name, name) for name in wanted])
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert why in answer.json()["detail"]
    assert await names(world) == ["a", "b", DEFAULT_RULE_NAME]


async def test_an_order_says_what_it_is_based_on(world: World) -> None:
    ids = await make(world, "a", "b")
    answer = await put(world, list(ids.values()), "")
    assert (answer.status_code, "If-Match" in answer.json()["detail"]) == (428, True)


async def test_a_conflict_says_what_changed_the_order_since(world: World) -> None:
    ids = await make(world, "a", "b", "c")
    read = await etag(world)
    await world.admin.move_rule(ids["b"], 1)
    await world.admin.delete_rule(ids["a"])
    await make(world, "new")
    answer = await put(world, list(ids.values()), read)
    assert answer.status_code == 412
    for words in (
        "rule 'b' was moved by bootstrap:admin at 2026-11-23T09:00:00",
        "rule 'a' was deleted by",
        "rule 'new' was added by",
        "nothing was written",
    ):
        assert words in answer.json()["detail"]
    assert await names(world) == ["b", "c", "new", DEFAULT_RULE_NAME]


@pytest.mark.parametrize("given", ['"o"', '"x"', '"o-1"', f'"o{"9" * 40}"', '"é"'])
async def test_a_version_that_never_was_is_a_conflict(world: World, given: str) -> None:
    ids = await make(world, "a")
    headers = {"If-Match": given.encode()}
    answer = await world.raw(TOKENS["admin"]).put(
        PATH, json={"ids": list(ids.values())}, headers=headers
    )
    assert answer.status_code == 412


async def test_a_long_absence_is_told_in_a_few_words(world: World) -> None:
    read = await etag(world)
    ids = await make(world, *(f"r{number}" for number in range(9)))
    detail = (await put(world, list(ids.values()), read)).json()["detail"]
    assert ("'r4' was added" in detail, "r5" in detail, "and more" in detail) == (True, False, True)


async def test_a_rules_content_is_edited_beside_those_who_order(world: World) -> None:
    ids = await make(world, "a", "b")
    read = await etag(world)
    await world.admin.replace_rule(ids["a"], RuleWriteV1(rule("a", "edited")), "*")
    await world.admin.disable_rule(ids["b"])
    assert await etag(world) == read


async def test_of_two_at_a_time_one_is_told(world: World) -> None:
    ids = await make(world, "a", "b", "c")
    default = ids[DEFAULT_RULE_NAME]
    read = await etag(world)
    answers = await asyncio.gather(
        put(world, [ids["b"], ids["a"], ids["c"], default], read),
        put(world, [ids["c"], ids["b"], ids["a"], default], read),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (kept,) = (answer.json()["ids"] for answer in answers if answer.is_success)
    assert [record.id for record in await world.reader.list_rules()] == kept
    (refused,) = (answer.json()["detail"] for answer in answers if not answer.is_success)
    assert "all rules were ordered anew by bootstrap:admin" in refused
