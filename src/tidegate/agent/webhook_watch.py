"""Watches the webhook configuration: put back when it differs, told when it is gone.

Whoever may edit it decides whether anything is gated at all (THREATS rows 10, 13). It is compared
with what the operator chose, so a wider selector, a softer failure policy or an authority of
somebody else's lasts as long as a watch needs to tell. What was chosen is read after the webhook
was seen, and a repair is refused where the webhook changed meanwhile: an upgrade, which changes
first what is chosen and then the webhook, is never undone. A deletion is told and not undone: to
make it anew would take the right to make any, and an uninstallation would never end.
"""

import asyncio
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any

import httpx2
import structlog
from lightkube import AsyncClient
from lightkube.generic_resource import create_global_resource
from lightkube.types import PatchType

from tidegate.agent.alarms import Alarms
from tidegate.agent.drift import DriftLog
from tidegate.agent.kube_events import KubeEvents, Note, Subject
from tidegate.agent.metrics import WEBHOOK_PRESENT, WEBHOOK_REPAIRS
from tidegate.agent.reasons import Level, Reason
from tidegate.agent.webhook_source import KIND, Body, ChosenWebhook
from tidegate.domain.errors import ClusterUnavailableError, ConfigurationError
from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.kube.watch import Changed, Deleted, Event, Listed, Lost, follow
from tidegate.wire.names import CONFIGURATION_NAME
from tidegate.wire.protection_v1 import WebhookState
from tidegate.wire.webhook import EXCLUDED_NAMESPACES
from tidegate.wire.webhook_drift import (
    describe_differences,
    differences,
    last_writer,
    repaired,
)

FIELD_MANAGER = "tidegate-agent"

LOOK_S = 5.0
"""How often what is chosen is read again; changes of the configuration itself are watched."""

GRACE_S = 30.0
"""At the start, how long a configuration that was never seen may take to come."""

QUIET_S = (1.0, 30.0)
"""Pause after a repair: a fight with another writer stays cheap. It doubles while it lasts."""

NAME_LABEL = "kubernetes.io/metadata.name"

_API = "admissionregistration.k8s.io/v1"
_Configuration = create_global_resource(
    "admissionregistration.k8s.io", "v1", KIND, "validatingwebhookconfigurations"
)

CONFIGURATION = Subject(_API, KIND, CONFIGURATION_NAME)
"""What alarms about it are about."""

log = structlog.get_logger()


