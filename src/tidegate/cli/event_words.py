"""An admission event in words, for a terminal.

`describe_event` is the event at a glance; `tell_image` is the whole story of one image: what
decided, by which words of the rule, what counted, what was exempted and by what, what to do next.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from tidegate.cli.moments import short_moment
from tidegate.cli.rule_words import describe_body
from tidegate.domain.finding import is_cve
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1

FINDING_HEADER = ("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "FIXED IN")
EXEMPTED_HEADER = ("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "EXEMPTED BY")

NOT_AFFECTED_HEADER = ("VULNERABILITY", "SEVERITY", "PACKAGE", "VERSION", "NOT AFFECTED BECAUSE")

MAX_UPGRADES = 15
"""Packages named under "what to do"; the table above has all."""


_ORIGINS = {
    "api-server": "",
    "direct": "direct",
    "rejudged": "rejudged: it runs already, and nothing was refused",
}


def describe_event(event: AdmissionEventV1) -> Iterator[str]:
    """Yield who asked for what, when, and what came of each image."""
    yield f"Event:      {event.id}"
    yield f"Time:       {event.time}"
    yield f"Action:     {event.action}"
    yield f"Resource:   {event.kind}/{event.name}"
    for label, value in (
        ("Namespace", event.namespace),
        ("Cluster", event.cluster),
        ("Owner", event.top_owner),
        ("Operation", f"{event.operation} {event.subresource}".strip()),
        ("User", event.user),
        ("Origin", _ORIGINS[event.origin]),
        ("Policy", event.generation),
    ):
        if value:
            yield f"{label + ':':<11} {value}"
    for row in event.images:
        yield f"Image:      {row.image}: {row.action} ({row.reason})"
        # Several lines in a denial: the rule and the worst findings follow the sentence.
        yield from (f"            {line}" for line in row.message.split("\n"))


def tell_image(row: ImageRowV1) -> Iterator[str]:
    """Yield what is known about the verdict on one image, up to its findings."""
    yield f"Image {row.image}"
    for label, value in (
        ("digest", row.digest),
        ("platform", row.platform),
        ("at", row.field_path),
        ("verdict", f"{row.action} ({row.reason})"),
        ("violation", row.violation),
        ("evidence", _evidence(row)),
        ("found", counts_words(row.counts) if row.evidence in ("report", "stale") else ""),
    ):
        if value:
            yield f"  {label + ':':<11}{value}"
    yield f"  {row.message.split(chr(10))[0]}"
    for refused in row.unverifiable:
        yield f"  refused file: {refused}"
    for exemption in row.resource_exemptions:
        yield f"  exempted from {exemption}"


def tell_rule(row: ImageRowV1) -> Iterator[str]:
    """Yield the rule that decided, as it was then."""
    if not row.rule:
        return
    rule = row.rule_configuration
    if rule is None:
        yield f"Rule {row.rule!r}"
        return
    yield f"Rule {row.rule!r} ({rule.action.value})"
    yield from (f"  {line}" for line in describe_body(rule))


def finding_rows(findings: Sequence[FindingV1], *, exempted: bool) -> Iterator[tuple[str, ...]]:
    """Yield table rows: the last column is the fix, or what exempted the finding."""
    for finding in findings:
        last = "; ".join(finding.exempted_by) if exempted else finding.fixed_version or "no fix"
        yield (_known_id(finding), finding.severity, finding.name, finding.version, last)


def cleared_rows(findings: Sequence[FindingV1]) -> Iterator[tuple[str, ...]]:
    """Yield table rows of findings that do not count, with who says why."""
    for finding in findings:
        why = "; ".join(finding.cleared_by)
        yield (_known_id(finding), finding.severity, finding.name, finding.version, why)


def next_steps(row: ImageRowV1) -> Iterator[str]:
    """Yield what to do, a line each; nothing where nothing is to be done."""
    if row.action == "allow":
        return
    if row.findings:
        yield from _upgrades(row.findings)
        if row.findings_omitted:
            yield (
                f"{row.findings_omitted} more findings counted; all of them: "
                f"tidegate artifact fetch {_by_digest(row)}"
            )
        yield "then build, scan and deploy the image again"
        yield "what cannot be fixed now: ask your security team for an exemption with an end date"
    elif row.evidence == "missing":
        yield f"see what is attached, and why it does not count: tidegate verify {_by_digest(row)}"
        yield f"scan the image and attach the findings: tidegate scan {_by_digest(row)} --attach"
    elif row.evidence == "unavailable":
        yield "try again; if it stays so, tell who runs the gate what the line above says"
    elif row.evidence:
        yield f"scan the image again: tidegate scan {_by_digest(row)} --attach"


def counts_words(counts: CountsV1) -> str:
    """Return counts in words: `critical: 2, high: 115`; `none` for none."""
    found = [
        f"{name}: {number}" for name, number in msgspec.structs.asdict(counts).items() if number
    ]
    return ", ".join(found) or "none"


def _known_id(finding: FindingV1) -> str:
    """Return the id that people know it by: its CVEs, else the advisory's own id."""
    return ", ".join(i for i in (finding.id, *finding.aliases) if is_cve(i)) or finding.id


def _evidence(row: ImageRowV1) -> str:
    scanned = f", scanned {short_moment(row.scanned_at)}" if row.scanned_at else ""
    known = ""
    if row.evidence_at:
        known = f"; by the {row.evidence_source} of {short_moment(row.evidence_at)}"
    return f"{row.evidence}{scanned}{known}"


def _upgrades(findings: Sequence[FindingV1]) -> Iterator[str]:
    """Yield each package once, with the largest fix version that its findings name."""
    fixes: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        fixes.setdefault((finding.name, finding.version), []).append(finding.fixed_version)
    fixable = {package: list(filter(None, known)) for package, known in fixes.items()}
    upgradable = [(package, known) for package, known in fixable.items() if known]
    for (name, version), known in upgradable[:MAX_UPGRADES]:
        yield (
            f"upgrade {name} {version} to {max(known, key=_natural)} or newer "
            f"(fixes {len(known)} of {len(fixes[name, version])})"
        )
    if len(upgradable) > MAX_UPGRADES:
        yield f"and {len(upgradable) - MAX_UPGRADES} more packages, see the table"
    unfixed = sum(1 for known in fixes.values() for version in known if not version)
    if unfixed:
        yield f"no fix is known for {unfixed} of the findings"


def _natural(version: str) -> list[tuple[int, int, str]]:
    """Return a key that orders versions by their numbers; good for people, not for verdicts."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _by_digest(row: ImageRowV1) -> str:
    if not row.digest:
        return row.image
    name = row.image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return f"{head if colon and '/' not in tag else name}@{row.digest}"
