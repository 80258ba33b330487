"""Every endpoint names the roles it answers; nobody else gets an answer."""

import itertools

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from support.hub_world import World, database_bytes
from tidegate.domain.errors import ConflictError, NotPermittedError
from tidegate.hub.api.access import Allow
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import ClusterEnrolV1, HeartbeatV1, TokenCreateV1
from tidegate.wire.sign_in_v1 import UserRole

A, R, C, S, G = Role.ADMIN, Role.READER, Role.CLUSTER, Role.SCANNER, Role.REGISTRY

PERMITTED: dict[tuple[str, str], set[Role]] = {
    ("GET", "/api/v1/rules"): {A, R},
    ("POST", "/api/v1/rules"): {A},
    ("GET", "/api/v1/rules/{rule_id}"): {A, R},
    ("PUT", "/api/v1/rules/{rule_id}"): {A},
    ("DELETE", "/api/v1/rules/{rule_id}"): {A},
    ("POST", "/api/v1/rules/{rule_id}/enable"): {A},
    ("POST", "/api/v1/rules/{rule_id}/disable"): {A},
    ("POST", "/api/v1/rules/{rule_id}/move"): {A},
    ("POST", "/api/v1/rules/{rule_id}/duplicate"): {A},
    ("POST", "/api/v1/rules/apply"): {A},
    ("GET", "/api/v1/rules/export"): {A, R},
    ("GET", "/api/v1/rules/order"): {A, R},
    ("PUT", "/api/v1/rules/order"): {A},
    ("POST", "/api/v1/rules/import"): {A},
    ("GET", "/api/v1/settings"): {A, R},
    ("PUT", "/api/v1/settings"): {A},
    ("GET", "/api/v1/audit"): {A},
    ("GET", "/api/v1/audit/{entry_id}"): {A},
    ("POST", "/api/v1/clusters"): {A},
    ("POST", "/api/v1/clusters/enrolments"): {A},
    ("DELETE", "/api/v1/clusters/{name}/alarms"): {A},
    ("GET", "/api/v1/clusters"): {A, R},
    ("GET", "/api/v1/alarms"): {A, R},
    ("GET", "/api/v1/clusters/{name}"): {A, R, C},
    ("DELETE", "/api/v1/clusters/{name}"): {A},
    ("PUT", "/api/v1/clusters/{name}/gating"): {A},
    ("POST", "/api/v1/clusters/{name}/heartbeat"): {C},
    ("GET", "/api/v1/clusters/{name}/policy"): {A, R, C},
    ("POST", "/api/v1/clusters/{name}/inventory"): {C},
    ("GET", "/api/v1/clusters/{name}/renewals"): {C},
    ("POST", "/api/v1/clusters/{name}/rejudgements"): {C},
    ("POST", "/api/v1/scans"): {C},
    ("GET", "/api/v1/feed"): {C, S},
    ("GET", "/api/v1/feed/heads"): {A, R},
    ("GET", "/api/v1/feed/heads/{fingerprint}"): {S},
    ("POST", "/api/v1/feed/batches"): {S},
    ("POST", "/api/v1/feed/turns"): {S},
    ("POST", "/api/v1/feed/turns/end"): {S},
    ("POST", "/api/v1/feed/known"): {S},
    ("POST", "/api/v1/feed/snapshots"): {S},
    ("PUT", "/api/v1/feed/snapshots/{snapshot_id}/parts/{number}"): {S},
    ("POST", "/api/v1/feed/snapshots/{snapshot_id}/finish"): {S},
    ("GET", "/api/v1/feed/snapshots/{snapshot_id}"): {C, S},
    ("GET", "/api/v1/overview"): {A, R},
    ("POST", "/api/v1/events"): {C},
    ("GET", "/api/v1/events/export"): {A, R},
    ("GET", "/api/v1/events"): {A, R},
    ("GET", "/api/v1/events/{event_id}"): {A, R},
    ("GET", "/api/v1/events/tail"): {A, R},
    ("POST", "/api/v1/registries/notifications"): {G},
    ("POST", "/api/v1/registries/notifications/harbor"): {G},
    ("POST", "/api/v1/registries/notifications/acr"): {G},
    ("GET", "/api/v1/registries/configured/{host}"): {A, R},
    ("PUT", "/api/v1/registries/configured/{host}"): {A},
    ("DELETE", "/api/v1/registries/configured/{host}"): {A},
    ("POST", "/api/v1/registries/configured/{host}/test"): {A},
    ("GET", "/api/v1/sealing-keys"): {A},
    ("GET", "/api/v1/workers/registries"): {S},
    ("POST", "/api/v1/registries/turns"): {S},
    ("POST", "/api/v1/registries/turns/{host}/observed"): {S},
    ("POST", "/api/v1/registries/turns/{host}/end"): {S},
    ("POST", "/api/v1/images/scan"): {A, S},
    ("GET", "/api/v1/images"): {A, R},
    ("GET", "/api/v1/images/lookup"): {A, R, S},
    ("GET", "/api/v1/images/findings"): {A, R},
    ("GET", "/api/v1/images/report"): {A, R},
    ("GET", "/api/v1/images/packages"): {A, R},
    ("GET", "/api/v1/images/statement"): {A, R},
    ("GET", "/api/v1/registries"): {A, R},
    ("GET", "/api/v1/repositories"): {A, R},
    ("GET", "/api/v1/advisories"): {A, R},
    ("GET", "/api/v1/keys"): {A, R},
    ("GET", "/api/v1/workers"): {A, R},
    ("PUT", "/api/v1/workers/{name}"): {S},
    ("PUT", "/api/v1/workers/{name}/advisories"): {S},
    ("POST", "/api/v1/advisories/packages"): {S},
    ("PUT", "/api/v1/advisories/packages"): {S},
    ("GET", "/api/v1/advisories/rematch"): {A, R, S},
    ("POST", "/api/v1/reports/renewals"): {A},
    ("GET", "/api/v1/jobs/{job_id}"): {A, R, S},
    ("PUT", "/api/v1/jobs/{job_id}/detail"): {S},
    ("POST", "/api/v1/jobs/{job_id}/packages"): {S},
    ("PUT", "/api/v1/jobs/{job_id}/findings"): {S},
    ("POST", "/api/v1/jobs/lease"): {S},
    ("POST", "/api/v1/jobs/{job_id}/progress"): {S},
    ("POST", "/api/v1/jobs/{job_id}/complete"): {S},
    ("POST", "/api/v1/jobs/{job_id}/fail"): {S},
    ("GET", "/api/v1/jobs"): {A, R, S},
    ("GET", "/api/v1/tokens"): {A},
    ("POST", "/api/v1/tokens"): {A},
    ("DELETE", "/api/v1/tokens/{token_id}"): {A},
    ("GET", "/api/v1/users"): {A},
    ("POST", "/api/v1/users"): {A},
    ("PUT", "/api/v1/users/{name}"): {A},
    ("DELETE", "/api/v1/users/{name}"): {A},
    ("POST", "/api/v1/users/{name}/reset"): {A},
}
IN_SESSION = {
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/session/password"),
}
"""For whoever has signed in, in whatever role; no token opens them."""
WITHOUT_TOKEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/auth"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/session/oidc/start"),
    ("GET", "/api/v1/session/oidc/callback"),
    ("POST", "/api/v1/enrol"),  # its token is in the body, and good once
}
TOKEN_OF = {A: "admin", R: "reader", S: "scanner", G: "registry", C: "c1"}


