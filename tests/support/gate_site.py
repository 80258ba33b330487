"""A gate process with its files, as `tidegate up` starts it, and an agent for its events."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from support.gate_server import write_pair
from support.gate_world import pod, review_of

POLICY = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {"name": "lab"},
    "spec": {
        "vulnerabilityAssessmentGatedDeployment": [
            {
                "name": "Lab example",
                "action": "deny",
                "scope": [{"matcherType": "pod", "anyOf": ["*gate*"]}],
                "configuration": {"blockUnscannedImages": True},
            }
        ]
    },
}
KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""


class Site:
    """The files of one gate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pair = write_pair(folder)
        self.policies = folder / "policies"
        self.policies.mkdir()
        self.data = folder / "data"
        self.write_policy(POLICY)
        trust = {"keys": [{"name": "test", "publicKey": KEY}], "registries": []}
        (folder / "trust.yaml").write_text(json.dumps(trust))
        (folder / "token").write_text("agent-token\n")

    def write_policy(self, policy: object) -> None:
        (self.policies / "lab.json").write_text(json.dumps(policy))

    def environment(self, **settings: object) -> dict[str, str]:
        named = {
            "TLS_CERT_FILE": self.pair.certificate,
            "TLS_KEY_FILE": self.pair.key,
            "TRUST_FILE": self.folder / "trust.yaml",
            "POLICY_DIR": self.policies,
            "DATA_DIR": self.data,
            **settings,
        }
        ours = {f"TIDEGATE_GATE_{name}": str(value) for name, value in named.items()}
        return {**os.environ, **ours}

    @contextmanager
    def gate(self, **settings: object) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """Run a gate; yield the process and its URL."""
        with (self.folder / "gate.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tidegate.gate"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment(**settings),
            )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (self.folder / "gate.log").read_text()
            ready = json.loads(line)
            assert ready["part"] == "gate"
            yield process, ready["url"]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def client(self, url: str) -> httpx2.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.pair.certificate))
        return httpx2.AsyncClient(base_url=url, verify=context, trust_env=False, timeout=10)


@asynccontextmanager
async def agent(events: list[dict[str, Any]], token: str) -> AsyncIterator[str]:
    """Yield the URL of an agent that takes events with `token`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(
                    line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line
                )
                body = await reader.readexactly(int(fields[b"content-length"]))
                known = fields[b"authorization"] == f"bearer {token}".encode()
                if known:
                    events.extend(json.loads(body)["events"])
                status = b"200 OK" if known else b"401 Unauthorized"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def allowed(client: httpx2.AsyncClient, name: str, uid: str = "u-1") -> bool:
    body = review_of(pod("r.example/app:1", name=name), uid=uid)
    answer = await client.post("/admit?timeout=10s", content=body)
    assert answer.status_code == 200
    result: bool = answer.json()["response"]["allowed"]
    return result
