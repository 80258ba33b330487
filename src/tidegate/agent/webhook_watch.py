"""Watches the webhook configuration: put back when it differs, told when it is gone.

Whoever may edit it decides whether anything is gated at all (THREATS rows 10, 13). It is compared
with the file that the operator chose, so a wider selector, a softer failure policy or an authority
of somebody else's lasts as long as a watch needs to tell. A deletion is told and not undone: to
make it anew would take the right to make any, and an uninstallation would never end.
"""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from lightkube import AsyncClient
from lightkube.generic_resource import create_global_resource
from lightkube.types import PatchType

from tidegate.agent.alarms import Alarms
from tidegate.agent.drift import DriftLog
from tidegate.agent.kube_events import KubeEvents, Note, Subject
from tidegate.agent.metrics import WEBHOOK_PRESENT, WEBHOOK_REPAIRS
from tidegate.agent.reasons import Level, Reason
from tidegate.domain.errors import ConfigurationError, InputError
from tidegate.kube.client import API_ERRORS, describe
from tidegate.kube.watch import Changed, Deleted, Event, Listed, Lost, follow
from tidegate.wire.names import CONFIGURATION_NAME
from tidegate.wire.protection_v1 import WebhookState
from tidegate.wire.strict_yaml import load_documents
from tidegate.wire.webhook_drift import (
    describe_differences,
    differences,
    last_writer,
    repaired,
)

FIELD_MANAGER = "tidegate-agent"

LOOK_S = 5.0
"""How often the file is read again; changes of the configuration itself are watched."""

GRACE_S = 30.0
"""At the start, how long a configuration that was never seen may take to come."""

QUIET_S = (1.0, 30.0)
"""Pause after a repair: a fight with another writer stays cheap. It doubles while it lasts."""

MAX_FILE_BYTES = 1024 * 1024

NAME_LABEL = "kubernetes.io/metadata.name"

Body = Mapping[str, Any]

_API = "admissionregistration.k8s.io/v1"
_KIND = "ValidatingWebhookConfiguration"
_Configuration = create_global_resource(
    "admissionregistration.k8s.io", "v1", _KIND, "validatingwebhookconfigurations"
)

CONFIGURATION = Subject(_API, _KIND, CONFIGURATION_NAME)
"""What alarms about it are about."""

log = structlog.get_logger()


class ChosenWebhook:
    """The webhook configuration that the operator chose, in a file; read again each time."""

    def __init__(self, path: Path, ca_file: Path | None) -> None:
        """`ca_file`: PEM that becomes the `caBundle`, so that it can be rotated by itself."""
        self._path = path
        self._ca_file = ca_file

    def read(self) -> Body:
        """Return the configuration.

        Raises:
            ConfigurationError: a file cannot be read or is no configuration of our name.
        """
        try:
            with self._path.open("rb") as file:
                (body,) = load_documents(
                    file.read(MAX_FILE_BYTES + 1), str(self._path), MAX_FILE_BYTES
                )
            name = body["metadata"]["name"]
            hooks = body["webhooks"]
            if (body["kind"], name) != (_KIND, CONFIGURATION_NAME) or not hooks:
                raise ConfigurationError(
                    f"{self._path}: got {str(body['kind'])[:80]} {str(name)[:80]!r}, want a "
                    f"{_KIND} {CONFIGURATION_NAME!r} with webhooks"
                )
            if self._ca_file is not None:
                with self._ca_file.open("rb") as file:
                    bundle = base64.b64encode(file.read(MAX_FILE_BYTES)).decode()
                hooks = [
                    {**hook, "clientConfig": {**hook["clientConfig"], "caBundle": bundle}}
                    for hook in hooks
                ]
            chosen = {"webhooks": hooks}
            differences(chosen, chosen)  # of the shape that comparing takes for granted
        except (OSError, InputError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"TIDEGATE_AGENT_WEBHOOK_FILE {self._path}: {type(error).__name__}: {error}; want "
                f"one {_KIND} {CONFIGURATION_NAME!r}"
            ) from error
        return chosen


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
        """Read what was chosen; raises what `ChosenWebhook.read` raises."""
        self._client = client
        self._source = chosen
        self._chosen = chosen.read()
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
                self._take(event)
                self._news.set()

    def _take(self, event: Event) -> None:
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
        self._read_chosen()
        if self._lost:
            self.state = "unknown"
            return
        WEBHOOK_PRESENT.set(self._found is not None)
        if self._found is None:
            if not patient:
                self._say_missing()
            return
        self._alarms.end(Reason.WEBHOOK_MISSING)
        differing = differences(self._found, self._chosen)
        if differing:
            await self._repair(self._found, differing)
        else:
            self._settle()

    def _read_chosen(self) -> None:
        try:
            self._chosen = self._source.read()
        except ConfigurationError as error:
            message = f"{error}; the webhook configuration is kept as it was chosen before"
            self._alarms.raise_(Reason.WEBHOOK_NOT_AS_WANTED, message, CONFIGURATION)

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

    def _settle(self) -> None:
        self.state = "as wanted"
        self._settled = self._chosen
        self._alarms.end(Reason.WEBHOOK_NOT_AS_WANTED)

    async def _repair(self, found: Body, differing: list[str]) -> None:
        what = describe_differences(differing)
        body = {"webhooks": repaired(found, self._chosen)}
        put = partial(
            self._client.patch, _Configuration, CONFIGURATION_NAME, patch_type=PatchType.MERGE
        )
        self._repairs += 1
        try:
            after = dict(await put(body))
            left = differences(after, self._chosen)
        except API_ERRORS as error:
            self._say_differs(f"differs from what was chosen in {what}, and was not put back: "
                              f"{describe(error)}")  # fmt: skip
            return
        self._found = after
        WEBHOOK_REPAIRS.inc()
        self._tell_repair(found, what)
        if left:
            self._say_differs(
                f"was put back and still differs from what was chosen in "
                f"{describe_differences(left)}"
            )
        else:
            self._settle()

    def _tell_repair(self, found: Body, what: str) -> None:
        by = last_writer(found, FIELD_MANAGER)
        who = f" by {by!r}" if by else ""
        if self._settled is not None and self._settled != self._chosen:
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
