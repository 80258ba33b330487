"""Advisories from an https address, into a temporary file, within bounds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from tidegate.advisories.records import ImportLimits
from tidegate.domain.errors import InvalidAdvisoryError, LimitExceededError, UnavailableError


@contextmanager
def downloaded(url: str, limits: ImportLimits, client: httpx2.Client | None) -> Iterator[Path]:
    """Give the file that `url` answers with; it is gone afterwards.

    Raises:
        InvalidAdvisoryError: no https address.
        LimitExceededError: larger than `limits` allow.
        UnavailableError: no answer, or not this file.
    """
    if not url.startswith("https://"):
        raise InvalidAdvisoryError(f"{shown(url)}: want an address that starts with https://")
    own = client or httpx2.Client(timeout=limits.read_timeout_s, trust_env=False)
    try:
        with TemporaryDirectory(prefix="tidegate-advisories-") as folder:
            path = Path(folder) / ("advisories.zip" if url.endswith(".zip") else "advisory.json")
            _download(own, url, path, limits)
            yield path
    finally:
        if client is None:
            own.close()


def _download(client: httpx2.Client, url: str, path: Path, limits: ImportLimits) -> None:
    size = 0
    try:
        with client.stream("GET", url, follow_redirects=False) as response, path.open("wb") as file:
            if response.status_code != 200:
                raise UnavailableError(
                    f"reading {shown(url)}: HTTP {response.status_code}, want 200 (redirects are "
                    "not followed: give the final address)"
                )
            for chunk in response.iter_raw():
                size += len(chunk)
                if size > limits.max_download_bytes:
                    raise LimitExceededError(
                        f"{shown(url)}: more than {limits.max_download_bytes} bytes; nothing was "
                        "imported"
                    )
                file.write(chunk)
    except httpx2.HTTPError as error:
        raise UnavailableError(f"reading {shown(url)}: {type(error).__name__}") from error


def shown(url: str) -> str:
    """Return `url` as messages and the index may keep it: without user, password and query."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
