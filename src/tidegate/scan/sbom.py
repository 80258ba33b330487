"""Trivy's CycloneDX to packages. The document was written by a program that read a hostile image.

Nothing that was seen vanishes: what has no package URL, or one that cannot be read, is named in
`not_understood`. Field names and traps were tried with Trivy 0.76: source package and epoch stand
in properties, not in the package URL.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
from packageurl import PackageURL

from tidegate.advisories.ecosystems import ecosystem_of
from tidegate.advisories.match import MAX_NAMED
from tidegate.advisories.package import Package
from tidegate.advisories.purls import ecosystem_of_purl, name_of_purl
from tidegate.domain.errors import LimitExceededError, MalformedReportError
from tidegate.domain.finding import Location
from tidegate.scan.syft_facts import syft_facts
from tidegate.wire.json_depth import MAX_JSON_DEPTH, json_depth

MEDIA_TYPE = "application/vnd.cyclonedx+json"

MAX_SBOM_BYTES = 128 * 2**20
"""Largest document read; an image with 20,000 packages makes about 20 MiB."""

MAX_COMPONENTS = 200_000
MAX_LOCATIONS = 1_000
"""Locations kept of one package."""

MAX_NAME_CHARS = 256
MAX_PURL_CHARS = 2_048
MAX_PATH_CHARS = 4_096

_PREFIX = "aquasecurity:trivy:"
_DATABASES = {"apk": "lib/apk/db", "deb": "var/lib/dpkg", "rpm": "var/lib/rpm"}
"""Where a system keeps what is installed; Trivy gives no path for packages of the system."""


@dataclass(frozen=True, slots=True)
class Sbom:
    """What a scanner saw in one image."""

    image_id: str
    """Digest of the image's config, as the scanner read it; empty where it does not say."""
    packages: tuple[Package, ...]
    not_understood: tuple[str, ...]
    manifest: str = ""
    """Digest of the image's manifest, where the scanner says that instead (Syft, Grype)."""


class _Property(msgspec.Struct):
    name: str
    value: str = ""


class _Component(msgspec.Struct):
    type: str = ""
    group: str = ""
    name: str = ""
    version: str = ""
    purl: str = ""
    properties: list[_Property] = []

    def facts(self) -> dict[str, str]:
        """Return Trivy's own properties by name; of Syft's, those that say the same."""
        start = len(_PREFIX)
        facts = {p.name[start:]: p.value for p in self.properties if p.name.startswith(_PREFIX)}
        return facts or syft_facts(
            {p.name: p.value for p in self.properties}, self.purl, self.version
        )


class _Metadata(msgspec.Struct):
    component: _Component = msgspec.field(default_factory=_Component)


class _Document(msgspec.Struct, rename="camel"):
    bom_format: str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    components: list[_Component] = []


_DECODER = msgspec.json.Decoder(_Document)


def parse_sbom(body: bytes, layers: Sequence[str] = (), archives: Iterable[str] = ()) -> Sbom:
    """Return the packages in a CycloneDX document.

    `layers` are the image's layers in order, which orders locations; `archives` the Java archives
    in it: those about which the document says nothing are named as not understood.

    Raises:
        MalformedReportError: no CycloneDX JSON of the form that Trivy writes.
        LimitExceededError: larger or deeper than is read.
    """
    components = _decoded(body)
    order = {layer: position for position, layer in enumerate(layers)}
    odd: dict[str, list[str]] = defaultdict(list)
    found: dict[Package, list[Location]] = defaultdict(list)
    paths = set[str]()
    for component in components.components:
        facts = component.facts()
        paths.add(facts.get("FilePath", ""))
        if component.type != "library":
            continue
        package = _package(component, facts)
        if isinstance(package, str):
            odd[package].append(f"{component.name} {component.version}".strip()[:120])
        else:
            found[package].append(_location(package, facts))
    return Sbom(
        image_id=components.metadata.component.facts().get("ImageID", ""),
        packages=tuple(_located(package, found[package], order) for package in found),
        not_understood=(
            *_no_system(components.components),
            *(_sentence(what, names) for what, names in sorted(odd.items())),
            *name_unknown_archives(archives, paths),
        ),
        manifest=_manifest(components.metadata.component),
    )


