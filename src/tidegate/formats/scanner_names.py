"""The name under which another tool's report goes: what people and the trust configuration see."""

import re

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.text import printable
from tidegate.formats.ecosystems import parse_purl

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_KNOWN = {"trivy": "Trivy", "grype": "Grype", "syft": "Syft", "snyk": "Snyk", "clair": "Clair"}


def scanner_name(uri: str, what: str) -> str:
    """Return the name of the scanner at `uri`, a purl or an address: its last part.

    Raises:
        MalformedReportError: there is no name in it.
    """
    purl = parse_purl(uri)
    if purl is not None:
        name = purl.name
    else:
        path = uri.partition("?")[0].partition("#")[0].rstrip("/")
        name = path.rpartition("/")[2].partition("@")[0]
    if _NAME.fullmatch(name) is None:
        raise MalformedReportError(
            f"{what}: scanner.uri is {printable(uri)[:120]!r}; want an address or purl that ends "
            "in the scanner's name"
        )
    return _KNOWN.get(name.lower(), name)
