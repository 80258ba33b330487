"""Verdicts of `tidegate check` as lines and as data."""

from collections.abc import Iterator, Sequence
from typing import Any

from tidegate.cli.judging import Judged
from tidegate.cli.moments import render_moment
from tidegate.domain.evidence import Coverage, Missing
from tidegate.domain.explain import sentence, violation_summary, worst_findings
from tidegate.domain.tally import Counts
from tidegate.domain.verdict import Decision, ImageVerdict, Verdict


def verdict_lines(judged: Judged) -> Iterator[str]:
    """Yield a line for each image of a workload, and what lies below it where it is not allowed."""
    workload = judged.workload
    place = f"{workload.namespace}/{workload.kind}/{workload.name or workload.generate_name + '*'}"
    if not judged.verdict.images:
        yield f"allow  {place}: the gate judges nothing of it"
    for image in judged.verdict.images:
        yield f"{image.decision.word:<5}  {place}  {sentence(image)}"
        yield from (f"       {line}" for line in _details(image))


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return one line about all verdicts."""
    images = [image for verdict in verdicts for image in verdict.images]
    counts = ", ".join(
        f"{decision.word}: {sum(1 for i in images if i.decision is decision)}"
        for decision in reversed(Decision)
    )
    return f"workloads: {len(verdicts)}, images: {len(images)} ({counts})"


def verdict_items(judged: Judged) -> Iterator[dict[str, Any]]:
    """Yield a verdict as data, an object for each image."""
    workload = judged.workload
    for image in judged.verdict.images:
        judgement = image.judgement
        yield {
            "kind": workload.kind,
            "name": workload.name or workload.generate_name,
            "namespace": workload.namespace,
            "fieldPath": image.use.field_path,
            "image": image.image,
            "digest": image.digest,
            "platform": judgement.platform if judgement else "",
            "action": image.decision.word,
            "reason": image.reason.value,
            "rule": judgement.rule.name if judgement else "",
            "message": sentence(image),
            "violation": violation_summary(judgement),
            "counts": counts_data(judgement.counts) if judgement else None,
            "deferred": image.deferred,
        }


def counts_data(counts: Counts) -> dict[str, int]:
    """Return counts under the names that events have."""
    return {
        "critical": counts.critical,
        "high": counts.high,
        "medium": counts.medium,
        "low": counts.low,
        "unknown": counts.unknown,
    }


def counts_line(counts: Counts) -> str:
    """Return counts in words: `critical: 2, high: 115`; `none` for none."""
    found = [f"{name}: {number}" for name, number in counts_data(counts).items() if number]
    return ", ".join(found) or "none"


def coverage_data(coverage: Coverage) -> list[dict[str, Any]]:
    """Return what was judged, by ecosystem."""
    return [
        {
            "ecosystem": entry.ecosystem,
            "packageCount": entry.package_count,
            "source": entry.source,
            "sourceUpdatedAt": render_moment(entry.source_updated_at)
            if entry.source_updated_at
            else "",
        }
        for entry in coverage.ecosystems
    ]


def _details(image: ImageVerdict) -> Iterator[str]:
    judgement = image.judgement
    if judgement is None or image.decision is Decision.ALLOW:
        return
    yield f'rule: "{judgement.rule.name}" ({judgement.rule.action.value})'
    worst = worst_findings(judgement)
    if worst:
        yield worst
    if isinstance(judgement.evidence, Missing):
        yield from (f"refused: {refused}" for refused in judgement.evidence.unverifiable)
