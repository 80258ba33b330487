"""The ecosystems whose advisories are understood, and the names under which they meet packages.

OSV writes a release after a colon (ossf.github.io/osv-schema, "affected[].package field"). Some
name the product or the repository as well, which no image tells: `release_key` leaves that out, so
`Red Hat:enterprise_linux:9::baseos` and `::appstream` are both `Red Hat:enterprise_linux:9`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_NAMES = 4096
"""Names of ecosystems and releases that are kept with what is known of them: OSV has some 700."""

_PYPI_SEPARATORS = re.compile(r"[-_.]+")
_UBUNTU = re.compile(r"(Ubuntu(?::Pro)?):(\d\d\.\d\d)(?::LTS)?")
_RED_HAT = re.compile(r"Red Hat:enterprise_linux:(\d+)(?:\.\d+)?(?:::.*)?")
_RED_HAT_EXTENDED = re.compile(
    r"Red Hat:(?:rhel_(?:eus|e4s|aus|tus)|enterprise_linux_eus):(\d+\.\d+)(?:::.*)?"
)
_RED_HAT_MINOR = re.compile(r"\.el(\d+)_(\d+)(?:$|\.|\+)")
"""In the release of a build for one minor release: `46.el9_0`, `30.el9_2.4`."""
_SUSE = re.compile(r"SUSE:Linux Enterprise (?!Micro).*?(\d+(?: SP\d+|\.\d+)?)(?:-[A-Z]+)?")
_MAJOR = re.compile(r"(AlmaLinux|Rocky Linux):(\d+)(?:\.\d+)?")

_KEYS = {
    "Red Hat": re.compile(r"Red Hat:(?:enterprise_linux:\d+|rhel_eus:\d+\.\d+)"),
    "SUSE": re.compile(r"SUSE:Linux (?:Enterprise )?(?:Micro )?\d+(?: SP\d+|\.\d+)?"),
    "Ubuntu": _UBUNTU,
}
"""Keys that packages can have, where records name products besides."""


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """How the packages of one ecosystem are named and told apart."""

    name: str
    """As OSV writes it, without a release."""
    distribution: bool = False
    """Whether it is a Linux distribution, whose own word on severity comes first."""
    released: bool = False
    """Whether its advisories are about releases; a package of no release is then not covered."""
    by_source: bool = False
    """Whether its advisories name source packages."""
    any_case: bool = False
    """Whether names that differ in case only are one package's."""


_ALL = (
    Ecosystem("AlmaLinux", distribution=True, released=True),
    Ecosystem("Alpine", distribution=True, released=True, by_source=True),
    Ecosystem("Chainguard", distribution=True, by_source=True),
    Ecosystem("Debian", distribution=True, released=True, by_source=True),
    Ecosystem("Red Hat", distribution=True, released=True),
    Ecosystem("Rocky Linux", distribution=True, released=True, by_source=True),
    Ecosystem("SUSE", distribution=True, released=True, by_source=True),
    Ecosystem("Ubuntu", distribution=True, released=True, by_source=True),
    Ecosystem("Wolfi", distribution=True, by_source=True),
    Ecosystem("openSUSE", distribution=True, released=True, by_source=True),
    # A module's path keeps its case, but package URLs lower it (purl-spec, "golang").
    Ecosystem("Go", any_case=True),
    Ecosystem("Maven"),
    Ecosystem("NuGet", any_case=True),
    Ecosystem("Packagist", any_case=True),
    Ecosystem("PyPI", any_case=True),
    Ecosystem("RubyGems"),
    Ecosystem("crates.io"),
    Ecosystem("npm"),
)

ECOSYSTEMS = {ecosystem.name: ecosystem for ecosystem in _ALL}
"""By name; packages of others are reported as not covered."""

_OTHER = Ecosystem("")

_FAMILIES = {"Wolfi": "Chainguard", "openSUSE": "SUSE"}


