"""What a review asks, each a source of its own that somebody else keeps up to date."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from tidegate.domain.break_glass import BreakGlass
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import ImageEvidence
from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import Policy
from tidegate.domain.verdict import ScanAnswer
from tidegate.domain.workload import ControllerReference, Lookup, Owner
from tidegate.gate.first_sight import WantedScan
from tidegate.wire.event_v1 import Action, AdmissionEventV1


class PolicySource(Protocol):
    """The rules in force, kept up to date by somebody else."""

    @property
    def ready(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the rules may be relied on, and what is wrong."""
        ...

    def snapshot(self) -> Policy:
        """Return the rules in force; the same object as long as nothing changed."""
        ...


class EvidenceSource(Protocol):
    """What is known about images."""

    def held(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence] | None:
        """Return what `gather` would say without asking anybody; None where it has to ask."""
        ...

    async def gather(
        self,
        references: Sequence[ImageReference],
        *,
        now: datetime,
        budget_s: float,
        platforms: tuple[str, ...] = (),
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known about each image; never raises, answers within the budget."""
        ...

    def remembered(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known of each, however old, without asking; without those not known."""
        ...


class ClusterSource(Protocol):
    """What only the cluster knows about an object."""

    def owners_held(
        self, namespace: str, controller: ControllerReference
    ) -> tuple[Owner, ...] | Lookup | None:
        """Return what `owners` would say without asking anybody; None where it has to ask."""
        ...

    def namespace_labels_held(self, namespace: str) -> dict[str, str] | Lookup | None:
        """Return what `namespace_labels` would say without asking; None where it has to ask."""
        ...

    async def owners(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[Owner, ...] | Lookup:
        """Return the controllers above an object, direct one first; never raises."""
        ...

    async def owner_uids(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[str, ...] | Lookup:
        """Return the uids of those who control an object, each shown to exist; never raises."""
        ...

    async def namespace_labels(self, namespace: str, *, budget_s: float) -> dict[str, str] | Lookup:
        """Return the labels of `namespace`; never raises."""
        ...


class BreakGlassSource(Protocol):
    """What is let in although rules deny it."""

    def of(self, namespace: str) -> Sequence[BreakGlass]:
        """Return the objects about `namespace`, ended ones too."""
        ...


class Scans(Protocol):
    """Asks for scans of images without a report."""

    async def ask(
        self, namespace: str, wanted: Iterable[WantedScan], wait_s: float
    ) -> dict[Digest, ScanAnswer]:
        """Return what is known of each after at most `wait_s`; never raises."""
        ...


class Journal(Protocol):
    """Takes verdicts; never waits and never raises."""

    def record(self, action: Action, build: Callable[[], AdmissionEventV1]) -> None:
        """Take one event, to be built later."""
        ...
