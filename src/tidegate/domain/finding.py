"""A finding: one vulnerability in one package of one subject."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from tidegate.domain.severity import Severity

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")


@dataclass(frozen=True, slots=True)
class Rating:
    """One database's opinion on how severe a vulnerability is."""

    method: str
    """Who rated, or by which scheme: `CVSS_V3`, `NVD`, `GitHub`, `Debian`."""
    score: str
    """A number or a vector as the source wrote it; empty where it gave a word only."""
    word: str = ""
    """The source's or the score's word: `High`."""
    cvss_version: str = ""
    leading: bool = False
    """Whether the finding's severity is this one's; no other rating of the finding is."""
    source: str = ""
    """The database it stands in, where `method` is a scheme and does not say."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the image the vulnerable package was seen."""

    path: str
    layer: str = ""
    """Digest or diffID of the layer; empty where the scanner does not say."""


class VexStatus(StrEnum):
    """What a VEX statement says about a vulnerability in a product (OpenVEX 0.2, "Status")."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"

    @property
    def clears(self) -> bool:
        """Whether it says that the vulnerability does no harm here."""
        return self in (VexStatus.NOT_AFFECTED, VexStatus.FIXED)


@dataclass(frozen=True, slots=True)
class VexMark:
    """A trusted statement that a finding does no harm here, with its reason and who made it."""

    status: VexStatus
    """`NOT_AFFECTED` or `FIXED`; nothing else clears a finding."""
    justification: str
    """The label of the format (`component_not_present`), else the impact in words."""
    author: str
    """Who says so, as the document has it."""
    source: str
    """Name of the trusted source whose key signed the document."""
    said_at: datetime | None = None
    detail: str = ""
    """The impact statement, in words."""

    def __post_init__(self) -> None:
        if not self.status.clears:
            raise ValueError(f"a finding is not cleared by the status {self.status.value!r}")


MAX_SHARED_ALIASES = 8
"""Ids of a vulnerability with more aliases are not kept for the next: memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one package. The gate's cache keeps only ids, severity and versions."""

    vulnerability_id: str
    """The advisory's own id: CVE, GHSA, PYSEC, DLA, …"""
    severity: Severity
    package: str
    """Package URL of the vulnerable package (purl specification)."""
    version: str
    """The version found."""
    fixed_version: str = ""
    """The lowest version that is said to be fixed; empty where none is known."""
    aliases: frozenset[str] = frozenset()
    """Other ids of the same vulnerability, one hop; never `related` or `upstream` ids."""
    ratings: tuple[Rating, ...] = ()
    cwe_ids: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    references: tuple[str, ...] = ()
    not_affected: tuple[VexMark, ...] = ()
    """Trusted VEX statements that clear it: it stays in the report and counts nowhere."""

    ids: frozenset[str] = field(init=False, compare=False, repr=False)
    """The own id and all aliases, normalised."""
    canonical_ids: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """The ids that this finding counts under: its CVEs, else its own id; sorted.

    Only the finding itself decides: joining through other findings would let one more finding
    lower a count.
    """

    def __post_init__(self) -> None:
        few = len(self.aliases) <= MAX_SHARED_ALIASES
        ids, canonical_ids = (_shared_ids if few else _ids)(self.vulnerability_id, self.aliases)
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "canonical_ids", canonical_ids)

    @property
    def package_name(self) -> str:
        """The package's name for people: `jackson-databind` of a Maven purl."""
        name = self.package.partition("@")[0].partition("?")[0].rpartition("/")[2]
        return name or self.package


def _ids(vulnerability_id: str, aliases: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return all ids, normalised, and those that count."""
    ids = frozenset(map(normalize_id, (vulnerability_id, *aliases)))
    cves = tuple(sorted(i for i in ids if is_cve(i)))
    return ids, cves or (normalize_id(vulnerability_id),)


_shared_ids = lru_cache(maxsize=8192)(_ids)
"""The same few thousand vulnerabilities are in most images: their findings share these."""


def normalize_id(text: str) -> str:
    """Return a vulnerability id as ids are compared: without surrounding space, upper case."""
    return text.strip().upper()


def is_cve(normalized_id: str) -> bool:
    """Whether a normalised id is a CVE id (CVE id syntax of 2014: four digits or more)."""
    return _CVE.fullmatch(normalized_id) is not None
