"""What the command line reads from its environment, once.

=====================  =============================================================
variable               meaning
=====================  =============================================================
`TIDEGATE_HUB`         URL of the hub; default: that of the running installation
`TIDEGATE_TOKEN`       token for the hub; default: that of the running installation
`TIDEGATE_DATA_DIR`    data folder of an installation that `tidegate up` made
`TIDEGATE_KEY_...`     `PASSPHRASE_FILE`, `PASSPHRASE`: of a sealed private key
`XDG_STATE_HOME`       where the user's state lives; default `~/.local/state`
`XDG_DATA_HOME`        where `tidegate up` keeps its data; default `~/.local/share`
=====================  =============================================================
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CliSettings:
    """The environment's part of what a command knows."""

    hub: str = ""
    token: str = field(default="", repr=False)
    data_dir: Path | None = None
    state_home: Path = Path(".local/state")
    data_home: Path = Path(".local/share")
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All of it: what the programs that we start inherit."""

    @property
    def current_file(self) -> Path:
        """Where `tidegate up` last wrote what it runs."""
        return self.state_home / "tidegate" / "current.json"


def read_settings(environ: Mapping[str, str] = os.environ) -> CliSettings:
    """Return the settings in `environ`; an empty variable is one that is not set."""
    data_dir = environ.get("TIDEGATE_DATA_DIR", "")
    state_home = environ.get("XDG_STATE_HOME", "")
    data_home = environ.get("XDG_DATA_HOME", "")
    return CliSettings(
        hub=environ.get("TIDEGATE_HUB", "").strip(),
        token=environ.get("TIDEGATE_TOKEN", "").strip(),
        data_dir=Path(data_dir) if data_dir else None,
        state_home=Path(state_home) if state_home else Path.home() / ".local" / "state",
        data_home=Path(data_home) if data_home else Path.home() / ".local" / "share",
        environment=dict(environ),
    )
