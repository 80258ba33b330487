"""A package seen in an image, as the matcher compares it."""

from dataclasses import dataclass

from tidegate.domain.finding import Location


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package, at one version, wherever it lies in the image."""

    ecosystem: str
    """As OSV names it, with the release: `Debian:12`, `PyPI`."""
    name: str
    version: str
    purl: str
    source_name: str = ""
    """Name of the source package, where advisories are about those (Debian); else empty."""
    source_version: str = ""
    module: str = ""
    """Module and stream of a Red Hat family's modular package, `nodejs:20`; else empty."""
    locations: tuple[Location, ...] = ()

    @property
    def compared_name(self) -> str:
        """The name that advisories use."""
        return self.source_name or self.name

    @property
    def compared_version(self) -> str:
        """The version that advisories compare."""
        return self.source_version or self.version
