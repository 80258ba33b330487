"""The ordered rules, as people and files change them."""

import msgspec
import pytest

from support.hub_world import START, World
from tidegate.domain.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
)
from tidegate.domain.rule import DEFAULT_RULE_NAME, Action, EvaluationMode
from tidegate.wire.hub_v1 import CloudScopeV1, RuleApplyV1, RuleWriteV1, SettingsV1
from tidegate.wire.policy_v1alpha1 import (
    ConfigurationV1,
    ExemptionV1,
    MaxAllowedSeveritiesV1,
    RuleV1,
    parse_policy_object,
)


def rule(name: str, **changes: object) -> RuleV1:
    configuration = ConfigurationV1(max_allowed_severities=MaxAllowedSeveritiesV1(high=0))
    entry = RuleV1(name=name, action=Action.DENY, configuration=configuration)
    return msgspec.structs.replace(entry, **changes)


def configured(name: str, **changes: object) -> RuleV1:
    entry = rule(name)
    return rule(name, configuration=msgspec.structs.replace(entry.configuration, **changes))


async def names(world: World) -> list[str]:
    return [record.rule.name for record in await world.reader.list_rules()]


async def make(world: World, *wanted: str) -> dict[str, str]:
    return {n: (await world.admin.create_rule(RuleWriteV1(rule(n)))).id for n in wanted}


async def test_default_rule_is_there_from_the_start(world: World) -> None:
    (default,) = await world.reader.list_rules()
    assert (default.rule.name, default.is_default, default.priority) == (DEFAULT_RULE_NAME, True, 1)
    assert default.rule.configuration.max_allowed_severities.high == 0


async def test_new_rules_stand_directly_above_the_default_rule(world: World) -> None:
    await make(world, "first", "second")
    records = await world.reader.list_rules()
    assert [(r.priority, r.rule.name) for r in records] == [
        (1, "first"),
        (2, "second"),
        (3, DEFAULT_RULE_NAME),
    ]


@pytest.mark.parametrize(
    ("priority", "order"),
    [
        pytest.param(1, ["c", "a", "b"], id="to-the-top"),
        pytest.param(2, ["a", "c", "b"], id="to-the-middle"),
        pytest.param(3, ["a", "b", "c"], id="where-it-is"),
    ],
)
async def test_move_keeps_the_others_in_order(
    world: World, priority: int, order: list[str]
) -> None:
    ids = await make(world, "a", "b", "c")
    moved = await world.admin.move_rule(ids["c"], priority)
    assert moved.priority == priority
    assert await names(world) == [*order, DEFAULT_RULE_NAME]


async def test_no_rule_moves_below_the_default_rule(world: World) -> None:
    ids = await make(world, "a")
    with pytest.raises(InputError, match="priority 2: want 1 to 1"):
        await world.admin.move_rule(ids["a"], 2)


async def test_default_rule_cannot_be_deleted_moved_or_renamed(world: World) -> None:
    (default,) = await world.reader.list_rules()
    renamed = RuleWriteV1(msgspec.structs.replace(default.rule, name="mine"))
    scoped = RuleWriteV1(default.rule, CloudScopeV1(clusters=["prod"]))
    for call, why in (
        (world.admin.delete_rule(default.id), "cannot be deleted"),
        (world.admin.move_rule(default.id, 1), "cannot be moved"),
        (world.admin.replace_rule(default.id, renamed, "*"), "cannot be renamed"),
        (world.admin.replace_rule(default.id, scoped, "*"), "cannot have a cloud scope"),
    ):
        with pytest.raises(ConflictError, match=why):
            await call


async def test_default_rule_can_be_disabled_and_edited(world: World) -> None:
    (default,) = await world.reader.list_rules()
    assert not (await world.admin.disable_rule(default.id)).rule.enabled
    edited = msgspec.structs.replace(default.rule, description="ours")
    written = await world.admin.replace_rule(default.id, RuleWriteV1(edited), "*")
    assert (written.rule.description, written.rule.enabled) == ("ours", True)


