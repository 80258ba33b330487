"""A body means one thing, whoever reads it: strict JSON, of exactly the types written down."""

import msgspec
import pytest

from support.hub_world import CLUSTER_TOKENS, TOKENS, World
from tidegate.hub.api.bodies import LARGE_BODY_BYTES

RULE = b'{"name": "r", "action": "deny", "configuration": {"blockUnscannedImages": true}}'
LEASE = "/api/v1/jobs/lease"
SETTINGS = "/api/v1/settings"


async def refused(world: World, method: str, path: str, body: bytes) -> dict[str, object]:
    token = TOKENS["scanner"] if "/jobs/" in path else TOKENS["admin"]
    if path.endswith(("heartbeat", "events")):
        token = CLUSTER_TOKENS["c1"]
    answer = await world.raw(token).request(
        method, path, content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return dict(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "body", "key"),
    [
        pytest.param(
            "POST",
            "/api/v1/rules",
            b'{"rule": ' + RULE.replace(b'"deny"', b'"deny", "action": "audit"') + b"}",
            "action",
            id="inside",
        ),
        pytest.param(
            "POST", "/api/v1/rules", b'{"rule": %b, "rule": %b}' % (RULE, RULE), "rule", id="whole"
        ),
        pytest.param(
            "PUT",
            "/api/v1/clusters/c1/gating",
            b'{"gating": "On", "g\\u0061ting": "Off"}',
            "gating",
            id="escaped",
        ),
        pytest.param(
            "POST",
            "/api/v1/events",
            b'{"events": [], "dropped": 0, "dropped": 1}',
            "dropped",
            id="events",
        ),
    ],
)
async def test_t17_a_repeated_key_is_refused_by_its_name(
    world: World, method: str, path: str, body: bytes, key: str
) -> None:
    problem = await refused(world, method, path, body)
    assert problem["detail"] == f"the key '{key}' stands twice in one object"


async def test_t17_a_repeated_key_in_a_large_body_is_refused(world: World) -> None:
    padding = b'"' + b"x" * LARGE_BODY_BYTES + b'"'
    body = b'{"rule": %b, "rule": %b}' % (RULE, padding)
    assert "'rule'" in str((await refused(world, "POST", "/api/v1/rules", body))["detail"])


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        pytest.param("POST", LEASE, b'{"worker": "w", "waitS": "1"}', "waitS", id="number"),
        pytest.param("POST", LEASE, b'{"worker": 5}', "worker", id="text"),
        pytest.param(
            "POST",
            "/api/v1/images/scan",
            b'{"registry": "r.example", "repository": "a", "digest": "x", "attach": "false"}',
            "attach",
            id="boolean",
        ),
        pytest.param(
            "POST",
            "/api/v1/images/scan",
            b'{"registry": "r.example", "repository": "a", "digest": "x", "attach": 0}',
            "attach",
            id="boolean-by-number",
        ),
        pytest.param(
            "POST",
            "/api/v1/rules",
            b'{"rule": ' + RULE.replace(b"true", b'"true"') + b"}",
            "rule.configuration.blockUnscannedImages",
            id="nested",
        ),
        pytest.param(
            "POST",
            "/api/v1/rules",
            b'{"rule": {"name": "r", "action": "deny", '
            b'"configuration": {"maxAllowedSeverities": {"high": "0"}}}}',
            "rule.configuration.maxAllowedSeverities.high",
            id="threshold",
        ),
    ],
)
async def test_t17_nothing_is_made_of_another_type(
    world: World, method: str, path: str, body: bytes, field: str
) -> None:
    problem = await refused(world, method, path, body)
    assert problem["field"] == field
    assert "Expected" in str(problem["detail"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"evaluationMode": NaN}', id="nan"),
        pytest.param(b'{"evaluationMode": "\xff"}', id="no-utf-8"),
        pytest.param(b"[" * 10_000, id="deep"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"evaluationMode": "FirstMatch"} {}', id="two-values"),
    ],
)
async def test_t17_what_is_no_strict_json_is_refused(world: World, body: bytes) -> None:
    before = await world.admin.get_settings()
    await refused(world, "PUT", SETTINGS, body)
    assert await world.admin.get_settings() == before


async def test_a_body_is_read_once_into_its_type(world: World) -> None:
    made = msgspec.json.encode({"name": "c3", "labels": {"a": "1"}})
    answer = await world.raw(TOKENS["admin"]).post(
        "/api/v1/clusters", content=made, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.text
    assert (await world.admin.get_cluster("c3")).labels == {"a": "1"}
