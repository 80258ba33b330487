"""Evidence keys on disk."""

import json
import stat
from pathlib import Path

import pytest

from tidegate.cli.__main__ import main
from tidegate.trust.keys import fingerprint, load_private_key


def test_generate_writes_a_private_file_and_show_prints_its_public_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "generate", "--out", str(tmp_path / "new")]) == 0
    private = tmp_path / "new" / "evidence.key"
    public = (tmp_path / "new" / "evidence.pub").read_text()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    printed = capsys.readouterr()
    assert "PRIVATE KEY" not in printed.out + printed.err
    wanted = fingerprint(load_private_key(private.read_bytes()))
    for file in ("evidence.key", "evidence.pub"):
        assert main(["key", "show", str(tmp_path / "new" / file), "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"publicKey": public, "sha256": wanted}


def test_generate_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evidence.pub").write_text("mine")
    assert main(["key", "generate", "--out", str(tmp_path)]) == 2
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "evidence.pub").read_text() == "mine"
    assert not (tmp_path / "evidence.key").exists()


def test_show_refuses_what_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(b"-----BEGIN PRIVATE KEY-----\nsecret!\n-----END PRIVATE KEY-----")
    assert main(["key", "show", str(tmp_path / "x")]) == 2
    assert "secret!" not in capsys.readouterr().err
