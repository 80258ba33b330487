"""A service account's token goes to the API server that it is for, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from lightkube.resources.core_v1 import Namespace

from tidegate.kube.client import API_ERRORS, connect

TOKEN = "the-accounts-token"  # noqa: S105 - a test's


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer every request with `answer`; give the port and the requests that came."""
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], came


def kubeconfig(path: Path, port: int) -> Path:
    """Write a kubeconfig that names the server on `port` and a token."""
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    user = {"name": "u", "user": {"token": TOKEN}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "default"}}
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [cluster], "users": [user], "contexts": [context],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(document))
    return path


async def asked(path: Path) -> None:
    client = connect(path, "tidegate")
    with pytest.raises(API_ERRORS):
        await client.get(Namespace, "default")
    await client.close()


@pytest.mark.parametrize("status", ["301 Moved Permanently", "307 Temporary Redirect"])
async def test_t08_the_accounts_token_follows_no_redirect(tmp_path: Path, status: str) -> None:
    async with listening(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (elsewhere, stolen):
        redirect = (
            f"HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:{elsewhere}/steal\r\n"
            "content-length: 0\r\nconnection: close\r\n\r\n"
        )
        async with listening(redirect.encode()) as (port, came):
            await asked(kubeconfig(tmp_path / "config", port))
    assert len(came) == 1
    assert TOKEN.encode() in came[0]
    assert stolen == []


async def test_t08_the_accounts_token_goes_through_no_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    async with listening(refusal) as (proxy, stolen), listening(refusal) as (port, came):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        await asked(kubeconfig(tmp_path / "config", port))
    assert len(came) == 1
    assert stolen == []
