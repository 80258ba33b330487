"""Which hub a command talks to, and with which token."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tidegate.cli.context import HubAddress, World
from tidegate.cli.settings import CliSettings, read_settings
from tidegate.domain.errors import ConfigurationError, MissingSettingError

LOCAL = "http://127.0.0.1:1"
OTHER = "https://hub.example"


@pytest.mark.parametrize(
    ("option", "environment", "found"),
    [
        pytest.param("", {}, HubAddress(LOCAL, "admin-secret"), id="installation"),
        pytest.param("", {"token": "mine"}, HubAddress(LOCAL, "mine"), id="own-token-first"),
        pytest.param(OTHER, {"token": "mine"}, HubAddress(OTHER, "mine"), id="option"),
        pytest.param(
            "", {"hub": OTHER, "token": "mine"}, HubAddress(OTHER, "mine"), id="environment"
        ),
        pytest.param(
            OTHER,
            {"hub": LOCAL, "token": "mine"},
            HubAddress(OTHER, "mine"),
            id="option-over-environment",
        ),
        pytest.param(f"{LOCAL}/", {}, HubAddress(LOCAL, "admin-secret"), id="same-hub-by-url"),
    ],
)
def test_the_hub_is_the_first_one_named(
    world: World, data_dir: Path, option: str, environment: dict[str, str], found: HubAddress
) -> None:
    settings = CliSettings(data_dir=data_dir, **environment)  # type: ignore[arg-type] # hub and token
    assert replace(world, settings=settings).hub(option) == found


def test_an_installations_token_goes_to_no_other_hub(world: World, data_dir: Path) -> None:
    settings = replace(world.settings, data_dir=data_dir)
    with pytest.raises(MissingSettingError, match="TIDEGATE_TOKEN"):
        replace(world, settings=settings).hub(OTHER)


def test_what_up_last_wrote_is_found(world: World, data_dir: Path) -> None:
    world.settings.current_file.parent.mkdir(parents=True)
    world.settings.current_file.write_bytes((data_dir / "state.json").read_bytes())
    assert world.hub().url == LOCAL
    assert world.folder().root == data_dir


def test_without_any_installation_the_error_says_what_to_do(world: World) -> None:
    with pytest.raises(MissingSettingError, match="tidegate up"):
        world.hub()
    with pytest.raises(MissingSettingError, match="TIDEGATE_DATA_DIR"):
        world.require_installation()
    assert not world.has_folder()


def test_a_hub_that_is_no_url_is_refused(world: World) -> None:
    with pytest.raises(MissingSettingError, match="http://HOST:PORT"):
        world.hub("localhost:8080")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"hub": 1}', b"\xff", b"{" * 100_000],
    ids=["empty", "list", "wrong-type", "no-utf8", "huge"],
)
def test_a_broken_state_file_is_named(world: World, data_dir: Path, body: bytes) -> None:
    (data_dir / "state.json").write_bytes(body)
    settings = replace(world.settings, data_dir=data_dir)
    with pytest.raises(ConfigurationError, match=r"state\.json"):
        replace(world, settings=settings).installation()


def test_secrets_do_not_show() -> None:
    settings = read_settings({"TIDEGATE_TOKEN": "s3cret", "TIDEGATE_HUB": OTHER})
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(HubAddress(OTHER, "s3cret"))


def test_empty_variables_are_as_if_not_set() -> None:
    settings = read_settings({"TIDEGATE_DATA_DIR": "", "XDG_STATE_HOME": "", "TIDEGATE_HUB": " "})
    assert settings.data_dir is None
    assert settings.hub == ""
    assert settings.current_file == Path.home() / ".local/state/tidegate/current.json"


def test_fields_of_a_later_version_are_skipped(world: World, data_dir: Path) -> None:
    path = data_dir / "state.json"
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), "more": 1}))
    settings = CliSettings(data_dir=data_dir)
    assert replace(world, settings=settings).hub().url == LOCAL


@pytest.mark.parametrize("url", ["https://ann:s3cret@hub.example", "ann:s3cret@hub.example"])
def test_credentials_in_the_hubs_url_are_neither_used_nor_shown(world: World, url: str) -> None:
    with pytest.raises(MissingSettingError, match="holds credentials") as refused:
        world.hub(url)
    assert "s3cret" not in str(refused.value)
