"""Every scanner that ships keeps to the contract, with its real program in the sandbox."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from tidegate.domain.errors import ScannerUnavailableError
from tidegate.local.images import build_demo_images
from tidegate.plugins import make_plugin
from tidegate.scan.scanner import GROUP, Scanner, load_scanner
from tidegate.scan.scanners.confined import find_program
from tidegate.testing.contracts import check_scanner, check_unavailable, write_layout

pytestmark = pytest.mark.integration

PROGRAMS = (
    Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tidegate/scanners/current"
)
"""Where `make scanners` puts Syft, Grype and databases for Grype and Trivy."""

SHIPPED = {"builtin": "trivy", "grype": "grype", "syft": "syft", "trivy": "trivy"}
"""Scanners, and the program that each drives."""

FOUND = {"builtin": "Tidegate", "syft": "Tidegate", "trivy": "Trivy", "grype": "Grype"}
"""Whose name the findings go by."""


def scanner(name: str) -> Scanner:
    program = PROGRAMS / SHIPPED[name]
    if SHIPPED[name] == "trivy":
        try:
            program = find_program("trivy", "")
        except ScannerUnavailableError:
            pytest.skip("trivy is not installed: scanner contract NOT checked")
    if not program.is_file() or (name in ("trivy", "grype") and not database(name).is_dir()):
        pytest.skip(f"{name} is not installed, run `make scanners`: scanner contract NOT checked")
    made: Any = load_scanner(name, database(name))
    return replace(made, **{SHIPPED[name]: program})  # type: ignore[no-any-return]


def database(name: str) -> Path:
    return PROGRAMS / "databases" / name


def test_every_installed_scanner_is_checked_here() -> None:
    assert set(entry_points(group=GROUP).names) == SHIPPED.keys()


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_scanner_keeps_to_the_contract(name: str, tmp_path: Path) -> None:
    judged = await check_scanner(scanner(name), tmp_path)
    assert judged.scanner.name == FOUND[name]
    ecosystems = {e.ecosystem for e in judged.coverage.ecosystems}
    ids = {i for f in judged.findings for i in f.canonical_ids}
    assert all(e.source for e in judged.coverage.ecosystems)
    assert {"Debian:12", "PyPI", "npm"} <= ecosystems
    assert {"CVE-2019-10906", "CVE-2020-8203"} <= ids  # in Jinja2 2.10 and lodash 4.17.15
    # The demo's jar has Maven coordinates and no manifest: Syft passes it over, which is told.
    if SHIPPED[name] == "trivy":
        assert judged.coverage.complete, judged.coverage.gaps
        assert "CVE-2022-25647" in ids
    else:
        missed = "1 Java archives without Maven coordinates: opt/gson-2.8.6.jar"
        assert judged.coverage.gaps == (missed,)


@pytest.mark.parametrize("name", ["trivy", "grype"])
async def test_how_old_the_database_is_stands_in_the_report(name: str, tmp_path: Path) -> None:
    judged = await check_scanner(scanner(name), tmp_path)
    built = judged.scanner.db_updated_at
    assert built is not None
    assert built >= datetime(2026, 11, 1, tzinfo=UTC)  # of the demo advisories; Grype: of its build
    assert judged.scanner.version
    assert judged.scanner.db_version
    assert {e.source_updated_at for e in judged.coverage.ecosystems} == {built}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "prepare", "said"),
    [
        pytest.param("trivy", lambda _: None, "no database in", id="trivy-none"),
        pytest.param("grype", lambda _: None, "no database of schema 6", id="grype-none"),
        pytest.param(
            "trivy",
            lambda d: (write(d / "db/trivy.db", ""), write(d / "db/metadata.json", '{"Version": 3}')),
            "has schema version 3; known: 2",
            id="trivy-later",
        ),
        pytest.param(
            "trivy",
            lambda d: (write(d / "db/trivy.db", ""), write(d / "db/metadata.json", "{")),
            "fill the folder with `trivy image --download-db-only",
            id="trivy-broken",
        ),
        pytest.param(
            "grype", lambda d: write(d / "5/vulnerability.db", ""), "there are schemas 5", id="grype-earlier"
        ),
        pytest.param(
            "grype", lambda d: write(d / "6/vulnerability.db", "x"), "grype ended with", id="grype-broken"
        ),
    ],
)  # fmt: skip
async def test_a_database_that_cannot_be_used_is_told_with_what_to_do(
    name: str, prepare: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    made: Any = scanner(name)
    (tmp_path / "db").mkdir()
    prepare(tmp_path / "db")
    await check_unavailable(lambda: replace(made, database=tmp_path / "db"), tmp_path / "run", said)


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_program_that_is_not_there_is_told_with_how_to_get_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tidegate.scan.scanners.confined.sys.executable", str(tmp_path / "python"))
    await check_unavailable(
        lambda: make_plugin(GROUP, name), tmp_path, f"no {SHIPPED[name]} on PATH"
    )


async def test_what_a_database_was_not_built_for_is_a_gap(tmp_path: Path) -> None:
    # Grype's report names the providers of its database; Ubuntu's is not among them.
    found = await scanner("grype").scan(*layout_of(tmp_path), 120)
    assert found.findings is not None
    assert found.findings.covers("Debian:12")
    assert not found.findings.covers("Ubuntu:24.04")
    assert not found.findings.covers("centos-stream:9")


def layout_of(folder: Path) -> tuple[Path, Path]:
    write_layout(build_demo_images()[0], folder / "layout")
    return folder / "layout", folder / "work"
