"""What a confined scanner leaves behind is a hostile file: opened once, bounded, never followed."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tidegate.domain.errors import LimitExceededError, ScannerUnavailableError, UnavailableError
from tidegate.scan.sandbox import Confined, SandboxLimits, SandboxPaths
from tidegate.scan.scanners import builtin
from tidegate.scan.scanners import confined as around
from tidegate.scan.scanners.builtin import BuiltinScanner

Leave = Callable[[Path], object]


def confined(leave: Leave, exit_code: int = 0) -> Callable[..., object]:
    """Return a stand-in for the sandbox whose Trivy leaves what `leave` makes."""

    async def run(command: Sequence[str], paths: SandboxPaths, limits: SandboxLimits) -> Confined:
        del command, limits
        if paths.writable.name == "trivy":
            leave(paths.writable / "sbom.json")
            return Confined(exit_code, "it ended\nbadly", refused=())
        listed = {"archives": ["app.jar"], "unread_layers": 1}
        (paths.writable / "archives.json").write_text(json.dumps(listed))
        return Confined(0, "", refused=())

    return run


def replace_sandbox(monkeypatch: pytest.MonkeyPatch, stand_in: Callable[..., object]) -> None:
    for module in (builtin, around):
        monkeypatch.setattr(module, "run_confined", stand_in)


async def test_the_output_and_the_archives_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_sandbox(monkeypatch, confined(lambda path: path.write_text("{}")))
    output = await BuiltinScanner(Path("/trivy")).scan(tmp_path, tmp_path / "work", 5)
    assert (output.body, output.archives) == (b"{}", ("app.jar",))
    assert output.not_understood == ("1 layers whose Java archives could not be listed",)


@pytest.mark.parametrize(
    ("leave", "error", "said"),
    [
        pytest.param(
            lambda path: path.symlink_to("/etc/hostname"),
            ScannerUnavailableError,
            "left no output",
            id="link-to-a-file-of-ours",
        ),
        pytest.param(os.mkfifo, ScannerUnavailableError, "no regular file", id="pipe"),
        pytest.param(Path.mkdir, ScannerUnavailableError, "no regular file", id="folder"),
        pytest.param(lambda _: None, ScannerUnavailableError, "left no output", id="nothing"),
        pytest.param(
            lambda path: path.write_bytes(b"x" * 101), LimitExceededError, "larger", id="too-large"
        ),
    ],
)
async def test_t19_what_is_no_bounded_file_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leave: Leave,
    error: type[UnavailableError],
    said: str,
) -> None:
    monkeypatch.setattr(around, "MAX_SBOM_BYTES", 100)
    replace_sandbox(monkeypatch, confined(leave))
    with pytest.raises(error, match=said):
        await BuiltinScanner(Path("/trivy")).scan(tmp_path, tmp_path / "work", 5)


async def test_a_scanner_that_failed_is_never_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = confined(lambda path: path.write_text("{}"), exit_code=1)
    replace_sandbox(monkeypatch, left)
    with pytest.raises(ScannerUnavailableError, match="ended with 1: it ended badly"):
        await BuiltinScanner(Path("/trivy")).scan(tmp_path, tmp_path / "work", 5)
