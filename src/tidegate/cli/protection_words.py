"""How well a cluster is protected, in lines for people."""

from collections.abc import Iterator

from tidegate.cli.moments import short_moment
from tidegate.domain.text import printable
from tidegate.wire.protection_v1 import ProtectionV1, ReAdmissionState, UnjudgedPodV1, Why

WHY: dict[Why, str] = {
    "failed-open": "admitted without the gate",
    "not-watched": "made while no agent looked",
    "not-recorded": "made when a gate dropped records",
    "excluded-namespace": "in an excluded namespace",
    "static-pod": "static pods of a node",
    "before-webhook": "older than the webhook",
}
"""What is said of pods without a verdict; the portal says the same."""

MAX_PODS = 10
"""Pods that are named; `-o json` has all that the hub knows."""


def described_protection(protection: ProtectionV1 | None) -> Iterator[str]:
    """Yield a line for each thing that an agent sees of the gate's work, if it sees any."""
    if protection is None:
        return
    yield f"Webhook:    {protection.webhook}"
    passed = short_moment(protection.canary_passed_at)
    yield f"Canary:     {protection.canary}{f', last passed {passed}' if passed else ''}"
    yield f"Detection:  {protection.detection}"
    for why, count in protection.unjudged.items():
        yield f"Unjudged:   {count} pods {WHY[why]}"
    shown = [pod for pod in protection.unjudged_pods if pod.why in ALARMING][:MAX_PODS]
    for pod in shown:
        yield f"            {_named(pod)}"
    if protection.failed_open:
        yield f"Fail-open:  {protection.failed_open} requests in the last day, by the audit log"
    if protection.re_admission != "unknown":
        yield f"Own pods:   {OWN_PODS[protection.re_admission]}"
    for glass in protection.break_glass or ():
        ends = short_moment(glass.until)
        yield f"Let in:     {printable(glass.reason)}"
        yield f"            break-glass {glass.name}, into {glass.namespace} until {ends}"
        yield f"            {glass.digest}"
    unnamed = protection.break_glass_count - len(protection.break_glass or ())
    if unnamed > 0:
        yield f"            and by {unnamed} more break-glass objects"


OWN_PODS: dict[ReAdmissionState, str] = {
    "Audit": "come back for 14 days after a later finding, with a warning",
    "Enforce": "are denied like all others after a later finding",
    "Audit without an index": "should come back, but the agent keeps no index of admissions",
}
"""What becomes of a workload's own pods; the portal says the same."""

ALARMING: frozenset[Why] = frozenset({"failed-open", "not-watched", "not-recorded"})
"""What nobody chose."""


def _named(pod: UnjudgedPodV1) -> str:
    return f"{pod.namespace}/{pod.name}, {WHY[pod.why]}, created {short_moment(pod.created_at)}"
