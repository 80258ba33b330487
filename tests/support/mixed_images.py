"""Images with many packages: of the frozen table's rows, and of the demo.

A row's package stands in an image of its release, or of its language. What cannot be installed
twice is spread over several images.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from packageurl import PackageURL

from support.advisory_table import Row, rows
from support.distributions import Installed, apk_files, dpkg_files, rpm_files, system
from support.language_files import (
    composer_files,
    gem_files,
    go_binary,
    jar,
    nuget_files,
    rust_binary,
)
from tidegate.local.images import (
    DemoImage,
    Files,
    build_demo_images,
    build_image,
    npm_files,
    python_files,
)
from tidegate.wire.oci_v1 import OCI_MANIFEST

DEMO = ("clean", "high", "critical")


@dataclass(frozen=True)
class Mix:
    """An image, and the rows of the table whose packages are in it."""

    image: DemoImage
    rows: tuple[Row, ...] = ()

    @property
    def name(self) -> str:
        return self.image.tag


def mixes() -> list[Mix]:
    """Return all images: the demo's, and those with the rows of the table."""
    demo = [Mix(image) for image in build_demo_images() if image.tag in DEMO]
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows():
        grouped[place_of(row)].append(row)
    made = [
        Mix(image_of(name, files_of(kind, each)), tuple(each))
        for kind, group in sorted(grouped.items())
        for name, each in _named(kind, group)
    ]
    return [*demo, *made]


def image_of(tag: str, files: Files) -> DemoImage:
    """Return an image of one layer."""
    built = build_image([files])
    return DemoImage("mixed/app", tag, ((built.manifest, OCI_MANIFEST),), built.blobs)


def place_of(row: Row) -> str:
    """Return where a row's package belongs: `debian 11`, `alpine 3.17.0`, `pypi`."""
    purl = PackageURL.from_string(row.package)
    distro = dict(purl.qualifiers).get("distro", "")
    if not distro:
        return purl.type
    family, release = purl.namespace or "", distro.rpartition("-")[2]
    return f"{family} {release.partition('.')[0] if family == 'debian' else release}"


def _named(kind: str, group: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Spread rows so that no image of a system has two versions of one package."""
    if " " not in kind:
        return [(kind, list(group))]
    sets: list[dict[str, Row]] = []
    together: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in group:
        together[(PackageURL.from_string(row.package).name, row.package, row.version)].append(row)
    placed: list[list[Row]] = []
    for (name, _, _), same in together.items():
        number = next((n for n, known in enumerate(sets) if name not in known), len(sets))
        if number == len(sets):
            sets.append({})
            placed.append([])
        sets[number][name] = same[0]
        placed[number] += same
    title = kind.replace(" ", "-")
    return [(f"{title}{chr(ord('a') + n)}", each) for n, each in enumerate(placed)]


def files_of(kind: str, group: Iterable[Row]) -> dict[str, bytes]:
    """Return the files by which scanners know the packages of `group`."""
    packages = [(PackageURL.from_string(row.package), row.version) for row in group]
    family, _, release = kind.partition(" ")
    if release:
        return _system_files(family, release, packages)
    named = [(_path(purl), version) for purl, version in packages]
    return _language_files(kind, list(dict.fromkeys(named)))


def _path(purl: PackageURL) -> str:
    return "/".join(filter(None, (purl.namespace, purl.name)))


@dataclass(frozen=True)
class _Family:
    """How the images of a distribution tell what they are."""

    identifier: str
    """In `os-release`."""
    like: str = ""
    file: str = ""
    """The distribution's own, in /etc."""
    text: str = "{}\n"
    vendor: str = ""
    """Of its packages."""


_FAMILIES = {
    "alma": _Family(
        "almalinux", "rhel centos fedora", "almalinux-release", "AlmaLinux release {} (a)\n",
        "AlmaLinux",
    ),
    "alpine": _Family("alpine", file="alpine-release"),
    "chainguard": _Family("chainguard"),
    "debian": _Family("debian", file="debian_version", text="{}.1\n"),
    "opensuse": _Family("opensuse-leap", "suse opensuse", vendor="SUSE LLC"),
    "redhat": _Family(
        "rhel", "fedora", "redhat-release", "Red Hat Enterprise Linux release {} (a)\n",
        "Red Hat, Inc.",
    ),
    "rocky": _Family(
        "rocky", "rhel centos fedora", "rocky-release", "Rocky Linux release {} (a)\n",
        "Rocky Enterprise Software Foundation",
    ),
    "suse": _Family("sles", "suse", vendor="SUSE LLC <https://www.suse.com/>"),
    "ubuntu": _Family(
        "ubuntu", "debian", "lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={}\n"
    ),
    "wolfi": _Family("wolfi"),
}  # fmt: skip


def _system_files(
    family: str, release: str, packages: Iterable[tuple[PackageURL, str]]
) -> dict[str, bytes]:
    told = _FAMILIES[family]
    own = {told.file: told.text.format(release)} if told.file else {}
    release_files = system(told.identifier, release, told.like, **own)
    installed = [
        Installed(
            purl.name,
            version,
            module=dict(purl.qualifiers).get("modularitylabel", ""),
            vendor=told.vendor,
        )
        for purl, version in packages
    ]
    kept = list(dict.fromkeys(installed))
    write = {"alpine": apk_files, "wolfi": apk_files, "chainguard": apk_files}.get(
        family, dpkg_files if family in {"debian", "ubuntu"} else rpm_files
    )
    return {**{path: text.encode() for path, text in release_files.items()}, **write(kept)}


def _language_files(kind: str, named: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number, (name, version) in enumerate(named):
        files |= _WRITERS[kind](f"srv/{number}", name, version)
    return files


def _npm(folder: str, name: str, version: str) -> dict[str, bytes]:
    return {f"{folder}/{path}": body for path, body in npm_files(name, version).items()}


def _jar(_folder: str, name: str, version: str) -> dict[str, bytes]:
    group, _, artifact = name.rpartition("/")
    return jar(group, artifact, version)


def _go(folder: str, name: str, version: str) -> dict[str, bytes]:
    own = go_binary([], version.removeprefix("v")) if name == "stdlib" else None
    return {f"{folder}/app": own or go_binary([(name, version)])}


_WRITERS: Mapping[str, Callable[[str, str, str], Mapping[str, bytes]]] = {
    "cargo": lambda folder, name, version: {f"{folder}/app": rust_binary([(name, version)])},
    "composer": lambda folder, name, version: composer_files(folder, [(name, version)]),
    "gem": lambda _, name, version: gem_files(name, version),
    "golang": _go,
    "maven": _jar,
    "npm": _npm,
    "nuget": lambda folder, name, version: nuget_files(folder, [(name, version)]),
    "pypi": lambda _, name, version: python_files(name, version),
}
"""By the type of package URLs: what writes one package, in a folder of its own where it can."""
