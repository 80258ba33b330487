"""Real OSV dumps, found by TIDEGATE_TEST_ADVISORIES (a folder with PyPI.zip and Go.zip)."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version

from support.advisory_table import Row, rows
from tidegate.advisories.demo import demo_records
from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.match import match_packages
from tidegate.advisories.osv import Advisory, parse_advisory
from tidegate.advisories.package import Package
from tidegate.advisories.versions import judge_version
from tidegate.domain.severity import Severity

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FOLDER = Path(os.environ.get("TIDEGATE_TEST_ADVISORIES", "/nonexistent"))

if not (FOLDER / "PyPI.zip").is_file():
    pytest.skip(
        "TIDEGATE_TEST_ADVISORIES names no folder with PyPI.zip: real advisories are not tested",
        allow_module_level=True,
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdvisoryIndex]:
    with AdvisoryIndex.open(tmp_path_factory.mktemp("index") / "advisories.sqlite") as opened:
        for name in ("PyPI.zip", "Go.zip"):
            import_advisories(opened, str(FOLDER / name), now=NOW)
        yield opened


@pytest.mark.parametrize("name", ["PyPI.zip", "Go.zip"])
def test_a_real_dump_is_imported_once_and_bad_records_are_named(name: str, tmp_path: Path) -> None:
    with AdvisoryIndex.open(tmp_path / "a.sqlite") as index:
        first = import_advisories(index, str(FOLDER / name), now=NOW)
        again = import_advisories(index, str(FOLDER / name), now=NOW)
    assert first.imported > 2000
    assert first.withdrawn > 0
    assert first.rejected_count == len(first.rejected) <= 1
    assert (again.imported, again.unchanged) == (0, first.imported + first.withdrawn)


def test_the_sources_age_is_that_of_their_records(index: AdvisoryIndex) -> None:
    updated = {source.ecosystem: source.updated_at.year for source in index.sources()}
    assert updated["PyPI"] == 2024
    assert updated["Go"] >= 2022, "records without a modification time count by publication"


DEMO = list(map(parse_advisory, demo_records()))
PYPI = [
    pytest.param(advisory, entry.package, id=f"{entry.package}-{advisory.id}")
    for advisory in DEMO
    for entry in advisory.affected
    if entry.ecosystem == "PyPI"
]


@pytest.mark.parametrize(("advisory", "package"), PYPI)
def test_the_demo_facts_agree_with_the_real_record_on_both_sides_of_each_boundary(
    index: AdvisoryIndex, advisory: Advisory, package: str
) -> None:
    named = [advisory.id, *(i for i in advisory.aliases if i.startswith("PYSEC-"))]
    real = {record.id: record for i in named for record in index.naming(i)}
    if not real:
        pytest.skip("not in this dump: newer, or in GitHub's database only")
    for version in versions_around(real.values(), package):
        theirs = any(affects(record, package, version) for record in real.values())
        assert affects(advisory, package, version) == theirs, version


def versions_around(records: Iterable[Advisory], package: str) -> set[str]:
    entries = [e for record in records for e in record.affected if e.package == package]
    boundaries = {e.version for entry in entries for events in entry.ranges for e in events}
    every = (boundaries - {"0"}).union(*(entry.versions for entry in entries))
    return {version for version in every if not Version(version).is_prerelease}


def affects(advisory: Advisory, package: str, version: str) -> bool:
    entries = [entry for entry in advisory.affected if entry.package == package]
    return any(judge_version(entry, version).affected for entry in entries)


def test_an_old_django_has_its_findings_and_unknown_severity_stays_unknown(
    index: AdvisoryIndex,
) -> None:
    django = Package("PyPI", "Django", "3.2", "pkg:pypi/django@3.2")
    matched = match_packages([django], index)
    findings = {f.vulnerability_id: f for f in matched.findings}
    assert len(findings) >= 24
    assert findings["CVE-2022-28346"].fixed_version == "3.2.13"
    assert findings["CVE-2022-28346"].severity is Severity.UNKNOWN
    assert matched.coverage.complete


def test_a_fixed_django_has_none_of_them(index: AdvisoryIndex) -> None:
    django = Package("PyPI", "Django", "4.2.16", "pkg:pypi/django@4.2.16")
    assert match_packages([django], index).findings == ()


ROWS = [row for row in rows() if row.checked == "dump"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.advisory}-{row.package}@{row.version}")
def test_the_frozen_table_agrees_with_the_real_records(index: AdvisoryIndex, row: Row) -> None:
    assert row.is_found_in(index) is (row.affected == "yes"), row.why
