"""Asks the API server for a pod with a clean image and for one with a bad one, again and again."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx2

NAMESPACE = "app"
RULE = "Recovery"
"""Name of the rule that denies; a right denial names it."""

STEADY = 3
"""Right answers in a row before the cluster counts as recovered."""

EVERY_S = 0.2


class Came(StrEnum):
    """What became of one pod."""

    ADMITTED = "admitted"
    DENIED = "denied"
    """By the gate, in the words of the rule."""
    REFUSED = "refused"
    """Because the gate was not reached, or could not judge."""
    UNASKED = "unasked"
    """The API server did not answer."""


@dataclass(frozen=True)
class Sight:
    """One look at both pods."""

    began_s: float
    at_s: float
    """When both answers were there."""
    good: Came
    bad: Came
    said: str

    @property
    def is_right(self) -> bool:
        return (self.good, self.bad) == (Came.ADMITTED, Came.DENIED)


@dataclass
class Record:
    """All looks since the beginning of a row."""

    sights: list[Sight] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """Looks at which the API server answered."""
        return sum(Came.UNASKED not in (sight.good, sight.bad) for sight in self.sights)

    @property
    def refused(self) -> int:
        """Looks at which the good pod was refused though the API server answered."""
        return len(self.refusals)

    @property
    def refusals(self) -> list[str]:
        """What was said to good pods that were refused."""
        return [s.said for s in self.sights if s.good in (Came.REFUSED, Came.DENIED)]

    @property
    def let_in(self) -> int:
        """Bad pods that were admitted."""
        return sum(sight.bad is Came.ADMITTED for sight in self.sights)

    def let_in_before(self, instant_s: float) -> int:
        """Of them, those asked for before `instant_s`."""
        early = [sight for sight in self.sights if sight.began_s < instant_s]
        return sum(sight.bad is Came.ADMITTED for sight in early)

    def right_since(self, event_s: float) -> float | None:
        """Return when the answers became right and stayed so; None: they did not yet.

        Only looks that began after `event_s` count.
        """
        since = None
        steady = 0
        for sight in self.sights:
            if sight.began_s < event_s:
                continue
            if sight.is_right:
                steady += 1
                since = sight.at_s if since is None else since
            else:
                steady, since = 0, None
        return since if steady >= STEADY else None


class Prober:
    """Looks, between `running` and its end."""

    def __init__(self, api: httpx2.AsyncClient, good: str, bad: str) -> None:
        self._api = api
        self.good, self.bad = good, bad

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Record]:
        """Yield what is seen from now on."""
        record = Record()

        async def look() -> None:
            while True:
                record.sights.append(await self.look())
                await asyncio.sleep(EVERY_S)

        looking = asyncio.create_task(look())
        try:
            yield record
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def look(self) -> Sight:
        """Have the API server try both pods."""
        began_s = time.monotonic()
        both = self.try_pod(self.good), self.try_pod(self.bad)
        (good, why), (bad, said) = await asyncio.gather(*both)
        return Sight(began_s, time.monotonic(), good, bad, why or said)

    async def try_pod(self, image: str, *, dry_run: bool = True) -> tuple[Came, str]:
        """Return what becomes of a pod with `image`, and what was said."""
        query = "?dryRun=All" if dry_run else ""
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods{query}"
        try:
            answer = await self._api.post(pods, json=pod(image))
        except httpx2.HTTPError as error:
            return Came.UNASKED, f"{type(error).__name__}: {error}"
        return read(answer)


def read(answer: httpx2.Response) -> tuple[Came, str]:
    """Return what an answer of the API server means."""
    if answer.is_success:
        return Came.ADMITTED, ""
    said = str(answer.json().get("message", "")) if answer.content else ""
    denied = 'admission webhook "gate.tidegate.io" denied the request' in said
    if denied and f'"{RULE}"' in said:
        return Came.DENIED, said
    if denied or "failed calling webhook" in said:
        return Came.REFUSED, said
    return Came.UNASKED, f"HTTP {answer.status_code}: {said}"


def pod(image: str, name: str = "") -> dict[str, Any]:
    """Return a pod with `image`."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name or f"probe-{secrets.token_hex(5)}"},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [{"name": "main", "image": image}],
        },
    }
