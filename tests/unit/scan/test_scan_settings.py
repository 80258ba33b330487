from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError, MissingSettingError, UnknownPluginError
from tidegate.plugins import BUILT_IN_FORMATS, load_formats, load_plugin
from tidegate.scan.settings import read_settings

COMPLETE = {
    "TIDEGATE_SCAN_HUB_URL": "http://127.0.0.1:8080/",
    "TIDEGATE_SCAN_TOKEN_FILE": "/t",
    "TIDEGATE_SCAN_KEY": "/k",
    "TIDEGATE_SCAN_DATA_DIR": "/data",
    "TIDEGATE_SCAN_REGISTRIES": "/r",
}


def test_defaults_are_as_documented() -> None:
    settings = read_settings(COMPLETE)
    assert settings.hub_url == "http://127.0.0.1:8080"
    assert settings.index_file == Path("/data/advisories.sqlite")
    assert (settings.concurrency, settings.scanner, settings.deadline_s) == (1, "builtin", 600)
    assert settings.max_image_bytes == 10 * 2**30
    assert settings.renew_after_d == 182
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", None)


def test_metrics_are_served_where_it_is_said() -> None:
    given = {"TIDEGATE_SCAN_METRICS_HOST": "::1", "TIDEGATE_SCAN_METRICS_PORT": "8081"}
    settings = read_settings({**COMPLETE, **given})
    assert (settings.metrics_host, settings.metrics_port) == ("::1", 8081)


def test_a_scanners_database_and_the_formats_are_named() -> None:
    assert read_settings(COMPLETE).scanner_db is None
    assert read_settings(COMPLETE).formats == BUILT_IN_FORMATS
    given = {
        "TIDEGATE_SCAN_SCANNER_DB": "/var/db",
        "TIDEGATE_SCAN_FORMATS": "openvex, mine,openvex",
    }
    settings = read_settings({**COMPLETE, **given})
    assert (settings.scanner_db, settings.formats) == (Path("/var/db"), ("openvex", "mine"))


def test_a_format_that_nobody_installed_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownPluginError, match="no plug-in 'mine'; installed: cosign-vuln, "):
        load_formats(("openvex", "mine"))


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(MissingSettingError, match=name):
        read_settings({**COMPLETE, name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "many"),
        ("CONCURRENCY", "65"),
        ("DEADLINE_S", "nan"),
        ("HEARTBEAT_S", "-1"),
        ("MAX_IMAGE_BYTES", "inf"),
        ("METRICS_PORT", "65536"),
        ("METRICS_PORT", "1.5"),
        ("METRICS_PORT", "٣"),
    ],
)
def test_a_number_out_of_range_is_refused_with_its_range(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"TIDEGATE_SCAN_{name} is .*; want a number"):
        read_settings({**COMPLETE, f"TIDEGATE_SCAN_{name}": value})


def test_an_unknown_plug_in_is_refused_with_those_installed() -> None:
    with pytest.raises(UnknownPluginError, match=r"no plug-in 'trivvy'; installed: "):
        load_plugin("console_scripts", "trivvy")


def test_a_plug_in_is_loaded_by_name() -> None:
    assert callable(load_plugin("console_scripts", "pytest"))


def test_a_plug_in_that_cannot_be_loaded_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.scanners]\nbroken = no_such_module:x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UnknownPluginError, match="'broken' cannot be loaded"):
        load_plugin("tidegate.scanners", "broken")
