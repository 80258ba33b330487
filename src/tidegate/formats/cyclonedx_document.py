"""The parts of a CycloneDX document that are read (ECMA-424); what else stands in it is skipped."""

from typing import Annotated

import msgspec
from msgspec import Meta

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped."""


class Property(_Wire):
    """A named value; tools put into these what the form has no place for."""

    name: _Text = ""
    value: _Text | None = ""


class Hash(_Wire):
    """A digest of a component."""

    alg: _Text = ""
    content: _Text = ""


class Component(_Wire):
    """A package, an image, or whatever else is listed."""

    type: _Text = ""
    group: _Text = ""
    name: _Text = ""
    version: _Text = ""
    purl: _Text = ""
    bom_ref: _Text = msgspec.field(default="", name="bom-ref")
    properties: list[Property] | None = None
    hashes: list[Hash] | None = None
    components: "list[Component] | None" = None

    def facts(self) -> dict[str, str]:
        """Return its properties by name."""
        return {p.name: p.value or "" for p in self.properties or ()}


class ToolList(_Wire):
    """Tools as components."""

    components: list[Component] | None = None


class Party(_Wire):
    """An author or organisation."""

    name: _Text = ""


class Metadata(_Wire):
    """What made the document, when, and about what."""

    timestamp: _Text = ""
    tools: ToolList | list[Component] | None = None
    """1.4 had a list; 1.5 put components into it."""
    component: Component | None = None
    authors: list[Party] | None = None
    supplier: Party | None = None
    manufacturer: Party | None = None


class Source(_Wire):
    """A database."""

    name: _Text = ""
    url: _Text = ""


class StatedRating(_Wire):
    """One opinion of severity."""

    source: Source = msgspec.field(default_factory=Source)
    score: float | None = None
    severity: _Text = ""
    method: _Text = ""
    vector: _Text = ""


class Reference(_Wire):
    """The same vulnerability in another database."""

    id: _Text = ""


class Advisory(_Wire):
    """A page about it."""

    url: _Text = ""


class AffectedVersion(_Wire):
    """A version, or a range of them."""

    version: _Text = ""
    range: _Text = ""
    status: _Text = "affected"


class Affects(_Wire):
    """A component that has the vulnerability."""

    ref: _Text
    versions: list[AffectedVersion] | None = None


class Analysis(_Wire):
    """What somebody says of it here."""

    state: _Text = ""
    justification: _Text = ""
    detail: _Text = ""
    last_updated: _Text = ""
    first_issued: _Text = ""


class Vulnerability(_Wire):
    """A vulnerability, in whatever it affects."""

    id: _Text = ""
    source: Source = msgspec.field(default_factory=Source)
    references: list[Reference] | None = None
    ratings: list[StatedRating] | None = None
    cwes: list[int] | None = None
    advisories: list[Advisory] | None = None
    affects: list[Affects] | None = None
    analysis: Analysis | None = None
    recommendation: _Text = ""


class Document(_Wire):
    """The whole document, as far as it is read."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    components: list[Component] | None = None
    vulnerabilities: list[Vulnerability] | None = None
