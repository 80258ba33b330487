"""Scans of the demo images: seconds, and the most memory that worker and Trivy had.

Each scan is one process of its own that has loaded the worker and does what it does with a job:
fetch, list packages in the sandbox, match advisories, sign, attach. `scan.py TAG` is that process.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tidegate.scan.worker  # noqa: F401 loaded for its memory, as the worker has it
from measures import MIB, RUNS, python_environment, say, spread, table
from place import place
from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.index import AdvisoryIndex
from tidegate.domain.reference import parse_reference
from tidegate.local.demo import push_image
from tidegate.local.images import build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.attach import attach_report
from tidegate.scan.pipeline import ScanSetup, list_platforms, scan_platform
from tidegate.scan.scanners.builtin import BuiltinScanner
from tidegate.trust.keys import generate_key
from tidegate.wire.statement_v1 import render_statement

SCAN_LIMIT_S = 120


async def scan_once(host: str, tag: str, workdir: Path) -> dict[str, Any]:
    """Return what one scan of a demo image took; `workdir` is empty."""
    reference = parse_reference(f"{host}/demo/app:{tag}")
    key = generate_key()
    started_s = time.perf_counter()
    config = RegistryConfig(host, plain_http=True, allow_private=True)
    findings = trivy_bytes = 0
    trivy_cpu_s = 0.0
    refused: tuple[str, ...] = ()
    async with RegistryClient([config]) as client:
        with AdvisoryIndex.open(workdir / "advisories.db") as index:
            setup = ScanSetup(
                BuiltinScanner(), with_demo_set(index), lambda: datetime.now(UTC), workdir
            )
            platforms = await list_platforms(client, reference)
            for platform in platforms:
                scan = await scan_platform(client, platform, setup)
                body = render_statement(scan.statement)
                await attach_report(client, platform.reference, body, key, subject=scan.subject)
                findings += len(scan.statement.findings)
                trivy_bytes = max(trivy_bytes, scan.max_rss_bytes)
                trivy_cpu_s += scan.cpu_s
                refused = refused or scan.refused
    return {
        "seconds": time.perf_counter() - started_s,
        "platforms": len(platforms),
        "findings": findings,
        "trivy_cpu_s": trivy_cpu_s,
        "trivy_mib": trivy_bytes / MIB,
        "worker_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "refused": refused,
    }


async def push_demo(host: str) -> list[str]:
    """Push the demo images and return their tags."""
    images = build_demo_images()
    config = RegistryConfig(host, plain_http=True, allow_private=True)
    async with RegistryClient([config]) as client:
        for image in images:
            await push_image(client, host, image)
    return [image.tag for image in images]


def scan_in_process(host: str, tag: str) -> dict[str, Any]:
    """Return what one scan took, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, __file__, host, tag],
        env=python_environment(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=SCAN_LIMIT_S,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def main() -> None:
    seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with place() as site:
        tags = asyncio.run(push_demo(site.host))
        for i in range(RUNS):
            say(f"scan: run {i + 1} of {RUNS}")
            for tag in tags:
                seen[tag].append(scan_in_process(site.host, tag))
    print("## Scan\n")
    print(
        "Each demo image, from its tag to its signed report in the registry, by a fresh process\n"
        "with the worker's code; Trivy runs in the sandbox. Demo advisory set, no network.\n"
        f"Isolation that this kernel did not give: {_refused(seen)}.\n"
    )
    header = ["image", "platforms", "findings", "s", "Trivy's CPU s", "worker, peak MiB"]
    rows = [
        [
            tag,
            found[0]["platforms"],
            found[0]["findings"],
            spread([each["seconds"] for each in found]),
            spread([each["trivy_cpu_s"] for each in found]),
            spread([each["worker_mib"] for each in found]),
            spread([each["trivy_mib"] for each in found]),
        ]
        for tag, found in seen.items()
    ]
    print(table([*header, "Trivy, peak MiB"], rows))


def _refused(seen: dict[str, list[dict[str, Any]]]) -> str:
    sentences = {s for found in seen.values() for each in found for s in each["refused"]}
    return "; ".join(sorted(sentences)) or "none, all of it was in force"


def scan_and_print(host: str, tag: str) -> None:
    with TemporaryDirectory(prefix="tidegate-bench-") as folder:
        print(json.dumps(asyncio.run(scan_once(host, tag, Path(folder)))))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        scan_and_print(*sys.argv[1:])
    else:
        main()
