"""From the packages that a report names to what it covered."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.text import printable
from tidegate.formats.report import SeenPackage
from tidegate.wire.statement_v1 import MAX_LISTED

MAX_NAMED = 10
"""Names in one sentence; the rest is counted."""

NO_PACKAGES = "the report does not say which packages were looked at"


def coverage_of(
    packages: Iterable[SeenPackage],
    source: Callable[[str], str],
    gaps: Sequence[str] = (),
    updated_at: datetime | None = None,
) -> Coverage:
    """Return the coverage of `packages`; `source` names the advisories of an ecosystem.

    `gaps` are sentences about what was seen and not judged. Without any package the report is
    incomplete, whatever it found: nobody can tell what it looked at.
    """
    counted = Counter(package.ecosystem for package in packages)
    listed = sorted(counted.items())
    sentences = list(gaps)
    if not listed:
        sentences.insert(0, NO_PACKAGES)
    if len(listed) > MAX_LISTED:
        sentences.append(f"{len(listed) - MAX_LISTED} ecosystems beyond the {MAX_LISTED} listed")
    ecosystems = []
    for ecosystem, count in listed[:MAX_LISTED]:
        name = source(ecosystem)
        ecosystems.append(EcosystemCoverage(ecosystem, count, name, updated_at if name else None))
    return Coverage(tuple(ecosystems), tuple(sentences[:MAX_LISTED]))


def named(what: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence that counts `names` and shows the first; nothing for none."""
    known = sorted(set(names))
    if not known:
        return ()
    shown = ", ".join(printable(name)[:120] for name in known[:MAX_NAMED])
    more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    return (f"{len(known)} {what}: {shown}{more}",)
