"""The watch goes on after everything that ends lightkube's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from tidegate.domain.errors import MissingSettingError
from tidegate.kube import watch
from tidegate.kube.client import SecurityArtifactPolicy, connect, describe, unavailable
from tidegate.kube.watch import Changed, Deleted, Listed, Lost, follow

SILENCE: tuple[dict[str, Any], ...] = ({"type": "SILENCE"},)
"""A watch on which nothing ever comes."""


def item(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": "2"}}


class Server:
    """An API server that plays `script`: a list of names, lines of a watch, or a failure."""

    def __init__(self, *script: Any) -> None:  # noqa: ANN401, steps of three kinds
        self._script = list(script)
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(dict(request.url.params))
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, int):
            return httpx2.Response(step, content=b"no JSON", headers={"content-type": "text/plain"})
        if isinstance(step, list):
            body = {"metadata": {"resourceVersion": "1"}, "items": list(map(item, step))}
            return httpx2.Response(200, json=body)
        return httpx2.Response(200, content=_lines(step))

    def client(self) -> AsyncClient:
        config = KubeConfig.from_one(
            cluster=Cluster(server="http://api"),
            user=User(token="t"),  # noqa: S106, of this test
        )
        return AsyncClient(config=config, transport=httpx2.MockTransport(self.answer))


async def _lines(events: tuple[dict[str, Any], ...]) -> AsyncIterator[bytes]:
    if events is SILENCE:
        await asyncio.Event().wait()
    for event in events:
        yield json.dumps(event).encode() + b"\n"


def gone() -> dict[str, Any]:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    return {"type": "ERROR", "object": status}


async def first(server: Server, count: int) -> list[Any]:
    client = server.client()
    found = []
    async with aclosing(follow(client, SecurityArtifactPolicy)) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    await client.close()
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FIRST_PAUSE_S", 0.001)


async def test_changes_come_in_order_from_the_listed_version() -> None:
    server = Server(
        ["a"],
        (
            {"type": "MODIFIED", "object": item("a")},
            {"type": "BOOKMARK", "object": item("")},
            {"type": "DELETED", "object": item("a")},
        ),
    )
    assert await first(server, 3) == [Listed((item("a"),)), Changed(item("a")), Deleted("a")]
    assert server.asked[1]["resourceVersion"] == "1"
    assert server.asked[1]["timeoutSeconds"] == str(watch.WATCH_S)


async def test_after_410_a_new_list_says_what_was_deleted_meanwhile() -> None:
    server = Server(["a", "b"], (gone(),), ["b"])
    assert await first(server, 2) == [Listed((item("a"), item("b"))), Listed((item("b"),))]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(httpx2.ConnectError("refused"), id="connection-refused"),
        pytest.param(503, id="an-answer-that-is-no-kubernetes"),
        pytest.param(({"type": "ADDED", "object": "odd"},), id="an-odd-event"),
    ],
)
async def test_trouble_is_told_and_a_new_list_follows(failure: object) -> None:
    before, lost, after = await first(Server(["a"], failure, ["b"]), 3)
    assert (before, after) == (Listed((item("a"),)), Listed((item("b"),)))
    assert isinstance(lost, Lost)
    assert lost.reason


async def test_a_silent_watch_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WATCH_S", 0)
    monkeypatch.setattr(watch, "GRACE_S", 0.01)
    assert await first(Server(["a"], SILENCE, ["b"]), 2) == [
        Listed((item("a"),)),
        Listed((item("b"),)),
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="no-yaml"),
        pytest.param(yaml.safe_dump({"clusters": []}), id="no-context"),
        pytest.param(None, id="no-file"),
        pytest.param(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": {"server": "https://api"}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                    "current-context": "c",
                }
            ),
            id="no-user",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MissingSettingError, match=str(path)):
        connect(path, "test")


def test_errors_are_told_in_one_line() -> None:
    request = httpx2.Request("GET", "http://api/x")
    refused = httpx2.HTTPStatusError("no\nway", request=request, response=httpx2.Response(403))
    assert describe(refused) == "HTTP 403: no way"
    assert str(unavailable("listing", TimeoutError())) == "listing: TimeoutError"
