"""The reasons of the Kubernetes Events that the agent makes, each with what it means.

`docs/reference/event-reasons.md` is made from this list.
"""

from enum import StrEnum
from typing import NamedTuple

COMPONENT = "tidegate-agent"
"""Who says so, in every Event."""


class Reason(StrEnum):
    """Why an Event is made; its value is the Event's `reason`."""

    RULES_CHANGED = "RulesChanged"
    RULES_REPAIRED = "RulesRepaired"
    WEBHOOK_REPAIRED = "WebhookRepaired"
    WEBHOOK_MISSING = "WebhookMissing"
    WEBHOOK_NOT_AS_WANTED = "WebhookNotAsWanted"
    CANARY_ADMITTED = "CanaryAdmitted"
    CANARY_REFUSED = "CanaryRefused"
    CANARY_NOT_REACHED = "CanaryNotReached"
    CANARY_BLOCKED = "CanaryBlocked"
    CANARY_UNANSWERED = "CanaryUnanswered"
    RESTORED = "ProtectionRestored"
    DENIED = "Denied"
    AUDITED = "Audited"
    NOT_JUDGED = "NotJudged"
    FAILED_OPEN = "FailedOpen"
    GATE_FAILED_OPEN = "GateFailedOpen"
    VERDICTS_LATE = "VerdictsLate"


class Level(StrEnum):
    """`type` of an Event."""

    NORMAL = "Normal"
    WARNING = "Warning"


class Meaning(NamedTuple):
    """What people read about a reason."""

    level: str
    about: str
    text: str


MEANINGS: dict[Reason, Meaning] = {
    Reason.RULES_CHANGED: Meaning(
        "Normal",
        "policy object",
        "The hub changed its rules for this cluster; the message names them.",
    ),
    Reason.RULES_REPAIRED: Meaning(
        "Warning",
        "policy object",
        "Somebody else changed an object of the hub's, and the agent put it back.",
    ),
    Reason.WEBHOOK_REPAIRED: Meaning(
        "Warning",
        "webhook configuration",
        "Somebody changed the webhook configuration, and the agent put it back; the message names "
        "the fields and, as far as the API server knows, who changed them.",
    ),
    Reason.WEBHOOK_MISSING: Meaning(
        "Warning",
        "webhook configuration",
        "There is no webhook configuration: nothing is gated. The agent does not make it again; "
        "who installed it has to.",
    ),
    Reason.WEBHOOK_NOT_AS_WANTED: Meaning(
        "Warning",
        "webhook configuration",
        "The webhook configuration differs from what was chosen and could not be put back, or what "
        "was chosen cannot be read.",
    ),
    Reason.CANARY_ADMITTED: Meaning(
        "Warning",
        "namespace `tidegate-canary`",
        "The API server admitted the canary's bad pod: the gate is not asked, or its failures "
        "admit everything (`failurePolicy: Ignore`).",
    ),
    Reason.CANARY_REFUSED: Meaning(
        "Warning",
        "namespace `tidegate-canary`",
        "The gate refused the canary's good pod, or the bad one for another reason than it should: "
        "it cannot decide.",
    ),
    Reason.CANARY_NOT_REACHED: Meaning(
        "Warning",
        "namespace `tidegate-canary`",
        "The API server could not ask the gate and refused the canary's pods for that "
        "(`failurePolicy: Fail`): everything that is gated is refused.",
    ),
    Reason.CANARY_BLOCKED: Meaning(
        "Warning",
        "namespace `tidegate-canary`",
        "Somebody else refused the canary's pods (another webhook, PodSecurity, a quota, missing "
        "rights), so nothing is known about the gate.",
    ),
    Reason.CANARY_UNANSWERED: Meaning(
        "Warning",
        "namespace `tidegate-canary`",
        "The API server gave no answer about the canary's pods, twice in a row.",
    ),
    Reason.RESTORED: Meaning(
        "Normal",
        "what the alarm was about",
        "An alarm ended; the message says which.",
    ),
    Reason.DENIED: Meaning(
        "Warning",
        "the object, or its top-most owner",
        "A workload was refused; the message is what `kubectl` shows.",
    ),
    Reason.AUDITED: Meaning(
        "Warning",
        "the object, or its top-most owner",
        "A workload was let in although it violates a rule whose action is audit.",
    ),
    Reason.NOT_JUDGED: Meaning(
        "Warning or Normal",
        "pod",
        "A pod runs about which the gate gave no verdict; the message says why. Normal where that "
        "was chosen: an excluded namespace, a static pod, one from before the webhook.",
    ),
    Reason.FAILED_OPEN: Meaning(
        "Warning",
        "webhook configuration",
        "Pods run that were admitted without the gate; the message names some.",
    ),
    Reason.GATE_FAILED_OPEN: Meaning(
        "Warning",
        "webhook configuration",
        "By its audit log the API server admitted requests that the gate did not answer; the "
        "message says how many in the last day.",
    ),
    Reason.VERDICTS_LATE: Meaning(
        "Warning",
        "webhook configuration",
        "Verdicts do not reach the agent, so it cannot tell which pods run without one.",
    ),
}
