"""A small world around the gate: rules, evidence and a journal that tests set up and look at."""

import asyncio
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.builders import DIGEST, finding, report
from tidegate.domain.evidence import ImageEvidence, Missing, MissingReason, Report, Unavailable
from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import Policy
from tidegate.domain.workload import ControllerReference, Lookup, Owner
from tidegate.wire.event_v1 import AdmissionEventV1

CLEAN, VULNERABLE = "r.example/clean:1", "r.example/vulnerable:1"
NO_REPORT = Missing(MissingReason.NO_REPORT)


@dataclass
class Evidence:
    """Evidence by reference text; what is not named has no report."""

    known: dict[str, Report | Missing | Unavailable] = field(
        default_factory=lambda: {CLEAN: report(), VULNERABLE: report(finding())}
    )
    delay_s: float = 0.0
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    platforms: tuple[str, ...] = ()
    at_once: bool = False
    """Everything is held: no review has to wait."""
    remembers: dict[str, Report | Missing | Unavailable] = field(default_factory=dict)
    """What is known of old, without asking."""

    def held(
        self,
        references: Sequence[ImageReference],
        now: datetime,  # noqa: ARG002 the protocol's signature
        platforms: tuple[str, ...] = (),
    ) -> dict[ImageReference, ImageEvidence] | None:
        if not self.at_once or self.delay_s:
            return None
        return self._answer(references, platforms)

    async def gather(
        self,
        references: Sequence[ImageReference],
        *,
        now: datetime,  # noqa: ARG002 the protocol's signature
        budget_s: float,  # noqa: ARG002
        platforms: tuple[str, ...] = (),
    ) -> dict[ImageReference, ImageEvidence]:
        found = self._answer(references, platforms)
        await asyncio.sleep(self.delay_s)
        return found

    def remembered(
        self,
        references: Sequence[ImageReference],
        now: datetime,  # noqa: ARG002 the protocol's signature
        platforms: tuple[str, ...] = (),  # noqa: ARG002
    ) -> dict[ImageReference, ImageEvidence]:
        known = {r: self.remembers[str(r)] for r in references if str(r) in self.remembers}
        return {r: ImageEvidence.of(evidence, DIGEST) for r, evidence in known.items()}

    def _answer(
        self, references: Sequence[ImageReference], platforms: tuple[str, ...]
    ) -> dict[ImageReference, ImageEvidence]:
        self.asked.extend(map(str, references))
        self.platforms = platforms
        if self.error is not None:
            raise self.error
        return {r: ImageEvidence.of(self.known.get(str(r), NO_REPORT), DIGEST) for r in references}


@dataclass
class Policies:
    """A policy that tests replace."""

    policy: Policy = field(default_factory=Policy)
    ready: tuple[bool, tuple[str, ...]] = (True, ())

    def snapshot(self) -> Policy:
        return self.policy


@dataclass
class Cluster:
    """What the cluster says, and how often it was asked."""

    chain: tuple[Owner, ...] | Lookup = Lookup.FAILED
    labels: dict[str, str] | Lookup = Lookup.FAILED
    uids: tuple[str, ...] | Lookup = Lookup.FAILED
    asked: int = 0

    def owners_held(self, _namespace: str, _controller: ControllerReference) -> None:
        return None

    def namespace_labels_held(self, _namespace: str) -> None:
        return None

    async def owners(
        self, _namespace: str, _controller: ControllerReference, *, budget_s: float
    ) -> tuple[Owner, ...] | Lookup:
        assert budget_s > 0
        self.asked += 1
        return self.chain

    async def owner_uids(
        self, _namespace: str, _controller: ControllerReference, *, budget_s: float
    ) -> tuple[str, ...] | Lookup:
        assert budget_s > 0
        self.asked += 1
        return self.uids

    async def namespace_labels(
        self, _namespace: str, *, budget_s: float
    ) -> dict[str, str] | Lookup:
        assert budget_s > 0
        self.asked += 1
        return self.labels


@dataclass
class Recorded:
    """A journal that keeps what it is given."""

    events: list[AdmissionEventV1] = field(default_factory=list)

    def record(self, _action: str, build: Callable[[], AdmissionEventV1]) -> None:
        self.events.append(build())


def pod(*images: str, name: str = "gate-1", **metadata: object) -> dict[str, Any]:
    containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"containers": containers},
    }


def review_of(obj: dict[str, Any], uid: str = "6f1c-0001", **changes: object) -> bytes:
    kind = obj["kind"]
    group, _, version = obj["apiVersion"].rpartition("/")
    request = {
        "uid": uid,
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
        "name": obj["metadata"].get("name", ""),
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "alice"},
        "object": deepcopy(obj),
        "oldObject": None,
        "dryRun": False,
        **changes,
    }
    return json.dumps(
        {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    ).encode()
