"""OpenVEX 0.2: who says what about a vulnerability in which products.

A statement is about images (a `pkg:oci` purl with a digest, a sha-256 hash, or the digest itself),
about packages in them (`subcomponents`), or about packages anywhere. A product that names neither
a digest nor a package cannot be told from another, so the statement reaches nothing by it.
(Specification: openvex/spec, OPENVEX-SPEC.md; "not_affected" needs a justification or an impact
statement.)
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.finding import VexStatus, normalize_id
from tidegate.formats.ecosystems import parse_purl
from tidegate.formats.reading import (
    decode,
    digest_or_none,
    head_of,
    instant,
    prose,
    require_count,
    require_id,
    require_readable,
    unknown_version,
    word,
)
from tidegate.formats.report import ForeignReport, Head, VexClaim, VexProduct

CONTEXT = "https://openvex.dev/ns"
KNOWN_CONTEXTS = (f"{CONTEXT}/v0.2.0",)

_JUSTIFICATIONS = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)

_Text = Annotated[str, Meta(max_length=65536)]
_Words = Annotated[list[_Text], Meta(max_length=1000)]


class _Wire(msgspec.Struct):
    """Base: snake_case names, unknown fields skipped."""


class _Component(_Wire, kw_only=True):
    id: _Text = msgspec.field(default="", name="@id")
    hashes: dict[str, _Text] | None = None
    identifiers: dict[str, _Text] | None = None


class _Product(_Component, kw_only=True):
    subcomponents: Annotated[list[_Component], Meta(max_length=10_000)] | None = None


class _Vulnerability(_Wire, kw_only=True):
    id: _Text = msgspec.field(default="", name="@id")
    name: _Text
    aliases: _Words | None = None


class _Statement(_Wire, kw_only=True):
    vulnerability: _Vulnerability
    products: Annotated[list[_Product], Meta(max_length=10_000)] | None = None
    status: _Text
    justification: _Text = ""
    impact_statement: _Text = ""
    status_notes: _Text = ""
    timestamp: _Text = ""
    last_updated: _Text = ""


class _Document(_Wire, kw_only=True):
    author: Annotated[str, Meta(min_length=1, max_length=65536)]
    timestamp: _Text
    last_updated: _Text = ""
    statements: list[_Statement]


_DECODER = msgspec.json.Decoder(_Document)
_WHAT = "OpenVEX"


class OpenVexFormat:
    """OpenVEX 0.2."""

    name = "openvex"
    media_types = frozenset({"application/vnd.openvex+json", "application/openvex+json"})
    predicate_types = frozenset({CONTEXT, *KNOWN_CONTEXTS})

    def recognises(self, head: Head) -> bool:
        """Whether the document's context is OpenVEX's."""
        context = head.get("@context")
        return isinstance(context, str) and context.startswith(CONTEXT)

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the document says."""
        require_readable(body, _WHAT)
        context = head_of(body).get("@context")
        if context not in KNOWN_CONTEXTS:
            raise unknown_version(f"{_WHAT}: @context", context, ", ".join(KNOWN_CONTEXTS))
        document = decode(body, _DECODER, _WHAT)
        require_count(len(document.statements), _WHAT)
        moment = document.last_updated or document.timestamp
        said_at = instant(moment, f"{_WHAT}: timestamp")
        claims = tuple(_claim(s, word(document.author), said_at) for s in document.statements)
        return ForeignReport(scanner=None, claims=claims, scanned_at=said_at)


def _claim(statement: _Statement, author: str, said_at: datetime | None) -> VexClaim:
    vulnerability = statement.vulnerability
    name = require_id(vulnerability.name, _WHAT)
    try:
        status = VexStatus(statement.status)
    except ValueError as error:
        known = ", ".join(status.value for status in VexStatus)
        raise unknown_version(f"{_WHAT}: status of {name}", statement.status, known) from error
    moment = statement.last_updated or statement.timestamp
    aliases = [require_id(alias, _WHAT) for alias in vulnerability.aliases or ()]
    return VexClaim(
        ids=frozenset(map(normalize_id, (name, *aliases))),
        products=tuple(p for product in statement.products or () if (p := _product(product))),
        status=status,
        justification=_justification(statement, name, status),
        author=author,
        said_at=instant(moment, f"{_WHAT}: timestamp of {name}") or said_at,
        detail=prose(statement.impact_statement or statement.status_notes),
    )


def _justification(statement: _Statement, name: str, status: VexStatus) -> str:
    label = statement.justification
    if label and label not in _JUSTIFICATIONS:
        raise unknown_version(
            f"{_WHAT}: justification of {name}", label, ", ".join(sorted(_JUSTIFICATIONS))
        )
    if status is VexStatus.NOT_AFFECTED and not label and not statement.impact_statement.strip():
        raise MalformedReportError(
            f"{_WHAT}: {name} is said to be not_affected without a justification or an "
            "impact_statement; want one, so that people can see why"
        )
    return label or prose(statement.impact_statement) or status.value


def _product(product: _Product) -> VexProduct | None:
    """Return what a product names; None where it can be told from no other."""
    images = _images(product)
    purls = [purl for c in product.subcomponents or () if (purl := _package(c))]
    if product.subcomponents and not purls:
        return None  # parts that cannot be told apart are not the whole
    own = _package(product)
    if own and not images:
        return VexProduct(packages=(own,)) if not product.subcomponents else None
    return VexProduct(images, tuple(purls)) if images else None


def _images(component: _Component) -> frozenset[str]:
    found = [digest_or_none(component.id)]
    for text in (component.id, *(component.identifiers or {}).values()):
        purl = parse_purl(text)
        if purl is not None and purl.type in ("oci", "docker"):
            found.append(digest_or_none(purl.version or ""))
    sha256 = (component.hashes or {}).get("sha-256", "")
    found.append(digest_or_none(f"sha256:{sha256}"))
    return frozenset(filter(None, found))


def _package(component: _Component) -> str:
    """Return the package URL of a component that is a package and no image."""
    for text in (component.id, (component.identifiers or {}).get("purl", "")):
        purl = parse_purl(text)
        if purl is not None and purl.type not in ("oci", "docker"):
            return text
    return ""
