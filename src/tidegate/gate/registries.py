"""The gate's registry client, and what each registry gets to see of this gate.

Made anew when `trust.yaml` or a credential changes. What was learned about a registry's being there
and about how much it bears outlives that.
"""

import asyncio
from contextlib import suppress

import structlog

from tidegate.domain.errors import InvalidTrustError
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.gate.metrics import REGISTRY_AWAY, REGISTRY_READS, REGISTRY_READS_PER_MINUTE
from tidegate.oci.client import RegistryClient
from tidegate.oci.pull_secret import SecretReader
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.traffic import Outcome, ReadTraffic

TRUST_POLL_S = 1.0
"""How often trust.yaml and credential files are read again; they are small."""

CLOSE_OLD_CLIENT_S = 15.0
"""Reads under way by the registries' old settings end by themselves within this."""

log = structlog.get_logger(__name__)


class Registries:
    """The registry client, made anew when trust.yaml or a credential changes."""

    def __init__(self, trust: TrustFile, read_secret: SecretReader | None) -> None:
        self._trust = trust
        self._read_secret = read_secret
        self._configs: tuple[RegistryConfig, ...] = registry_configs(trust.current(), read_secret)
        self._traffic: dict[str, tuple[int, ReadTraffic]] = {}
        """By host, with the limit that it was made for."""
        self.client = self._client()
        self._closing: set[asyncio.Task[None]] = set()
        self._problem = ""

    async def follow(self, evidence: Gatherer) -> None:
        """Keep `evidence` reading by the newest settings, until cancelled."""
        while True:
            await asyncio.sleep(TRUST_POLL_S)
            await asyncio.to_thread(self._trust.reload)
            await self._renew(evidence)

    async def _renew(self, evidence: Gatherer) -> None:
        try:
            configs = await asyncio.to_thread(
                registry_configs, self._trust.current(), self._read_secret
            )
        except InvalidTrustError as error:
            self._say(str(error))
            return
        self._say(self._trust.problem)
        if configs == self._configs:
            return
        self._configs = configs
        old, self.client = self.client, self._client()
        self._forget_removed()
        evidence.use_client(self.client)
        log.info("registries are read by new settings", registries=len(configs))
        closing = asyncio.create_task(_close_later(old))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _client(self) -> RegistryClient:
        return RegistryClient(self._configs, traffic=self._traffic_of)

    def _traffic_of(self, registry: RegistryConfig) -> ReadTraffic:
        """Return the traffic of a registry: what it bears, it bears under new settings too."""
        limit, traffic = self._traffic.get(registry.host, (-1, None))
        if traffic is None or limit != registry.reads_per_minute:
            traffic = _traffic(registry.host, registry.reads_per_minute)
            self._traffic[registry.host] = (registry.reads_per_minute, traffic)
        return traffic

    def _forget_removed(self) -> None:
        for host in self._traffic.keys() - {each.host for each in self._configs}:
            del self._traffic[host]
            for outcome in Outcome:
                REGISTRY_READS.remove(host, outcome)
            REGISTRY_AWAY.remove(host)
            REGISTRY_READS_PER_MINUTE.remove(host)

    def _say(self, problem: str) -> None:
        """Log `problem` once."""
        if problem and problem != self._problem:
            log.error("trust.yaml is not in force as it is; the last good one stays", why=problem)
        self._problem = problem

    async def aclose(self) -> None:
        """Close every client."""
        for task in tuple(self._closing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.client.aclose()


async def _close_later(client: RegistryClient) -> None:
    try:
        await asyncio.sleep(CLOSE_OLD_CLIENT_S)
    finally:
        await client.aclose()


def _traffic(host: str, reads_per_minute: int) -> ReadTraffic:
    """Return traffic that is counted; only configured registries have any, so labels are few."""
    counters = {each: REGISTRY_READS.labels(host, each) for each in Outcome}
    traffic = ReadTraffic(
        host,
        reads_per_minute,
        asyncio.get_running_loop().time,
        lambda outcome: counters[outcome].inc(),
    )
    REGISTRY_AWAY.labels(host).set_function(lambda: traffic.away)
    REGISTRY_READS_PER_MINUTE.labels(host).set_function(lambda: traffic.reads_per_minute)
    return traffic