def served(app: Litestar) -> dict[tuple[str, str], set[Role] | None]:
    return {
        (method, route.path_format): next(
            (set(g.roles) for g in handler.resolve_guards() if isinstance(g, Allow)), None
        )
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method not in ("OPTIONS", "HEAD")
    }


def test_table_is_all_that_is_served(routed: Litestar) -> None:
    assert served(routed) == {**PERMITTED, **dict.fromkeys(WITHOUT_TOKEN | IN_SESSION)}


async def test_no_endpoint_answers_without_a_token(world: World) -> None:
    client = world.raw()
    for method, path in (*PERMITTED, *IN_SESSION):
        response = await client.request(method, path.replace("{", "").replace("}", ""))
        assert (response.status_code, method, path) == (401, method, path)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"] == "Bearer"


async def test_t20_each_token_does_one_thing(world: World) -> None:
    tokens = {role: f"{name}-{'t' * 40}" for role, name in TOKEN_OF.items()}
    for ((method, path), permitted), role in itertools.product(PERMITTED.items(), Role):
        if path == "/api/v1/events/tail" and role in permitted:
            continue  # it would not end; see the integration test
        client = world.raw(tokens[role])
        known = path.replace("{name}", "c1") if method != "DELETE" else path
        real = known.replace("{", "").replace("}", "")
        response = await client.request(method, real, content=b"{}" if method != "GET" else None)
        refused = response.status_code == 403
        assert (refused, method, path, role) == (role not in permitted, method, path, role)
        assert response.status_code != 401
        assert response.status_code < 500


