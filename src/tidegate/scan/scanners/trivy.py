"""Trivy with its own matching and database, confined and offline.

The database is a folder that Trivy itself filled, from its mirror or from files: the scanner reads
it and never fetches. A database of an unknown schema, or none, is told as such; how old it is goes
into the report. Java archives that Trivy cannot name are listed beside it, as the built-in does.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from tidegate.domain.errors import ScannerUnavailableError
from tidegate.formats.reading import instant
from tidegate.formats.trivy import SOURCE
from tidegate.scan.sandbox import (
    DEFAULT_LIMITS,
    Confined,
    SandboxLimits,
    SandboxPaths,
    run_confined,
)
from tidegate.scan.scanner import ForeignFindings, ScannerOutput
from tidegate.scan.scanners.builtin import find_trivy, write_empty_java_index
from tidegate.scan.scanners.confined import (
    list_archives,
    read_output,
    require_success,
    unread_layers,
)

KNOWN_SCHEMA = 2
"""Of trivy-db; `metadata.json` names it."""

MAX_METADATA_BYTES = 64 * 1024


class _Metadata(msgspec.Struct, rename="pascal"):
    version: int = 0
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class TrivyScanner:
    """Trivy in the sandbox, with a database."""

    database: Path | None = None
    """A cache folder of Trivy's, with `db/trivy.db` and perhaps `java-db/`."""
    trivy: Path | None = None
    """The binary; None: from PATH, else beside this Python."""
    limits: SandboxLimits = DEFAULT_LIMITS
    """Its times are each scan's deadline."""

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return Trivy's report about the image in `layout`, with all packages."""
        program = self.trivy or find_trivy()
        database = _require_database(self.database)
        metadata = await asyncio.to_thread(read_metadata, database)
        limits = replace(self.limits, wall_s=deadline_s, cpu_s=max(int(deadline_s), 1))
        trivy_dir, list_dir = workdir / "trivy", workdir / "archives"
        await asyncio.to_thread(_prepare, trivy_dir, list_dir, database)
        try:
            async with asyncio.TaskGroup() as group:
                run = group.create_task(_run(program, layout, trivy_dir, database, limits))
                listing = group.create_task(list_archives(layout, list_dir, limits))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        confined, body = run.result()
        archives, unread = listing.result()
        return ScannerOutput(
            media_type="application/json",
            body=b"",
            archives=tuple(archives),
            not_understood=unread_layers(unread),
            refused=confined.refused,
            cpu_s=confined.cpu_s,
            max_rss_bytes=confined.max_rss_bytes,
            findings=ForeignFindings(
                format="trivy",
                body=body,
                source=SOURCE,
                db_version=str(metadata.version),
                db_updated_at=_updated_at(metadata),
            ),
        )


def read_metadata(database: Path) -> _Metadata:
    """Return what the database says of itself.

    Raises:
        ScannerUnavailableError: there is none, or it is of a schema that is not known.
    """
    file = database / "db" / "metadata.json"
    try:
        with file.open("rb") as opened:
            metadata = msgspec.json.decode(opened.read(MAX_METADATA_BYTES), type=_Metadata)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScannerUnavailableError(f"trivy: {file}: {error}; {_HINT}") from error
    if metadata.version != KNOWN_SCHEMA:
        raise ScannerUnavailableError(
            f"trivy: the database in {database} has schema version {metadata.version}; known: "
            f"{KNOWN_SCHEMA}. {_HINT}"
        )
    return metadata


_HINT = (
    "fill the folder with `trivy image --download-db-only --cache-dir FOLDER` (and "
    "--db-repository for a mirror), and name it in TIDEGATE_SCAN_SCANNER_DB"
)


def _require_database(database: Path | None) -> Path:
    if database is None or not (database / "db" / "trivy.db").is_file():
        raise ScannerUnavailableError(f"trivy: no database in {database}; {_HINT}")
    return database.resolve()


def _updated_at(metadata: _Metadata) -> datetime | None:
    return instant(metadata.updated_at, "trivy: db/metadata.json: UpdatedAt")


def _prepare(trivy_dir: Path, list_dir: Path, database: Path) -> None:
    """Make the programs' folders; Trivy's cache refers to the shared database."""
    list_dir.mkdir(parents=True)
    cache = trivy_dir / "cache"
    cache.mkdir(parents=True)
    (cache / "db").symlink_to(database / "db")
    if (database / "java-db" / "trivy-java.db").is_file():
        (cache / "java-db").symlink_to(database / "java-db")
    else:
        write_empty_java_index(cache)


async def _run(
    program: Path, layout: Path, folder: Path, database: Path, limits: SandboxLimits
) -> tuple[Confined, bytes]:
    output = folder / "report.json"
    command = [
        str(program), "--cache-dir", str(folder / "cache"), "image", "--quiet",
        "--format", "json", "--list-all-pkgs", "--scanners", "vuln", "--offline-scan",
        "--skip-version-check", "--disable-telemetry", "--skip-db-update",
        "--skip-java-db-update", "--cache-backend", "memory", "--show-suppressed",
        "--timeout", f"{max(int(limits.wall_s), 1)}s", "-o", str(output), "--input", str(layout),
    ]  # fmt: skip
    paths = SandboxPaths(folder, (layout, database), (program,))
    confined = await run_confined(command, paths, limits)
    require_success("trivy", confined)
    return confined, await asyncio.to_thread(read_output, output)
