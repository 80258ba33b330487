"""Package URLs to the ecosystems and names that advisories use.

A package of a distribution whose release is not known, or that OSV does not carry, keeps a name of
its own (`Debian`, `centos-stream:9`): it has no advisory source, and is reported so. How releases
stand in the `distro` qualifier was tried with Trivy 0.76 on each of the distributions.
"""

import re

from packageurl import PackageURL

from tidegate.advisories.ecosystems import ecosystem_of, release_key

MAX_ECOSYSTEM_CHARS = 64

_LANGUAGES = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "gem": "RubyGems",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pypi": "PyPI",
}
"""Package URL types, and what OSV calls their ecosystems."""

_DISTRIBUTIONS = {
    ("apk", "alpine"): "Alpine",
    ("apk", "chainguard"): "Chainguard",
    ("apk", "wolfi"): "Wolfi",
    ("deb", "debian"): "Debian",
    ("deb", "ubuntu"): "Ubuntu",
    ("rpm", "alma"): "AlmaLinux",
    ("rpm", "almalinux"): "AlmaLinux",
    ("rpm", "opensuse"): "openSUSE",
    ("rpm", "redhat"): "Red Hat",
    ("rpm", "rhel"): "Red Hat",
    ("rpm", "rocky"): "Rocky Linux",
    ("rpm", "rocky-linux"): "Rocky Linux",
    ("rpm", "sles"): "SUSE",
    ("rpm", "suse"): "SUSE",
}
"""Types and namespaces, and what OSV calls the distributions."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def ecosystem_of_purl(purl: PackageURL) -> str:
    """Return the ecosystem of a package, with the release where advisories are about releases."""
    if purl.type in _LANGUAGES:
        return _LANGUAGES[purl.type]
    distro = str(dict(purl.qualifiers or {}).get("distro", ""))
    name = _DISTRIBUTIONS.get((purl.type, purl.namespace or ""))
    if name is None:
        return _joined(purl.namespace or purl.type, distro.rpartition("-")[2])
    if not ecosystem_of(name).released:
        return name
    return release_key(_joined(name, _release(name, distro)))[:MAX_ECOSYSTEM_CHARS]


def name_of_purl(purl: PackageURL, shown: str = "") -> str:
    """Return a package's name as its ecosystem's advisories write it.

    `shown` is the name that the document gives beside the package URL: it counts where it differs
    in case only, since package URLs of npm and Go are lowered (purl-spec, "Known purl types").
    """
    parts = (purl.namespace, purl.name)
    match purl.type:
        case "maven":
            name = ":".join(filter(None, parts))
        case "composer" | "golang" | "npm":
            name = "/".join(filter(None, parts))
        case _:
            name = str(purl.name)
    return shown if shown.lower() == name.lower() else name


def _release(name: str, distro: str) -> str:
    """Return the release that a `distro` qualifier tells, as OSV writes it; empty for none."""
    prefix, _, release = distro.rpartition("-")
    match name:
        case "Alpine":
            return _alpine(release)
        case "Debian":  # OSV names the major release: `Debian:12` of 12.11; testing has none
            return release.partition(".")[0] if _NUMBER.fullmatch(release) else release
        case "Red Hat":
            return f"enterprise_linux:{release}" if release else ""
        case "SUSE":
            return _suse(prefix, release)
        case "openSUSE":
            return "Tumbleweed" if prefix.endswith("tumbleweed") else f"Leap {release}".strip()
        case _:
            return release


def _alpine(release: str) -> str:
    """Return `v3.18` of 3.18.4; what is no stable release is edge (`3.22_alpha20250108`)."""
    stable = ".".join(release.split(".")[:2])
    if _NUMBER.fullmatch(stable):
        return f"v{stable}"
    return "edge" if release else ""


def _suse(product: str, release: str) -> str:
    """Return `Linux Enterprise Server 15 SP5` of sles-15.5; from 16 on, releases are dotted."""
    if not release:
        return ""
    if product in {"slem", "sle-micro", "sl-micro", "suse-linux-enterprise-micro"}:
        return f"Linux {'Enterprise ' if _major(release) < 6 else ''}Micro {release}"
    major, _, pack = release.partition(".")
    if _major(release) < 16:
        release = f"{major} SP{pack}" if pack not in {"", "0"} else major
    return f"Linux Enterprise Server {release}"


def _major(release: str) -> int:
    """Return the first number of a release; a large one where it has none."""
    first = release.partition(".")[0]
    return int(first) if first.isascii() and first.isdigit() and len(first) < 5 else 9999


def _joined(name: str, release: str) -> str:
    return (f"{name}:{release}" if release else name)[:MAX_ECOSYSTEM_CHARS]
