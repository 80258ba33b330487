from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tidegate.cli.context import World
from tidegate.cli.settings import CliSettings
from tidegate.local.data_folder import UpState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def up_state(data_dir: Path, hub: str = "http://127.0.0.1:1") -> UpState:
    return UpState(
        hub=hub,
        portal=hub,
        registry="localhost:2",
        gate="https://127.0.0.1:3",
        gate_ca=str(data_dir / "tls" / "ca.crt"),
        kubeconfig=None,
        admin_token="admin-secret",  # noqa: S106 - no secret of anybody
        data_dir=str(data_dir),
        public_key=str(data_dir / "keys" / "evidence.pub"),
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "state.json").write_bytes(msgspec.json.encode(up_state(folder)))
    return folder


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(CliSettings(state_home=tmp_path / "state"), lambda: NOW)
