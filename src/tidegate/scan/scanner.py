"""What a scanner is: image files in, a list of what is in them out. Group `tidegate.scanners`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GROUP = "tidegate.scanners"


@dataclass(frozen=True, slots=True)
class ScannerOutput:
    """What one run of a scanner gave; its bytes are as hostile as the image was."""

    media_type: str
    body: bytes
    archives: tuple[str, ...] = ()
    """Paths of the Java archives that the image's files hold, whether understood or not."""
    not_understood: tuple[str, ...] = ()
    """Sentences about content that the scanner could not look into."""
    refused: tuple[str, ...] = ()
    """Isolation that the kernel did not give; empty: all of it."""
    cpu_s: float = 0.0
    max_rss_bytes: int = 0


class Scanner(Protocol):
    """Lists the packages of an image that lies in a local OCI layout of one platform.

    It runs its program confined: the layout is hostile, and nothing secret may be near it.
    """

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        """Return a CycloneDX document about the image in `layout`.

        `workdir` is a folder that does not exist yet, for the scanner's own files.

        Raises:
            ScannerUnavailableError: its program is missing, failed or did not finish.
        """
        ...
