"""What the gate must answer to each review of a storm, by the pure decision over known findings.

The rules come in versions, and everything that they say names the version: `web r00017`. An odd
version turns round what an even one says about `shop/web` and `shop/db`, and pods of both get one
answer that names both rules, so that half a policy would be seen in a single answer.

An answer is right if it is, word by word, what `decide` says with all that was signed about the
images; it is *unavailable* if it is what `decide` says with some of the images' findings out of
reach. Anything else is wrong, and one of these that allows is a fail-open.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import chain, combinations
from typing import Any

from reviews import UID, review
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import (
    ImageEvidence,
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.explain import denial_message, warnings
from tidegate.domain.reference import parse_reference
from tidegate.domain.scope import CompiledPolicy, compile_policy
from tidegate.domain.workload import changed_images, workload_of
from tidegate.wire.admission_v1 import parse_review
from tidegate.wire.policy_merge import load_candidate, merge

BODY_BYTES = 5_000
LENIENT = "lenient"
"""Namespace whose rule lets pass what could not be found out."""

LATE_S = 2.0
"""An answer by rules that were replaced longer ago than this is counted as late."""

_VERSION = re.compile(r"\br(\d{5})\b")
_UNREAD = re.compile(
    r"Findings of the image could not be read \(.*?\); try again, and if it stays so, "
    r"tell who runs the gate",
    re.DOTALL,
)
_UNSCANNED = re.compile(r"(no findings artifact is attached)[^\n]*")
_WARNED = re.compile(r'; rule "([^"]*)" \(audit\)$')


@dataclass(frozen=True)
class StormImage:
    """An image in the registry, and what is signed about it."""

    reference: str
    digest: Digest
    report: Report | None
    """None: nobody scanned it."""


@dataclass(frozen=True)
class Kind:
    """One kind of review."""

    images: tuple[int, ...]
    body: bytes


@dataclass(frozen=True)
class Said:
    """What an answer says, without what differs between equal ones."""

    allowed: bool
    message: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What is to be thought of one answer."""

    right: bool
    allowed: bool
    denied: bool = False
    audited: bool = False
    unavailable: frozenset[int] = frozenset()
    """Images whose findings it did not have."""
    version: int | None = None
    why: str = ""


def policy_object(version: int, host: str) -> dict[str, Any]:
    """Return the rules of `version` as a policy object."""
    first, second = ("deny", "audit") if version % 2 == 0 else ("audit", "deny")
    strict = {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True}
    lenient = {
        "maxAllowedSeverities": {"critical": 0},
        "blockUnscannedImages": True,
        "onUnavailable": "ignore",
    }
    rules = [
        {
            "name": f"{LENIENT} r{version:05d}",
            "action": "deny",
            "scope": [{"matcherType": "namespace", "anyOf": [LENIENT]}],
            "configuration": lenient,
        },
        *(
            {
                "name": f"{name} r{version:05d}",
                "action": action,
                "scope": [{"matcherType": "image", "anyOf": [f"{host}/shop/{name}*"]}],
                "configuration": strict,
            }
            for name, action in (("web", first), ("db", second))
        ),
    ]
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "storm"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": rules},
    }


@dataclass
class Versions:
    """When which version of the rules was written; times of the machine's monotonic clock."""

    written_s: list[float] = field(default_factory=lambda: [0.0])

    @property
    def newest(self) -> int:
        return len(self.written_s) - 1

    def begin(self, now_s: float) -> int:
        """Note that a new version is about to be written, and return its number."""
        self.written_s.append(now_s)
        return self.newest

    def possible(self, sent_s: float, done_s: float) -> range:
        """Return the versions by which a review of that time may have been judged."""
        oldest = bisect_right(self.written_s, sent_s - LATE_S) - 1
        return range(max(0, oldest), bisect_right(self.written_s, done_s))


