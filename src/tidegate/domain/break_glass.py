"""Break-glass: one image let into one namespace for some hours, although rules deny it.

Somebody with the right to make cluster-wide `BreakGlass` objects decided so; the verdict says who
gave which reason, and it is a warning and an event each time. It names a digest, so that nothing
else gets in by a tag that moves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.domain.digest import Digest
from tidegate.domain.verdict import Decision, ImageVerdict, Reason, Verdict


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What one object lets in."""

    name: str
    namespace: str
    digest: Digest
    """Of the image as its reference resolves: of an index, the index's own."""
    reason: str
    since: datetime
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it lets something in at `now`."""
        return self.since <= now < self.until


def let_in(
    verdict: Verdict, namespace: str, objects: Iterable[BreakGlass], now: datetime
) -> Verdict:
    """Return `verdict` with denied images audited that one of `objects` lets into `namespace`.

    An image whose digest is not known stays denied.
    """
    holding = {
        each.digest: each
        for each in sorted(objects, key=lambda each: (each.until, each.name))
        if each.namespace == namespace and each.holds(now)
    }
    if not holding:
        return verdict
    return replace(verdict, images=tuple(_let_in(image, holding) for image in verdict.images))


def _let_in(image: ImageVerdict, holding: dict[Digest, BreakGlass]) -> ImageVerdict:
    broken = holding.get(image.digest) if image.digest is not None else None
    if image.decision is not Decision.DENY or broken is None:
        return image
    return replace(
        image,
        decision=Decision.AUDIT,
        reason=Reason.BREAK_GLASS,
        let_in_by=f"{broken.name}: {broken.reason}",
        let_in_until=broken.until,
    )
