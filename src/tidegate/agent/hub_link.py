"""The agent's conversation with the hub: rules come down, heartbeats go up.

With the hub away the cluster keeps its rules: whatever fails here is tried again and told, and
changes nothing that was written.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

import tidegate
from tidegate.agent.feed_copy import MAX_KEYS, ChainEnd
from tidegate.agent.objects import Body, render_objects
from tidegate.domain.errors import InputError, InvalidPolicyError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import FeedEndV1, HeartbeatV1
from tidegate.wire.protection_v1 import ProtectionV1

WAIT_S = 25.0
"""How long the hub may hold a question while nothing changes."""

RETRY_S = (0.5, 10.0)
"""First and longest pause before the hub is asked again."""

HEARTBEAT_S = 5.0
MAX_PROBLEMS = 20
MAX_PROBLEM_CHARS = 500

log = structlog.get_logger()


class Keeper(Protocol):
    """Where the rules of this cluster are written."""

    def want(self, objects: Mapping[str, Body]) -> None:
        """Take `objects` for what the hub wants here."""

    @property
    def in_force(self) -> bool:
        """Whether they are written, found and in force."""

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing that is not as it should be."""

    @property
    def drift(self) -> tuple[str, ...]:
        """A sentence for each thing that others changed of late, and is as it should be again."""


class Feed(Protocol):
    """The feed of this cluster."""

    @property
    def heard_at(self) -> str:
        """When the last batch came; empty: none did."""

    @property
    def ends(self) -> tuple[ChainEnd, ...]:
        """How far each key's chain has come."""

    @property
    def problem(self) -> str:
        """Why it falls behind; empty: it does not."""


class HubLink:
    """Brings one cluster's rules from the hub to its keeper, and tells the hub how it is."""

    def __init__(
        self,
        hub: HubClient,
        cluster: str,
        keeper: Keeper,
        feed: Feed | None = None,
        *,
        protection: Callable[[], ProtectionV1] | None = None,
    ) -> None:
        """`protection` tells what is seen of the gate's work; None: there is no cluster to see."""
        self._hub = hub
        self._feed = feed
        self._cluster = cluster
        self._keeper = keeper
        self._protection = protection
        self._generation = ""
        """Of the rules handed to the keeper last."""
        self._refused = ""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow the hub until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_rules())
            tasks.create_task(self._send_heartbeats())

    async def _follow_rules(self) -> None:
        asked_for = ""
        pause_s, longest_s = RETRY_S
        while True:
            try:
                policy = await self._hub.fetch_policy(self._cluster, asked_for, WAIT_S)
            except (UnavailableError, InputError) as error:
                log.warning("rules not fetched", why=str(error))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
                pause_s = min(2 * pause_s, longest_s)
                continue
            pause_s = RETRY_S[0]
            if policy is None:
                continue
            asked_for = policy.generation
            try:
                objects = render_objects(policy)
            except InvalidPolicyError as error:
                self._refused = f"rules of generation {policy.generation} not written: {error}"
                log.exception("rules refused", generation=policy.generation)
            else:
                self._refused = ""
                self._generation = policy.generation
                log.info("rules fetched", generation=policy.generation, objects=len(objects))
                self._keeper.want(objects)
            self._changed.set()

    async def _send_heartbeats(self) -> None:
        while True:
            try:
                await self._hub.send_heartbeat(self._cluster, self._heartbeat())
            except (UnavailableError, InputError) as error:
                log.warning("heartbeat not sent", why=str(error))
            await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        """Return after `HEARTBEAT_S`, sooner when new rules came and are in force."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._changed.wait()
                while not (self._keeper.in_force or self._refused):
                    await asyncio.sleep(0.1)
                self._changed.clear()
        except TimeoutError:
            pass

    def _heartbeat(self) -> HeartbeatV1:
        in_force = self._generation if self._keeper.in_force else ""
        feed_problem = self._feed.problem if self._feed is not None else ""
        protection = self._protection() if self._protection else None
        alarms = protection.alarms if protection else []
        told = [
            *(alarm.message for alarm in alarms),  # first: what is cut off is the least
            *self._keeper.problems,
            *filter(None, [self._refused, feed_problem]),
            *self._keeper.drift,
        ]
        return HeartbeatV1(
            agent_version=tidegate.__version__,
            policy_generation=in_force,
            problems=[problem[:MAX_PROBLEM_CHARS] for problem in told[:MAX_PROBLEMS]],
            protection=protection,
            feed_at=self._feed.heard_at if self._feed is not None else "",
            feed=[
                FeedEndV1(end.fingerprint, end.chain, end.epoch)
                for end in (self._feed.ends if self._feed is not None else ())[:MAX_KEYS]
            ],
        )
