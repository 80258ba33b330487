"""BreakGlass objects of the cluster, watched: what they let in at this instant.

The gate asks nobody else, so they work with hub and agent away; the agent tells the hub of them.
While the API server does not answer, what was known holds until its own end; an object that does
not parse lets nothing in.
"""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

import structlog
from lightkube import AsyncClient

from tidegate.domain.break_glass import BreakGlass
from tidegate.domain.errors import InvalidBreakGlassError
from tidegate.kube.client import BreakGlassObject
from tidegate.kube.watch import Changed, Deleted, Event, Listed, Lost, follow
from tidegate.wire.break_glass_v1alpha1 import parse_break_glass

MAX_OBJECTS = 10_000
"""Held at once, those that end last: about 500 bytes each."""

log = structlog.get_logger(__name__)


class BreakGlasses:
    """What is let in; written by `KubernetesBreakGlasses`, read by reviews."""

    def __init__(self) -> None:
        self._by_name: dict[str, BreakGlass] = {}
        self._lost = False
        self._read = False

    @property
    def known(self) -> bool:
        """Whether all objects were read at least once."""
        return self._read

    def holding(self, now: datetime) -> list[BreakGlass]:
        """Return what is let in anywhere at `now`, the last to end first."""
        found = [each for each in self._by_name.values() if each.holds(now)]
        return sorted(found, key=lambda each: (each.until, each.name), reverse=True)

    def of(self, namespace: str) -> tuple[BreakGlass, ...]:
        """Return the objects about `namespace`, ended ones too."""
        if not self._by_name:
            return ()
        return tuple(each for each in self._by_name.values() if each.namespace == namespace)

    def take(self, event: Event) -> None:
        """Take over what the API server says."""
        match event:
            case Listed(objects):
                self._by_name = {}
                self._put(objects)
                self._lost = False
                self._read = True
            case Changed(body):
                self._put([body])
            case Deleted(name):
                self._by_name.pop(name, None)
            case Lost(reason):
                if not self._lost:
                    log.warning("break-glass objects cannot be read for now", why=reason)
                self._lost = True

    def _put(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        for body in bodies:
            metadata = body.get("metadata")
            name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
            self._by_name.pop(name, None)
            try:
                parsed = parse_break_glass(body)
            except InvalidBreakGlassError as error:
                log.error("a break-glass object lets nothing in", name=name, why=str(error))  # noqa: TRY400 expected
                continue
            self._by_name[parsed.name] = parsed
            log.warning(
                "break glass",
                name=parsed.name,
                namespace=parsed.namespace,
                digest=parsed.digest,
                until=parsed.until.isoformat(),
            )
        if len(self._by_name) > MAX_OBJECTS:
            latest = sorted(self._by_name.values(), key=lambda each: each.until)[-MAX_OBJECTS:]
            self._by_name = {each.name: each for each in latest}


class KubernetesBreakGlasses:
    """Feeds `BreakGlasses` from the Kubernetes API."""

    def __init__(self, store: BreakGlasses, client: AsyncClient) -> None:
        self._store = store
        self._client = client

    async def run(self) -> None:
        """Read the objects and follow them until cancelled."""
        async with aclosing(follow(self._client, BreakGlassObject)) as events:
            async for event in events:
                self._store.take(event)