async def test_names_are_unique(world: World) -> None:
    ids = await make(world, "a", "b")
    with pytest.raises(ConflictError, match="rule named 'a' already"):
        await world.admin.create_rule(RuleWriteV1(rule("a")))
    with pytest.raises(ConflictError, match="rule named 'a' already"):
        await world.admin.replace_rule(ids["b"], RuleWriteV1(rule("a")), "*")


async def test_a_taken_name_is_told_by_its_field(world: World) -> None:
    await make(world, "a")
    body = {
        "rule": {"name": "a", "action": "deny", "configuration": {"forbiddenCves": ["CVE-1-1"]}}
    }
    answer = await world.raw("admin-" + "t" * 40).post("/api/v1/rules", json=body)
    assert (answer.status_code, answer.json()["field"]) == (409, "rule.name")


@pytest.mark.parametrize(
    ("change", "configuration", "field"),
    [
        pytest.param({"name": " "}, {}, "name", id="name"),
        pytest.param({}, {"blockUnscannedImages": False}, "configuration", id="no-condition"),
        pytest.param({}, {"maximumVaFileAge": "0d"}, "configuration.maximumVaFileAge", id="no-age"),
        pytest.param(
            {},
            {
                "exemptions": [
                    {"type": "permanent", "value": "CVE-1-1"},
                    {"type": "timeBased", "value": "x"},
                ]
            },
            "configuration.exemptions[1].timeBound.endDate",
            id="no-end",
        ),
        pytest.param(
            {},
            {"exemptions": [{"type": "permanent", "value": " "}]},
            "configuration.exemptions[0].value",
            id="exempts-nothing",
        ),
        pytest.param(
            {}, {"ignoredCves": ["CVE-1-1", " "]}, "configuration.ignoredCves[1]", id="no-id"
        ),
    ],
)
async def test_what_means_nothing_is_told_by_its_field(
    world: World, change: dict[str, object], configuration: dict[str, object], field: str
) -> None:
    configuration = {"blockUnscannedImages": True, **configuration}
    body = {"name": "a", "action": "deny", "configuration": configuration, **change}
    admin = world.raw("admin-" + "t" * 40)
    answer = await admin.post("/api/v1/rules", json={"rule": body})
    assert (answer.status_code, answer.json()["field"]) == (400, f"rule.{field}")
    fine = {**body, "name": "fine", "scope": [], "configuration": {"blockUnscannedImages": True}}
    answer = await admin.post("/api/v1/rules/apply", json={"rules": [fine, body]})
    assert (answer.status_code, answer.json()["field"]) == (400, f"rules[1].{field}")


async def test_a_change_since_reading_is_not_overwritten(world: World) -> None:
    ids = await make(world, "a")
    read = await world.reader.get_rule(ids["a"])
    await world.admin.replace_rule(
        ids["a"], RuleWriteV1(rule("a", action=Action.AUDIT, description="softer")), read.etag
    )
    with pytest.raises(PreconditionFailedError) as refused:
        await world.admin.replace_rule(ids["a"], RuleWriteV1(rule("a")), read.etag)
    assert "(rule.action, rule.description)" in str(refused.value)
    assert "by bootstrap:admin at 2026-11-23T09:00:00" in str(refused.value)
    with pytest.raises(PreconditionFailedError):
        await world.admin.delete_rule(ids["a"], read.etag)
    assert (await world.reader.get_rule(ids["a"])).rule.description == "softer"


async def test_a_change_must_say_what_it_is_based_on(world: World) -> None:
    ids = await make(world, "a")
    with pytest.raises(PreconditionRequiredError, match="If-Match"):
        await world.admin.replace_rule(ids["a"], RuleWriteV1(rule("a")), "")


async def test_etag_header_is_what_if_match_takes(world: World) -> None:
    ids = await make(world, "a")
    client = world.raw("admin-" + "t" * 40)
    etag = (await client.get(f"/api/v1/rules/{ids['a']}")).headers["etag"]
    assert etag.startswith('"')
    answer = await client.delete(f"/api/v1/rules/{ids['a']}", headers={"If-Match": etag})
    assert answer.status_code == 204
    with pytest.raises(NotFoundError, match="there is no rule"):
        await world.reader.get_rule(ids["a"])


