"""The `analysis` of a CycloneDX vulnerability as a VEX claim: who says what of which product.

A claim clears a finding only where its signer is trusted with VEX.
"""

from collections.abc import Mapping

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.finding import VexStatus, normalize_id
from tidegate.formats.cyclonedx_components import purl_in, stated
from tidegate.formats.cyclonedx_document import Component, Document, Metadata, Vulnerability
from tidegate.formats.ecosystems import parse_purl
from tidegate.formats.reading import id_or_none, instant, prose, require_id, unknown_version, word
from tidegate.formats.report import VexClaim, VexProduct

WHAT = "CycloneDX"

_STATES = {
    "not_affected": VexStatus.NOT_AFFECTED,
    "false_positive": VexStatus.NOT_AFFECTED,
    "resolved": VexStatus.FIXED,
    "resolved_with_pedigree": VexStatus.FIXED,
    "exploitable": VexStatus.AFFECTED,
    "in_triage": VexStatus.UNDER_INVESTIGATION,
}


def claim_of(
    found: Vulnerability, components: Mapping[str, Component], document: Document
) -> VexClaim | None:
    """Return what the analysis of `found` claims; None: there is none.

    Raises:
        MalformedReportError: a state of no known kind, or one that clears without saying why.
    """
    analysis = found.analysis
    if analysis is None or not analysis.state:
        return None
    status = _STATES.get(analysis.state)
    if status is None:
        raise unknown_version(
            f"{WHAT}: analysis.state of {word(found.id)}", analysis.state, ", ".join(_STATES)
        )
    reason = analysis.justification or analysis.detail
    if status.clears and not reason and status is not VexStatus.FIXED:
        raise MalformedReportError(
            f"{WHAT}: analysis of {word(found.id)} says {analysis.state} without a justification "
            "or detail; want one, so that people can see why"
        )
    moment = analysis.last_updated or analysis.first_issued
    others = [id_or_none(r.id) for r in found.references or ()]
    return VexClaim(
        ids=frozenset(map(normalize_id, filter(None, [require_id(found.id, WHAT), *others]))),
        products=_products(found, components, document.metadata.component),
        status=status,
        justification=prose(reason) or analysis.state,
        author=_author(document.metadata),
        said_at=instant(moment, f"{WHAT}: analysis.lastUpdated"),
        detail=prose(analysis.detail),
    )


def _products(
    found: Vulnerability, components: Mapping[str, Component], subject: Component | None
) -> tuple[VexProduct, ...]:
    """Return the products of an analysis: packages of `affects`, in the image of the document."""
    images = stated(subject).manifests if subject is not None else frozenset[str]()
    packages = list[str]()
    whole = False
    for affects in found.affects or ():
        component = components.get(affects.ref)
        if subject is not None and affects.ref == subject.bom_ref:
            whole = True
        elif component is not None and parse_purl(component.purl) is not None:
            packages.append(component.purl)
        elif purl := purl_in(affects.ref):
            packages.append(purl)
    products = [VexProduct(images, tuple(packages))] if packages else []
    if whole and images:
        products.append(VexProduct(images))
    return tuple(products)


def _author(metadata: Metadata) -> str:
    parties = [*(metadata.authors or ()), metadata.supplier, metadata.manufacturer]
    return word(next((p.name for p in parties if p is not None and p.name), ""))
