"""The portal's files are served beside the API, under a policy that lets no inline script run."""

import re
from pathlib import Path

import httpx2
import pytest
from litestar import Litestar
from litestar.types import ASGIApp

from support.hub_world import World
from tidegate.hub.headers import with_headers
from tidegate.hub.portal.assets import load_assets
from tidegate.hub.portal.site import with_portal

SCRIPT = b"console.log('a script that is long enough to be worth packing');" * 20


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<meta content="__TIDEGATE_NONCE__"><div id="root">')
    (folder / "mark.svg").write_text("<svg/>")
    (folder / "assets" / "index-Ab12_-cd.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-Ab12_-cd.js.gz").write_bytes(b"\x1f\x8bpacked")
    (tmp_path / "secret").write_text("not to be served")
    return folder


@pytest.fixture
def app(built: Path, routed: Litestar, world: World) -> ASGIApp:
    assert world  # puts this test's hub behind the routes
    return with_headers(with_portal(routed, load_assets(built)))


@pytest.fixture
def client(app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://hub.test",
        headers={"Accept-Encoding": "identity"},
    )


@pytest.mark.parametrize(
    "path", ["/", "/rules", "/rules/new", "/registries/r/demo%2Fapp/sha256:a", "/index.html"]
)
async def test_every_address_of_the_portal_gives_its_page(
    client: httpx2.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<div id="root">' in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_scripts_come_from_files_alone_and_styles_carry_a_fresh_nonce(
    client: httpx2.AsyncClient,
) -> None:
    nonces = set()
    for _ in range(2):
        answer = await client.get("/")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-inline" not in policy
        found = re.search(r"'nonce-([^']+)'", policy)
        assert found is not None
        assert f'content="{found[1]}"' in answer.text
        nonces.add(found[1])
    assert len(nonces) == 2


async def test_hashed_files_are_kept_for_ever_and_others_asked_for_again(
    client: httpx2.AsyncClient,
) -> None:
    script = await client.get("/assets/index-Ab12_-cd.js")
    assert script.content == SCRIPT
    assert script.headers["content-type"] == "text/javascript"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    mark = await client.get("/mark.svg")
    assert mark.headers["cache-control"] == "no-cache"
    assert mark.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in mark.headers["content-security-policy"]


async def test_what_the_build_packed_is_sent_packed_to_who_takes_it(app: ASGIApp) -> None:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/assets/index-Ab12_-cd.js",
        "headers": [(b"accept-encoding", b"br, gzip")],
    }  # fmt: skip
    await app(scope, None, send)  # type: ignore[arg-type]  # the little of a scope that is read
    assert (b"content-encoding", b"gzip") in sent[0]["headers"]  # type: ignore[operator]  # a list
    assert sent[1]["body"] == b"\x1f\x8bpacked"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets/index-Ab12_-cd.js.gz",
        "/assets/none.js",
    ],
)
async def test_nothing_else_is_a_file(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert "not to be served" not in answer.text
    assert answer.status_code == 404 or '<div id="root">' in answer.text


async def test_the_api_stays_the_apis(client: httpx2.AsyncClient) -> None:
    missing = await client.get("/api/v1/nope")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert (await client.get("/healthz")).text == "ok"


async def test_only_reading_is_answered(client: httpx2.AsyncClient) -> None:
    refused = await client.post("/rules", content=b"x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    head = await client.head("/")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_checkout_without_the_build_says_how_to_make_it(
    tmp_path: Path, routed: Litestar
) -> None:
    app = with_headers(with_portal(routed, load_assets(tmp_path)))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "make install" in answer.text
