"""BreakGlass objects: what is read of them, and what is refused."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tidegate.domain.errors import InvalidBreakGlassError
from tidegate.wire.break_glass_v1alpha1 import FIELDS, custom_resource_definition, parse_break_glass

DIGEST = "sha256:" + "ab" * 32
CREATED = "2026-11-23T12:00:00Z"


def body(created: object = CREATED, **changes: object) -> dict[str, Any]:
    spec = {"namespace": "shop", "digest": DIGEST, "reason": "checkout is down", "duration": "4h"}
    spec |= {name: value for name, value in changes.items() if value is not None}  # type: ignore[misc]
    for name in [name for name, value in changes.items() if value is None]:
        del spec[name]
    metadata = {"name": "incident-7", "creationTimestamp": created, "uid": "u"}
    return {"apiVersion": "tidegate.io/v1alpha1", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("duration", "hours"),
    [("4h", 4), ("24h", 24), ("90m", 1.5), ("1440m", 24), ("1m", 1 / 60)],
)
def test_its_time_counts_from_the_instant_at_which_it_was_made(duration: str, hours: float) -> None:
    parsed = parse_break_glass(body(duration=duration))
    assert parsed.since == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert parsed.until - parsed.since == timedelta(hours=hours)
    assert (parsed.name, parsed.namespace, parsed.digest) == ("incident-7", "shop", DIGEST)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(body(duration="25h"), id="longer-than-a-day"),
        pytest.param(body(duration="1441m"), id="longer-in-minutes"),
        pytest.param(body(duration="0h"), id="nothing"),
        pytest.param(body(duration="1d"), id="another-unit"),
        pytest.param(body(duration="4h\n"), id="a-line-end"),
        pytest.param(body(duration=None), id="no-duration"),
        pytest.param(body(digest="latest"), id="a-tag"),
        pytest.param(body(digest=DIGEST.upper()), id="upper-case"),
        pytest.param(body(namespace="*"), id="every-namespace"),
        pytest.param(body(namespace=""), id="no-namespace"),
        pytest.param(body(reason="because"), id="hardly-a-reason"),
        pytest.param(body(until="2030-01-01"), id="an-unknown-field"),
        pytest.param(body(created="2026-11-23T12:00:00"), id="made-without-a-zone"),
        pytest.param(body(created=None), id="made-at-no-time"),
        pytest.param(body(created=""), id="made-at-nothing"),
        pytest.param(body(created="9999-12-31T23:59:59Z"), id="made-at-the-end-of-time"),
        pytest.param({"spec": {}}, id="nothing-in-it"),
        pytest.param({}, id="empty"),
    ],
)
def test_t10_an_object_that_is_not_of_this_form_lets_nothing_in(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidBreakGlassError, match="BreakGlass object: "):
        parse_break_glass(bad)


def test_the_api_server_refuses_what_the_gate_refuses() -> None:
    (version,) = custom_resource_definition()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(spec["properties"]) == set(spec["required"]) == set(FIELDS)
    assert all(text.split()[0] == name and text.endswith(".") for name, text in FIELDS.items())
    assert {"maxLength"} <= set.intersection(*map(set, spec["properties"].values()))


def test_the_how_to_says_what_each_field_means_and_its_example_is_good() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/break-glass.md").read_text()
    for name, text in FIELDS.items():
        assert f"| `{name}` | {text.removeprefix(name).strip()} |" in page
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    written = yaml.safe_load(example)
    written["metadata"]["creationTimestamp"] = CREATED
    assert parse_break_glass(written).name == "incident-4711"
