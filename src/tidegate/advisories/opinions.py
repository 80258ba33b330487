"""What advisories say of each distinct package, in a few characters that can be compared.

Thousands of images carry the same package at the same version. When advisories change, each such
package is matched once; only where its opinion differs from the one before are the images that
carry it looked at again. An opinion holds what a report says and rules count: ids, severities,
fixed versions, and whether the package could be judged at all; not where it lies, nor who rated it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from tidegate.advisories.ecosystems import normalize_name
from tidegate.advisories.index import Advisories, EcosystemSource
from tidegate.advisories.match import match_packages
from tidegate.advisories.osv import Advisory
from tidegate.advisories.package import Package
from tidegate.advisories.versions import is_covered

OPINION_BYTES = 12
"""Two opinions of one package are alike by chance once in 2**96."""

MAX_KEPT = 20_000
"""Names whose advisories are kept in memory; packages come in the order of their names."""


@dataclass(frozen=True, slots=True, order=True)
class DistinctPackage:
    """A package as advisories compare it; several binary packages of one source are one."""

    name: str
    version: str
    ecosystem: str
    module: str = ""


def distinct(packages: Iterable[Package]) -> dict[DistinctPackage, Package]:
    """Return each distinct package with one that it stands for."""
    found: dict[DistinctPackage, Package] = {}
    for package in packages:
        name = normalize_name(package.ecosystem, package.compared_name)
        version, ecosystem = package.compared_version, package.ecosystem
        found.setdefault(DistinctPackage(name, version, ecosystem, package.module), package)
    return found


def opinion_of(package: Package, advisories: Advisories) -> str:
    """Return what `advisories` say of `package`; empty: nothing is known against it.

    Where it lies and its package URL make no difference.
    """
    if _is_not_named(package, advisories):
        return ""
    matched = match_packages((replace(package, locations=()),), advisories)
    (ecosystem,) = matched.coverage.ecosystems
    undecided = bool(matched.coverage.not_understood)
    if ecosystem.source and not undecided and not matched.findings:
        return ""
    said = [
        (f.vulnerability_id, f.severity.word, f.fixed_version, sorted(f.aliases))
        for f in matched.findings
    ]
    body = msgspec.json.encode([bool(ecosystem.source), undecided, said])
    return blake2b(body, digest_size=OPINION_BYTES).hexdigest()


def _is_not_named(package: Package, advisories: Advisories) -> bool:
    """Whether the ecosystem's advisories are there, and none names this package: most packages."""
    name = normalize_name(package.ecosystem, package.compared_name)
    return (
        is_covered(package.ecosystem)
        and not advisories.affecting(package.ecosystem, name)
        and (source := advisories.source(package.ecosystem)) is not None
        and bool(source.name)
    )


def opinions(
    packages: Iterable[Package], advisories: Advisories
) -> Iterator[tuple[DistinctPackage, str]]:
    """Yield every distinct package with what `advisories` say of it."""
    kept = KeptAdvisories(advisories)
    for key, package in distinct(packages).items():
        yield key, opinion_of(package, kept)


class KeptAdvisories:
    """Advisories that answer the same question once; for one pass, while nothing is imported."""

    def __init__(self, advisories: Advisories) -> None:
        self._advisories = advisories
        self._affecting: dict[tuple[str, str], tuple[Advisory, ...]] = {}
        self._naming: dict[str, tuple[Advisory, ...]] = {}
        self._sources: dict[str, EcosystemSource | None] = {}

    def affecting(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return advisories that name the package, by id."""
        key = (ecosystem, package)
        if key not in self._affecting:
            if len(self._affecting) >= MAX_KEPT:
                self._affecting.clear()
            self._affecting[key] = self._advisories.affecting(ecosystem, package)
        return self._affecting[key]

    def naming(self, identifier: str) -> tuple[Advisory, ...]:
        """Return advisories with this id or alias, by id."""
        if identifier not in self._naming:
            if len(self._naming) >= MAX_KEPT:
                self._naming.clear()
            self._naming[identifier] = self._advisories.naming(identifier)
        return self._naming[identifier]

    def source(self, ecosystem: str) -> EcosystemSource | None:
        """Return where the advisories of `ecosystem` come from."""
        if ecosystem not in self._sources:
            self._sources[ecosystem] = self._advisories.source(ecosystem)
        return self._sources[ecosystem]
