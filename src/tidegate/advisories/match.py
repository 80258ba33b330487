"""Packages to findings: pure but for the index it asks.

One finding per package and vulnerability. Records about the same CVE are one vulnerability, and
its severity is the highest of all records that name the CVE; a record that names several CVEs is
several. Without a CVE, a record goes by the CVE of a record it names or that names it, one hop,
else by the least of its own ids. The order of records and packages never matters.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidegate.advisories.ecosystems import (
    base_of,
    extended_updates,
    matched_names,
    normalize_name,
)
from tidegate.advisories.index import Advisories
from tidegate.advisories.osv import Advisory, Affected
from tidegate.advisories.package import Package
from tidegate.advisories.severity import Rated, rate
from tidegate.advisories.versions import highest as highest_version
from tidegate.advisories.versions import is_covered, judge_version
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, is_cve, normalize_id

MAX_NAMED = 10
"""Packages named in one sentence of the coverage; the rest is counted."""

MAX_REFERENCES = 20
"""References kept of one finding."""

_MODULAR = (".module+", ".module_")
"""In the release of a package that was built for a module (Fedora and Red Hat, "Modularity")."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The findings for some packages, and what was judged at all."""

    findings: tuple[Finding, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class _Hit:
    advisory: Advisory
    entries: tuple[Affected, ...]
    fixed_version: str


def match_packages(
    packages: Sequence[Package], advisories: Advisories, not_understood: Iterable[str] = ()
) -> Matched:
    """Return findings for `packages` by `advisories`, and the coverage.

    `not_understood` are sentences about content that never became a package.
    """
    findings: list[Finding] = []
    undecided: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        if is_covered(package.ecosystem):
            hits, decided = _hits(package, advisories)
            findings += _findings(package, hits, advisories)
            if not decided:
                named = f"{package.name} {package.version}".strip()
                undecided[package.ecosystem].append(named)
    sentences = [_undecided(ecosystem, names) for ecosystem, names in sorted(undecided.items())]
    coverage = Coverage(_ecosystems(packages, advisories), (*not_understood, *sentences))
    return Matched(tuple(sorted(findings, key=_order)), coverage)


def _hits(package: Package, advisories: Advisories) -> tuple[list[_Hit], bool]:
    """Return the records that hold `package`, and whether every record could be decided."""
    name = normalize_name(package.ecosystem, package.compared_name)
    hits, decided = [], True
    for advisory in advisories.affecting(package.ecosystem, name):
        entries = _concerning(package, name, advisory)
        judged = [(entry, judge_version(entry, package.compared_version)) for entry in entries]
        affected = [(entry, judgement) for entry, judgement in judged if judgement.affected]
        if affected:
            fixes = [judgement.fixed_version for _, judgement in affected]
            hits.append(_Hit(advisory, tuple(entry for entry, _ in affected), _fix(package, fixes)))
        elif any(judgement.affected is None for _, judgement in judged):
            decided = False
    return hits, decided


def _concerning(package: Package, name: str, advisory: Advisory) -> list[Affected]:
    """Return the entries of `advisory` about this package, in the nearest name of its release."""
    named = [entry for entry in advisory.affected if entry.package == name]
    for key in matched_names(package.ecosystem):
        if entries := [entry for entry in named if entry.ecosystem == key]:
            return [entry for entry in entries if _same_build(package, entry, advisory)]
    return []


def _same_build(package: Package, entry: Affected, advisory: Advisory) -> bool:
    """Whether an entry speaks of the build that `package` is: of a module's stream, or of none.

    Streams of one module live beside each other in a release (`nodejs:18`, `nodejs:20`), and the
    version of another one says nothing about this one. An unknown stream is judged by version.
    """
    fixes = [event.version for events in entry.ranges for event in events if event.kind == "fixed"]
    if not fixes or base_of(package.ecosystem) not in _WITH_MODULES:
        return True
    if _is_modular(package.compared_version) != any(map(_is_modular, fixes)):
        return False
    module = package.module.partition(":")[0]
    streams = {stream for stream in advisory.modules if stream.partition(":")[0] == module}
    return not package.module or not streams or package.module in streams


_WITH_MODULES = frozenset({"AlmaLinux", "Red Hat", "Rocky Linux"})


def _is_modular(version: str) -> bool:
    return any(mark in version for mark in _MODULAR)


def _fix(package: Package, versions: Iterable[str]) -> str:
    """Return the lowest version that all of `versions` call fixed: their highest."""
    return highest_version(base_of(package.ecosystem), filter(None, versions))


def _findings(package: Package, hits: Iterable[_Hit], advisories: Advisories) -> Iterable[Finding]:
    groups: dict[str, list[_Hit]] = defaultdict(list)
    for hit in hits:
        for key in _canonical_ids(hit.advisory, advisories):
            groups[key].append(hit)
    return [
        _finding(package, key, group, advisories)
        for key, group in groups.items()
        if not _is_denied(package, key, group, advisories)
        and not _is_fixed_in_its_stream(package, key, advisories)
    ]


def _is_denied(package: Package, key: str, group: Sequence[_Hit], advisories: Advisories) -> bool:
    """Whether the distribution's own record about `key` says that this package is not affected.

    One update of several releases names all that it fixes in any of them (`USN-…`, `DSA-…`);
    `UBUNTU-CVE-…` and `DEBIAN-CVE-…` tell for each release, and so decide where they exist.
    """
    if any(key in hit.advisory.ids or key in hit.advisory.id for hit in group):
        return False
    own = f"{base_of(package.ecosystem).upper()}-{key}"
    return any(record.id.upper() == own for record in advisories.naming(own))


def _is_fixed_in_its_stream(package: Package, key: str, advisories: Advisories) -> bool:
    """Whether the extended updates that this build belongs to have fixed `key` at its version.

    Such a fix is often below the main stream's (`46.el9_0`, `47.el9_1`), which says nothing then.
    """
    stream = extended_updates(package.ecosystem, package.compared_version)
    if not stream:
        return False
    name = normalize_name(package.ecosystem, package.compared_name)
    entries = [
        entry
        for advisory in advisories.affecting(stream, name)
        if key in advisory.cves
        for entry in advisory.affected
        if (entry.ecosystem, entry.package) == (stream, name)
    ]
    judged = [judge_version(entry, package.compared_version).affected for entry in entries]
    return bool(judged) and all(affected is False for affected in judged)


def _canonical_ids(advisory: Advisory, advisories: Advisories) -> list[str]:
    if cves := advisory.cves:
        return sorted(cves)
    own = normalize_id(advisory.id)
    named = [a for i in sorted(advisory.ids) for a in advisories.naming(i)]
    neighbours = [a for a in named if own in a.ids or normalize_id(a.id) in advisory.ids]
    return sorted({cve for a in neighbours for cve in a.cves}) or [min(advisory.ids)]


def _finding(package: Package, key: str, group: Sequence[_Hit], advisories: Advisories) -> Finding:
    records = [hit.advisory for hit in group]
    spellings = _spellings(records)
    rated = _rated(package, key, group, advisories)
    return Finding(
        vulnerability_id=spellings.get(key, key),
        severity=rated.severity,
        package=package.purl,
        version=package.version,
        fixed_version=_fix(package, (hit.fixed_version for hit in group)),
        # Another CVE of a record that names several is another vulnerability with its own finding.
        aliases=frozenset(text for i, text in spellings.items() if i != key and not is_cve(i)),
        ratings=rated.ratings,
        cwe_ids=tuple(sorted({cwe for record in records for cwe in record.cwe_ids})),
        locations=package.locations,
        references=tuple(dict.fromkeys(r for a in records for r in a.references))[:MAX_REFERENCES],
    )


def _spellings(records: Iterable[Advisory]) -> dict[str, str]:
    """Return each id's normalised form with how records write it; CVE ids are upper case."""
    written = sorted(i for record in records for i in (record.id, *record.aliases))
    return {normalize_id(i): normalize_id(i) if is_cve(normalize_id(i)) else i for i in written}


def _rated(package: Package, key: str, group: Sequence[_Hit], advisories: Advisories) -> Rated:
    matched = {hit.advisory.id for hit in group}
    return rate(
        ((hit.advisory, hit.entries) for hit in group),
        package.ecosystem,
        (other for other in advisories.naming(key) if other.id not in matched),
    )


def _ecosystems(
    packages: Sequence[Package], advisories: Advisories
) -> tuple[EcosystemCoverage, ...]:
    covered = []
    for ecosystem, count in sorted(Counter(p.ecosystem for p in packages).items()):
        source = advisories.source(ecosystem) if is_covered(ecosystem) else None
        covered.append(
            EcosystemCoverage(ecosystem, count, source.name, source.updated_at)
            if source
            else EcosystemCoverage(ecosystem, count)
        )
    return tuple(covered)


def _undecided(ecosystem: str, names: list[str]) -> str:
    shown = [name[:200] for name in sorted(names)[:MAX_NAMED]]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{ecosystem} packages whose version cannot be compared: {', '.join(shown)}{more}"


def _order(finding: Finding) -> tuple[str, str, str]:
    return finding.vulnerability_id, finding.package, finding.version
