"""A workload's own pods, denied by now: who controls them, and whether they may come back.

Asked only about denials while `reAdmission: Audit` is in force. Whatever is not known (no agent, an
index not heard yet, an API server that does not answer in time) leaves the denial as it is.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from tidegate.domain.digest import Digest
from tidegate.domain.re_admission import Admitted, is_own_controller, re_admit
from tidegate.domain.verdict import Reason, Verdict
from tidegate.domain.workload import ControllerReference, Lookup
from tidegate.gate.events import Moment, Origin, fingerprint
from tidegate.wire.admission_v1 import AdmissionRequest

OWNERS_S = 1.0
"""For the owners: the API server that asks is there to answer."""


class Owners(Protocol):
    """Follows owner references by uid."""

    async def owner_uids(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[str, ...] | Lookup:
        """Return the uids of those who control an object, each shown to exist; never raises."""
        ...


class Index(Protocol):
    """Which owner was admitted with which image."""

    def of(self, owners: Iterable[str], digest: Digest) -> tuple[Admitted, ...]:
        """Return the entries of `owners`, by uid, about an image."""
        ...

    def note_bad(self, owners: Iterable[str], digest: Digest, now: datetime) -> None:
        """Keep that an image is judged bad for `owners` from `now` on, if not longer."""
        ...


class OwnPods:
    """Lets pods come back by `index`."""

    def __init__(self, owners: Owners, index: Index) -> None:
        self._owners = owners
        self._index = index

    async def let_back(
        self, request: AdmissionRequest, verdict: Verdict, asked: Moment, budget_s: float
    ) -> Verdict:
        """Return `verdict`, by which the new pod in `request` may be let in after all.

        With the uids of those who control the pod; none where there are none, where they could not
        be found out, or where the request is not of a kind that lets anything back.
        """
        owners = await self._owners_of(request, asked.origin, budget_s)
        verdict = replace(verdict, owner_uids=owners)
        if not owners or asked.origin != "api-server":
            return verdict
        digests = {image.digest for image in verdict.images if image.digest is not None}
        admitted = {digest: self._index.of(owners, digest) for digest in digests}
        decided = re_admit(verdict, admitted, fingerprint, asked.now)
        for image in decided.images:
            if image.reason is Reason.RE_ADMITTED and image.digest is not None:
                self._index.note_bad(owners, image.digest, asked.now)
        return decided

    async def _owners_of(
        self, request: AdmissionRequest, origin: Origin, budget_s: float
    ) -> tuple[str, ...]:
        obj = request.object
        created = (request.kind, request.operation, request.subresource) == ("Pod", "CREATE", "")
        if obj is None or obj.controller is None or not created or budget_s <= 0:
            return ()
        # Who asks is known from an API server alone; about what runs already, nobody has to.
        if origin != "rejudged" and not (
            origin == "api-server" and is_own_controller(request.user, obj.controller)
        ):
            return ()
        seconds = min(budget_s, OWNERS_S)
        found = await self._owners.owner_uids(obj.namespace, obj.controller, budget_s=seconds)
        return () if isinstance(found, Lookup) else found