class WebhookWatch:
    """Keeps the webhook configuration as it was chosen, between `run` and its end."""

    def __init__(
        self,
        client: AsyncClient,
        chosen: ChosenWebhook,
        alarms: Alarms,
        events: KubeEvents,
        drift: DriftLog,
    ) -> None:
        self._client = client
        self._source = chosen
        self._chosen: Body | None = None
        """None: it was never read."""
        self._settled: Body | None = None
        """What was chosen when the configuration was last found to be so."""
        self._alarms = alarms
        self._events = events
        self._drift = drift
        self._found: Body | None = None
        self._lost = "not read yet"
        self._ever_seen = False
        self._repairs = 0
        """In a row."""
        self._is_contested = False
        """Whether somebody wrote between the last look and its repair."""
        self._is_misread = False
        """Whether what is chosen could not be used at the last look: its alarm stands then."""
        self._news = asyncio.Event()
        self.state: WebhookState = "unknown"
        self.seen = asyncio.Event()
        """Set once the configuration was there, or was waited for in vain."""

    @property
    def created_at(self) -> datetime | None:
        """Since when the configuration is there; None: it is not, or nobody knows."""
        metadata = (self._found or {}).get("metadata") or {}
        try:
            return datetime.fromisoformat(str(metadata.get("creationTimestamp")))
        except ValueError:
            return None

    @property
    def excluded(self) -> frozenset[str]:
        """Namespaces that are chosen not to be gated, by their name."""
        if self._chosen is None:
            return frozenset(EXCLUDED_NAMESPACES)
        found: set[str] = set()
        for hook in self._chosen["webhooks"]:
            selector = hook.get("namespaceSelector") or {}
            for each in selector.get("matchExpressions") or ():
                if (each.get("key"), each.get("operator")) == (NAME_LABEL, "NotIn"):
                    found.update(map(str, each.get("values") or ()))
        return frozenset(found)

    async def run(self) -> None:
        """Watch, tell and repair until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._keep())

    async def _follow(self) -> None:
        events = follow(self._client, _Configuration, CONFIGURATION_NAME)
        async with aclosing(events):
            async for event in events:
                self.take(event)
                self._news.set()

    def take(self, event: Event) -> None:
        """Take what the API server says of the configuration; `look` does what follows."""
        self._lost = event.reason if isinstance(event, Lost) else ""
        match event:
            case Listed(objects):
                self._found = objects[0] if objects else None
            case Changed(body):
                self._found = body
            case Deleted():
                self._found = None
            case Lost(reason):
                log.warning("webhook configuration not read", why=reason)
        if self._found is not None:
            self._ever_seen = True
            self.seen.set()

    async def _keep(self) -> None:
        time = asyncio.get_running_loop().time
        began_s = time()
        least_s, longest_s = QUIET_S
        while True:
            before = self._repairs
            await self.look(patient=not self._ever_seen and time() - began_s < GRACE_S)
            if self._repairs != before:
                await asyncio.sleep(min(longest_s, least_s * 2 ** (self._repairs - 1)))
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
                self._news.clear()
            except TimeoutError:
                self._repairs = 0  # nobody undid the last one

    async def look(self, *, patient: bool = False) -> None:
        """Compare once, tell and repair; `patient`: one that is missing may still come."""
        found, lost = self._found, self._lost  # before what is chosen is read: see the module
        chosen = None if lost else await self._read_chosen()
        if chosen is None:
            self.state = "unknown"
            return
        WEBHOOK_PRESENT.set(found is not None)
        if found is None:
            if not patient:
                self._say_missing()
            return
        self._alarms.end(Reason.WEBHOOK_MISSING)
        differing = differences(found, chosen)
        if differing:
            await self._repair(found, chosen, differing)
        else:
            self._settle(chosen)

    async def _read_chosen(self) -> Body | None:
        """Return what is chosen, of before where it cannot be used; None: nobody can say."""
        try:
            self._chosen = await self._source.read()
            self._is_misread = False
        except ConfigurationError as error:
            self._is_misread = True
            kept = (
                "the webhook configuration is kept as it was chosen before"
                if self._chosen
                else "nothing is known of how the webhook configuration was chosen"
            )
            message = f"{error}; {kept}"
            self._alarms.raise_(Reason.WEBHOOK_NOT_AS_WANTED, message, CONFIGURATION)
        except ClusterUnavailableError as error:
            log.warning("what is chosen of the webhook is not read", why=str(error))
            return None
        return self._chosen

    def _say_missing(self) -> None:
        self.state = "missing"
        self.seen.set()
        self._alarms.end(Reason.WEBHOOK_NOT_AS_WANTED)
        gone = "was deleted" if self._ever_seen else "is not there"
        self._alarms.raise_(
            Reason.WEBHOOK_MISSING,
            f"the webhook configuration {CONFIGURATION_NAME!r} {gone}: nothing is gated in this "
            "cluster; install it again (the agent does not)",
            CONFIGURATION,
        )

    def _settle(self, chosen: Body) -> None:
        self.state = "as wanted"
        self._settled = chosen
        self._is_contested = False
        if not self._is_misread:
            self._alarms.end(Reason.WEBHOOK_NOT_AS_WANTED)

    async def _repair(self, found: Body, chosen: Body, differing: list[str]) -> None:
        what = describe_differences(differing)
        body: dict[str, Any] = {"webhooks": repaired(found, chosen)}
        if not self._is_contested:
            # Written since it was seen: perhaps by an upgrade, so look again. But once only, or
            # whoever writes fast enough would never be undone.
            version = found["metadata"].get("resourceVersion")
            body["metadata"] = {"resourceVersion": version}
        put = partial(
            self._client.patch, _Configuration, CONFIGURATION_NAME, patch_type=PatchType.MERGE
        )
        self._repairs += 1
        try:
            after = dict(await put(body))
            left = differences(after, chosen)
        except API_ERRORS as error:
            if status_code(error) == httpx2.codes.CONFLICT and not self._is_contested:
                self._is_contested = True
                return
            self._say_differs(f"differs from what was chosen in {what}, and was not put back: "
                              f"{describe(error)}")  # fmt: skip
            return
        self._found = after
        self._is_contested = False
        WEBHOOK_REPAIRS.inc()
        self._tell_repair(found, what, is_chosen_since=self._settled not in (None, chosen))
        if left:
            self._say_differs(
                f"was put back and still differs from what was chosen in "
                f"{describe_differences(left)}"
            )
        else:
            self._settle(chosen)

    def _tell_repair(self, found: Body, what: str, *, is_chosen_since: bool) -> None:
        by = last_writer(found, FIELD_MANAGER)
        who = f" by {by!r}" if by else ""
        if is_chosen_since:
            message = f"Brought to what is chosen since: {what}"
            log.info("webhook configuration brought up to date", fields=what)
            self._events.tell(Note(CONFIGURATION, Level.NORMAL, Reason.WEBHOOK_REPAIRED, message))
            return
        log.warning("webhook configuration repaired", fields=what, writer=by)
        self._drift.note(f"webhook configuration {CONFIGURATION_NAME!r} ({what})")
        message = f"Changed{who} and put back as it was chosen: {what}"
        self._events.tell(Note(CONFIGURATION, Level.WARNING, Reason.WEBHOOK_REPAIRED, message))

    def _say_differs(self, how: str) -> None:
        self.state = "not as wanted"
        message = f"the webhook configuration {CONFIGURATION_NAME!r} {how}"
        self._alarms.raise_(Reason.WEBHOOK_NOT_AS_WANTED, message, CONFIGURATION)
