"""Changes an installation's `trust.yaml`: whole or not at all, and only to what still parses."""

from pathlib import Path
from typing import Any

import yaml

from tidegate.domain.errors import InputError, InvalidTrustError
from tidegate.local.data_folder import write_private
from tidegate.trust.configuration import (
    MAX_CONFIGURATION_BYTES,
    TrustConfiguration,
    parse_trust_configuration,
)

Entry = dict[str, Any]


class TrustDocument:
    """The document in one file; comments at its head stay, those within it do not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            body = path.read_bytes()[: MAX_CONFIGURATION_BYTES + 1]
            self.configuration = parse_trust_configuration(body)
        except OSError as error:
            raise InvalidTrustError(f"{path}: cannot be read ({error.strerror})") from error
        except InvalidTrustError as error:
            raise InvalidTrustError(f"{path}: {error}") from error
        self._head = _head_of(body.decode())
        self._document: dict[str, list[Entry]] = yaml.safe_load(body) or {}

    @property
    def keys(self) -> list[Entry]:
        """The entries of `keys`."""
        return self._document.setdefault("keys", [])

    @property
    def registries(self) -> list[Entry]:
        """The entries of `registries`."""
        return self._document.setdefault("registries", [])

    def save(self) -> TrustConfiguration:
        """Write the file.

        Raises:
            InvalidTrustError: it would not parse; the file is as it was.
            InputError: it cannot be written.
        """
        body = (self._head + yaml.safe_dump(self._document, sort_keys=False)).encode()
        configuration = parse_trust_configuration(body)
        mode = self._path.stat().st_mode & 0o777
        try:
            write_private(self._path, body)
            self._path.chmod(mode)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror})") from error
        return configuration


def _head_of(text: str) -> str:
    lines = text.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:count])
