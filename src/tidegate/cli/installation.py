"""Reads the file that says what `tidegate up` runs.

It stands as `state.json` in the data folder and as `tidegate/current.json` in the user's state
folder; `tidegate.local` writes both.
"""

from pathlib import Path

import msgspec

from tidegate.domain.errors import ConfigurationError
from tidegate.local.data_folder import UpState

MAX_FILE_BYTES = 64 * 1024
"""Ten short strings; anything larger is another file."""


def read_installation(path: Path) -> UpState | None:
    """Return what `path` says; None where there is no such file.

    Raises:
        ConfigurationError: it cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
        return msgspec.json.decode(body, type=UpState)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: not what `tidegate up` writes ({error}); remove it and start `tidegate up`"
        ) from error
