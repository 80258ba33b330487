"""What `reAdmission: Audit` goes by: which owner was admitted with which image, by which rules.

A gate tells its agent (`POST /v1/admitted`) as soon as a workload is admitted, whether the hub is
there or not; the same facts are in the admission event, which the agent sees on its way to the hub.
The agent keeps them and hands them to all gates (`GET /v1/admitted?after=&wait=`), a page at a
time. There unknown fields are skipped, so that either side may be the newer one.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from tidegate.domain.digest import parse_digest
from tidegate.domain.re_admission import Admitted
from tidegate.domain.rule import Rule
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1
from tidegate.wire.policy_v1alpha1 import entry_of

OWNER_KINDS: Final = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    }
)
"""Kinds that are judged and have pods made for them."""

MAX_TOLD = 1000
"""Entries of one message."""

PAGE_ROWS = 1000
MAX_PAGE_BYTES = 4 * 2**20
MAX_WAIT_S = 25.0
MAX_CURSOR_CHARS = 100
MAX_RULES_TOLD = 50
"""Of one image; who has more rules judge it has its pods denied as ever."""

Uid = Annotated[str, Meta(min_length=1, max_length=128)]
DigestText = Annotated[str, Meta(pattern=r"^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$(?!\n)")]
Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Instant = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$(?!\n)")]
"""RFC 3339, UTC, with microseconds: text order is time order."""

_T = TypeVar("_T")


class Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of what is here: camelCase names; unknown fields are skipped."""


class AdmittedV1(Wire):
    """An owner that was admitted with an image."""

    owner: Uid
    kind: Annotated[str, Meta(min_length=1, max_length=63)]
    digest: DigestText
    rules: Annotated[list[Fingerprint], Meta(min_length=1, max_length=MAX_RULES_TOLD)]
    """Of the rules that judged the image and did not deny it."""
    at: Instant


class BadV1(Wire):
    """An image that is judged bad by now for the pods of an owner."""

    owner: Uid
    digest: DigestText
    at: Instant


class AdmissionsV1(Wire):
    """What a gate tells."""

    admitted: Annotated[list[AdmittedV1], Meta(max_length=MAX_TOLD)] = []
    bad: Annotated[list[BadV1], Meta(max_length=MAX_TOLD)] = []


class AdmittedRowV1(Wire):
    """A row of the index; without rules: it is gone."""

    owner: Uid
    digest: DigestText
    rules: Annotated[list[Fingerprint], Meta(max_length=MAX_RULES_TOLD)] = []
    at: str = ""
    bad_since: str = ""


class AdmittedPageV1(Wire):
    """What came after a cursor."""

    cursor: Annotated[str, Meta(max_length=MAX_CURSOR_CHARS)]
    rows: Annotated[list[AdmittedRowV1], Meta(max_length=PAGE_ROWS)] = []
    reset: bool = False
    """The cursor was of no use here: everything follows, and what is held is to be forgotten."""


def rule_fingerprint(rule: Rule) -> str:
    """Return what changes with the name, conditions and exemptions of `rule`; 128 bits in hex.

    Not with its action and scope: who was admitted with a warning comes back when the rule denies,
    first here and then there, for the time that anybody has. The time begins when the rule first
    denies the image.
    """
    judging = (rule.name, entry_of(rule).configuration)
    return hashlib.sha256(msgspec.json.encode(judging)).hexdigest()[:32]


def admissions_of(events: Iterable[AdmissionEventV1]) -> AdmissionsV1:
    """Return what `events` say about owners and their images; what does not fit is left out."""
    told = AdmissionsV1([], [])
    for event in events:
        for row in event.images:
            told.admitted.extend(_admitted(event, row))
            told.bad.extend(_bad(event, row))
    return told


def parse_row(row: AdmittedRowV1) -> Admitted | None:
    """Return the row's meaning; None: it is gone.

    Raises:
        InvalidDigestError: its digest is none.
        ValueError: its times are none.
    """
    if not row.rules:
        return None
    return Admitted(
        owner=row.owner,
        digest=parse_digest(row.digest),
        rules=frozenset(row.rules),
        at=_instant(row.at),
        bad_since=_instant(row.bad_since) if row.bad_since else None,
    )


def _admitted(event: AdmissionEventV1, row: ImageRowV1) -> Iterable[AdmittedV1]:
    """Yield that the event's object was admitted with an image.

    Not where it was only asked what would be (a dry run has no event), by somebody else than an API
    server, or about what runs already: none of these admits anything.
    """
    if event.origin != "api-server" or event.action == "deny" or event.kind not in OWNER_KINDS:
        return
    if event.operation not in ("CREATE", "UPDATE") or event.subresource or not row.admitted_under:
        return
    yield from _valid(
        AdmittedV1,
        owner=event.object_uid,
        kind=event.kind,
        digest=row.resolved or row.digest,
        rules=row.admitted_under,
        at=event.time,
    )


def _bad(event: AdmissionEventV1, row: ImageRowV1) -> Iterable[BadV1]:
    """Yield that an image is bad for those who control the event's pod."""
    bad = row.action == "deny" or row.reason == "ReAdmitted"
    if not bad or row.unanswered or event.origin == "direct":
        return
    for owner in event.owner_uids:
        yield from _valid(BadV1, owner=owner, digest=row.resolved or row.digest, at=event.time)


def _valid(made: Callable[..., _T], **fields: Any) -> Iterable[_T]:  # noqa: ANN401 checked here
    try:
        yield msgspec.convert(fields, made)
    except msgspec.ValidationError:
        return


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no time zone")
    return found
