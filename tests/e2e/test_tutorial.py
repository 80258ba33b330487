"""docs/tutorial/lab.md, played block by block on what `tidegate up` starts.

Names, ids and versions are others in every run, in the image, the advisories and the outputs: what
the tutorial shows can only come from this run's scan.
"""

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installation import Installation
from support.transcript import Shell, play, steps_of
from tidegate.local.kubernetes import KubePrograms

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial/lab.md"


def environment_in(folder: Path, site: Installation) -> dict[str, str]:
    """Return an environment in which only `site` is known and nothing is kept elsewhere."""
    (folder / "bin").mkdir()
    launcher = folder / "bin" / "tidegate"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m tidegate.cli "$@"\n')
    launcher.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TIDEGATE_", "COSIGN_"))}
    kept = {name: str(folder) for name in ("DOCKER_CONFIG", "KUBECACHEDIR", "TMPDIR")}
    return clean | site.environment | kept | {"COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture
def environment(programs: KubePrograms, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start a new installation for one test; return what a person's terminal beside it has."""
    for client in ("oras", "cosign", "jq"):
        if shutil.which(client) is None:
            pytest.skip(f"{client} is not installed, run `make clients`: tutorial NOT played")
    site = Installation(tmp_path, programs.kubectl, ("--cluster", "local"))
    site.start()
    try:
        yield environment_in(tmp_path, site)
    finally:
        site.stop()


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


def test_every_block_of_the_tutorial_prints_what_it_says(
    environment: dict[str, str], tmp_path: Path
) -> None:
    page = with_other_names(PAGE.read_text("utf-8"))
    shell = Shell(tmp_path, ROOT, environment)
    # The first block puts the checkout's own programs first; these are the ones under test.
    run = shell.run
    try:
        for steps in steps_of(page):
            play(steps, lambda command: run(f'PATH={tmp_path}/bin:"$PATH"\n{command}'))
    finally:
        shell.close()
