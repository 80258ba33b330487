"""What is held about images, given out as the very same objects as long as it is the same.

So whoever remembers what follows from it finds it again by identity, and a review about images that
were asked for a moment ago costs one look.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from tidegate.domain.evidence import ImageEvidence, PlatformEvidence
from tidegate.domain.identity import IdentityTable
from tidegate.domain.reference import ImageReference
from tidegate.evidence.images import ResolvedImage
from tidegate.trust.configuration import TrustConfiguration

MAX_IMAGES = 4096
MAX_GROUPS = 1024
"""Images asked for together: about as many as controllers start pods at a time."""

MAX_GROUP_AGE = timedelta(seconds=1)
"""Then each image is looked at again, so that it counts as used, and rows are checked behind."""


class State(NamedTuple):
    """What the answer about a group of images rests on, but for the time."""

    trust: TrustConfiguration
    platforms: tuple[str, ...]
    changes: int

    def is_same(self, other: "State") -> bool:
        """Whether nothing changed; of trust configurations only the same object is the same."""
        return (
            self.trust is other.trust
            and self.changes == other.changes
            and self.platforms == other.platforms
        )


@dataclass(frozen=True, slots=True)
class _Group:
    state: State
    since: datetime
    until: datetime
    evidence: dict[ImageReference, ImageEvidence]


class HeldImages:
    """The last evidence of each image."""

    def __init__(self) -> None:
        self._last: OrderedDict[ImageReference, ImageEvidence] = OrderedDict()

    def same(
        self, reference: ImageReference, image: ResolvedImage, found: list[PlatformEvidence]
    ) -> ImageEvidence:
        """Return `found` about `image`: what was given out before where that says the same."""
        before = self._last.get(reference)
        if (
            before is not None
            and before.digest == image.digest
            and before.tag_asked_at == image.asked_at
            and len(before.platforms) == len(found)
            and all(map(_is_same, before.platforms, found))
        ):
            return before
        made = ImageEvidence(image.digest, tuple(found), image.asked_at)
        if len(self._last) >= MAX_IMAGES and reference not in self._last:
            self._last.popitem(last=False)
        self._last[reference] = made
        return made


class HeldGroups:
    """The last answers about images that are asked for together: those of one workload."""

    def __init__(self) -> None:
        self._groups = IdentityTable[Sequence[ImageReference], _Group](MAX_GROUPS)

    def get(
        self, references: Sequence[ImageReference], state: State, now: datetime
    ) -> dict[ImageReference, ImageEvidence] | None:
        """Return the last answer about this very list where it still holds."""
        group = self._groups.get(references)
        if group is not None and group.since <= now < group.until and group.state.is_same(state):
            return group.evidence
        return None

    def keep(
        self,
        references: Sequence[ImageReference],
        state: State,
        now: datetime,
        until: datetime,
        evidence: dict[ImageReference, ImageEvidence],
    ) -> None:
        """Remember an answer that holds until `until` while nothing changes."""
        until = min(until, now + MAX_GROUP_AGE)
        self._groups.put(references, _Group(state, now, until, evidence))


def _is_same(one: PlatformEvidence, other: PlatformEvidence) -> bool:
    return (
        one.evidence is other.evidence
        and one.platform == other.platform
        and one.digest == other.digest
        and (one.origin is other.origin or one.origin == other.origin)
    )
