"""What a scanner is: image files in, what is in them out. Group `tidegate.scanners`."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tidegate.domain.errors import ConfigurationError
from tidegate.plugins import make_plugin

GROUP = "tidegate.scanners"


@dataclass(frozen=True, slots=True)
class ForeignFindings:
    """What a scanner with an own database found; without it our advisories judge the packages."""

    format: str
    """Entry point of group `tidegate.formats` that reads `body`."""
    body: bytes
    source: str
    """The database, by name: the advisory source of every ecosystem that the scanner knows."""
    db_version: str = ""
    db_updated_at: datetime | None = None
    covered: frozenset[str] | None = None
    """Ecosystems, without their releases, that the database was built for; None: what the report
    itself says."""

    def covers(self, ecosystem: str) -> bool:
        """Whether the database has advisories about packages of `ecosystem`."""
        return self.covered is None or ecosystem.partition(":")[0] in self.covered


@dataclass(frozen=True, slots=True)
class ScannerOutput:
    """What one run of a scanner gave; its bytes are as hostile as the image was."""

    media_type: str
    body: bytes
    """A CycloneDX document with every package; empty where the report of `findings` has them."""
    archives: tuple[str, ...] = ()
    """Paths of the Java archives that the image's files hold, whether understood or not."""
    not_understood: tuple[str, ...] = ()
    """Sentences about content that the scanner could not look into."""
    refused: tuple[str, ...] = ()
    """Isolation that the kernel did not give; empty: all of it."""
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    findings: ForeignFindings | None = None


class Scanner(Protocol):
    """Lists the packages of an image that lies in a local OCI layout of one platform.

    It runs its program confined: the layout is hostile, and nothing secret may be near it.
    """

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return what is in the image in `layout`.

        `workdir` is a folder that does not exist yet, for the scanner's own files.

        Raises:
            ScannerUnavailableError: its program or database is missing, of a version that is not
                known, failed or did not finish.
        """
        ...


def load_scanner(name: str, database: Path) -> Scanner:
    """Return the scanner `name`; a dataclass with a field `database` is told where its own is.

    Raises:
        UnknownPluginError: nothing installed has this name.
        ConfigurationError: it is no scanner.
    """
    scanner: Any = make_plugin(GROUP, name)
    if not callable(getattr(scanner, "scan", None)):
        raise ConfigurationError(f"{GROUP}: plug-in {name!r} makes {scanner!r}; want a scanner")
    if hasattr(scanner, "database"):
        scanner = replace(scanner, database=database)
    made: Scanner = scanner
    return made
