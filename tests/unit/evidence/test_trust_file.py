from pathlib import Path

import pytest

from tidegate.domain.errors import InvalidTrustError
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.trust.configuration import parse_trust_configuration


def test_a_changed_file_is_in_force_after_reload(tmp_path: Path) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text("registries: [{host: a.example}]")
    trust = TrustFile(path)
    assert not trust.reload()
    path.write_text("registries: [{host: b.example}]")
    assert trust.reload()
    assert [r.host for r in trust.current().registries] == ["b.example"]


def test_a_broken_change_keeps_the_good_one_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text("registries: [{host: a.example}]")
    trust = TrustFile(path)
    good = trust.current()
    for broken in ("registries: [", "keyz: []"):
        path.write_text(broken)
        assert not trust.reload()
        assert trust.current() is good
        assert "trust.yaml" in trust.problem
    path.unlink()
    assert not trust.reload()
    assert "cannot be read" in trust.problem
    path.write_text("registries: [{host: a.example}]")
    assert not trust.reload()
    assert trust.problem == ""


@pytest.mark.parametrize("body", [None, b"[", b"#" * (2**20 + 1)], ids=["none", "broken", "large"])
def test_a_file_that_is_broken_at_start_stops_the_start(tmp_path: Path, body: bytes | None) -> None:
    path = tmp_path / "trust.yaml"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(InvalidTrustError):
        TrustFile(path)


def test_credentials_come_from_files_and_stay_out_of_words(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("robot\n")
    (tmp_path / "password").write_text("hunter2\n")
    configuration = parse_trust_configuration(
        f"registries: [{{host: a.example, usernameFile: {tmp_path}/user, "
        f"passwordFile: {tmp_path}/password, tokenRealms: [auth.example]}}]".encode()
    )
    (config,) = registry_configs(configuration)
    assert (config.username, config.password) == ("robot", "hunter2")
    assert config.token_realms == ("auth.example",)
    assert "hunter2" not in repr((config, configuration))


def test_a_credential_file_that_is_gone_is_named(tmp_path: Path) -> None:
    configuration = parse_trust_configuration(
        f"registries: [{{host: a.example, usernameFile: {tmp_path}/u, "
        f"passwordFile: {tmp_path}/p}}]".encode()
    )
    with pytest.raises(InvalidTrustError, match=r"a\.example.*/u"):
        registry_configs(configuration)
