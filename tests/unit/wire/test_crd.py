"""The generated manifests are those in config/, and every field says what it means."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tidegate.wire import break_glass_v1alpha1, crd_fields, policy_v1alpha1
from tidegate.wire.crd import custom_resource_definition, render_crd
from tidegate.wire.rbac import (
    agent_manifests,
    certificate_manifests,
    gate_manifests,
    render_manifests,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("crd/securityartifactpolicies.yaml", render_crd(), id="crd"),
        pytest.param("crd/breakglasses.yaml", break_glass_v1alpha1.render_crd(), id="break-glass"),
        pytest.param("rbac/gate.yaml", render_manifests(gate_manifests()), id="gate"),
        pytest.param("rbac/agent.yaml", render_manifests(agent_manifests()), id="agent"),
        pytest.param(
            "rbac/certificates.yaml", render_manifests(certificate_manifests()), id="certificates"
        ),
    ],
)
def test_config_holds_what_the_generator_prints(path: str, text: str) -> None:
    assert (ROOT / "config" / path).read_text() == text


@pytest.mark.parametrize("struct", [s for s in crd_fields.FIELDS if s != "StatusV1"])
def test_every_field_has_a_text_that_starts_with_its_name(struct: str) -> None:
    fields = {f.encode_name for f in msgspec.structs.fields(getattr(policy_v1alpha1, struct))}
    texts = crd_fields.FIELDS[struct]
    assert set(texts) == fields
    assert all(text.split()[0] == name and text.endswith(".") for name, text in texts.items())


def test_every_list_and_string_of_the_spec_is_bounded() -> None:
    version = custom_resource_definition()["spec"]["versions"][0]
    unbounded: list[str] = []

    def walk(path: str, schema: dict[str, Any]) -> None:
        bounded = {"array": "maxItems", "string": "maxLength", "integer": "maximum"}
        word = bounded.get(schema.get("type", ""))
        if word and not {word, "enum", "pattern"} & schema.keys():
            unbounded.append(path)
        for name, inner in schema.get("properties", {}).items():
            walk(f"{path}.{name}", inner)
        if "items" in schema:
            walk(f"{path}[]", schema["items"])

    walk("spec", version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    assert unbounded == []


def test_t10_nothing_aggregates_policy_rights_to_ordinary_roles() -> None:
    manifests = [*gate_manifests(), *agent_manifests(), *certificate_manifests()]
    assert "aggregate" not in yaml.safe_dump_all(manifests)


def test_the_gate_account_cannot_write_and_reads_no_secret() -> None:
    rules = [rule for manifest in gate_manifests() for rule in manifest.get("rules", [])]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert all("secrets" not in rule["resources"] for rule in rules)
