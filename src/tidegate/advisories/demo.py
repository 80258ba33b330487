"""The demo set: 90 real vulnerabilities, written by hand as facts.

A fresh installation shows something true with it. It serves an ecosystem until advisories are
imported for this ecosystem; coverage and status call it `demo set`.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

from tidegate.advisories.ecosystems import covering_names, matched_names, normalize_name
from tidegate.advisories.index import AdvisoryIndex, EcosystemSource
from tidegate.advisories.osv import Advisory, parse_advisory
from tidegate.domain.finding import normalize_id

SOURCE = "demo set"
"""Source name in coverage and status."""


class AdvisorySet:
    """Advisories held in memory; answers as an index does."""

    def __init__(self, name: str, advisories: Iterable[Advisory]) -> None:
        kept = sorted((a for a in advisories if not a.withdrawn), key=lambda a: a.id)
        self._name = name
        self._by_package = defaultdict[tuple[str, str], dict[str, Advisory]](dict)
        self._by_identifier = defaultdict[str, list[Advisory]](list)
        self._by_ecosystem = defaultdict[str, list[Advisory]](list)
        for advisory in kept:
            for entry in advisory.affected:
                self._by_package[entry.ecosystem, entry.package][advisory.id] = advisory
            for identifier in advisory.ids:
                self._by_identifier[identifier].append(advisory)
            for ecosystem in advisory.ecosystems:
                self._by_ecosystem[ecosystem].append(advisory)

    def affecting(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return advisories that name the package, in its release or in none, by id."""
        name = normalize_name(ecosystem, package)
        found: dict[str, Advisory] = {}
        for key in matched_names(ecosystem):
            found |= self._by_package.get((key, name), {})
        return tuple(found[key] for key in sorted(found))

    def naming(self, identifier: str) -> tuple[Advisory, ...]:
        """Return advisories with this id or alias, by id."""
        return tuple(self._by_identifier.get(normalize_id(identifier), ()))

    def source(self, ecosystem: str) -> EcosystemSource | None:
        """Return where the advisories of `ecosystem` come from; None for a release without any."""
        for name in covering_names(ecosystem):
            if name in self._by_ecosystem:
                records = self._by_ecosystem[name]
                newest = max(record.modified_at for record in records)
                return EcosystemSource(name, self._name, newest, newest, len(records))
        return None

    def sources(self) -> tuple[EcosystemSource, ...]:
        """Return every ecosystem's source, by ecosystem."""
        return tuple(filter(None, map(self.source, sorted(self._by_ecosystem))))


class WithDemoSet:
    """An index, and the demo set for those ecosystems for which the index has nothing."""

    def __init__(self, index: AdvisoryIndex, demo: AdvisorySet) -> None:
        self._index = index
        self._demo = demo

    def affecting(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return advisories that name the package, by id."""
        chosen = self._index if self._index.serves(ecosystem) else self._demo
        return chosen.affecting(ecosystem, package)

    def naming(self, identifier: str) -> tuple[Advisory, ...]:
        """Return advisories with this id or alias, by id."""
        own = self._index.naming(identifier)
        held = {advisory.id for advisory in own}
        demo = [a for a in self._demo.naming(identifier) if a.id not in held and self._serves(a)]
        return tuple(sorted((*own, *demo), key=lambda a: a.id))

    def source(self, ecosystem: str) -> EcosystemSource | None:
        """Return where the advisories of `ecosystem` come from."""
        return self._index.source(ecosystem) or self._demo.source(ecosystem)

    def sources(self) -> tuple[EcosystemSource, ...]:
        """Return every ecosystem's source in use, by ecosystem."""
        found = {s.ecosystem: s for s in (*self._demo.sources(), *self._index.sources())}
        return tuple(found[ecosystem] for ecosystem in sorted(found))

    def _serves(self, advisory: Advisory) -> bool:
        return not any(map(self._index.serves, advisory.ecosystems))


def with_demo_set(index: AdvisoryIndex) -> WithDemoSet:
    """Return `index` with the demo set behind it."""
    return WithDemoSet(index, demo_set())


@cache
def demo_set() -> AdvisorySet:
    """Return the demo set, read once."""
    return AdvisorySet(SOURCE, map(parse_advisory, demo_records()))


def demo_records() -> tuple[bytes, ...]:
    """Return the demo set's OSV records, as JSON bytes each."""
    folder = files("tidegate.advisories") / "demo"
    lists = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(
        bytes(record)
        for file in lists
        for record in msgspec.json.decode(file.read_bytes(), type=list[msgspec.Raw])
    )
