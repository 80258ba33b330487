"""The tutorial and how-to pages, played block by block on what `make up` runs.

In the tutorial names, ids and versions are others in every run, in the image, the advisories and the
outputs: what it shows can only come from this run's scan.
"""

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.installation import Installation
from support.transcript import Printed, Shell, play, steps_of
from tidegate.local.kubernetes import KubePrograms
from tidegate.testing.real_registries import docker_registry

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial/lab.md"
HOW_TO = sorted(
    page for page in (ROOT / "docs/how-to").glob("*.md") if "tutorial/lab.md" in page.read_text()
)
"""Those that go on in the tutorial's terminal."""


def environment_in(folder: Path, site: Installation) -> dict[str, str]:
    """Return an environment in which only `site` is known and nothing is kept elsewhere."""
    (folder / "bin").mkdir()
    launcher = folder / "bin" / "tidegate"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m tidegate.cli "$@"\n')
    launcher.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TIDEGATE_", "COSIGN_"))}
    kept = {name: str(folder) for name in ("DOCKER_CONFIG", "KUBECACHEDIR", "TMPDIR")}
    return (
        clean
        | site.environment
        | kept
        | {"LAUNCHERS": str(launcher.parent), "COLUMNS": "200", "TERM": "dumb"}
    )


@pytest.fixture(scope="module")
def terminal(
    programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Run what `make up` runs; return the environment of a terminal beside it."""
    for client in ("oras", "cosign", "jq", "skopeo"):
        if shutil.which(client) is None:
            pytest.skip(f"{client} is not installed, run `make clients`: pages NOT played")
    folder = tmp_path_factory.mktemp("terminal")
    site = Installation(folder, programs.kubectl, ("--cluster", "local", "--demo"))
    site.start()
    try:
        yield environment_in(folder, site)
    finally:
        site.stop()


@pytest.fixture
def shell(terminal: dict[str, str], tmp_path: Path) -> Iterator[Callable[[str], Printed]]:
    """One bash for a test, in the checkout."""
    shell = Shell(tmp_path, ROOT, terminal)
    # The tutorial puts the checkout's programs first; these are the ones under test.
    first = f'PATH={terminal["LAUNCHERS"]}:"$PATH"'
    try:
        yield lambda command: shell.run(f"{first}\n{command}")
    finally:
        shell.close()


def with_other_names(page: str) -> str:
    """Return `page` about another package, other vulnerabilities, versions and names."""
    number = random.randrange(10_000, 90_000)  # noqa: S311 - any will do
    changes = {
        "paint-mixer": f"paint-mixer{number}",
        "tutorial/shop:1.0": f"tutorial/shop{number}:{number}",
        "tutorial/shop": f"tutorial/shop{number}",
        "2.0.3-1": f"2.0.{number}-1",
        "2.1.0-1": f"2.1.{number}-1",
        **{f"CVE-2026-7000{n}": f"CVE-2025-{number + n}" for n in (1, 2, 3)},
    }
    for old, new in changes.items():
        assert old in page
        page = page.replace(old, f"\0{new[::-1]}\0")  # so that no change meets another's result
    parts = page.split("\0")
    parts[1::2] = [part[::-1] for part in parts[1::2]]
    return "".join(parts)


def test_every_block_of_the_tutorial_prints_what_it_says(shell: Callable[[str], Printed]) -> None:
    for steps in steps_of(with_other_names(TUTORIAL.read_text("utf-8"))):
        play(steps, shell)


@pytest.mark.parametrize("page", HOW_TO, ids=[path.stem for path in HOW_TO])
def test_every_block_of_a_how_to_prints_what_it_says(
    shell: Callable[[str], Printed], page: Path, tmp_path: Path
) -> None:
    variables, *_ = steps_of(TUTORIAL.read_text("utf-8"))
    text = page.read_text("utf-8")
    with ExitStack() as stack:
        if "own=localhost:5000" in text:
            own = stack.enter_context(docker_registry(tmp_path))
            text = text.replace("own=localhost:5000", f"own={own}")
        play(variables, shell)
        for steps in steps_of(text):
            play(steps, shell)
