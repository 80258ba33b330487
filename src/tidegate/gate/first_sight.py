"""Asks for scans of images that have no report, and for a moment waits for the answer.

The agent passes the question on to the hub. A verdict says that a scan is queued only when the hub
said so; who does not answer in time changes nothing but these words. A review waits only where
they are shown. Each image is asked for once in a while, whoever names it and however often.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from tidegate.domain.decide import JudgedImage
from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.domain.evidence import Missing, MissingReason, Unavailable
from tidegate.domain.reference import ImageReference
from tidegate.domain.verdict import (
    Decision,
    ImageVerdict,
    Reason,
    ScanAnswer,
    ScanState,
    Verdict,
)
from tidegate.gate.metrics import SCANS_ASKED
from tidegate.wire.first_sight_v1 import MAX_WANTED, WantedImageV1, WantedResultV1, WantedScansV1

WAIT_S = 0.5
"""How long a review waits for the hub's word; the question goes on without it."""

KEPT_S = 15.0
"""An answer is repeated for so long; a scan that is queued takes about as long."""

AWAY_S = 5.0
"""After a question without an answer nobody is asked for so long."""

MAX_KEPT = 10_000
"""Answers remembered, about 500 bytes each."""

MAX_QUESTIONS = 8
"""Under way at once; what comes beyond them is asked for at its next try."""

log = structlog.get_logger(__name__)

Key = tuple[str, Digest]
"""Repository with its registry, and digest."""


@dataclass(frozen=True, slots=True)
class WantedScan:
    """An image without a report."""

    reference: ImageReference
    digest: Digest
    """Of the image or, of several platforms, of their index."""
    waiting: bool
    """Whether its workload was refused."""

    @property
    def key(self) -> Key:
        """What it is asked for by."""
        return self.reference.name, self.digest


class ScanDesk(Protocol):
    """Those who queue scans."""

    async def ask_for_scans(self, wanted: WantedScansV1) -> Sequence[WantedResultV1]:
        """Return what becomes of each; raises UnavailableError or InputError."""
        ...


class FirstSight:
    """Asks a desk, each image once in `KEPT_S`."""

    def __init__(
        self,
        desk: ScanDesk,
        canonical: Callable[[ImageReference], ImageReference],
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._canonical = canonical
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[ScanAnswer, float]] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[None]] = {}
        self._away_until = 0.0

    async def ask(
        self, namespace: str, wanted: Iterable[WantedScan], wait_s: float
    ) -> dict[Digest, ScanAnswer]:
        """Return what is known of each after at most `wait_s`; never raises."""
        named = [replace(each, reference=self._canonical(each.reference)) for each in wanted]
        self._begin(namespace, [each for each in named if self._is_new(each.key)][:MAX_WANTED])
        under_way = {task for each in named if (task := self._asking.get(each.key)) is not None}
        if under_way and wait_s > 0:
            # `wait` ends no question when the time is up: its answer is for the next review.
            await asyncio.wait(under_way, timeout=wait_s)
        return {each.digest: known for each in named if (known := self._known(each.key))}

    async def aclose(self) -> None:
        """End the questions that are still under way."""
        tasks = set(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_new(self, key: Key) -> bool:
        return key not in self._asking and self._known(key) is None

    def _known(self, key: Key) -> ScanAnswer | None:
        answer, until = self._answers.get(key, (None, 0.0))
        return answer if self._clock() < until else None

    def _begin(self, namespace: str, wanted: list[WantedScan]) -> None:
        away = self._clock() < self._away_until
        if not wanted or away or len(set(self._asking.values())) >= MAX_QUESTIONS:
            return
        task = asyncio.create_task(self._ask(namespace, wanted))
        keys = [each.key for each in wanted]
        self._asking |= dict.fromkeys(keys, task)
        task.add_done_callback(lambda _: [self._asking.pop(key, None) for key in keys])

    async def _ask(self, namespace: str, wanted: list[WantedScan]) -> None:
        question = WantedScansV1(namespace, [_image(each) for each in wanted])
        try:
            results = await self._desk.ask_for_scans(question)
        except (UnavailableError, InputError) as error:
            self._away_until = self._clock() + AWAY_S
            SCANS_ASKED.labels("unanswered").inc(len(wanted))
            log.warning("no scans could be asked for", images=len(wanted), why=str(error))
            return
        until = self._clock() + KEPT_S
        for each, result in zip(wanted, results, strict=False):
            SCANS_ASKED.labels(result.state).inc()
            self._answers[each.key] = (ScanAnswer(ScanState(result.state), result.detail), until)
            self._answers.move_to_end(each.key)
        while len(self._answers) > MAX_KEPT:
            self._answers.popitem(last=False)


def wanted_scans(verdict: Verdict, judged: Sequence[JudgedImage]) -> list[WantedScan]:
    """Return the images that a rule judged and that have no report on some platform, each once."""
    found: dict[Key, WantedScan] = {}
    for image, known in zip(verdict.images, judged, strict=True):
        digest, reference = known.evidence.digest, known.reference
        if digest is None or reference is None or image.judgement is None:
            continue
        if any(_is_unscanned(each.evidence) for each in known.evidence.platforms):
            one = WantedScan(reference, digest, waiting=image.decision is Decision.DENY)
            if one.key not in found or one.waiting:
                found[one.key] = one
    return list(found.values())


def is_refused_only_until_scanned(verdict: Verdict) -> bool:
    """Whether nothing but reports that are being made stands between a workload and a yes."""
    denied = [image for image in verdict.images if image.decision is Decision.DENY]
    return bool(denied) and all(
        image.reason is Reason.MISSING_ARTIFACT
        and image.scan is not None
        and image.scan.state is not ScanState.REFUSED
        for image in denied
    )


def count_unavailable(judged: Sequence[JudgedImage]) -> int:
    """Return on how many platforms of all images it could not be found out what is known."""
    return sum(
        isinstance(platform.evidence, Unavailable)
        for image in judged
        for platform in image.evidence.platforms
    )


def with_answers(verdict: Verdict, answers: Mapping[Digest, ScanAnswer]) -> Verdict:
    """Return `verdict` with what is known of the scans of its images."""
    return replace(verdict, images=tuple(_with_answer(each, answers) for each in verdict.images))


def _with_answer(image: ImageVerdict, answers: Mapping[Digest, ScanAnswer]) -> ImageVerdict:
    answer = None if image.digest is None else answers.get(image.digest)
    return image if answer is None else replace(image, scan=answer)


def _is_unscanned(evidence: object) -> bool:
    return isinstance(evidence, Missing) and evidence.reason is MissingReason.NO_REPORT


def _image(wanted: WantedScan) -> WantedImageV1:
    reference = wanted.reference
    return WantedImageV1(
        reference.registry, reference.repository, str(wanted.digest), waiting=wanted.waiting
    )
