"""Who reports what: Tidegate, Trivy and Grype on the same images, by the same records.

All three run as they run in a worker: as plug-ins, confined, each with its own matching. The two
others get databases made of the records by `hack/scanners/databases.py`.
"""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packageurl import PackageURL

from support.mixed_images import Mix
from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.osv import Advisory
from tidegate.domain.finding import Finding, is_cve
from tidegate.scan.answer import Scanned, judge_answer
from tidegate.scan.scanner import Scanner
from tidegate.testing.contracts import write_layout
from tidegate.wire.oci_v1 import OCI_MANIFEST, parse_manifest

TOOLS = ("tidegate", "trivy", "grype")

_NAMESPACES = {"alma": "almalinux", "sles": "suse"}
"""Distributions that the tools name differently in package URLs."""

_DATABASES = Path(__file__).parents[2] / "hack" / "scanners" / "databases.py"


@dataclass(frozen=True, order=True)
class Sighting:
    """A vulnerability in a package of an image."""

    image: str
    package: str
    """Package URL without qualifiers, in lower case."""
    vulnerability: str


Reported = Mapping[Sighting, frozenset[str]]
"""Which tools report each; those that none reports are not in it."""


def make_databases(folder: Path, programs: Path, sources: Iterable[Path]) -> None:
    """Make databases for Trivy and Grype in `folder` from OSV records."""
    command = [sys.executable, str(_DATABASES), str(folder), str(programs), *map(str, sources)]
    subprocess.run(command, check=True, capture_output=True)


async def compare(
    mixes: Sequence[Mix], scanners: Mapping[str, Scanner], known: Sequence[Advisory], folder: Path
) -> Reported:
    """Return who reports what in `mixes`; `known` are the records that the databases hold."""
    advisories = AdvisorySet("compared", known)
    names = {i: record.cves or record.ids for record in known for i in record.ids}
    turn = asyncio.Semaphore(2)

    async def one(mix: Mix, tool: str) -> set[Sighting]:
        layout = folder / mix.name / "layout"
        async with turn:
            output = await scanners[tool].scan(layout, folder / mix.name / tool, 120)
        found = judge_answer(output, _scanned(mix), advisories).findings
        return {seen for finding in found for seen in _sightings(mix.name, finding, names)}

    for mix in mixes:
        write_layout(mix.image, folder / mix.name / "layout")
    runs = [(mix, tool) for mix in mixes for tool in scanners]
    reported: dict[Sighting, set[str]] = defaultdict(set)
    for (_, tool), seen in zip(
        runs, await asyncio.gather(*(one(*run) for run in runs)), strict=True
    ):
        for sighting in seen:
            reported[sighting].add(tool)
    return {sighting: frozenset(tools) for sighting, tools in sorted(reported.items())}


def _scanned(mix: Mix) -> Scanned:
    manifest = parse_manifest(mix.image.manifests[-1][0], OCI_MANIFEST)
    assert manifest.config is not None
    layers = tuple(layer.digest for layer in manifest.layers)
    return Scanned(mix.image.digest, manifest.config.digest, layers)


def _sightings(
    image: str, finding: Finding, names: Mapping[str, frozenset[str]]
) -> Iterator[Sighting]:
    """Yield a finding under each CVE that it is about, else under one id for all tools."""
    ids = frozenset(finding.canonical_ids)
    known = ids.union(*(names.get(i, ()) for i in ids))
    package = plain(finding.package, finding.version)
    for vulnerability in set(filter(is_cve, known)) or {min(known)}:
        yield Sighting(image, package, vulnerability.upper())


def plain(package: str, version: str) -> str:
    """Return a package URL that all tools write alike."""
    purl = PackageURL.from_string(package)
    epoch, colon, rest = version.partition(":")
    version = rest if colon and epoch == "0" else version
    namespace = _NAMESPACES.get(purl.namespace or "", purl.namespace)
    path = "/".join(filter(None, (purl.type, namespace, purl.name)))
    return f"pkg:{path}@{version.removeprefix('v').removeprefix('go')}".lower()
