"""What Syft writes into CycloneDX, under the names that Trivy has for the same facts.

Syft keeps paths and layers in numbered properties, and a package's source in the qualifier
`upstream` of its purl: `openssl`, or `util-linux@2.38.1-5` where the version differs. Grype writes
the same. (syft, syft/format/internal/cyclonedxutil; packageurl-go.)
"""

from collections.abc import Mapping

from packageurl import PackageURL

_LOCATION = "syft:location:0:"
_KINDS = {"deb": "debian"}
"""Purl types, and the word that Trivy has for packages of such a system."""


def syft_facts(properties: Mapping[str, str], purl: str, version: str) -> dict[str, str]:
    """Return facts from Syft's `properties`, and from a `purl` that may be anything."""
    if not any(name.startswith("syft:") for name in properties):
        return {}
    facts = {"LayerDiffID": properties.get(f"{_LOCATION}layerID", "")}
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        return facts
    if parsed.type in ("apk", "deb", "rpm"):
        facts["PkgType"] = _KINDS.get(parsed.type, parsed.type)
        facts |= _source(parsed, version)
    else:
        facts["FilePath"] = properties.get(f"{_LOCATION}path", "").removeprefix("/")
    return facts


def _source(purl: PackageURL, own_version: str) -> dict[str, str]:
    upstream = str(dict(purl.qualifiers or {}).get("upstream", ""))
    name, _, version = upstream.partition("@")
    if not name:
        return {}
    if purl.type == "rpm":  # `openssl-3.0.7-24.el9.src.rpm`: the file of the source package
        stem = name.removesuffix(".src.rpm")
        name, version, release = [*stem.rsplit("-", 2), "", ""][:3]
        return {"SrcName": name, "SrcVersion": version, "SrcRelease": release}
    return {"SrcName": name, "SrcVersion": version or own_version}
