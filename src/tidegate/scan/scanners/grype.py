"""Grype with its own matching and database, confined and offline.

The database is a folder that Grype itself filled, by update from its mirror or by import: the
scanner reads it and never fetches. Grype's JSON names what it matched and which advisories its
database was built from; its CycloneDX, of the same run, names every package, so that what the
database has nothing about is told instead of passing for clean.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tidegate.domain.errors import ScannerUnavailableError
from tidegate.formats.grype import SOURCE
from tidegate.scan.sandbox import (
    DEFAULT_LIMITS,
    Confined,
    SandboxLimits,
    SandboxPaths,
    run_confined,
)
from tidegate.scan.sbom import MEDIA_TYPE
from tidegate.scan.scanner import ForeignFindings, ScannerOutput
from tidegate.scan.scanners.confined import (
    find_program,
    list_archives,
    read_output,
    require_success,
    unread_layers,
)

KNOWN_SCHEMA = "6"
"""Of Grype's database: the folder that it is kept in."""

_PROVIDERS = {
    "alpine": {"Alpine"},
    "chainguard": {"Chainguard"},
    "debian": {"Debian"},
    "govulndb": {"Go"},
    "rhel": {"AlmaLinux", "Red Hat", "Rocky Linux"},
    "sles": {"SUSE"},
    "ubuntu": {"Ubuntu"},
    "wolfi": {"Wolfi"},
}
"""What Grype matches by each of the providers that a database was built from.

Clones of Red Hat's are matched by its advisories; `alma` only takes back what AlmaLinux fixed.
openSUSE is matched by none, `sles` notwithstanding (docs/explanation/differences.md).
"""

_LANGUAGE_ECOSYSTEMS = frozenset(
    {"Go", "Hex", "Maven", "NuGet", "Packagist", "Pub", "PyPI", "RubyGems", "crates.io", "npm"}
)


class _Db(msgspec.Struct):
    providers: dict[str, msgspec.Raw] | None = None


class _Descriptor(msgspec.Struct):
    db: _Db | None = None


class _Document(msgspec.Struct):
    descriptor: _Descriptor


@dataclass(frozen=True, slots=True)
class GrypeScanner:
    """Grype in the sandbox, with a database."""

    database: Path | None = None
    """Grype's `db.cache-dir`, with `6/vulnerability.db`."""
    grype: Path | None = None
    """The binary; None: from PATH, else beside this Python."""
    limits: SandboxLimits = DEFAULT_LIMITS
    """Its times are each scan's deadline."""

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return Grype's report about the image in `layout`, and its packages."""
        program = self.grype or find_grype()
        database = _require_database(self.database)
        limits = replace(self.limits, wall_s=deadline_s, cpu_s=max(int(deadline_s), 1))
        grype_dir, list_dir = workdir / "grype", workdir / "archives"
        await asyncio.to_thread(_prepare, grype_dir, list_dir, database)
        try:
            async with asyncio.TaskGroup() as group:
                run = group.create_task(_run(program, layout, grype_dir, database, limits))
                listing = group.create_task(list_archives(layout, list_dir, limits))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        confined, report, packages = run.result()
        archives, unread = listing.result()
        return ScannerOutput(
            media_type=MEDIA_TYPE,
            body=packages,
            archives=tuple(archives),
            not_understood=unread_layers(unread),
            refused=confined.refused,
            cpu_s=confined.cpu_s,
            max_rss_bytes=confined.max_rss_bytes,
            findings=ForeignFindings(
                format="grype", body=report, source=SOURCE, covered=covered_ecosystems(report)
            ),
        )


def find_grype() -> Path:
    """Return the Grype binary, from PATH or from beside this Python.

    Raises:
        ScannerUnavailableError: there is none; says how to get one.
    """
    return find_program("grype", "put Grype 0.88 or newer on PATH")


def covered_ecosystems(report: bytes) -> frozenset[str]:
    """Return the ecosystems that the database behind a report was built for.

    Raises:
        ScannerUnavailableError: the report does not say what its database was built from.
    """
    try:
        db = msgspec.json.decode(report, type=_Document).descriptor.db
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScannerUnavailableError(f"grype: its report cannot be read: {error}") from error
    providers = (db.providers if db is not None else None) or {}
    if not providers:
        raise ScannerUnavailableError(
            f"grype: its report does not name the providers of its database; {_HINT}"
        )
    known = frozenset[str]().union(*(_PROVIDERS.get(name, ()) for name in providers))
    return known | _LANGUAGE_ECOSYSTEMS if "github" in providers else known


_HINT = (
    "fill the folder with `grype db update` or `grype db import FILE` (schema 6, Grype 0.88 or "
    "newer, `db.cache-dir` in its settings), and name it in TIDEGATE_SCAN_SCANNER_DB"
)


def _require_database(database: Path | None) -> Path:
    file = None if database is None else database / KNOWN_SCHEMA / "vulnerability.db"
    if database is None or file is None or not file.is_file():
        there = sorted(p.name for p in database.glob("[0-9]*")) if database is not None else []
        known = f"; there are schemas {', '.join(there[:5])}" if there else ""
        raise ScannerUnavailableError(
            f"grype: no database of schema {KNOWN_SCHEMA} in {database}{known}; {_HINT}"
        )
    return database.resolve()


def _prepare(grype_dir: Path, list_dir: Path, database: Path) -> None:
    list_dir.mkdir(parents=True)
    grype_dir.mkdir(parents=True)
    settings = {
        "check-for-app-update": False,
        # How old the database is stands in every report: that is the rules' to judge.
        "db": {"cache-dir": str(database), "auto-update": False, "validate-age": False},
    }
    (grype_dir / "settings.yaml").write_text(json.dumps(settings))


async def _run(
    program: Path, layout: Path, folder: Path, database: Path, limits: SandboxLimits
) -> tuple[Confined, bytes, bytes]:
    report, packages = folder / "report.json", folder / "sbom.json"
    command = [
        str(program), "-q", "-c", str(folder / "settings.yaml"), "--show-suppressed",
        "-o", f"json={report}", "-o", f"cyclonedx-json={packages}", f"oci-dir:{layout}",
    ]  # fmt: skip
    paths = SandboxPaths(folder, (layout, database), (program,))
    confined = await run_confined(command, paths, limits)
    require_success("grype", confined)
    return (
        confined,
        await asyncio.to_thread(read_output, report),
        await asyncio.to_thread(read_output, packages),
    )
