"""Files of rules: what would become of each is told first, and all of it or nothing is saved."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest
import yaml

from support.hub_world import TOKENS, World
from tidegate.domain.rule import DEFAULT_RULE_NAME
from tidegate.wire.hub_v1 import CloudScopeV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import RuleV1

PATH = "/api/v1/rules/import"


def entry(name: str, **changes: object) -> dict[str, Any]:
    configuration = {"maxAllowedSeverities": {"high": 0}}
    return {"name": name, "action": "deny", "configuration": configuration, **changes}


def policy(*rules: dict[str, Any], **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "one"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": list(rules), **spec},
        "status": {"observedGeneration": 3},
    }


def reference(*rules: dict[str, Any]) -> dict[str, Any]:
    body = policy(*rules)
    return {**body, "apiVersion": "defender.microsoft.com/v1alpha3"}


async def post(world: World, content: object, **body: object) -> httpx2.Response:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    return await world.raw(TOKENS["admin"]).post(PATH, json={"content": text, **body})


async def preview(world: World, content: object) -> dict[str, tuple[str, str]]:
    answer = await post(world, content, dryRun=True)
    assert (answer.status_code, answer.json().get("saved")) == (200, False), answer.text
    return {rule["name"]: (rule["outcome"], rule["problem"]) for rule in answer.json()["rules"]}


async def names(world: World) -> list[str]:
    return [record.rule.name for record in await world.reader.list_rules()]


async def make(world: World, name: str, **changes: object) -> None:
    rule = msgspec.convert(entry(name, **changes), RuleV1)
    await world.admin.create_rule(RuleWriteV1(rule, CloudScopeV1(clusters=["c1"])))


async def test_the_preview_says_what_would_become_of_each_and_saves_nothing(world: World) -> None:
    await make(world, "same")
    await make(world, "softer", action="audit")
    before = (await world.admin.list_audit()).items
    content = policy(
        entry("new"), entry("same"), entry("softer"), entry("void", configuration={}),
        {"name": "misspelt", "action": "deny", "configuration": {"maxSeverity": 1}},
    )  # fmt: skip
    found = await preview(world, content)
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "new": "create",
        "same": "unchanged",
        "softer": "update",
        "void": "refused",
        "misspelt": "refused",
    }
    assert "no condition" in found["void"][1]
    assert found["misspelt"][1] == ("Object contains unknown field `maxSeverity` at configuration")
    assert await names(world) == ["same", "softer", DEFAULT_RULE_NAME]
    assert (await world.admin.list_audit()).items == before


async def test_the_preview_shows_both_versions_of_a_rule(world: World) -> None:
    await make(world, "a", action="audit")
    answer = await post(world, policy(entry("a"), entry("b")), dryRun=True)
    changed, new = answer.json()["rules"]
    assert (changed["before"]["action"], changed["after"]["action"]) == ("audit", "deny")
    assert (new["before"], new["after"]["name"]) == (None, "b")


@pytest.mark.parametrize("render", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize("form", [policy, reference], ids=["own", "reference"])
async def test_files_of_either_kind_and_form_are_taken_over(
    world: World, form: Callable[..., dict[str, Any]], render: Callable[[object], str]
) -> None:
    as_list = {"apiVersion": "v1", "kind": "List", "items": [form(entry("a")), form(entry("b"))]}
    answer = await post(world, render(as_list))
    assert [rule["outcome"] for rule in answer.json()["rules"]] == ["create", "create"]
    assert await names(world) == ["a", "b", DEFAULT_RULE_NAME]
    assert set((await preview(world, render(as_list))).values()) == {("unchanged", "")}


async def test_an_export_comes_back_unchanged(world: World) -> None:
    await make(world, "a")
    exported = (await world.raw(TOKENS["reader"]).get("/api/v1/rules/export")).text
    assert await preview(world, exported) == {
        "a": ("unchanged", ""),
        DEFAULT_RULE_NAME: ("unchanged", ""),
    }


async def test_an_updated_rule_keeps_its_place_and_cloud_scope(world: World) -> None:
    await make(world, "a")
    await make(world, "b")
    await post(world, policy(entry("c"), entry("a", action="audit")))
    first, *_ = records = await world.reader.list_rules()
    assert [record.rule.name for record in records] == ["a", "b", "c", DEFAULT_RULE_NAME]
    assert (first.rule.action, first.cloud_scope.clusters) == ("audit", ["c1"])


async def test_the_default_rule_is_edited_and_stays_last(world: World) -> None:
    await post(world, policy(entry(DEFAULT_RULE_NAME, enabled=False), entry("a")))
    records = await world.reader.list_rules()
    assert [(r.rule.name, r.rule.enabled) for r in records] == [
        ("a", True),
        (DEFAULT_RULE_NAME, False),
    ]


async def test_what_the_reference_says_and_is_not_known_is_named_with_its_rule(
    world: World,
) -> None:
    answer = await post(world, reference(entry("a", colour="red"), entry("b")), dryRun=True)
    first, second = answer.json()["rules"]
    assert ("colour: not known here" in first["warnings"][0], second["warnings"]) == (True, [])


async def test_one_refused_rule_keeps_all_out(world: World) -> None:
    content = policy(entry("a"), entry("b", configuration={}))
    answer = await post(world, content)
    assert (answer.status_code, answer.json()["field"]) == (400, "content")
    assert "rule 'b' cannot be taken over" in answer.json()["detail"]
    assert await names(world) == [DEFAULT_RULE_NAME]


async def test_the_chosen_rules_alone_are_taken_over(world: World) -> None:
    content = policy(entry("a"), entry("b", configuration={}), entry("c"))
    answer = await post(world, content, chosen=[{"name": "c", "etag": ""}])
    assert [rule["name"] for rule in answer.json()["rules"]] == ["c"]
    assert await names(world) == ["c", DEFAULT_RULE_NAME]


@pytest.mark.parametrize(
    ("chosen", "field", "why"),
    [
        pytest.param("b", "chosen", "no condition", id="a-refused-one"),
        pytest.param("x", "chosen[1].name", "the file has no rule 'x'", id="one-not-in-the-file"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(
    world: World, chosen: str, field: str, why: str
) -> None:
    content = policy(entry("a"), entry("b", configuration={}))
    answer = await post(world, content, chosen=[{"name": "a"}, {"name": chosen}])
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert why in answer.json()["detail"]
    assert await names(world) == [DEFAULT_RULE_NAME]


async def etag(world: World, name: str) -> str:
    return next(r.etag for r in await world.reader.list_rules() if r.rule.name == name)


@pytest.mark.parametrize("case", ["added", "edited", "deleted"])
async def test_what_changed_since_the_preview_is_not_overwritten(world: World, case: str) -> None:
    if case != "added":
        await make(world, "a", action="audit")
    seen = "" if case == "added" else await etag(world, "a")
    match case:
        case "added":
            await make(world, "a", action="audit")
        case "edited":
            (record, _) = await world.reader.list_rules()
            await world.admin.disable_rule(record.id)
        case _:
            (record, _) = await world.reader.list_rules()
            await world.admin.delete_rule(record.id)
    before = await world.reader.list_rules()
    chosen = [{"name": "a", "etag": seen}]
    answer = await post(world, policy(entry("a")), chosen=chosen)
    assert (answer.status_code, "bootstrap:admin" in answer.json()["detail"]) == (
        412,
        case != "deleted",
    )
    assert await world.reader.list_rules() == before
    forced = await post(world, policy(entry("a")), chosen=[{"name": "a", "etag": "*"}])
    assert forced.is_success


async def test_the_mode_is_told_and_changed_on_demand_alone(world: World) -> None:
    content = policy(entry("a"), evaluationMode="Strictest")
    assert (await post(world, content)).json()["evaluationMode"] == "Strictest"
    assert (await world.reader.get_settings()).evaluation_mode == "FirstMatch"
    await post(world, content, evaluationMode="Strictest")
    assert (await world.reader.get_settings()).evaluation_mode == "Strictest"


async def test_gating_in_a_file_is_named_and_not_applied(world: World) -> None:
    answer = await post(world, policy(entry("a"), gating="Off"))
    assert "gating: Off, which is not applied" in answer.json()["warnings"][0]
    assert (await world.reader.get_settings()).security_gating == "On"


async def test_each_rule_of_a_file_is_in_the_audit_log(world: World) -> None:
    await make(world, "a", action="audit")
    await post(world, policy(entry("a"), entry("b")))
    second, first = (await world.admin.list_audit(limit=2)).items
    assert [(e.action, e.after["rule"]["name"]) for e in (first, second)] == [
        ("rule.update", "a"),
        ("rule.create", "b"),
    ]


async def test_exemptions_in_a_file_are_signed_by_who_takes_it_over(world: World) -> None:
    exemption = {"type": "permanent", "value": "CVE-1-1", "addedBy": "the boss"}
    configuration = {"maxAllowedSeverities": {"high": 0}, "exemptions": [exemption]}
    await post(world, policy(entry("a", configuration=configuration)))
    (record, _) = await world.reader.list_rules()
    assert record.rule.configuration.exemptions[0].added_by == "bootstrap:admin"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("", "holds no rule", id="empty"),
        pytest.param("a text", "got a str", id="text"),
        pytest.param("{", "line 2", id="cut-json"),
        pytest.param("a: [1\nb: 2", "line 2", id="broken-yaml"),
        pytest.param("a: 1\na: 2", "stands twice", id="key-twice"),
        pytest.param("a: &a [x]\nb: [*a, *a]", "alias", id="t17-alias"),
        pytest.param("kind: Pod\napiVersion: v1", "an object 'v1 Pod'", id="another-kind"),
        pytest.param(json.dumps(policy()), "holds no rule", id="no-rule"),
        pytest.param(json.dumps({**policy(), "spec": 3}), "spec.vuln", id="no-spec"),
        pytest.param(json.dumps(policy(sepc=3)), "sepc", id="misspelt-spec"),
        pytest.param("[" * 200 + "]" * 200, "nested deeper", id="deep"),
        pytest.param(json.dumps(policy(*[entry("a")] * 501)), "501 rules", id="too-many"),
        pytest.param("\0", "", id="binary"),
    ],
)
async def test_a_file_that_is_none_is_refused_as_a_whole(
    world: World, content: str, why: str
) -> None:
    for dry_run in (True, False):
        answer = await post(world, content, dryRun=dry_run)
        assert (answer.status_code, answer.json()["field"]) == (400, "content")
        assert why in answer.json()["detail"]


async def test_a_file_beyond_the_cap_is_refused(world: World) -> None:
    answer = await post(world, " " * (4 * 2**20 + 1))
    assert (answer.status_code, answer.json()["field"]) == (400, "content")
    assert (await post(world, " " * (10 * 2**20))).status_code == 413


async def test_rules_that_share_a_name_are_all_refused(world: World) -> None:
    answer = await post(world, policy(entry("a"), entry("a", action="audit")), dryRun=True)
    assert [rule["outcome"] for rule in answer.json()["rules"]] == ["refused", "refused"]
    assert "stands 2 times" in answer.json()["rules"][0]["problem"]


async def test_t16_a_rule_too_large_for_a_cluster_is_refused_in_the_preview(world: World) -> None:
    scope = [{"matcherType": "pod", "anyOf": ["x" * 500] * 200}] * 6
    content = policy(entry("a", scope=scope))
    ((outcome, problem),) = (await preview(world, json.dumps(content))).values()
    assert (outcome, "want at most" in problem) == ("refused", True)
