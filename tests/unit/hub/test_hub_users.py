"""Users are made, changed, reset and deleted; what they may do follows at once."""

import pytest

from support.hub_world import INITIAL_PASSWORD, PASSWORD, TOKENS, World
from tidegate.domain.rule import EvaluationMode
from tidegate.hub.api.oidc import user_name
from tidegate.hub.app import prepare
from tidegate.wire.hub_v1 import SettingsV1


async def switch_off(world: World, who: str, **body: str) -> tuple[int, str]:
    browser = await world.person("ann", "admin")
    if who == "token":
        browser = world.browser()
        await browser.sign_in_with_token(TOKENS["admin"])
    given = {"gating": "Off", **body}
    answer = await browser.request("PUT", "clusters/c1/gating", json=given)
    return answer.status_code, answer.json().get("type", "")


NEEDED = "urn:tidegate:problem:reauthentication-needed"


@pytest.mark.parametrize(
    ("who", "body", "expected"),
    [
        pytest.param("user", {}, (403, NEEDED), id="no-password"),
        pytest.param("user", {"password": "wrong guess"}, (403, NEEDED), id="wrong-password"),
        pytest.param("user", {"password": TOKENS["admin"]}, (403, NEEDED), id="someones-token"),
        pytest.param("user", {"password": PASSWORD}, (200, ""), id="password"),
        pytest.param("user", {"gating": "On"}, (200, ""), id="on-needs-none"),
        pytest.param("token", {}, (403, NEEDED), id="token-session-no-token"),
        pytest.param("token", {"password": TOKENS["reader"]}, (403, NEEDED), id="other-token"),
        pytest.param("token", {"password": TOKENS["admin"]}, (200, ""), id="own-token"),
    ],
)
async def test_gating_goes_off_in_a_session_with_proof_alone(
    world: World, who: str, body: dict[str, str], expected: tuple[int, str]
) -> None:
    assert await switch_off(world, who, **body) == expected
    off = "gating" not in body and expected[0] == 200
    assert (await world.admin.get_cluster("c1")).gating == ("Off" if off else "On")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, (403, NEEDED), id="no-password"),
        pytest.param({"password": "wrong guess"}, (403, NEEDED), id="wrong-password"),
        pytest.param({"password": PASSWORD}, (200, ""), id="password"),
        pytest.param({"securityGating": "On"}, (200, ""), id="on-needs-none"),
        pytest.param({"securityGating": "On", "registryAccess": "Off"}, (200, ""), id="others"),
    ],
)
async def test_new_clusters_begin_with_gating_off_by_proof_alone(
    world: World, body: dict[str, str], expected: tuple[int, str]
) -> None:
    browser = await world.person("ann", "admin")
    given = {"evaluationMode": "FirstMatch", "securityGating": "Off", **body}
    answer = await browser.request("PUT", "settings", json=given)
    assert (answer.status_code, answer.json().get("type", "")) == expected
    off = "securityGating" not in body and expected[0] == 200
    assert (await world.admin.get_settings()).security_gating == ("Off" if off else "On")


async def test_what_is_off_already_needs_no_proof_to_stay_so(world: World) -> None:
    off = SettingsV1(EvaluationMode.FIRST_MATCH, security_gating="Off")
    await world.admin.put_settings(off)  # a token is proof enough
    browser = await world.person("ann", "admin")
    given = {"evaluationMode": "Strictest", "securityGating": "Off"}
    answer = await browser.request("PUT", "settings", json=given)
    assert (answer.status_code, "password" in answer.json()) == (200, False)
    again = {**given, "securityGating": "On"}
    assert (await browser.request("PUT", "settings", json=again)).is_success
    assert (await browser.request("PUT", "settings", json=given)).status_code == 403


async def test_the_proof_for_the_settings_is_kept_nowhere(world: World) -> None:
    browser = await world.person("ann", "admin")
    given = {"evaluationMode": "FirstMatch", "securityGating": "Off", "password": PASSWORD}
    assert (await browser.request("PUT", "settings", json=given)).is_success
    assert PASSWORD not in str((await world.admin.list_audit()).items)
    assert "password" not in (await browser.request("GET", "settings")).json()


async def test_gating_goes_off_with_a_token_and_no_password_is_recorded(world: World) -> None:
    body = {"gating": "Off", "password": "not needed here"}
    answer = await world.raw(TOKENS["admin"]).put("/api/v1/clusters/c1/gating", json=body)
    assert answer.json()["gating"] == "Off"
    entry = (await world.admin.list_audit()).items[0]
    assert (entry.action, entry.before, entry.after) == (
        "cluster.gating",
        {"gating": "On"},
        {"gating": "Off"},
    )


async def test_wrong_proofs_lock_the_account_too(world: World) -> None:
    browser = await world.person("ann", "admin")
    for _ in range(5):
        body = {"gating": "Off", "password": "a wrong guess"}
        assert (await browser.request("PUT", "clusters/c1/gating", json=body)).status_code == 403
    body = {"gating": "Off", "password": PASSWORD}
    assert (await browser.request("PUT", "clusters/c1/gating", json=body)).status_code == 429


