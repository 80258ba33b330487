import base64
import tracemalloc
import zlib

import pytest

from tidegate.domain.errors import InvalidPolicyError
from tidegate.wire.last_good import (
    DATA_KEY,
    MAX_COPY_BYTES,
    copy_name,
    parse_config_map,
    parse_copy,
    render_config_map,
    render_copy,
)
from tidegate.wire.policy_merge import load_object

BODY = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {
        "name": "a",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 3,
        "managedFields": [{"manager": "x"}],
    },
    "spec": {"vulnerabilityAssessmentGatedDeployment": [], "priority": 7},
    "status": {"ruleCount": 9},
}


def test_a_copy_gives_the_object_again() -> None:
    assert parse_copy(render_copy(BODY)) == load_object(BODY)


def test_a_copy_remembers_the_file_it_came_from() -> None:
    assert parse_copy(render_copy(BODY, "a.yaml")).origin == "a.yaml"


def test_a_config_map_gives_the_object_again() -> None:
    manifest = render_config_map("a", render_copy(BODY), "tidegate")
    assert manifest["metadata"]["name"] == "tidegate-last-good-a"
    assert parse_config_map(manifest["binaryData"]) == load_object(BODY)


def test_names_of_copies_fit_and_differ() -> None:
    longest = [copy_name("a" * 253), copy_name("a" * 252 + "b"), copy_name("a" * 234)]
    assert all(len(name) <= 253 for name in longest)
    assert len(set(longest)) == 3


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"nonsense", id="no-zlib"),
        pytest.param(render_copy(BODY)[:-9], id="cut"),
        pytest.param(zlib.compress(b" " * 10_000_000), id="bomb"),
        pytest.param(zlib.compress(b"{}"), id="no-object"),
    ],
)
def test_t03_a_copy_that_cannot_be_used_is_refused(copy: bytes) -> None:
    with pytest.raises(InvalidPolicyError):
        parse_copy(copy)


def test_t03_a_bomb_is_unpacked_to_its_limit_only() -> None:
    bomb = zlib.compress(b" " * (50 * MAX_COPY_BYTES))
    tracemalloc.start()
    with pytest.raises(InvalidPolicyError, match="more than"):
        parse_copy(bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 5 * MAX_COPY_BYTES


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"other": ""}, id="other-key"),
        pytest.param({DATA_KEY: "!"}, id="no-base64"),
        pytest.param({DATA_KEY: "\u202e"}, id="no-ascii"),
        pytest.param({DATA_KEY: base64.b64encode(b"x").decode()}, id="no-copy"),
    ],
)
def test_a_config_map_that_is_no_copy_is_refused(data: dict[str, str] | None) -> None:
    with pytest.raises(InvalidPolicyError):
        parse_config_map(data)
