"""Whatever a client writes into a path, the registry stays within its folder."""

import asyncio
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.domain.digest import digest_of
from tidegate.domain.reference import is_repository
from tidegate.registry.app import Pages, Parts, Registry
from tidegate.registry.push import PushRules
from tidegate.registry.refusals import RefusedError
from tidegate.registry.routes import parse_route
from tidegate.registry.store import open_store

WORDS = "v2 .. . blobs uploads manifests tags list referrers a _catalog latest %2e%2e ..%2f ~ C: *"
PIECES = st.sampled_from(
    [
        *WORDS.split(),
        "",
        "\x00",
        "a" * 300,
        digest_of(b"x"),
        "sha256:../../../etc/passwd",
        "sha256:" + "/" * 64,
        "'; DROP TABLE tag; --",
    ]
)
PATHS = st.lists(PIECES | st.text(max_size=8), max_size=8).map(
    lambda parts: "/v2/" + "/".join(parts)
)
ALLOWED = re.compile(
    r"lock|records\.sqlite(-wal|-shm)?|uploads/[0-9a-f]{32}-[0-9a-f]{32}"
    r"|blobs/(sha256/[0-9a-f]{2}/[0-9a-f]{64}|sha512/[0-9a-f]{2}/[0-9a-f]{128})"
)


@given(PATHS | st.text())
def test_a_path_is_refused_or_names_a_repository_of_the_grammar(path: str) -> None:
    try:
        route = parse_route(path)
    except RefusedError:
        return
    assert route.repository == "" or is_repository(route.repository)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)  # each example opens a store on disk
@given(
    st.lists(
        st.tuples(st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"]), PATHS, PATHS),
        max_size=12,
    )
)
def test_no_request_writes_outside_the_folder_or_under_a_name_it_chose(
    requests: list[tuple[str, str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as around:
        root = Path(around) / "outer" / "data"
        asyncio.run(send_all(root, requests))
        assert {p.relative_to(around).parts[:2] for p in Path(around).rglob("*")} <= {
            ("outer",),
            ("outer", "data"),
        }
        for path in root.rglob("*"):
            assert path.is_dir() or ALLOWED.fullmatch(str(path.relative_to(root)))


async def send_all(root: Path, requests: list[tuple[str, str, str]]) -> None:
    with open_store(root) as store:
        rules = PushRules(2**20, 2**20, notifies=True, public_url="http://r.example")
        now = datetime(2026, 11, 23, tzinfo=UTC)
        app = Registry(Parts(store, rules, Pages(2, 2), lambda: now))
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://r.example"
        ) as client:
            for method, path, other in requests:
                answer = await client.request(
                    method,
                    quote(path.encode("utf-8", "replace"), safe="/%:"),
                    params={
                        "digest": digest_of(b"x"),
                        "mount": other,
                        "from": other,
                        "last": other,
                    },
                    content=b"x",
                )
                assert answer.status_code < 500