async def test_duplicate_is_a_disabled_copy_directly_below(world: World) -> None:
    ids = await make(world, "a", "b")
    copy = await world.admin.duplicate_rule(ids["a"])
    again = await world.admin.duplicate_rule(ids["a"])
    assert (copy.rule.enabled, copy.priority, again.priority) == (False, 2, 2)
    assert await names(world) == ["a", "a (copy 2)", "a (copy)", "b", DEFAULT_RULE_NAME]


async def test_duplicate_of_the_default_rule_stands_above_it(world: World) -> None:
    (default,) = await world.reader.list_rules()
    copy = await world.admin.duplicate_rule(default.id)
    assert (copy.priority, copy.is_default) == (1, False)


async def test_apply_upserts_by_name_in_file_order(world: World) -> None:
    await make(world, "old")
    body = RuleApplyV1([rule("new 1"), rule("old", action=Action.AUDIT), rule("new 2")])
    first = await world.admin.apply_rules(body)
    assert (first.created, first.updated, first.unchanged) == (["new 1", "new 2"], ["old"], [])
    again = await world.admin.apply_rules(body)
    assert (again.created, again.updated) == ([], [])
    assert again.unchanged == ["new 1", "old", "new 2"]
    assert await names(world) == ["old", "new 1", "new 2", DEFAULT_RULE_NAME]


async def test_apply_is_all_or_nothing(world: World) -> None:
    meaningless = msgspec.structs.replace(rule("b"), configuration=ConfigurationV1())
    with pytest.raises(InputError, match=r"rule 'b'.*no condition"):
        await world.admin.apply_rules(RuleApplyV1([rule("a"), meaningless]))
    with pytest.raises(InputError, match="used twice: a"):
        await world.admin.apply_rules(RuleApplyV1([rule("a"), rule("a")]))
    assert await names(world) == [DEFAULT_RULE_NAME]


async def test_apply_keeps_the_cloud_scope_and_sets_the_mode(world: World) -> None:
    scope = CloudScopeV1(clusters=["prod-*"])
    made = await world.admin.create_rule(RuleWriteV1(rule("a"), scope))
    await world.admin.apply_rules(
        RuleApplyV1([rule("a", description="x")], EvaluationMode.STRICTEST)
    )
    assert (await world.reader.get_rule(made.id)).cloud_scope == scope
    assert (await world.reader.get_settings()).evaluation_mode is EvaluationMode.STRICTEST


async def test_export_can_be_applied_again(world: World) -> None:
    await make(world, "a", "b")
    exported = await world.reader.export_rules()
    again = parse_policy_object(msgspec.json.encode(exported))
    entries = again.spec.vulnerability_assessment_gated_deployment
    assert [entry.name for entry in entries] == ["a", "b", DEFAULT_RULE_NAME]
    assert (await world.admin.apply_rules(RuleApplyV1(entries))).updated == []


async def test_t16_a_rule_too_large_for_the_cluster_is_refused_with_its_size(world: World) -> None:
    ids = [f"CVE-2026-{n:0100}" for n in range(1000)]
    exemptions = [ExemptionV1("permanent", "x" * 500, reason="y" * 1000) for _ in range(400)]
    large = configured("large", ignored_cves=ids, exemptions=exemptions)
    with pytest.raises(InputError, match=r"rule 'large' is \d{6} bytes; want at most"):
        await world.admin.create_rule(RuleWriteV1(large))


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        pytest.param({"name": ""}, "rule.name", id="no-name"),
        pytest.param({"action": "block"}, "rule.action", id="unknown-action"),
        pytest.param({"configuration": {"maxAllowed": 1}}, "unknown field", id="unknown-field"),
        pytest.param({"configuration": {}}, "no condition", id="no-condition"),
        pytest.param(
            {"scope": [{"matcherType": "pod", "anyOf": []}]}, "rule.scope", id="empty-scope-entry"
        ),
        pytest.param(
            {"configuration": {"blockUnscannedImages": True, "maximumVaFileAge": "0d"}},
            "duration '0d'",
            id="zero-age",
        ),
    ],
)
async def test_a_meaningless_rule_is_refused_with_the_place(
    world: World, entry: dict[str, object], why: str
) -> None:
    valid = {
        "name": "x",
        "action": "deny",
        "configuration": {"maxAllowedSeverities": {"high": 0}},
    }
    client = world.raw("admin-" + "t" * 40)
    answer = await client.post("/api/v1/rules", json={"rule": {**valid, **entry}})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert why in f"{answer.json().get('field', '')}: {answer.json()['detail']}"