async def test_every_change_of_a_user_is_recorded_without_the_password(world: World) -> None:
    admin = world.raw(TOKENS["admin"])
    made = (await admin.post("/api/v1/users", json={"name": "bob", "role": "reader"})).json()
    await admin.put("/api/v1/users/bob", json={"role": "admin", "displayName": "Bob"})
    reset = (await admin.post("/api/v1/users/bob/reset")).json()
    await admin.delete("/api/v1/users/bob")
    entries = (await world.admin.list_audit()).items[:4]
    assert [entry.action for entry in entries] == [
        "user.delete",
        "user.reset",
        "user.update",
        "user.create",
    ]
    assert (entries[2].before["role"], entries[2].after["role"]) == ("reader", "admin")
    for entry in entries:
        assert made["password"] not in str(entry)
        assert reset["password"] not in str(entry)
        assert "argon2" not in str(entry)


async def test_a_changed_role_holds_from_the_next_request_on(world: World) -> None:
    browser = await world.person("pat", "admin")
    assert (await browser.request("GET", "users")).status_code == 200
    await world.raw(TOKENS["admin"]).put("/api/v1/users/pat", json={"role": "reader"})
    assert (await browser.request("GET", "users")).status_code == 403
    assert (await browser.request("GET", "rules")).status_code == 200


@pytest.mark.parametrize("how", ["disable", "delete", "reset"])
async def test_t20_a_user_shut_out_has_no_session_left(world: World, how: str) -> None:
    browser = await world.person("pat", "reader")
    admin = world.raw(TOKENS["admin"])
    match how:
        case "disable":
            await admin.put("/api/v1/users/pat", json={"role": "reader", "enabled": False})
        case "delete":
            await admin.delete("/api/v1/users/pat")
        case _:
            await admin.post("/api/v1/users/pat/reset")
    assert (await browser.request("GET", "rules")).status_code == 401
    assert (await world.browser().sign_in("pat", PASSWORD)).status_code == 401


@pytest.mark.parametrize(
    ("method", "body"),
    [
        pytest.param("DELETE", None, id="delete"),
        pytest.param("PUT", {"role": "reader"}, id="demote"),
        pytest.param("PUT", {"role": "admin", "enabled": False}, id="disable"),
    ],
)
async def test_last_local_administrator_stays(
    world: World, method: str, body: dict[str, object] | None
) -> None:
    admin = world.raw(TOKENS["admin"])
    refused = await admin.request(method, "/api/v1/users/admin", json=body)
    assert (refused.status_code, "last local" in refused.json()["detail"]) == (409, True)
    await world.person("ann", "admin")
    assert (await admin.request(method, "/api/v1/users/admin", json=body)).is_success


@pytest.mark.parametrize(
    "name", ["", "Ann", "oidc:ann", "a/b", "a b", ".ann", "ann\n", "a" * 129, "<b>"]
)
async def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    body = {"name": name, "role": "reader"}
    refused = await world.raw(TOKENS["admin"]).post("/api/v1/users", json=body)
    assert (refused.status_code, refused.json()["field"]) == (400, "name")


async def test_a_name_is_taken_once(world: World) -> None:
    body = {"name": "admin", "role": "reader"}
    answer = await world.raw(TOKENS["admin"]).post("/api/v1/users", json=body)
    assert (answer.status_code, answer.json()["field"]) == (409, "name")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "users/no"), ("DELETE", "users/no"), ("POST", "users/no/reset")]
)
async def test_an_unknown_user_is_named(world: World, method: str, path: str) -> None:
    body = {"json": {"role": "reader"}} if method == "PUT" else {}
    answer = await world.raw(TOKENS["admin"]).request(method, f"/api/v1/{path}", **body)
    assert (answer.status_code, "'no'" in answer.json()["detail"]) == (404, True)


async def test_users_come_in_pages(world: World) -> None:
    for name in ("bob", "cid"):
        await world.person(name, "reader")
    admin = world.raw(TOKENS["admin"])
    first = (await admin.get("/api/v1/users?limit=2")).json()
    rest = (await admin.get(f"/api/v1/users?limit=2&cursor={first['next']}")).json()
    names = [user["name"] for user in first["items"] + rest["items"]]
    assert (names, rest["next"]) == (["admin", "bob", "cid"], None)


async def test_first_administrator_is_made_once(world: World) -> None:
    await world.person("ann", "admin")
    await world.raw(TOKENS["admin"]).delete("/api/v1/users/admin")
    await prepare(world.hub)
    assert (await world.browser().sign_in("admin", INITIAL_PASSWORD)).status_code == 401


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        pytest.param("ada", "oidc:ada", id="plain"),
        pytest.param("auth0|5f", "oidc:auth0|5f", id="bar"),
        pytest.param(
            "a/b",
            "oidc:sha256-c14cddc033f64b9dea80ea675cf280a015e672516090a5626781153dc68fea11",
            id="slash",
        ),
    ],
)
def test_a_persons_name_is_the_providers_subject(subject: str, name: str) -> None:
    assert user_name(subject) == name
    assert len(user_name(subject * 80)) <= 128
