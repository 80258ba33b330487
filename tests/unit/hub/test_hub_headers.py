"""Whatever strangers wrote, no answer of the hub becomes a page that runs it."""

import pytest

from support.hub_world import TOKENS, World
from tidegate.hub.app import make_app
from tidegate.hub.headers import PORTAL_POLICY, with_headers

SCRIPT = "<script>alert(1)</script>\u202e\x1b[31m"


@pytest.mark.parametrize(
    "path",
    ["/api/v1/users", "/api/v1/auth", "/api/v1/nope", "/", "/healthz", "/api/v1/openapi.json"],
)
async def test_t24_no_answer_is_a_page_that_runs_what_strangers_wrote(
    world: World, path: str
) -> None:
    admin = world.raw(TOKENS["admin"])
    body = {"name": "eve", "role": "reader", "displayName": SCRIPT}
    assert (await admin.post("/api/v1/users", json=body)).status_code == 201
    answer = await admin.get(path)
    assert "html" not in answer.headers["content-type"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "\x1b" not in answer.text
    assert len(answer.headers.get_list("content-security-policy")) == 1


async def test_t24_a_sign_in_does_not_answer_with_what_was_sent(world: World) -> None:
    answer = await world.raw().post(
        "/api/v1/session", json={"username": SCRIPT, "password": SCRIPT}
    )
    assert answer.status_code == 401
    assert "script" not in answer.text


def test_portal_runs_scripts_of_its_own_files_alone() -> None:
    directives = dict(part.strip().split(" ", 1) for part in PORTAL_POLICY.split(";"))
    assert directives["script-src"] == "'self'"
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    ("public_url", "told"),
    [("", False), ("http://127.0.0.1:8080", False), ("https://hub.test", True)],
)
async def test_browsers_come_by_tls_alone_where_the_public_url_is_https(
    world: World, public_url: str, *, told: bool
) -> None:
    world.app = with_headers(make_app(world.hub), public_url)
    answer = await world.raw().get("/healthz")
    assert ("strict-transport-security" in answer.headers) == told
