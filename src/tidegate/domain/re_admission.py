"""Re-admission: a workload's own pods come back although a later finding turned their image bad.

Without it a new CVE takes down what already runs, at the next drain or restart. The verdict becomes
an audit only where all of this holds (each closes a way around the rules):

* The request creates a pod, and Kubernetes' own controller of its owner's kind asks for it: nobody
  else makes pods under that account, so the owner reference is no claim of a user's.
* The owner, or who controls it, was admitted with exactly this digest, by rules of the same
  conditions: who was kept out, or let in by another rule, gains nothing.
* Everything that denies it now is a count of vulnerabilities in a report that was read: a forbidden
  vulnerability, and evidence that is missing, old, incomplete or unreadable, deny as ever. An
  exemption that ended since is no later finding.
* It is at most `PERIOD` since the image was first judged bad for that owner.

Not done here: who controls whom (`gate.owners`), the record of admissions (`agent.admitted`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidegate.domain.digest import Digest
from tidegate.domain.evidence import Report
from tidegate.domain.finding import normalize_id
from tidegate.domain.rule import Rule
from tidegate.domain.verdict import (
    CountExceeded,
    Decision,
    ImageVerdict,
    Reason,
    RuleJudgement,
    Verdict,
)
from tidegate.domain.workload import ControllerReference

PERIOD = timedelta(days=14)
"""How long a workload's own pods come back: time to repair, and no longer."""

CONTROLLERS = {
    ("v1", "ReplicationController"): "replication-controller",
    ("apps/v1", "ReplicaSet"): "replicaset-controller",
    ("apps/v1", "StatefulSet"): "statefulset-controller",
    ("apps/v1", "DaemonSet"): "daemon-set-controller",
    ("batch/v1", "Job"): "job-controller",
}
"""Service accounts, in kube-system, of the controllers that make pods for each kind."""

SHARED_ACCOUNT = "system:kube-controller-manager"
"""Who asks where controllers share one account (`--use-service-account-credentials=false`)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """That an owner was admitted with an image."""

    owner: str
    """Its uid."""
    digest: Digest
    rules: frozenset[str]
    """Fingerprints of the rules that judged the image then, and did not deny it."""
    at: datetime
    bad_since: datetime | None = None
    """When the image was first judged bad for this owner; None: not known to be."""

    def until(self, now: datetime) -> datetime:
        """Return when its pods come back no longer, if the image turned bad by `now`."""
        return (self.bad_since or now) + PERIOD


def is_own_controller(user: str, controller: ControllerReference) -> bool:
    """Whether `user` is Kubernetes' own controller that makes pods for `controller`."""
    account = CONTROLLERS.get((controller.api_version, controller.kind))
    if account is None:
        return False
    return user in (f"system:serviceaccount:kube-system:{account}", SHARED_ACCOUNT)


def re_admit(
    verdict: Verdict,
    admitted: Mapping[Digest, Iterable[Admitted]],
    fingerprint: Callable[[Rule], str],
    now: datetime,
) -> Verdict:
    """Return `verdict` with audits in the place of denials, if that lets the pod in as a whole.

    `admitted` has what is known of the pod's owners, each shown to exist and to control it.
    """
    images = tuple(_re_admit(image, admitted, fingerprint, now) for image in verdict.images)
    decided = replace(verdict, images=images)
    return decided if decided.allowed else verdict


def _re_admit(
    image: ImageVerdict,
    admitted: Mapping[Digest, Iterable[Admitted]],
    fingerprint: Callable[[Rule], str],
    now: datetime,
) -> ImageVerdict:
    if image.decision is not Decision.DENY or image.digest is None:
        return image
    denials = [each for each in image.judgements if each.decision is Decision.DENY]
    if not denials or not all(map(_counts_of_a_report, denials)):
        return image
    asked = {fingerprint(each.rule) for each in denials}
    for entry in admitted.get(image.digest, ()):
        if not asked <= entry.rules or now >= entry.until(now):
            continue
        if any(_exemption_ended(each, entry.at, now) for each in denials):
            continue
        return replace(
            image,
            decision=Decision.AUDIT,
            reason=Reason.RE_ADMITTED,
            let_in_until=entry.until(now),
            admitted_at=entry.at,
        )
    return image


def _counts_of_a_report(judgement: RuleJudgement) -> bool:
    return isinstance(judgement.evidence, Report) and all(
        isinstance(violation, CountExceeded) for violation in judgement.violations
    )


def _exemption_ended(judgement: RuleJudgement, since: datetime, now: datetime) -> bool:
    """Whether a vulnerability counts that the rule still exempted at `since`."""
    ended = {
        normalize_id(exemption.vulnerability_id)
        for exemption in judgement.rule.vulnerability_exemptions
        if exemption.holds(since) and not exemption.holds(now)
    }
    return bool(ended) and any(finding.ids & ended for finding in judgement.counted)
