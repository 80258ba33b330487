"""Killed in the middle of pushes, the registry never serves a manifest that is not whole."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import Thread
from typing import Protocol

import httpx2
import pytest

from tidegate.domain.digest import digest_of

pytestmark = pytest.mark.integration

ROUNDS = 20
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Running(Protocol):
    url: str
    pid: int
    root: Path


Start = Callable[..., AbstractContextManager[Running]]


class Pusher(Thread):
    """Pushes images of several blobs with a referrer each until the registry is gone."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__()
        self.url = url
        self.random = random.Random(seed)  # noqa: S311  repeatable contents, no secrets
        self.acknowledged: list[str] = []

    def run(self) -> None:
        with suppress(httpx2.HTTPError), httpx2.Client(base_url=self.url, timeout=5) as client:
            while True:
                image = self.push(client, subject=None)
                self.push(client, subject=image)

    def push(self, client: httpx2.Client, subject: str | None) -> str:
        blobs = [self.push_blob(client, self.random.randbytes(n)) for n in (2, 300_000, 70_000)]
        content: dict[str, object] = {"schemaVersion": 2, "config": blobs[0], "layers": blobs[1:]}
        if subject is not None:
            content["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
        body = json.dumps(content).encode()
        answer = client.put(
            "/v2/a/manifests/latest" if subject is None else f"/v2/a/manifests/{digest_of(body)}",
            content=body,
            headers={"Content-Type": OCI_MANIFEST},
        )
        answer.raise_for_status()
        self.acknowledged.append(digest_of(body))
        return digest_of(body)

    def push_blob(self, client: httpx2.Client, body: bytes) -> dict[str, object]:
        started = client.post("/v2/a/blobs/uploads/").raise_for_status()
        client.patch(started.headers["location"], content=body[:-1]).raise_for_status()
        client.put(
            started.headers["location"], params={"digest": digest_of(body)}, content=body[-1:]
        ).raise_for_status()
        return {"mediaType": "text/plain", "digest": digest_of(body), "size": len(body)}


def require_whole(client: httpx2.Client, digest: str) -> list[str]:
    """Read a manifest and all its blobs; return its referrers."""
    answer = client.get(f"/v2/a/manifests/{digest}").raise_for_status()
    assert digest_of(answer.content) == digest
    content = json.loads(answer.content)
    for blob in [content["config"], *content["layers"]]:
        body = client.get(f"/v2/a/blobs/{blob['digest']}").raise_for_status().content
        assert digest_of(body) == blob["digest"]
    listed = client.get(f"/v2/a/referrers/{digest}").raise_for_status().json()["manifests"]
    return [entry["digest"] for entry in listed]


def test_no_kill_loses_an_acknowledged_push_or_shows_half_of_one(start_registry: Start) -> None:
    moment = random.Random(7)  # noqa: S311  repeatable
    acknowledged: list[str] = []
    for kill in range(ROUNDS):
        with start_registry() as registry:
            pushers = [Pusher(registry.url, seed) for seed in (2 * kill, 2 * kill + 1)]
            for pusher in pushers:
                pusher.start()
            time.sleep(
                moment.uniform(0.01, 0.25)
            )  # the moment of the kill, no waiting for anything
            os.kill(registry.pid, signal.SIGKILL)
            for pusher in pushers:
                pusher.join()
                acknowledged += pusher.acknowledged
    assert acknowledged
    with start_registry() as registry, httpx2.Client(base_url=registry.url) as client:
        for digest in acknowledged:
            for referrer in require_whole(client, digest):
                require_whole(client, referrer)
        tagged = client.get("/v2/a/manifests/latest").raise_for_status()
        require_whole(client, tagged.headers["docker-content-digest"])
        referenced = {path.name for path in (registry.root / "blobs").rglob("*") if path.is_file()}
        for name in referenced:  # also what no manifest names: whole, or not there
            path = next((registry.root / "blobs").rglob(name))
            assert digest_of(path.read_bytes()) == f"sha256:{name}"