class Oracle:
    """Knows what is signed about the images, and judges answers."""

    def __init__(self, host: str, images: Sequence[StormImage], kinds: Sequence[Kind]) -> None:
        self._host = host
        self._images = images
        self._kinds = kinds
        self._tables: dict[tuple[int, int], dict[Said, frozenset[int]]] = {}
        self._policies = [self._compiled(version) for version in (0, 1)]
        self._now = datetime.now(UTC)

    def judge(self, kind: int, answer: str, versions: Iterable[int]) -> Judged:
        """Return what is to be thought of `answer`; `versions`: that may have been in force."""
        try:
            said, named = _read(answer)
        except (ValueError, KeyError, TypeError) as error:
            return Judged(right=False, allowed=False, why=f"no verdict ({error}): {answer[:200]}")
        if len(named) > 1:
            why = f"names several versions of the rules: {sorted(named)}"
            return Judged(right=False, allowed=said.allowed, why=why)
        version = named.pop() if named else None
        for parity in {v % 2 for v in ([version] if version is not None else versions)}:
            unavailable = self.table(kind, parity).get(said)
            if unavailable is not None:
                return Judged(
                    right=True,
                    allowed=said.allowed,
                    denied=not said.allowed,
                    audited=bool(said.warnings),
                    unavailable=unavailable,
                    version=version,
                )
        return Judged(right=False, allowed=said.allowed, version=version, why=answer[:600])

    def table(self, kind: int, parity: int) -> dict[Said, frozenset[int]]:
        """Return every answer to `kind` that is right, with the images that it did not have."""
        if (kind, parity) not in self._tables:
            self._tables[kind, parity] = {
                self._answer(kind, parity, frozenset(unavailable)): frozenset(unavailable)
                for unavailable in reversed(_subsets(self._kinds[kind].images))
            }
        return self._tables[kind, parity]

    def _answer(self, kind: int, parity: int, unavailable: frozenset[int]) -> Said:
        request = parse_review(self._kinds[kind].body)
        if request.object is None:
            raise AssertionError("reviews of storms have an object")
        by_name = {self._images[i].reference: i for i in self._kinds[kind].images}
        judged = [
            JudgedImage(use, parse_reference(use.image), self._evidence(i, unavailable))
            for use in changed_images(request.object, None)
            for i in (by_name[use.image],)
        ]
        verdict = decide(self._policies[parity], workload_of(request.object), judged, self._now)
        message = "" if verdict.allowed else denial_message(verdict, UID)
        return _normal(verdict.allowed, message, warnings(verdict))[0]

    def _evidence(self, image: int, unavailable: frozenset[int]) -> ImageEvidence:
        digest, report = self._images[image].digest, self._images[image].report
        if image in unavailable:
            unread = Unavailable(UnavailableReason.REGISTRY, "why")
            return ImageEvidence.of(unread, digest)
        return ImageEvidence.of(report or Missing(MissingReason.NO_REPORT), digest)

    def _compiled(self, version: int) -> CompiledPolicy:
        return compile_policy(
            merge([load_candidate(policy_object(version, self._host))], {}).policy
        )


def kinds_of(images: Sequence[StormImage]) -> tuple[list[Kind], list[list[int]]]:
    """Return all kinds of reviews, and by image those that it is the newest image of."""
    kinds: list[Kind] = []
    by_image: list[list[int]] = [[] for _ in images]

    def add(newest: int, chosen: tuple[int, ...], namespace: str) -> None:
        named = [images[i].reference for i in chosen]
        body = review(named, BODY_BYTES, name=f"pod-{len(kinds)}", namespace=namespace)
        by_image[newest].append(len(kinds))
        kinds.append(Kind(chosen, body))

    for i in range(len(images)):
        add(i, (i,), "shop")
        if i % 3 == 2:
            add(i, (i - 1, i), "shop")
        if i % 4 == 0:
            add(i, (i,), LENIENT)
    return kinds, by_image


def _read(answer: str) -> tuple[Said, set[int]]:
    """Return what `answer` says, and the versions of rules that it names."""
    document = json.loads(answer)
    response = document["response"]
    if (document["apiVersion"], document["kind"]) != ("admission.k8s.io/v1", "AdmissionReview"):
        raise ValueError("not an AdmissionReview")
    if response["uid"] != UID:
        raise ValueError("the answer is to another review")
    allowed = response["allowed"]
    if not isinstance(allowed, bool) or ("status" in response) is allowed:
        raise ValueError("neither allowed nor denied")
    message = "" if allowed else response["status"]["message"]
    return _normal(allowed, message, response.get("warnings", ()))


def _normal(allowed: bool, message: str, warned: Sequence[str]) -> tuple[Said, set[int]]:  # noqa: FBT001
    named = {int(v) for text in (message, *warned) for v in _VERSION.findall(text)}
    text = _UNSCANNED.sub(r"\1", _UNREAD.sub("(could not be read)", _VERSION.sub("r", message)))
    return Said(allowed, text, tuple(_plain(each) for each in warned)), named


@cache
def _plain(warning: str) -> str:
    """Return a warning without its version, and without words that were shortened to fit."""
    rule = _WARNED.search(warning)
    named = _VERSION.sub("r", rule[1] if rule else "")
    for state in ("Findings of the image", "Image has not been scanned"):
        if state in warning:
            return f"{state}: {named}"
    return _VERSION.sub("r", warning)


def _subsets(images: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return every choice of `images`, the empty one first."""
    return list(chain.from_iterable(combinations(images, n) for n in range(len(images) + 1)))
