"""The audit log is found in: by who, what, which object, when, and any word in it."""

import pytest
from sqlalchemy import text

from support.hub_world import TOKENS, World
from tidegate.domain.rule import EvaluationMode
from tidegate.wire.hub_v1 import RuleWriteV1, SettingsV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1


def rule(name: str, *forbidden: str) -> RuleV1:
    return RuleV1(name, "deny", ConfigurationV1(forbidden_cves=list(forbidden)))  # type: ignore[arg-type]  # as JSON has it


async def found(world: World, **params: str) -> list[str]:
    answer = await world.raw(TOKENS["admin"]).get("/api/v1/audit", params=params)
    assert answer.status_code == 200, answer.text
    return [entry["action"] for entry in answer.json()["items"]]


@pytest.fixture
async def changes(world: World) -> dict[str, str]:
    """Changes of three people in three hours; ids of rules by name."""
    ann = await world.person("ann", "admin")
    world.later(3600)
    ids = {}
    for name, forbidden in (("Lab_50%", "CVE-2024-3094"), ("other", "CVE-1-1")):
        made = await world.admin.create_rule(RuleWriteV1(rule(name, forbidden)))
        ids[name] = made.id
    world.later(3600)
    await ann.request("POST", f"rules/{ids['other']}/disable")
    await world.admin.move_rule(ids["other"], 1)
    await world.admin.put_settings(SettingsV1(EvaluationMode.STRICTEST))
    return ids


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        pytest.param({"actor": "ann", "object": "rule"}, ["rule.disable"], id="who"),
        pytest.param({"actor": "an"}, [], id="who-is-whole"),
        pytest.param({"action": "rule.create"}, ["rule.create"] * 2, id="what"),
        pytest.param({"object": "settings"}, ["settings.update"], id="object-of-one"),
        pytest.param(
            {"object": "rule"},
            ["rule.move", "rule.disable", "rule.create", "rule.create"],
            id="kind-of-object",
        ),
        pytest.param({"object": "rul"}, [], id="kind-is-whole"),
        pytest.param({"object": "r%"}, [], id="no-wildcard-in-object"),
        pytest.param({"search": "STRICTEST"}, ["settings.update"], id="value-any-case"),
        pytest.param({"search": "cve-2024-3094"}, ["rule.create"], id="vulnerability"),
        pytest.param({"search": "50%"}, ["rule.create"], id="no-wildcard-in-search"),
        pytest.param({"search": "Lab_"}, ["rule.create"], id="no-wildcard-underscore"),
        pytest.param({"search": "b_5"}, ["rule.create"], id="part-of-a-name"),
        pytest.param({"search": "LabX50"}, [], id="underscore-is-itself"),
        pytest.param({"search": "a\0b"}, [], id="nul"),
        pytest.param(
            {"since": "2026-11-23T10:00:00Z", "until": "2026-11-23T11:00:00Z"},
            ["rule.create", "rule.create"],
            id="time-range",
        ),
        pytest.param(
            {"since": "2026-11-23T13:00:00+02:00", "action": "rule.move"},
            ["rule.move"],
            id="another-zone",
        ),
        pytest.param({"since": "2026-11-24T00:00:00Z"}, [], id="later-than-all"),
    ],
)
@pytest.mark.usefixtures("changes")
async def test_filters_together_narrow_the_log(
    world: World, params: dict[str, str], wanted: list[str]
) -> None:
    assert await found(world, **params) == wanted


async def test_one_object_is_followed_through_all_its_changes(
    world: World, changes: dict[str, str]
) -> None:
    wanted = ["rule.move", "rule.disable", "rule.create"]
    assert await found(world, object=f"rule/{changes['other']}") == wanted


@pytest.mark.usefixtures("changes")
async def test_pages_of_a_filtered_log_cover_all_of_it_once(world: World) -> None:
    client = world.raw(TOKENS["admin"])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"object": "rule", "limit": 2, "cursor": cursor}
        page = (await client.get("/api/v1/audit", params=params)).json()
        assert len(page["items"]) <= 2
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next"]
    assert (len(seen), seen) == (4, sorted(set(seen), key=int, reverse=True))


@pytest.mark.parametrize("name", ["since", "until"])
async def test_a_time_that_is_none_is_refused_by_name(world: World, name: str) -> None:
    answer = await world.raw(TOKENS["admin"]).get("/api/v1/audit", params={name: "yesterday"})
    assert (answer.status_code, answer.json()["field"]) == (400, name)


async def test_an_entry_is_shown_by_its_id(world: World) -> None:
    await world.admin.put_settings(SettingsV1(EvaluationMode.STRICTEST))
    (entry,) = (await world.admin.list_audit(limit=1)).items
    answer = await world.raw(TOKENS["admin"]).get(f"/api/v1/audit/{entry.id}")
    assert (answer.json()["id"], answer.json()["after"]["evaluationMode"]) == (
        entry.id,
        "Strictest",
    )


@pytest.mark.parametrize("entry_id", ["999999", "0", "-1", "x", "9" * 30, "\uff11", "1e3", "%00"])
async def test_an_entry_that_is_not_there_is_named(world: World, entry_id: str) -> None:
    answer = await world.raw(TOKENS["admin"]).get(f"/api/v1/audit/{entry_id}")
    assert (answer.status_code, "audit log" in answer.json()["detail"]) == (404, True)


PLANS = {
    "actor": "SELECT * FROM audit WHERE actor = 'x' ORDER BY seq DESC LIMIT 50",
    "action": "SELECT max(seq) FROM audit WHERE action = 'rule.move'",
    "target": "SELECT * FROM audit WHERE target = 'rule/1' ORDER BY seq DESC LIMIT 50",
}


@pytest.mark.usefixtures("on_sqlite")
@pytest.mark.parametrize("column", PLANS)
async def test_who_what_and_which_are_read_from_an_index(world: World, column: str) -> None:
    async with world.hub.database.read() as connection:
        plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {PLANS[column]}"))).all()
    assert f"ix_audit_{column}_seq" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
