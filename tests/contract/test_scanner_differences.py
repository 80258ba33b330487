"""Tidegate, Trivy and Grype on the same images, by the same records: every difference is explained.

`--rewrite-golden` writes the generated parts of docs/explanation/differences.md; review the diff.
"""

import asyncio
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from support.advisory_table import FOLDER, records
from support.application_images import applications
from support.differences import (
    explanations,
    part_of_page,
    render,
    rewrite_page,
    unexplained,
    unneeded,
)
from support.mixed_images import Mix, mixes
from support.scanner_comparison import Reported, Sighting, compare, make_databases, plain
from tidegate.advisories.demo import demo_records
from tidegate.advisories.osv import Advisory, parse_advisory
from tidegate.domain.errors import InvalidAdvisoryError, ScannerUnavailableError
from tidegate.scan.scanner import Scanner, load_scanner
from tidegate.scan.scanners.confined import find_program

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

PROGRAMS = (
    Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tidegate/scanners/current"
)
DUMPS = [
    Path(os.environ.get("TIDEGATE_TEST_ADVISORIES", "/nonexistent"), name)
    for name in ("PyPI.zip", "Go.zip")
]


@dataclass(frozen=True)
class Compared:
    name: str
    mixes: Sequence[Mix]
    reported: Reported


@pytest.fixture(scope="module")
def by_table(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """By the records of the frozen table and of the demo."""
    require_programs()
    folder = tmp_path_factory.mktemp("table")
    known = [parse_advisory(body) for body in (*records(), *demo_records())]
    demo = folder / "demo.json"
    demo.write_text(json.dumps([json.loads(body) for body in demo_records()]))
    return compared("table", mixes(), known, folder, [FOLDER / "records.json", demo])


@pytest.fixture(scope="module")
def by_dumps(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """By all records of PyPI's and Go's databases."""
    if not all(dump.is_file() for dump in DUMPS):
        pytest.skip("TIDEGATE_TEST_ADVISORIES names no folder with dumps: NOT COMPARED by them")
    require_programs()
    folder = tmp_path_factory.mktemp("dumps")
    return compared("dumps", applications(), list(read_dumps()), folder, DUMPS)


def require_programs() -> None:
    try:
        find_program("trivy", "")
    except ScannerUnavailableError:
        pytest.skip("trivy is not installed: scanners NOT compared")
    for name in ("grype", "grypedb", "trivydb"):
        if not (PROGRAMS / name).is_file():
            pytest.skip(f"{name} is not installed, run `make scanners`: scanners NOT compared")


def compared(
    name: str, images: Sequence[Mix], known: Sequence[Advisory], folder: Path, sources: list[Path]
) -> Compared:
    make_databases(folder / "databases", PROGRAMS, sources)
    grype: Any = load_scanner("grype", folder / "databases" / "grype")
    scanners: dict[str, Scanner] = {
        "tidegate": load_scanner("builtin", folder),
        "trivy": load_scanner("trivy", folder / "databases" / "trivy"),
        "grype": replace(grype, grype=PROGRAMS / "grype"),
    }
    return Compared(name, images, asyncio.run(compare(images, scanners, known, folder / "images")))


def read_dumps() -> Iterator[Advisory]:
    for path in DUMPS:
        with zipfile.ZipFile(path) as dump:
            for name in dump.namelist():
                try:
                    yield parse_advisory(dump.read(name))
                except InvalidAdvisoryError:
                    continue  # named by test_real_advisories


def check(made: Compared, *, rewrite: bool) -> None:
    known = explanations(made.name)
    assert made.reported
    assert unexplained(made.reported, known) == []
    assert unneeded(made.reported, known) == []
    text = render(made.name, made.reported, known, made.mixes)
    if rewrite:
        rewrite_page(made.name, text)
    assert part_of_page(made.name) == text, "run with --rewrite-golden and review the diff"


def test_every_difference_by_the_frozen_table_is_explained(
    by_table: Compared, request: pytest.FixtureRequest
) -> None:
    check(by_table, rewrite=request.config.getoption("--rewrite-golden"))


def test_every_difference_by_whole_dumps_is_explained(
    by_dumps: Compared, request: pytest.FixtureRequest
) -> None:
    check(by_dumps, rewrite=request.config.getoption("--rewrite-golden"))


def test_tidegate_answers_every_row_of_the_table_when_its_package_is_found_in_an_image(
    by_table: Compared,
) -> None:
    wrong = []
    for mix in by_table.mixes:
        for row in mix.rows:
            seen = Sighting(mix.name, plain(row.package, row.version), row.advisory.upper())
            found = "tidegate" in by_table.reported.get(seen, frozenset())
            if found is not (row.affected == "yes"):
                wrong.append(row)
    assert wrong == []
