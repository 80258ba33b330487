"""The portal's own tests: types, style, logic, and the lab played in a browser.

They need Node.js and Chromium; without them they are skipped, loudly.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.kubernetes import find_programs

ROOT = Path(__file__).parents[2]
PORTAL = ROOT / "portal"
BUILT = ROOT / "src/tidegate/hub/portal/static/index.html"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session")
def node() -> None:
    """Require what `make install` fetched for the portal."""
    if shutil.which("npm") is None:
        pytest.skip("PORTAL NOT TESTED: Node.js is not installed")
    if not (PORTAL / "node_modules").is_dir():
        pytest.skip("PORTAL NOT TESTED: run `make install`, which fetches its packages")


def run(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=PORTAL,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("script", ["lint", "test"])
def test_the_portals_sources_pass(script: str) -> None:
    run("npm", "run", "--silent", script)


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("node")
def test_the_types_are_those_of_the_hubs_own_document() -> None:
    kept = PORTAL / "src/api/schema.d.ts"
    before = kept.read_bytes()
    run("npm", "run", "--silent", "api")
    after = kept.read_bytes()
    kept.write_bytes(before)
    assert after == before, "the API changed: run `npm run api` in portal/"


MOST_FIRST_BYTES = 300_000
"""Compressed JavaScript that a browser loads before anything is shown (issue 3)."""


def test_the_shell_loads_little() -> None:
    if not BUILT.exists():
        pytest.skip("PORTAL NOT TESTED: run `make portal`, which builds it")
    named = re.findall(r'(?:src|href)="/(assets/[^"]+\.js)"', BUILT.read_text())
    sizes = {name: len(gzip.compress((BUILT.parent / name).read_bytes(), 9)) for name in named}
    assert len(sizes) > 1, "index.html names no script, or not in the way that is looked for"
    told = "\n".join(f"{size:>8,} {name}" for name, size in sorted(sizes.items()))
    assert sum(sizes.values()) < MOST_FIRST_BYTES, f"bytes that the first load takes:\n{told}"


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("node")
def test_the_lab_is_played_in_the_browser() -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"PORTAL NOT TESTED: no browser at {CHROMIUM}; install chromium")
    if not BUILT.exists():
        pytest.skip("PORTAL NOT TESTED: run `make portal`, which builds it")
    try:
        programs = find_programs(os.environ)
    except ClusterUnavailableError as error:
        pytest.skip(f"PORTAL NOT TESTED: no real API server: {error}")
    run(
        "npx", "playwright", "test", "--project", "browser",
        TIDEGATE_KUBECTL=str(programs.kubectl), CHROMIUM=CHROMIUM,
    )  # fmt: skip
