"""The player of Markdown pages notices what is wrong: else a page could say anything."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.transcript import REPEAT, Shell, masked, play, steps_of


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, tmp_path, os.environ)
    yield shell
    shell.close()


def console(text: str) -> str:
    return f"Text\n\n```console\n{text}\n```\n"


def play_page(shell: Shell, page: str) -> None:
    for steps in steps_of(page):
        play(steps, shell.run, deadline_s=1, pause_s=0.01)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(console("$ echo a\na\n$ echo b >&2\nb"), id="both-streams"),
        pytest.param(console("$ x=3\n$ cd /\n$ echo $x $PWD\n3 /"), id="state-stays"),
        pytest.param("```sh\nfor i in 1 2; do\n  y=$i\ndone\n```\n" + console("$ echo $y\n2"), id="script"),
        pytest.param(console("$ echo Error: no; false\nError: no"), id="error-wanted"),
        pytest.param(
            f"{REPEAT}\n" + console("$ echo -n 1 >> n; cat n\n111").removeprefix("Text\n\n"),
            id="repeated",
        ),
        pytest.param(console("$ cat\n$ echo in\nin"), id="no-input"),
    ],
)  # fmt: skip
def test_a_page_that_is_right_is_played_to_its_end(shell: Shell, page: str) -> None:
    play_page(shell, page)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(console("$ echo a\nb"), id="other-output"),
        pytest.param(console("$ echo a"), id="output-not-shown"),
        pytest.param(console("$ true\na"), id="no-output"),
        pytest.param(console("$ false"), id="failure"),
        pytest.param(console("$ echo Error\nError"), id="error-that-is-none"),
        pytest.param(console("$ echo 'a  b'; echo c\na  b\n c"), id="indentation"),
        pytest.param("```sh\necho a\n```\n", id="script-that-prints"),
        pytest.param(console("$ echo sha256:abc\nsha256:abd"), id="short-digest"),
    ],
)
def test_a_page_that_is_wrong_is_seen(shell: Shell, page: str) -> None:
    with pytest.raises(AssertionError, match=r"line \d+"):
        play_page(shell, page)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("```yaml\na: 1\n```\n", id="other-kind"),
        pytest.param("```\n$ echo a\n```\n", id="no-kind"),
        pytest.param(console("a"), id="no-command"),
        pytest.param("- text\n\n  ```console\n  $ echo a\n  ```\n", id="indented"),
        pytest.param(console("$ a") + "```console\n$ echo\n", id="open"),
    ],
)
def test_a_block_that_would_not_be_played_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(steps_of(page))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sha256:" + "a" * 64, "sha256:" + "b" * 64),
        ("localhost:5000/x", "localhost:61234/x"),
        ("at 2026-11-23T06:28:42Z", "at 2026-11-24T07:00:00.123Z"),
        ("explain 9750d5bd-ac4c-4ddd-84b9-0b3c80190e77", "explain 1ce2634f-bce8-418a-b2e4-437fba75c5f8"),
        ("default   Active   34s", "default   Active   3m2s"),
        ("A    B", "A         B"),
    ],
)  # fmt: skip
def test_what_differs_from_run_to_run_is_masked(one: str, other: str) -> None:
    assert masked(one) == masked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Image contains 2 high", "Image contains 3 high"),
        ("CVE-2026-70001", "CVE-2026-70002"),
        ("2.0.3-1", "2.0.4-1"),
        ("example:5000/x", "example:5001/x"),
        ("  a", "    a\nb"),
    ],
)
def test_what_matters_is_not_masked(one: str, other: str) -> None:
    assert masked(one) != masked(other)
