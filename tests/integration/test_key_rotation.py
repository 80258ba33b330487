"""The how-to about rotating evidence keys, played block by block on a real installation."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli_site import CliSite, running_site
from support.transcript import Printed, Shell, play, steps_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/rotate-evidence-keys.md"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CliSite]:
    images = frozenset({"critical", "clean"})
    with running_site(tmp_path / "data", demo_images=images) as found:
        yield found


@pytest.fixture
def shell(site: CliSite, tmp_path: Path) -> Iterator[Shell]:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed: apt packages of hack/apt.txt; the page is NOT played")
    (tmp_path / "bin").mkdir()
    launcher = tmp_path / "bin" / "tidegate"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m tidegate.cli "$@"\n')
    launcher.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    made = Shell(
        tmp_path,
        tmp_path,
        clean
        | {
            "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}",
            "TIDEGATE_DATA_DIR": str(site.folder.root),
            "COLUMNS": "200",
            "TERM": "dumb",
            "image": site.image("critical"),
        },
    )
    yield made
    made.close()


def test_the_how_to_rotates_keys_and_reports_count_all_along(site: CliSite, shell: Shell) -> None:
    def verified() -> dict[str, int]:
        """Return how the command ends for each image: 0 where a report counts."""
        return {tag: site.tidegate("verify", site.image(tag)).returncode for tag in site.digests}

    def run(command: str) -> Printed:
        if command.startswith("systemctl restart"):  # this machine's worker is no service
            site.restart_worker()
            return Printed("", 0)
        return shell.run(command)

    every = dict.fromkeys(("critical", "clean"), 0)
    assert verified() == every
    for steps in steps_of(PAGE.read_text("utf-8")):
        play(steps, run, deadline_s=60)
        assert verified() == every, steps[-1].command


def test_a_key_that_goes_before_reports_are_made_anew_takes_them_with_it(site: CliSite) -> None:
    assert site.tidegate("key", "rotate").returncode == 0
    assert site.tidegate("key", "retire", "evidence").returncode == 0
    done = site.tidegate("verify", site.image("critical"))
    assert (done.returncode, "not signed by an evidence key" in done.stdout) == (1, True)


def test_renewing_says_which_keys_workers_sign_with_and_how_many_reports_are_older(
    site: CliSite,
) -> None:
    done = site.tidegate("key", "renew", "--before", "2020-01-01T00:00:00Z")
    assert done.returncode == 0, done.stderr
    assert " signs with sha256 " in done.stdout
    assert "reports of scans before 2020-01-01T00:00:00Z: 0" in done.stdout
    refused = site.tidegate("key", "renew", "--before", "yesterday")
    assert (refused.returncode, "--before is 'yesterday'" in refused.stderr) == (2, True)
    ahead = site.tidegate("key", "renew", "--before", "2999-01-01T00:00:00Z")
    assert (ahead.returncode, "an instant that has passed" in ahead.stderr) == (2, True)
