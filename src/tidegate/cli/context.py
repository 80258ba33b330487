"""What a command knows of its surroundings: settings, clock, and the installation it talks to.

The hub is, in this order: `--hub` or `TIDEGATE_HUB`; the installation of `TIDEGATE_DATA_DIR`; the
one that `tidegate up` last started for this user. An installation's token goes to its own hub
only, never to another address.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.installation import read_installation
from tidegate.cli.settings import CliSettings
from tidegate.domain.errors import MissingSettingError
from tidegate.local.data_folder import DataFolder, UpState

HubOption = Annotated[
    str,
    typer.Option(
        "--hub",
        metavar="URL",
        help="The hub to talk to. Default: TIDEGATE_HUB, else the hub that `tidegate up` started.",
    ),
]


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A hub and the token that it knows the caller by."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a command may ask."""

    settings: CliSettings
    now: Callable[[], datetime]

    def installation(self) -> UpState | None:
        """Return the running installation of this user, or of the data folder that is set."""
        return read_installation(self._state_file)

    @property
    def _state_file(self) -> Path:
        if self.settings.data_dir is not None:
            return DataFolder(self.settings.data_dir).state
        return self.settings.current_file

    def require_installation(self) -> UpState:
        """Return the installation.

        Raises:
            MissingSettingError: there is none.
        """
        found = self.installation()
        if found is None:
            raise MissingSettingError(
                f"no running Tidegate is known (looked for {self._state_file}); start one with "
                "`tidegate up`, or set TIDEGATE_DATA_DIR to the data folder of one"
            )
        return found

    def hub_url(self, option: str = "") -> str:
        """Return the URL of the hub to talk to.

        Raises:
            MissingSettingError: no hub is known.
        """
        url = (option or self.settings.hub).rstrip("/")
        if not url:
            found = self.installation()
            if found is None:
                raise MissingSettingError(
                    "no hub is known; start one with `tidegate up`, or give --hub URL (or "
                    "TIDEGATE_HUB) and TIDEGATE_TOKEN"
                )
            url = found.hub.rstrip("/")
        _require_http(url)
        return url

    def hub(self, option: str = "") -> HubAddress:
        """Return the hub to talk to, and the token for it.

        Raises:
            MissingSettingError: no hub is known, or no token for it.
        """
        url = self.hub_url(option)
        found = self.installation()
        token = self.settings.token
        if not token and found is not None and found.hub.rstrip("/") == url:
            token = found.admin_token
        if not token:
            raise MissingSettingError(f"no token for the hub {url}; set TIDEGATE_TOKEN")
        return HubAddress(url, token)

    def has_folder(self) -> bool:
        """Whether there is a data folder to look into."""
        return self.settings.data_dir is not None or self.installation() is not None

    def is_own_hub(self, option: str = "") -> bool:
        """Whether the hub to talk to is that of the data folder on this machine."""
        url = (option or self.settings.hub).rstrip("/")
        found = self.installation()
        return self.has_folder() and (not url or (found is not None and found.hub == url))

    def folder(self) -> DataFolder:
        """Return the data folder of the installation.

        Raises:
            MissingSettingError: there is none.
        """
        if self.settings.data_dir is not None:
            return DataFolder(self.settings.data_dir)
        return DataFolder(Path(self.require_installation().data_dir))


def world_of(context: typer.Context) -> World:
    """Return what `main` handed to the commands."""
    world = context.obj
    if not isinstance(world, World):
        raise TypeError("commands are run by tidegate.cli.__main__.main")
    return world


def _require_http(url: str) -> None:
    if "@" in url:  # not shown: what stands before it may be a password
        raise MissingSettingError(
            "the hub's URL holds credentials; leave them out and set TIDEGATE_TOKEN"
        )
    if not url.startswith(("http://", "https://")):
        raise MissingSettingError(
            f"hub {url[:200]!r} is no URL; want http://HOST:PORT or https://HOST"
        )
