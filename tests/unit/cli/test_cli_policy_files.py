"""Rules in files, before any hub sees them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tidegate.cli.__main__ import main
from tidegate.cli.files import MAX_MANIFEST_BYTES
from tidegate.cli.policy_files import merged_policy, read_reference_rules, read_rules
from tidegate.domain.errors import InputError
from tidegate.domain.rule import DEFAULT_RULE_NAME, EvaluationMode
from tidegate.wire.policy_v1alpha1 import parse_policy_object


def rule(name: str, **configuration: object) -> dict[str, Any]:
    return {
        "name": name,
        "action": "deny",
        "configuration": {"maxAllowedSeverities": {"high": 0}, **configuration},
    }


def policy(*rules: dict[str, Any], name: str = "one", **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": name, "managedFields": []},
        "spec": {"vulnerabilityAssessmentGatedDeployment": list(rules), **spec},
        "status": {"conditions": []},
    }


def write(folder: Path, *documents: dict[str, Any], name: str = "rules.yaml") -> str:
    path = folder / name
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def test_documents_and_lists_are_read_in_file_order(tmp_path: Path) -> None:
    as_list = {"apiVersion": "v1", "kind": "List", "items": [policy(rule("b")), policy(rule("c"))]}
    paths = [
        write(tmp_path, policy(rule("z"), rule("a")), as_list),
        write(tmp_path, policy(rule("0")), name="x.yaml"),
    ]
    found = read_rules(paths)
    assert [entry.name for entry in found.rules] == ["z", "a", "b", "c", "0"]
    assert found.mode is None
    assert found.warnings == []


def test_a_name_given_twice_is_refused_with_both_files(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, policy(rule("a"))),
        write(tmp_path, policy(rule("a")), name="again.yaml"),
    ]
    with pytest.raises(InputError, match=r"again\.yaml: rule 'a' stands in .*rules\.yaml"):
        read_rules(paths)


@pytest.mark.parametrize(
    ("modes", "wanted"),
    [
        ([None], None),
        (["FirstMatch"], EvaluationMode.FIRST_MATCH),
        (["Strictest", "FirstMatch", None], EvaluationMode.STRICTEST),
        (["FirstMatch", "Strictest"], EvaluationMode.STRICTEST),
    ],
)
def test_the_mode_changes_only_where_an_object_says_so(
    tmp_path: Path, modes: list[str | None], wanted: EvaluationMode | None
) -> None:
    documents = [
        policy(rule(str(index)), **({"evaluationMode": mode} if mode else {}))
        for index, mode in enumerate(modes)
    ]
    assert read_rules([write(tmp_path, *documents)]).mode is wanted


def test_what_the_hub_does_not_take_from_files_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(json.dumps(policy(rule("a"), gating="Off", reAdmission="Audit")))
    warnings = read_rules([str(path)]).warnings
    assert ["gating: Off" in warnings[0], "reAdmission: Audit" in warnings[1]] == [True, True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "holds no object", id="empty"),
        pytest.param("a text", "got a str", id="text"),
        pytest.param("kind: PolicyList\nitems: 3", "list of objects", id="list-without-items"),
        pytest.param(
            "kind: Pod\napiVersion: v1\nmetadata: {name: x}",
            "'v1 Pod'; want tidegate.io/v1alpha1 SecurityArtifactPolicy",
            id="another-kind",
        ),
        pytest.param(
            json.dumps(policy(rule("a", maxSeverity=1))), "maxSeverity", id="misspelt-condition"
        ),
        pytest.param(
            json.dumps(policy({"name": "a", "action": "deny", "configuration": {}})),
            "no condition",
            id="no-condition",
        ),
        pytest.param(json.dumps(policy(rule("a"), rule("a"))), "used twice", id="twice-in-one"),
        pytest.param(
            "kind: SecurityArtifactPolicy\napiVersion: defender.microsoft.com/v1alpha3",
            "rules import",
            id="the-reference-systems",
        ),
        pytest.param("a: &a [x]\nb: [*a, *a]", "alias", id="t17-alias"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=why) as refused:
        read_rules([str(path)])
    assert "bad.yaml" in str(refused.value)


def test_a_file_beyond_the_cap_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(InputError, match="more than 4194304 bytes"):
        read_rules([str(path)])


def test_check_merges_policy_files_as_a_gate_does(tmp_path: Path) -> None:
    path = write(
        tmp_path, policy(rule("late"), name="b"), policy(rule("early"), name="z", priority=1)
    )
    assert [r.name for r in merged_policy([path]).rules] == ["early", "late", DEFAULT_RULE_NAME]


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        pytest.param(
            [policy(rule("a"), name="x"), policy(rule("a"), name="y")],
            "used in object",
            id="rule-name-twice",
        ),
        pytest.param(
            [policy(rule("a")), policy(rule("b"))], "given twice: one", id="object-name-twice"
        ),
        pytest.param([policy(rule("a", onStale="maybe"))], "onStale", id="broken"),
    ],
)
def test_check_refuses_policies_that_no_gate_would_have_in_force(
    tmp_path: Path, documents: list[dict[str, Any]], why: str
) -> None:
    path = tmp_path / "p.json"
    path.write_text("\n---\n".join(map(json.dumps, documents)))
    with pytest.raises(InputError, match=why):
        merged_policy([str(path)])


def test_import_dry_run_prints_an_object_that_can_be_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {
        "apiVersion": "defender.microsoft.com/v1alpha3",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "mdc-vulnerability-assessment-policy"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [rule("Lab example", newField=1)]},
    }
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [theirs]}))
    assert [entry.name for entry in read_reference_rules(str(path)).rules] == ["Lab example"]
    assert main(["rules", "import", str(path), "--dry-run"]) == 0
    printed = capsys.readouterr()
    assert "newField: not known here, left out" in printed.err
    (tmp_path / "ours.yaml").write_text(printed.out)
    assert read_rules([str(tmp_path / "ours.yaml")]).rules[0].name == "Lab example"
    parse_policy_object(yaml.safe_load(printed.out))
