"""The file that says what `tidegate up` runs: the same JSON object that `up --json` prints.

It stands as `state.json` in the data folder and as `tidegate/current.json` in the user's state
folder. It holds the administrator's token, so only its owner may read it.
"""

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import ConfigurationError

MAX_FILE_BYTES = 64 * 1024
"""Nine short strings; anything larger is another file."""

STATE_FILE = "state.json"

Text = Annotated[str, Meta(max_length=4096)]


class Installation(msgspec.Struct, rename="camel", frozen=True):
    """Where the parts of one installation are. Unknown fields are a later version's."""

    hub: Text
    """URL, like `portal` and `gate`."""
    portal: Text
    registry: Text
    """`localhost:PORT`, as image references name it."""
    gate: Text
    gate_ca: Text
    """Path of a PEM file, like `public_key`."""
    admin_token: Text
    data_dir: Text
    public_key: Text
    kubeconfig: Text | None = None
    """Path; None without a cluster."""

    def __repr__(self) -> str:
        return f"Installation(hub={self.hub!r}, data_dir={self.data_dir!r})"


def read_installation(path: Path) -> Installation | None:
    """Return what `path` says; None where there is no such file.

    Raises:
        ConfigurationError: it cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        if len(body) > MAX_FILE_BYTES:
            raise ValueError(f"more than {MAX_FILE_BYTES} bytes")
        return msgspec.json.decode(body, type=Installation)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{path}: not what `tidegate up` writes ({error}); remove it and start `tidegate up`"
        ) from error


def write_installation(path: Path, installation: Installation) -> None:
    """Write `installation` to `path` whole or not at all, for its owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(installation))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