async def test_t20_no_token_opens_what_belongs_to_a_session(world: World) -> None:
    for (method, path), name in itertools.product(IN_SESSION, TOKEN_OF.values()):
        response = await world.raw(f"{name}-{'t' * 40}").request(method, path)
        assert (response.status_code, method, path, name) == (401, method, path, name)


@pytest.mark.parametrize("role", ["admin", "reader"])
async def test_t20_each_session_does_what_its_role_may(world: World, role: UserRole) -> None:
    browser = await world.person("pat", role)
    for (method, path), permitted in PERMITTED.items():
        if path == "/api/v1/events/tail":
            continue  # it would not end; see the integration test
        real = path.replace("{", "").replace("}", "")
        response = await browser.request(method, real, content=b"{}" if method != "GET" else None)
        refused = response.status_code == 403
        assert (refused, method, path) == (Role(role) not in permitted, method, path)
        assert response.status_code != 401
        assert response.status_code < 500


async def test_t20_a_revoked_token_ends_at_once(world: World) -> None:
    made = await world.admin.create_token(TokenCreateV1("dashboard", "reader"))
    dashboard = world.client(made.token)
    assert await dashboard.list_rules()
    await world.admin.delete_token(made.id)
    with pytest.raises(NotPermittedError, match="unknown or revoked"):
        await dashboard.list_rules()


async def test_t20_the_database_holds_no_token(world: World) -> None:
    enrolled = await world.admin.enrol_cluster(ClusterEnrolV1("c3"))
    made = await world.admin.create_token(TokenCreateV1("w2", "scanner"))
    written = database_bytes(world.hub.settings.database_url)
    assert enrolled.token.encode() not in written
    assert made.token.encode() not in written
    assert b"w2" in written


async def test_t23_a_cluster_speaks_for_itself_only(world: World) -> None:
    beat = HeartbeatV1("1.0", "")
    await world.c1.send_heartbeat("c1", beat)
    for call in (
        world.c1.send_heartbeat("c2", beat),
        world.c1.fetch_policy("c2"),
        world.c1.get_cluster("c2"),
    ):
        with pytest.raises(NotPermittedError, match="bound to cluster 'c1'"):
            await call


async def test_t26_nobody_enrols_under_anothers_name(world: World) -> None:
    with pytest.raises(ConflictError, match="enrolled already"):
        await world.admin.enrol_cluster(ClusterEnrolV1("c1"))


async def test_token_of_a_forgotten_cluster_ends(world: World) -> None:
    await world.admin.delete_cluster("c1")
    with pytest.raises(NotPermittedError):
        await world.c1.fetch_policy("c1")
    again = await world.admin.enrol_cluster(ClusterEnrolV1("c1"))
    assert await world.client(again.token).fetch_policy("c1") is not None


async def test_last_administrators_token_stays(world: World) -> None:
    (admin,) = [token for token in await world.admin.list_tokens() if token.role == "admin"]
    with pytest.raises(ConflictError, match="last administrator"):
        await world.admin.delete_token(admin.id)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic YWRtaW46YWRtaW4=", id="other-scheme"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer " + "x" * 100_000, id="huge"),
        pytest.param("Bearer ' OR 1=1 --", id="sql"),
    ],
)
async def test_unknown_credentials_are_refused(world: World, header: str) -> None:
    response = await world.raw(Authorization=header).get("/api/v1/rules")
    assert response.status_code == 401
