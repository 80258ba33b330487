"""What OSV calls the ecosystems of packages, and what to call a package: for coverage and display.

A report's own matching was done with its tool's names; these decide nothing.
"""

from packageurl import PackageURL

from tidegate.formats.reading import MAX_WORD_CHARS
from tidegate.formats.report import SeenPackage

MAX_ECOSYSTEM_CHARS = 64

_BY_PURL_TYPE = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "gem": "RubyGems",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}

_DISTRIBUTIONS = {
    "alma": "AlmaLinux",
    "almalinux": "AlmaLinux",
    "alpine": "Alpine",
    "chainguard": "Chainguard",
    "debian": "Debian",
    "redhat": "Red Hat",
    "rhel": "Red Hat",
    "rocky": "Rocky Linux",
    "suse": "SUSE",
    "ubuntu": "Ubuntu",
    "wolfi": "Wolfi",
}

_SYSTEM_TYPES = frozenset({"apk", "deb", "rpm", "alpm", "portage"})


def distribution(family: str, release: str) -> str:
    """Return a distribution with its release as OSV names it: `Debian:12` of debian 12.11."""
    name = _DISTRIBUTIONS.get(family.lower(), family or "unknown distribution")
    if name in ("Debian", "Rocky Linux", "AlmaLinux", "Red Hat"):
        release = release.partition(".")[0]
    elif name == "Alpine" and release:
        release = f"v{'.'.join(release.removeprefix('v').split('.')[:2])}"
    elif name in ("Wolfi", "Chainguard"):
        release = ""
    return f"{name}:{release}"[:MAX_ECOSYSTEM_CHARS] if release else name[:MAX_ECOSYSTEM_CHARS]


def parse_purl(text: str) -> PackageURL | None:
    """Return the package URL in `text`; None where it is none, or overlong."""
    if not text.startswith("pkg:") or len(text) > 2048:
        return None
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def ecosystem_of(purl: PackageURL) -> str:
    """Return what OSV calls the ecosystem of a package."""
    if purl.type in _SYSTEM_TYPES:
        distro = str(dict(purl.qualifiers or {}).get("distro", ""))
        return distribution(purl.namespace or purl.type, distro.rpartition("-")[2])
    return _BY_PURL_TYPE.get(purl.type, purl.type)[:MAX_ECOSYSTEM_CHARS]


def generic_purl(name: str, version: str) -> str:
    """Return a package URL for a package that a report names without one (purl type `generic`)."""
    return PackageURL(type="generic", name=name or "unknown", version=version or None).to_string()


def seen_package(text: str) -> SeenPackage | None:
    """Return the package that a purl names; None where it cannot be read."""
    purl = parse_purl(text)
    if purl is None:
        return None
    name = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    if purl.type in _SYSTEM_TYPES:
        name = purl.name
    version = purl.version or ""
    return SeenPackage(
        purl=text,
        name=name[:MAX_WORD_CHARS],
        version=version[:MAX_WORD_CHARS],
        ecosystem=ecosystem_of(purl),
    )
