"""Events of pushes and deletions: Docker distribution's envelope, from the outbox to one receiver.

An event is written in the transaction that makes its manifest visible, or takes it away, and
removed when the receiver has answered 2xx, so it is delivered at least once, in the order of
changes, through restarts of either side. Nobody's request waits for it.
"""

import asyncio
import secrets
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2
import msgspec
import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ConfigurationError
from tidegate.registry.exchange import Request
from tidegate.registry.records import OutboxRow, StoredManifest
from tidegate.registry.refusals import shorten
from tidegate.registry.store import Store

MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json"

_BATCH = 50
"""Events in one request: a backlog drains quickly, a request stays below 100 KiB."""

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_REQUEST_TIMEOUT_S = 10.0

# The receiver says that these bytes will never do; 401, 403 and 404 are settings that can change.
_NEVER = frozenset({400, 413, 422})

_log = structlog.get_logger("tidegate.registry.notify")


@dataclass(frozen=True, slots=True)
class Push:
    """What an event tells of."""

    repository: str
    manifest: StoredManifest
    tag: str
    """Empty for a push by digest."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What an event tells is gone."""

    repository: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where events go."""

    url: str
    token_file: Path | None
    ca_file: Path | None


def render_push(push: Push, request: Request, public_url: str, now: datetime) -> bytes:
    """Return one event of the envelope."""
    digest, size = push.manifest.digest, len(push.manifest.body)
    target: dict[str, object] = {
        "mediaType": push.manifest.media_type,
        "size": size,
        "digest": digest,
        "length": size,
        "repository": push.repository,
        "url": f"{public_url}/v2/{push.repository}/manifests/{digest}",
    }
    if push.tag:
        target["tag"] = push.tag
    return _render_event("push", target, request, public_url, now)


def render_deletion(gone: Deletion, request: Request, public_url: str, now: datetime) -> bytes:
    """Return one event of the envelope; as Docker's, it says neither type nor size."""
    target: dict[str, object] = {"digest": gone.digest, "repository": gone.repository}
    return _render_event("delete", target, request, public_url, now)


def _render_event(
    action: str, target: dict[str, object], request: Request, public_url: str, now: datetime
) -> bytes:
    host = public_url.partition("://")[2]
    event = {
        "id": secrets.token_hex(16),
        "timestamp": now,
        "action": action,
        "target": target,
        "request": {
            "id": secrets.token_hex(16),
            "addr": request.address,
            "host": host,
            "method": request.method,
            "useragent": shorten(request.headers.get("user-agent", "")),
        },
        "actor": {},
        "source": {"addr": host},
    }
    return msgspec.json.encode(event)


class Notifier:
    """Delivers the outbox; `wake` it after a push or a deletion."""

    def __init__(self, store: Store, receiver: Receiver) -> None:
        self._store = store
        self._receiver = receiver
        self._pushed = asyncio.Event()
        self._batch = _BATCH
        # Wrong paths fail at start, not at the first push.
        self._trust = _trust(receiver)
        _read_token(receiver.token_file)

    def wake(self) -> None:
        """Look into the outbox now."""
        self._pushed.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        # Neither proxies nor netrc from the environment, no redirects: the token has one reader.
        async with httpx2.AsyncClient(
            verify=self._trust, trust_env=False, timeout=_REQUEST_TIMEOUT_S
        ) as client:
            wait_s = _FIRST_WAIT_S
            while True:
                self._pushed.clear()
                rows = self._store.events(self._batch)
                if not rows:
                    await self._pushed.wait()
                elif await self._deliver(client, rows):
                    wait_s = _FIRST_WAIT_S
                else:
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _deliver(self, client: httpx2.AsyncClient, rows: list[OutboxRow]) -> bool:
        """Send `rows`; return whether to go on at once."""
        try:
            status = await self._post(client, rows)
        except (httpx2.HTTPError, ConfigurationError) as error:
            _log.warning("events not delivered", error=repr(error), waiting=len(rows))
            return False
        if status in _NEVER and len(rows) > 1:
            self._batch = 1  # find the one that is not wanted
            return True
        if status in _NEVER:
            _log.error("event refused, dropped", status=status, refused=rows[0].body.decode())
        elif not 200 <= status < 300:
            _log.warning("events not delivered", status=status, waiting=len(rows))
            return False
        await self._store.remove_events([row.seq for row in rows])
        self._batch = min(self._batch * 2, _BATCH)
        return True

    async def _post(self, client: httpx2.AsyncClient, rows: list[OutboxRow]) -> int:
        headers = {"Content-Type": MEDIA_TYPE}
        token = _read_token(self._receiver.token_file)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = b'{"events":[' + b",".join(row.body for row in rows) + b"]}"
        response = await client.post(self._receiver.url, content=body, headers=headers)
        return response.status_code


def _read_token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: no token to be read: {error}") from error
    if not token.isprintable():
        raise ConfigurationError(f"{path}: want one line with a token")
    return token


def _trust(receiver: Receiver) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=receiver.ca_file)
    except OSError as error:  # also ssl.SSLError
        raise ConfigurationError(f"{receiver.ca_file}: no CA certificates: {error}") from error
