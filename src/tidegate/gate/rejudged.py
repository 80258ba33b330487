"""What of a verdict about running workloads is an answer.

At admission, what cannot be found out is judged by the rules: something has to be said. About a
workload that runs it is no news. A registry that is away, or a cluster that does not answer, must
not look like a changed verdict when it goes and like another one when it comes back: such a row is
marked, and whoever compares lets the last verdict stand.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tidegate.domain.decide import JudgedImage
from tidegate.domain.evidence import Unavailable
from tidegate.domain.scope import CompiledPolicy
from tidegate.domain.verdict import Decision, ImageVerdict, Verdict
from tidegate.domain.workload import Lookup, Workload
from tidegate.wire.event_v1 import AdmissionEventV1


def with_unanswered(
    event: AdmissionEventV1,
    verdict: Verdict,
    policy: CompiledPolicy,
    workload: Workload,
    judged: Sequence[JudgedImage],
) -> AdmissionEventV1:
    """Return `event`, the record of `verdict`, with the rows marked that rest on what is unknown.

    `event` itself stays as it is: its rows may be those of other events, too.
    """
    if not policy.gating_on:
        return event  # then nothing was asked
    facts_unknown = (policy.needs_owners and workload.owners is Lookup.FAILED) or (
        policy.needs_namespace_labels and workload.namespace_labels is Lookup.FAILED
    )
    rows = [
        replace(row, unanswered=facts_unknown or _evidence_unknown(image, known))
        for row, image, known in zip(event.images, verdict.images, judged, strict=True)
    ]
    return replace(event, images=rows)


def _evidence_unknown(image: ImageVerdict, known: JudgedImage) -> bool:
    """Whether what could not be read might have made another verdict.

    What a pusher or a writer can cause (limits, a reference that cannot be read) is an answer.
    """
    if not any(_passes(each.evidence) for each in known.evidence.platforms):
        return False
    # A denial for what was read stands, whatever else there is.
    told = image.judgement
    denied = image.decision is Decision.DENY and told is not None
    return not (denied and told is not None and not isinstance(told.evidence, Unavailable))


def _passes(evidence: object) -> bool:
    return isinstance(evidence, Unavailable) and evidence.ignorable
