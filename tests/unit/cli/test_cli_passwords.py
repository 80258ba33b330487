"""Passwords from standard input and a terminal, and where they may be sent."""

import contextlib
import io
import os
import pty
import subprocess
import sys

import pytest

from tidegate.cli.context import World
from tidegate.cli.hub import Person, ask_hub_as
from tidegate.cli.passwords import MAX_CHARS, read_password
from tidegate.domain.errors import InputError


@pytest.mark.parametrize(
    ("given", "password"),
    [
        pytest.param("secret\n", "secret", id="line"),
        pytest.param("secret", "secret", id="no-line-end"),
        pytest.param("secret\r\n", "secret", id="windows"),
        pytest.param(" se cret \nmore", " se cret ", id="first-line-whole"),
    ],
)
def test_a_password_is_a_line_of_standard_input(
    given: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    assert read_password("?", from_stdin=True) == password


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param("", "no password", id="nothing"),
        pytest.param("\n", "no password", id="empty-line"),
        pytest.param("x" * (MAX_CHARS + 1), "more than", id="long"),
    ],
)
def test_no_password_is_refused(given: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    with pytest.raises(InputError, match=said):
        read_password("?", from_stdin=True)


def test_a_terminal_is_asked_and_shows_nothing_of_the_password() -> None:
    code = (
        "from tidegate.cli.passwords import read_password\n"
        "print(len(read_password('Password of jane: ', from_stdin=False)))\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"Password of jane: " not in shown:
            shown += os.read(ours, 100)
        os.write(ours, b"correct horse\n")
        out, _ = process.communicate(timeout=30)
        with contextlib.suppress(OSError):  # Linux's word for a terminal that nobody has open
            shown += os.read(ours, 100)
    os.close(ours)
    assert out == b"13\n"
    assert b"correct" not in shown


@pytest.mark.parametrize("url", ["http://hub.example", "http://192.0.2.1:8080"])
def test_a_password_is_never_sent_in_clear_over_a_network(url: str, world: World) -> None:
    async def nothing(_: object) -> None:
        raise AssertionError("asked")

    with pytest.raises(InputError, match="over TLS alone"):
        ask_hub_as(world, url, Person("jane", "secret"), nothing)
