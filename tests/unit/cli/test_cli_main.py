"""The command as a whole: quick, and every end of it is an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.cli.__main__ import main
from tidegate.cli.app import VERBS
from tidegate.cli.exit_codes import ExitCode, exit_code_of
from tidegate.domain.errors import (
    ConfigurationError,
    ContentMismatchError,
    HubUnavailableError,
    InputError,
    NotInRegistryError,
    RegistryUnavailableError,
    TidegateError,
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TIDEGATE_HUB", "TIDEGATE_TOKEN", "TIDEGATE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_version_imports_no_verb_and_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from tidegate.cli.__main__ import main\n"
        "assert main(['--version']) == 0\n"
        "heavy = {'litestar', 'sqlalchemy', 'univers', 'httpx2', 'rich', 'uvicorn', 'lightkube'}\n"
        "found = heavy & set(sys.modules) | {m for m in sys.modules if m == 'tidegate.cli.rules'}\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tidegate ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), ExitCode.BAD_INPUT),
        (ConfigurationError("x"), ExitCode.BAD_INPUT),
        (NotInRegistryError("x"), ExitCode.BAD_INPUT),
        (HubUnavailableError("x"), ExitCode.COULD_NOT_FIND_OUT),
        (RegistryUnavailableError("x"), ExitCode.COULD_NOT_FIND_OUT),
        (ContentMismatchError("x"), ExitCode.COULD_NOT_FIND_OUT),
        (TidegateError("x"), ExitCode.BAD_INPUT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(int(value)),
)
def test_errors_end_with_their_code(error: TidegateError, code: ExitCode) -> None:
    assert exit_code_of(error) is code


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["rules", "list"], 2, "no hub is known", id="no-hub"),
        pytest.param(
            ["rules", "list", "--hub", "http://127.0.0.1:1"], 2, "TIDEGATE_TOKEN", id="no-token"
        ),
        pytest.param(["rule"], 2, "Did you mean 'rules'", id="misspelt-verb"),
        pytest.param(["events", "list", "--limit", "0"], 2, "--limit", id="bad-option"),
        pytest.param(
            ["events", "list", "--action", "block"], 2, "want allow, audit or deny", id="bad-action"
        ),
        pytest.param(["check"], 2, "-f FILE", id="check-nothing"),
        pytest.param(["check", "--image", "x", "-f", "y"], 2, "-f FILE", id="check-both"),
        pytest.param(
            ["check", "--image", "x", "-n", "No"], 2, "namespace 'No'", id="bad-namespace"
        ),
        pytest.param(["run", "Upper", "--image", "x"], 2, "pod name 'Upper'", id="bad-pod-name"),
        pytest.param(["run", "x"], 2, "--image", id="no-image"),
        pytest.param(["verify", "x:y:z"], 2, "image reference", id="bad-reference"),
        pytest.param(
            ["rules", "apply", "-f", "/nowhere.yaml"],
            2,
            "/nowhere.yaml: cannot be read",
            id="no-file",
        ),
        pytest.param(["key", "show", "/nowhere"], 2, "cannot be read", id="no-key"),
        pytest.param([], 2, "Usage: tidegate", id="nothing"),
        pytest.param(
            ["cluster", "gating", "c", "off", "--password-stdin"],
            2,
            "a token takes none: it is proof by itself",
            id="password-without-user",
        ),
        pytest.param(
            ["cluster", "gating", "c", "off", "--user", "jane"],
            2,
            "give it there with --password-stdin",
            id="nobody-to-ask",
        ),
        pytest.param(["user", "role", "jane", "owner"], 2, "owner", id="bad-role"),
        pytest.param(
            ["token", "create", "x", "--role", "cluster"], 2, "cluster", id="cluster-token"
        ),
        pytest.param(["audit", "--since", "lately"], 2, "want how long ago", id="bad-since"),
    ],
)
def test_bad_input_is_told_without_a_traceback(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert said in err + out
    assert "Traceback" not in err


def test_a_hub_that_is_away_could_not_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEGATE_HUB", "http://127.0.0.1:1")
    monkeypatch.setenv("TIDEGATE_TOKEN", "s3cret-token")
    assert main(["rules", "list"]) == ExitCode.COULD_NOT_FIND_OUT
    err = capsys.readouterr().err
    assert "no answer" in err
    assert "s3cret" not in err


def test_t24_an_error_that_quotes_a_stranger_is_plain_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["verify", "a b\x1b[2J\u202e"]) == 2
    assert not set(capsys.readouterr().err) & set("\x1b\u202e")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "-h"]) == 0
    assert f"Usage: tidegate {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param("print_line('x' * 100_000)", 0, id="done"),
        pytest.param("print_line('x' * 100_000); raise typer.Exit(1)", 1, id="denied"),
        pytest.param("print_line('x'); raise typer.Exit(3)", 3, id="buffered"),
    ],
)
def test_a_reader_that_has_seen_enough_changes_no_exit_code(command: str, code: int) -> None:
    script = (
        "import sys, types, typer\n"
        "from tidegate.cli.__main__ import main\n"
        "from tidegate.cli.app import VERBS\n"
        "from tidegate.cli.output import print_line\n"
        "app = typer.Typer()\n"
        f"app.command()(lambda: exec({command!r}))\n"
        "module = types.ModuleType('probe'); module.app = app; sys.modules['probe'] = module\n"
        "VERBS['key'] = 'probe'\n"
        "sys.stdin.readline()\n"
        "sys.exit(main(['key']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()  # before the command writes anything
    process.stdout = None
    _, err = process.communicate(b"go\n", timeout=30)
    assert (process.returncode, err) == (code, b"")
