"""What CycloneDX components say: packages and their places, the image that a document is about."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tidegate.domain.finding import Location
from tidegate.formats.cyclonedx_document import Component
from tidegate.formats.ecosystems import parse_purl, seen_package
from tidegate.formats.reading import digest_or_none, word
from tidegate.formats.report import SeenPackage, StatedSubject

_TRIVY = "aquasecurity:trivy:"
_SYFT_LOCATION = "syft:location:"


def walk(components: Iterable[Component]) -> Iterator[tuple[str, Component]]:
    """Yield every component with its reference, nested ones too; depth is bounded by the JSON."""
    stack = list(components)[::-1]
    number = 0
    while stack:
        component = stack.pop()
        number += 1
        yield component.bom_ref or f"\0{number}", component
        stack.extend(reversed(component.components or []))


def packages_in(components: Iterable[Component]) -> Iterator[SeenPackage]:
    """Yield the packages among components, with where they lie."""
    for component in components:
        if component.type != "library":
            continue
        seen = seen_package(component.purl)
        if seen is not None:
            yield replace(seen, locations=tuple(places(component)))


def places(component: Component) -> Iterator[Location]:
    """Yield where a component lies: Trivy and Syft write it into properties of their own."""
    facts = component.facts()
    path = facts.get(f"{_TRIVY}FilePath", "")
    layer = facts.get(f"{_TRIVY}LayerDigest") or facts.get(f"{_TRIVY}LayerDiffID", "")
    if path or layer:
        yield Location(word(path), word(layer))
    for number in range(1000):
        path = facts.get(f"{_SYFT_LOCATION}{number}:path", "")
        if not path:
            return
        yield Location(word(path), word(facts.get(f"{_SYFT_LOCATION}{number}:layerID", "")))


def stated(component: Component) -> StatedSubject:
    """Return which image a component says that it is."""
    facts = component.facts()
    purl = parse_purl(component.purl)
    named_by_purl = purl.version if purl is not None and purl.type in ("oci", "docker") else ""
    manifests = [
        digest_or_none(text)
        for text in (
            component.version,  # Syft and Grype write the manifest's digest here
            named_by_purl or "",
            facts.get(f"{_TRIVY}RepoDigest", ""),
        )
    ]
    config = digest_or_none(facts.get(f"{_TRIVY}ImageID", ""))
    return StatedSubject(frozenset(filter(None, manifests)), frozenset(filter(None, [config])))


def purl_in(reference: str) -> str:
    """Return the purl that a reference to another document ends in (BOM-Link), or is."""
    tail = reference.rpartition("#")[2]
    return tail if parse_purl(tail) is not None else ""