@lru_cache(maxsize=MAX_NAMES)
def ecosystem_of(name: str) -> Ecosystem:
    """Return what is known of the ecosystem `name`, with or without release."""
    return ECOSYSTEMS.get(base_of(name), _OTHER)


def base_of(name: str) -> str:
    """Return an ecosystem's name without its release: `Debian` of `Debian:12`."""
    return name.partition(":")[0]


def family_of(name: str) -> str:
    """Return the name of the database that an ecosystem's advisories come from.

    Chainguard's records speak of Wolfi as well, SUSE's of openSUSE.
    """
    base = base_of(name)
    return _FAMILIES.get(base, base)


def release_key(name: str) -> str:
    """Return the one name of the release that OSV's `name` speaks of; other names as they are.

    Red Hat by major version, since its minor releases get one stream of updates; a minor release's
    extended updates, whatever the support plan, are one (`Red Hat:rhel_eus:9.2`), and layered
    products stay apart. SUSE by service pack, over its products and
    modules, for a package is filed under the module that ships it. Ubuntu's `Pro` stays apart.
    """
    if found := _UBUNTU.fullmatch(name):
        product, release = found.groups()
        return f"{product}:{release}{':LTS' if _is_lts(release) else ''}"
    if found := _RED_HAT.fullmatch(name):
        return f"Red Hat:enterprise_linux:{found[1]}"
    if found := _RED_HAT_EXTENDED.fullmatch(name):
        return f"Red Hat:rhel_eus:{found[1]}"
    if found := _SUSE.fullmatch(name):
        return f"SUSE:Linux Enterprise {found[1]}"
    if found := _MAJOR.fullmatch(name):
        return f"{found[1]}:{found[2]}"
    return name


@lru_cache(maxsize=MAX_NAMES)
def covering_names(name: str) -> tuple[str, ...]:
    """Return the release keys whose advisories cover packages of `name`, the nearest first.

    An Ubuntu release past its standard support has records under `Pro` only; a package that Pro
    would fix is vulnerable where Pro is not in use. None for a release that is not known.
    """
    if ecosystem_of(name).released and ":" not in name:
        return ()
    if found := _UBUNTU.fullmatch(name):
        return name, f"Ubuntu:Pro:{found[2]}{':LTS' if _is_lts(found[2]) else ''}"
    return (name,)


@lru_cache(maxsize=MAX_NAMES)
def matched_names(name: str) -> tuple[str, ...]:
    """Return the release keys whose records concern packages of `name`, the nearest first.

    A record that names no release concerns all of them, but does not make one covered. SUSE's
    modules for release 12 name no service pack.
    """
    without_pack = name.partition(" SP")[0]
    return tuple(dict.fromkeys((*covering_names(name), name, without_pack, base_of(name))))


def extended_updates(name: str, version: str) -> str:
    """Return the release key of the extended updates that a build may come from; empty for none.

    Red Hat builds them for one minor release and says so in the version; what an image is
    subscribed to, it does not tell.
    """
    found = _RED_HAT_MINOR.search(version) if base_of(name) == "Red Hat" else None
    return f"Red Hat:rhel_eus:{found[1]}.{found[2]}" if found else ""


def is_matched(key: str) -> bool:
    """Whether records under this release key can concern a package; layered products' do not."""
    base = base_of(key)
    return base in ECOSYSTEMS and (base not in _KEYS or _KEYS[base].fullmatch(key) is not None)


def normalize_name(ecosystem: str, name: str) -> str:
    """Return a package's name as its ecosystem compares names."""
    if base_of(ecosystem) == "PyPI":  # PEP 503, "Normalized Names"
        return _PYPI_SEPARATORS.sub("-", name).lower()
    return name.lower() if ecosystem_of(ecosystem).any_case else name


def _is_lts(release: str) -> bool:
    """Whether an Ubuntu release has long-term support: April of an even year (ubuntu.com)."""
    year, month = release.split(".")
    return int(year) % 2 == 0 and month == "04"
