"""Everything by which the agent sees whether its cluster is gated, put together from settings."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from lightkube import AsyncClient

from tidegate.agent.alarms import Alarms
from tidegate.agent.audit_log import AuditLog
from tidegate.agent.canary import Canary
from tidegate.agent.detection import Detection, Gated
from tidegate.agent.detection_memory import ConfigMapMemory
from tidegate.agent.keeper import ClusterKeeper
from tidegate.agent.kube_events import KubeEvents
from tidegate.agent.object_events import ObjectEvents
from tidegate.agent.running import list_pods
from tidegate.agent.settings import Settings
from tidegate.agent.status import rfc3339
from tidegate.agent.verdict_log import VerdictLog
from tidegate.agent.webhook_source import ChosenWebhook, WebhookConfigMap, WebhookFile
from tidegate.agent.webhook_watch import WebhookWatch
from tidegate.domain.break_glass import BreakGlass
from tidegate.domain.text import printable
from tidegate.kube.break_glass import BreakGlasses, KubernetesBreakGlasses
from tidegate.wire.hub_v1 import EventBatchV1
from tidegate.wire.protection_v1 import (
    MAX_ALARMS,
    MAX_BREAK_GLASS,
    BreakGlassV1,
    ProtectionV1,
    ReAdmissionState,
)
from tidegate.wire.webhook import EXCLUDED_NAMESPACES


class Protection:
    """One cluster's watch over its own gate."""

    def __init__(
        self,
        client: AsyncClient,
        settings: Settings,
        keeper: ClusterKeeper,
        clock: Callable[[], datetime],
    ) -> None:
        """Put together what `settings` ask for; raises what `WebhookFile` raises."""
        self.events = KubeEvents(client, clock, asyncio.get_running_loop().time)
        self.alarms = Alarms(clock, self.events.tell)
        chosen = _chosen(client, settings)
        self._webhook = (
            WebhookWatch(client, chosen, self.alarms, self.events, keeper.drift_log)
            if chosen
            else None
        )
        self._audit = (
            AuditLog(settings.audit_log, self.alarms, clock) if settings.audit_log else None
        )
        self._verdicts = VerdictLog()
        self._clock = clock
        self._keeper = keeper
        self._keeps_admissions = settings.data_dir is not None
        self._glasses = BreakGlasses()
        self._glass_watch = KubernetesBreakGlasses(self._glasses, client)
        self._objects = ObjectEvents(client, self.events)
        self._detection = (
            Detection(
                partial(list_pods, client),
                self._verdicts,
                self._gated,
                ConfigMapMemory(client, settings.namespace, asyncio.get_running_loop().time),
                alarms=self.alarms,
                tell=self.events.tell,
                clock=clock,
            )
            if settings.gate_token_file
            else None
        )
        begin = self._webhook.seen if self._webhook else None
        self._canary = (
            Canary(client, settings.canary_s, self.alarms, clock, begin)
            if settings.canary_s
            else None
        )

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what keeps watching, each until cancelled."""
        parts = (
            self.events,
            self._objects,
            self._webhook,
            self._canary,
            self._detection,
            self._audit,
            self._glass_watch,
        )
        return [part.run() for part in parts if part is not None]

    def take(self, batch: EventBatchV1) -> None:
        """Take verdicts that gates tell, as `relay.Witness`."""
        self._verdicts.take(batch.events, batch.dropped, self._clock())
        self._objects.take(batch.events)

    def hold_up(self) -> None:
        """Keep that verdicts wait, as `relay.Witness`."""
        self._verdicts.hold_up(self._clock())

    def _gated(self) -> Gated:
        if self._webhook is None:
            return Gated(None, frozenset(EXCLUDED_NAMESPACES))
        return Gated(self._webhook.created_at, self._webhook.excluded)

    def report(self) -> ProtectionV1:
        """Return what is seen now."""
        glasses = self._glasses.holding(self._clock())
        return ProtectionV1(
            webhook=self._webhook.state if self._webhook else "not watched",
            canary=self._canary.state if self._canary else "off",
            canary_passed_at=self._canary.passed_at if self._canary else "",
            detection=self._detection.state if self._detection else "off",
            unjudged=self._detection.counts if self._detection else {},
            unjudged_pods=self._detection.unjudged if self._detection else [],
            failed_open=self._audit.count if self._audit else 0,
            alarms=self.alarms.standing[:MAX_ALARMS],
            break_glass=list(map(_told, glasses[:MAX_BREAK_GLASS]))
            if self._glasses.known
            else None,
            break_glass_count=len(glasses),
            re_admission=self._re_admission(),
        )

    def _re_admission(self) -> ReAdmissionState:
        if not self._keeper.complete:
            return "unknown"
        if not self._keeper.policy.re_admits:
            return "Enforce"
        return "Audit" if self._keeps_admissions else "Audit without an index"


def _told(glass: BreakGlass) -> BreakGlassV1:
    return BreakGlassV1(
        name=glass.name,
        namespace=glass.namespace,
        digest=glass.digest,
        reason=printable(glass.reason),
        since=rfc3339(glass.since),
        until=rfc3339(glass.until),
    )


def _chosen(client: AsyncClient, settings: Settings) -> ChosenWebhook | None:
    if settings.webhook_config_map:
        return WebhookConfigMap(client, settings.webhook_config_map, settings.namespace)
    if settings.webhook_file:
        return WebhookFile(settings.webhook_file, settings.webhook_ca_file)
    return None
