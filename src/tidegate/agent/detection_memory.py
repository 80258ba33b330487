"""What an agent compared, kept for the one after it in one small ConfigMap of Tidegate's namespace.

Without it every restart would take all that runs for new. It holds times, and at most
`MAX_KEPT` UIDs; what does not fit is found anew, as made while nobody looked.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, cast

import msgspec
import structlog
from lightkube import AsyncClient
from lightkube.resources.core_v1 import ConfigMap

from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.wire.protection_v1 import Why

NAME = "tidegate-detection"
KEY = "state.json"

MAX_KEPT = 2_000
"""UIDs of each kind: about 100 KB."""

SAVE_S = 60.0
"""Written at most so often while the agent runs, and at its end."""

CLOSE_S = 1.5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of pods from before an agent began."""

    compared_until: datetime | None = None
    """Pods created before it, by the API server's clock, were compared."""
    gated_since: datetime | None = None
    """When the webhook configuration was first seen to be made."""
    heard: bool = False
    """Whether a gate ever told of a verdict."""
    unjudged: Mapping[str, Why] = field(default_factory=dict)
    """Pods that ran without a verdict and nobody chose it, by UID."""
    judged: frozenset[str] = frozenset()
    """Verdicts that were not compared with a running pod yet, by the pods' UIDs."""


class Memory(Protocol):
    """Keeps `Remembered` over a restart."""

    async def load(self) -> Remembered:
        """Return what was kept; raises `kube.client.API_ERRORS`."""
        ...

    async def save(self, state: Remembered) -> None:
        """Keep `state`, if it is time."""
        ...

    async def close(self, state: Remembered) -> None:
        """Keep `state` now; never raises."""
        ...


class _Kept(msgspec.Struct, rename="camel", omit_defaults=True):
    compared_until: datetime | None = None
    gated_since: datetime | None = None
    heard: bool = False
    unjudged: dict[str, Why] = {}
    judged: list[str] = []


class ConfigMapMemory:
    """One ConfigMap of `namespace`."""

    def __init__(self, client: AsyncClient, namespace: str, time: Callable[[], float]) -> None:
        self._client = client
        self._namespace = namespace
        self._time = time
        self._saved: Remembered | None = None
        self._saved_s = 0.0

    async def load(self) -> Remembered:
        """Return what was kept; nothing where there is none, or where it cannot be read."""
        try:
            found = await self._client.get(ConfigMap, NAME, namespace=self._namespace)
        except API_ERRORS as error:
            if status_code(error) == 404:
                return Remembered()
            raise
        try:
            return parse_memory((found.data or {}).get(KEY, ""))
        except (msgspec.MsgspecError, ValueError) as error:
            log.warning("what the last agent compared cannot be read", why=str(error))
            return Remembered()

    async def save(self, state: Remembered) -> None:
        """Write `state` where it changed: at once where other pods have no verdict, else seldom."""
        before = self._saved
        if (
            before is None
            or before.unjudged != state.unjudged
            or (before != state and self._time() - self._saved_s >= SAVE_S)
        ):
            await self._write(state)

    async def close(self, state: Remembered) -> None:
        """Write `state` at the end, within `CLOSE_S`."""
        with suppress(TimeoutError, *API_ERRORS):
            async with asyncio.timeout(CLOSE_S):
                await self._write(state)

    async def _write(self, state: Remembered) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": self._namespace},
            "data": {KEY: render_memory(state)},
        }
        try:
            await self._client.apply(cast("ConfigMap", ConfigMap.from_dict(manifest)), force=True)
        except API_ERRORS as error:
            log.warning("what was compared is not kept", why=describe(error))
            raise
        self._saved, self._saved_s = state, self._time()


def render_memory(state: Remembered) -> str:
    """Return `state` as JSON; beyond `MAX_KEPT` UIDs the newest are kept."""
    kept = _Kept(
        compared_until=state.compared_until,
        gated_since=state.gated_since,
        heard=state.heard,
        unjudged=dict(list(state.unjudged.items())[-MAX_KEPT:]),
        judged=sorted(state.judged)[:MAX_KEPT],
    )
    return msgspec.json.encode(kept).decode()


def parse_memory(text: str) -> Remembered:
    """Return what `render_memory` wrote; raises msgspec.MsgspecError."""
    kept = msgspec.json.decode(text, type=_Kept)
    return Remembered(
        compared_until=_aware(kept.compared_until),
        gated_since=_aware(kept.gated_since),
        heard=kept.heard,
        unjudged=kept.unjudged,
        judged=frozenset(kept.judged),
    )


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
