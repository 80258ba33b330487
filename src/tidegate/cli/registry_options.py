"""What `tidegate registry add` is given, as text and files, made into values."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from tidegate.cli.files import read_bytes
from tidegate.domain.errors import InputError

MAX_PASSWORD_BYTES = 64 * 1024
MAX_PEM_BYTES = 256 * 1024

_EVERY = re.compile(r"([0-9]{1,7})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_endpoint(host: str, url: str) -> str:
    """Return `host:port` of the API where it is not the registry's own name.

    Raises:
        InputError: `url` is no URL of a server.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"--url {url[:200]!r}: {error}") from error
    plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not plain or parts.path.strip("/") or parts.query or parts.fragment or port == 0:
        raise InputError(f"--url {url[:200]!r}: want http://HOST[:PORT] or https://HOST[:PORT]")
    return "" if parts.netloc.lower() == host else parts.netloc.lower()


def parse_seconds(text: str) -> int:
    """Return the seconds that `text` means: `90`, `5m`, `1h`.

    Raises:
        InputError: it means none, or less than 30 s or more than 7 days.
    """
    found = _EVERY.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found is not None else 0
    if not 30 <= seconds <= 7 * 86_400:
        raise InputError(f"--poll-every {text[:80]!r}: want 30s to 7d, such as 5m or 1h")
    return seconds


def read_pem(path: str) -> str:
    """Return the text of a PEM file; nothing for no file."""
    if not path:
        return ""
    try:
        return read_bytes(path, MAX_PEM_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: want PEM") from error


def read_password_file(username: str, password_file: str) -> str:
    """Return the password in a file, `-` being standard input; nothing where no user is named.

    Raises:
        InputError: half of the two is given, or the file holds no password.
    """
    if bool(username) != bool(password_file):
        raise InputError("want both --username and --password-file, or neither")
    if not password_file:
        return ""
    try:
        password = read_bytes(password_file, MAX_PASSWORD_BYTES).decode().strip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{password_file}: want a password in UTF-8") from error
    if not password:
        raise InputError(f"{password_file}: is empty; want the password")
    return password


def absolute(path: str) -> str:
    """Return `path` from the root: gate and worker run elsewhere; nothing stays nothing."""
    return str(Path(path).absolute()) if path else ""
