"""Signing in, what the cookie is worth, and all the ways in which a session ends."""

import asyncio

import pytest

from support.hub_world import INITIAL_PASSWORD, PASSWORD, TOKENS, Browser, World, database_bytes
from tidegate.wire.hub_v1 import TokenCreateV1

HOUR_S = 3600.0
CHOSEN = "a much better password"


async def signed_in_admin(world: World) -> Browser:
    browser = world.browser()
    assert (await browser.sign_in("admin", INITIAL_PASSWORD)).is_success
    assert (await browser.change_password(INITIAL_PASSWORD, CHOSEN)).is_success
    return browser


async def status(browser: Browser, path: str = "rules") -> int:
    return (await browser.request("GET", path)).status_code


async def test_auth_says_how_to_sign_in(world: World) -> None:
    answer = await world.raw().get("/api/v1/auth")
    assert (answer.status_code, answer.json()) == (200, {"local": True, "oidc": None})


async def test_first_sign_in_shows_nothing_before_the_password_is_changed(world: World) -> None:
    browser = world.browser()
    signed = await browser.sign_in("admin", INITIAL_PASSWORD)
    assert signed.json()["user"] == {
        "name": "admin",
        "displayName": "Administrator",
        "role": "admin",
        "mustChangePassword": True,
    }
    refused = await browser.request("GET", "rules")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:tidegate:problem:password-change-needed"
    assert await status(browser, "session") == 200
    changed = await browser.change_password(INITIAL_PASSWORD, CHOSEN)
    assert changed.json()["user"]["mustChangePassword"] is False
    assert await status(browser) == 200


async def test_session_tells_who_is_signed_in(world: World) -> None:
    browser = await signed_in_admin(world)
    answer = (await browser.request("GET", "session")).json()
    assert (answer["user"]["name"], answer["csrfToken"]) == ("admin", browser.csrf)
    assert (await world.raw().get("/api/v1/session")).status_code == 401
    assert (await world.raw(TOKENS["admin"]).get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        pytest.param("https://hub.test", True, id="behind-tls"),
        pytest.param("http://hub.test", True, id="plain-elsewhere"),
        pytest.param("http://127.0.0.1:8080", False, id="plain-loopback"),
        pytest.param("http://localhost:8080", False, id="plain-localhost"),
        pytest.param("http://[::1]:8080", False, id="plain-loopback-v6"),
    ],
)
async def test_cookie_is_for_the_hub_alone(world: World, url: str, *, secure: bool) -> None:
    body = {"username": "admin", "password": INITIAL_PASSWORD}
    answer = await world.raw(base_url=url).post("/api/v1/session", json=body)
    name_value, *flags = answer.headers["set-cookie"].split("; ")
    expected = {"HttpOnly", "Path=/", "SameSite=strict"} | ({"Secure"} if secure else set())
    assert name_value.startswith("tidegate_session=")
    assert set(flags) == expected


async def test_api_token_of_a_person_signs_in_and_ends_with_the_token(world: World) -> None:
    made = await world.admin.create_token(TokenCreateV1("dashboard", "reader"))
    browser = world.browser()
    signed = await browser.sign_in_with_token(made.token)
    assert signed.json()["user"]["name"] == "dashboard"
    assert await status(browser) == 200
    assert await status(browser, "users") == 403
    await world.admin.delete_token(made.id)
    assert await status(browser) == 401


@pytest.mark.parametrize("kind", ["scanner", "registry"])
async def test_t20_machines_tokens_open_no_session(world: World, kind: str) -> None:
    refused = await world.browser().sign_in_with_token(TOKENS[kind])
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"username": "admin"}, id="no-password"),
        pytest.param({"password": INITIAL_PASSWORD}, id="no-name"),
        pytest.param({"username": "a", "password": "b", "token": "c"}, id="both"),
        pytest.param({"username": "admin", "password": "x" * 1025}, id="huge"),
        pytest.param({"username": "admin", "password": 1}, id="number"),
        pytest.param({"user": "admin"}, id="unknown-field"),
    ],
)
async def test_a_sign_in_that_cannot_be_meant_is_refused(
    world: World, body: dict[str, object]
) -> None:
    assert (await world.raw().post("/api/v1/session", json=body)).status_code == 400


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("admin", "wrong password", id="wrong-password"),
        pytest.param("nobody", INITIAL_PASSWORD, id="unknown-user"),
        pytest.param("admin' OR 1=1 --", "x", id="sql"),
        pytest.param("\x00", "\x00", id="nul"),
    ],
)
async def test_a_wrong_name_reads_like_a_wrong_password(
    world: World, name: str, password: str
) -> None:
    refused = await world.browser().sign_in(name, password)
    assert (refused.status_code, refused.json()["detail"]) == (
        401,
        "the name or the password is wrong",
    )


async def test_name_is_read_in_any_case_and_password_in_any_composition(world: World) -> None:
    browser = await signed_in_admin(world)
    composed, decomposed = "cafe\u0301 au lait chaud", "caf\u00e9 au lait chaud"
    assert (await browser.change_password(CHOSEN, composed)).is_success
    assert (await world.browser().sign_in(" Admin ", decomposed)).is_success


