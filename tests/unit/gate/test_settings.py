from dataclasses import fields
from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.gate.settings import PREFIX, Settings, read_settings

NEEDED = {
    f"{PREFIX}{name}": "/x" for name in ("TLS_CERT_FILE", "TLS_KEY_FILE", "TRUST_FILE", "DATA_DIR")
}
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "gate-settings.md"


def test_every_setting_is_in_the_reference_with_its_default() -> None:
    text = REFERENCE.read_text("utf-8")
    defaults = read_settings(NEEDED)
    for setting in fields(Settings):
        (line,) = [x for x in text.splitlines() if f"`{PREFIX}{setting.name.upper()}` |" in x]
        default = getattr(defaults, setting.name)
        said = {"/x": "needed", "None": "unset", "": "empty"}.get(str(default), f"`{default}`")
        assert line.split("|")[2].strip() == said


def test_what_is_not_set_has_the_documented_default() -> None:
    settings = read_settings({**NEEDED, "OTHER": "x", f"{PREFIX}PORT": ""})
    assert (settings.port, settings.metrics_port, settings.host) == (0, None, "127.0.0.1")


@pytest.mark.parametrize("missing", NEEDED)
def test_a_needed_setting_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(MissingSettingError, match=missing):
        read_settings({name: value for name, value in NEEDED.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "٣"),
        ("PORT", "9" * 5000),
        ("PORT", "tcp://10.0.0.1:443"),
        ("SPOOL_MAX_MIB", "0"),
        ("AGENT_URL", "agent:8080"),
        ("AGENT_URL", "https://user:secret@agent"),
        ("LOG_LEVEL", "loud"),
        ("SPOLL_DIR", "/x"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        read_settings({**NEEDED, f"{PREFIX}{name}": value})
    assert "secret" not in str(refused.value)