async def test_a_meaningless_rule_is_not_applied(world: World) -> None:
    client = world.raw("admin-" + "t" * 40)
    rule = {"name": "x", "action": "deny", "configuration": {}}
    answer = await client.post("/api/v1/rules/apply", json={"rules": [rule]})
    assert answer.status_code == 400
    assert "no condition" in answer.json()["detail"]
    assert len(await world.admin.list_rules()) == 1


async def test_exemptions_carry_who_added_them_whatever_the_body_says(world: World) -> None:
    entry = configured("a", exemptions=[ExemptionV1("permanent", "CVE-1-1", added_by="the boss")])
    made = await world.admin.create_rule(RuleWriteV1(entry))
    (exemption,) = made.rule.configuration.exemptions
    assert exemption.added_by == "bootstrap:admin"


async def test_cautions_are_shown_with_the_rule(world: World) -> None:
    made = await world.admin.create_rule(RuleWriteV1(rule("a")))
    assert any("unknown severity" in warning for warning in made.warnings)


async def test_search_looks_at_names_and_descriptions(world: World) -> None:
    await world.admin.create_rule(RuleWriteV1(rule("a", description="The LAB's rule")))
    assert [r.rule.name for r in await world.reader.list_rules("lab's")] == ["a"]


async def test_pages_cover_all_rules_once(world: World) -> None:
    await make(world, *(f"r{n}" for n in range(5)))
    client = world.raw("reader-" + "t" * 40)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/api/v1/rules", params={"limit": 2, "cursor": cursor})).json()
        seen += [item["rule"]["name"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [*(f"r{n}" for n in range(5)), DEFAULT_RULE_NAME]


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "////", "é"])
async def test_a_foreign_cursor_is_refused(world: World, cursor: str) -> None:
    client = world.raw("reader-" + "t" * 40)
    answer = await client.get("/api/v1/rules", params={"cursor": cursor})
    assert (answer.status_code, "begin anew" in answer.json()["detail"]) == (400, True)


async def test_every_change_is_in_the_audit_log(world: World) -> None:
    ids = await make(world, "a", "b")
    world.later(60)
    await world.admin.move_rule(ids["b"], 1)
    await world.admin.disable_rule(ids["b"])
    await world.admin.delete_rule(ids["b"])
    await world.admin.put_settings(SettingsV1(EvaluationMode.STRICTEST))
    entries = (await world.admin.list_audit(limit=4)).items
    assert [entry.action for entry in entries] == [
        "settings.update",
        "rule.delete",
        "rule.disable",
        "rule.move",
    ]
    settings, deleted, disabled, moved = entries
    assert (settings.before["evaluationMode"], settings.after["evaluationMode"]) == (
        "FirstMatch",
        "Strictest",
    )
    assert (deleted.before["rule"]["name"], deleted.after) == ("b", None)
    assert (disabled.before["rule"]["enabled"], disabled.after["rule"]["enabled"]) == (True, False)
    assert (moved.before, moved.after, moved.actor, moved.role) == (
        {"name": "b", "priority": 2},
        {"name": "b", "priority": 1},
        "bootstrap:admin",
        "admin",
    )
    assert moved.at > START.isoformat()


async def test_a_refused_change_leaves_no_trace(world: World) -> None:
    before = (await world.admin.list_audit()).items
    with pytest.raises(InputError):
        await world.admin.apply_rules(RuleApplyV1([rule("a"), rule("a")]))
    assert (await world.admin.list_audit()).items == before