def _decoded(body: bytes) -> _Document:
    if len(body) > MAX_SBOM_BYTES:
        raise LimitExceededError(f"CycloneDX: {len(body)} bytes, want at most {MAX_SBOM_BYTES}")
    if json_depth(body) > MAX_JSON_DEPTH:
        raise LimitExceededError(f"CycloneDX: nested deeper than {MAX_JSON_DEPTH} levels")
    try:
        document = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedReportError(f"CycloneDX: {error}") from error
    if document.bom_format != "CycloneDX":
        raise MalformedReportError(f"bomFormat {document.bom_format[:40]!r}; want CycloneDX")
    if len(document.components) > MAX_COMPONENTS:
        raise LimitExceededError(
            f"CycloneDX: {len(document.components)} components, want at most {MAX_COMPONENTS}"
        )
    return document


def _package(component: _Component, facts: Mapping[str, str]) -> Package | str:
    """Return the package that `component` is; else what about it was not understood."""
    if not component.purl:
        return "components without a package URL"
    sizes = (
        len(component.name),
        len(component.version),
        *(len(facts.get(name, "")) for name in ("SrcName", "SrcVersion", "SrcRelease")),
    )
    if len(component.purl) > MAX_PURL_CHARS or max(sizes) > MAX_NAME_CHARS:
        return "components with overlong names or versions"
    try:
        purl = PackageURL.from_string(component.purl)
    except ValueError:
        return "components whose package URL cannot be read"
    if not component.version:
        return "components without a version"
    ecosystem = ecosystem_of_purl(purl)
    shown = "/".join(filter(None, (component.group, component.name)))
    package = Package(
        ecosystem,
        name_of_purl(purl, shown),
        component.version,
        component.purl,
        module=_module(facts),
    )
    if not ecosystem_of(ecosystem).by_source:
        return package
    name, version = _source(component, facts)
    return replace(package, source_name=name, source_version=version)


def _module(facts: Mapping[str, str]) -> str:
    """Return `nodejs:18` of the label `nodejs:18:9030020231110:rhel9`; empty without one."""
    label = facts.get("Modularitylabel", "")[:MAX_NAME_CHARS].split(":")
    return ":".join(label[:2]) if len(label) > 1 else ""


def _source(component: _Component, facts: Mapping[str, str]) -> tuple[str, str]:
    """Return name and full version of a package's source (Trivy splits the version)."""
    name, version = facts.get("SrcName", ""), facts.get("SrcVersion", "")
    if not name or not version:
        return component.name, component.version
    epoch = f"{facts['SrcEpoch']}:" if facts.get("SrcEpoch") else ""
    revision = f"-{facts['SrcRelease']}" if facts.get("SrcRelease") else ""
    return name, f"{epoch}{version}{revision}"


def _location(package: Package, facts: Mapping[str, str]) -> Location:
    kind = package.purl.removeprefix("pkg:").partition("/")[0]
    path = facts.get("FilePath") or _DATABASES.get(kind, "")
    layer = facts.get("LayerDigest") or facts.get("LayerDiffID", "")
    return Location(path[:MAX_PATH_CHARS], layer[:MAX_NAME_CHARS])


def _located(package: Package, seen: list[Location], order: Mapping[str, int]) -> Package:
    places = sorted(set(seen), key=lambda p: (order.get(p.layer, len(order)), p.path))
    return replace(package, locations=tuple(places[:MAX_LOCATIONS]))


def _no_system(components: list[_Component]) -> tuple[str, ...]:
    named = [c.name for c in components if c.type == "operating-system"]
    if any(name and name != "none" for name in named):
        return ()
    return ("no operating system was recognised, so its packages were not judged",)


def _manifest(component: _Component) -> str:
    """Return the manifest's digest as Syft and Grype write it; Trivy gives the config's."""
    version = component.version
    return version if version.startswith("sha256:") and not component.facts() else ""


def name_unknown_archives(archives: Iterable[str], paths: set[str]) -> tuple[str, ...]:
    """Name archives that no component comes from: without an online index they stay unknown.

    A component inside an archive has a path that goes on below the archive's.
    """
    known = {path[: at + 4] for path in paths for at in _archive_ends(path)}
    unknown = [archive for archive in archives if archive not in known]
    return (_sentence("Java archives without Maven coordinates", unknown),) if unknown else ()


def _archive_ends(path: str) -> list[int]:
    return [
        at
        for at in range(len(path) - 3)
        if path[at] == "." and path[at : at + 4].lower() in ARCHIVES
    ]


ARCHIVES = frozenset({".jar", ".war", ".ear", ".par"})
"""Suffixes of Java archives."""


def _sentence(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(name[:200] for name in names[:MAX_NAMED])
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{len(names)} {what}: {shown}{more}"
