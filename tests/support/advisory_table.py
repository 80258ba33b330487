"""The frozen table of who is affected by what: tests/golden/advisories."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packageurl import PackageURL

from tidegate.advisories.ecosystems import ecosystem_of
from tidegate.advisories.index import Advisories
from tidegate.advisories.match import match_packages
from tidegate.advisories.package import Package
from tidegate.advisories.purls import ecosystem_of_purl, name_of_purl

FOLDER = Path(__file__).parents[1] / "golden" / "advisories"


@dataclass(frozen=True)
class Row:
    package: str
    version: str
    advisory: str
    affected: str
    why: str
    statement: str
    checked: str

    @property
    def as_package(self) -> Package:
        purl = PackageURL.from_string(self.package)
        ecosystem, name = ecosystem_of_purl(purl), name_of_purl(purl)
        source = (name, self.version) if ecosystem_of(ecosystem).by_source else ("", "")
        label = dict(purl.qualifiers).get("modularitylabel", "")
        module = ":".join(label.split(":")[:2])
        return Package(ecosystem, name, self.version, self.package, *source, module=module)

    def is_found_in(self, advisories: Advisories) -> bool:
        findings = match_packages([self.as_package], advisories).findings
        return any(self.advisory.upper() in finding.ids for finding in findings)


def rows() -> tuple[Row, ...]:
    with (FOLDER / "table.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Row(**row) for row in csv.DictReader(file))


def records() -> Iterator[bytes]:
    for record in json.loads((FOLDER / "records.json").read_text("utf-8")):
        yield json.dumps(record).encode()