async def test_t20_stolen_cookie_is_worth_nothing_after_sign_out(world: World) -> None:
    browser = await signed_in_admin(world)
    stolen = dict(browser.http.cookies)
    assert (await browser.request("DELETE", "session")).status_code == 204
    thief = world.browser()
    thief.http.cookies.update(stolen)
    assert await status(thief) == 401


async def test_sign_in_ends_the_session_that_the_browser_had(world: World) -> None:
    browser = await signed_in_admin(world)
    before = dict(browser.http.cookies)
    assert (await browser.sign_in("admin", CHOSEN)).is_success
    assert dict(browser.http.cookies) != before
    old = world.browser()
    old.http.cookies.update(before)
    assert await status(old) == 401


async def test_changed_password_ends_every_other_session(world: World) -> None:
    here, there = await signed_in_admin(world), world.browser()
    assert (await there.sign_in("admin", CHOSEN)).is_success
    assert (await here.change_password(CHOSEN, PASSWORD)).is_success
    assert await status(here) == 200
    assert await status(there) == 401
    assert (await there.sign_in("admin", CHOSEN)).status_code == 401


async def test_idle_session_ends_after_twelve_hours_and_a_used_one_does_not(world: World) -> None:
    idle, used = await world.person("ida", "reader"), await world.person("ulf", "reader")
    world.later(11 * HOUR_S)
    assert await status(used) == 200
    world.later(1 * HOUR_S + 1)
    assert await status(idle) == 401
    assert await status(used) == 200


async def test_session_ends_after_seven_days_however_used(world: World) -> None:
    browser = await world.person("ulf", "reader")
    for _ in range(14):
        assert await status(browser) == 200
        world.later(12 * HOUR_S - 120)
    world.later(14 * 120 + 1)
    assert await status(browser) == 401


@pytest.mark.parametrize(
    ("password", "why"),
    [
        pytest.param("eleven char", "has 11 characters; want at least 12", id="short"),
        pytest.param("adminADMINadmin", "user's name", id="name-repeated"),
        pytest.param(INITIAL_PASSWORD, "is the current one", id="same"),
    ],
)
async def test_password_rules(world: World, password: str, why: str) -> None:
    browser = world.browser()
    await browser.sign_in("admin", INITIAL_PASSWORD)
    refused = await browser.change_password(INITIAL_PASSWORD, password)
    assert refused.status_code == 400
    assert why in refused.json()["detail"]


async def test_password_change_needs_the_current_one(world: World) -> None:
    browser = await signed_in_admin(world)
    refused = await browser.change_password("not the current one", PASSWORD)
    assert (refused.status_code, await status(browser)) == (403, 200)


async def test_a_write_needs_the_sessions_own_csrf_token(world: World) -> None:
    browser, other = await signed_in_admin(world), await world.person("ann", "admin")
    browser.csrf, kept = "", browser.csrf
    body = {"name": "eve", "role": "reader"}
    missing = await browser.request("POST", "users", json=body)
    assert (missing.status_code, "is missing" in missing.json()["detail"]) == (403, True)
    browser.csrf = other.csrf
    assert (await browser.request("POST", "users", json=body)).status_code == 403
    browser.csrf = kept
    assert (await browser.request("POST", "users", json=body)).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="foreign"),
        pytest.param({"Origin": "null"}, id="sandboxed"),
        pytest.param({"Origin": "https://hub.test.evil.example"}, id="longer"),
        pytest.param({"Origin": "https://hub.test:8443"}, id="other-port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="sibling-host"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_foreign_pages_act_in_no_session(
    world: World, headers: dict[str, str], method: str
) -> None:
    browser = await signed_in_admin(world)
    body = {"json": {"name": "eve", "role": "reader"}} if method == "POST" else {}
    refused = await browser.request(method, "users", headers=headers, **body)
    assert refused.status_code == 403
    assert (
        await browser.request("GET", "users", headers={"Origin": "https://hub.test"})
    ).is_success
    signed = await world.raw(**headers).post("/api/v1/session", json={"token": TOKENS["admin"]})
    assert signed.status_code == 403


async def test_t20_database_and_audit_log_hold_no_password_and_no_session(
    world: World,
) -> None:
    browser = await signed_in_admin(world)
    secret = browser.http.cookies["tidegate_session"]
    written = database_bytes(world.hub.settings.database_url)
    for kept_out in (secret, browser.csrf, CHOSEN, INITIAL_PASSWORD):
        assert kept_out.encode() not in written
    actions = [entry.action for entry in (await world.admin.list_audit()).items]
    assert actions[:2] == ["user.password", "session.create"]


async def test_guessing_is_slowed_down_even_for_the_right_password(world: World) -> None:
    for _ in range(5):
        assert (await world.browser().sign_in("admin", "a wrong guess")).status_code == 401
    locked = await world.browser().sign_in("admin", INITIAL_PASSWORD)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "30")
    world.later(30)
    assert (await world.browser().sign_in("admin", INITIAL_PASSWORD)).is_success


async def test_guesses_at_once_gain_nothing(world: World) -> None:
    answers = await asyncio.gather(
        *(world.browser().sign_in("admin", f"a wrong guess {n}") for n in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


@pytest.mark.slow
async def test_too_many_sessions_of_one_user_end_the_oldest(world: World) -> None:
    first = await world.person("ulf", "reader")
    for _ in range(50):
        world.later(1)
        assert (await world.browser().sign_in("ulf", PASSWORD)).is_success
    assert await status(first) == 401
