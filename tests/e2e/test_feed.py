"""What a worker found decides at the gate before any pod names it, and without the registry."""

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from support.installation import Ground, Installation, until
from tidegate.domain.digest import Digest
from tidegate.local.images import (
    CLEAN_DEBIAN,
    DemoImage,
    build_image,
    debian_files,
    python_files,
)
from tidegate.local.kubernetes import KubePrograms
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e

CLEAN = python_files("requests", "2.32.5")
VULNERABLE = python_files("Django", "3.2")

Push = Callable[[dict[str, bytes]], Digest]


@pytest.fixture(scope="module")
def own(programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose registry and hub fall silent."""
    installation = Installation(tmp_path_factory.mktemp("feed"), programs.kubectl)
    installation.start()
    yield installation
    installation.stop()


@pytest.fixture
def ground(own: Installation, request: pytest.FixtureRequest) -> Iterator[Ground]:
    name = request.function.__name__.removeprefix("test_").replace("_", "-")[:40].strip("-")
    ground = Ground(own, name)
    own.kubectl(f"create namespace {name}")
    until(lambda: ground("get serviceaccount default"), lambda said: said.code == 0)
    ground.rule("deny", maxAllowedSeverities={"high": 0}, blockUnscannedImages=True)
    yield ground
    ground.end()


@pytest.fixture
def push(ground: Ground) -> Push:
    """Push an image that nobody has seen; return once its scan is done."""

    def pushed(files: dict[str, bytes]) -> Digest:
        marker = {"etc/made-for": ground.namespace.encode()}
        built = build_image([debian_files(CLEAN_DEBIAN), files, marker])
        image = DemoImage("demo/app", "fed", ((built.manifest, OCI_MANIFEST),), built.blobs)
        return ground.site.push(image, "fed")

    return pushed


def run(ground: Ground, name: str, digest: Digest) -> str:
    return f"run {name} --image={ground.site.state['registry']}/demo/app@{digest}"


def test_a_gate_decides_from_the_row_alone(own: Installation, ground: Ground, push: Push) -> None:
    clean, vulnerable = push(CLEAN), push(VULNERABLE)
    with own.silent("registry"):
        until(lambda: ground(run(ground, "clean", clean)), lambda said: said.code == 0)
        said = until(
            lambda: ground(run(ground, "vulnerable", vulnerable)).err,
            lambda err: "critical" in err,
        )
    assert "denied the request" in said
    assert "CVE-" in said


def test_what_a_gate_was_fed_outlives_hub_agent_and_its_own_restart(
    own: Installation, ground: Ground, push: Push
) -> None:
    clean = push(CLEAN)
    with own.silent("registry"):
        until(lambda: ground(run(ground, "first", clean)), lambda said: said.code == 0)
        with own.silent("hub"):
            for part in ("agent", "gate"):
                kill(own, part)
            until(lambda: ground(run(ground, "second", clean)), lambda said: said.code == 0)


def kill(own: Installation, part: str) -> None:
    """Kill a part; return once another process does its work."""
    before = own.pid_of(part)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(lambda: own.pid_of(part), lambda pid: pid not in {None, before})


def test_the_status_says_that_the_feed_goes_on(own: Installation, push: Push) -> None:
    push(CLEAN)
    said = own.tidegate("feed status -o json")
    (shown,) = json.loads(said.out)["items"]
    assert shown["feed"]["epoch"] > 1
    assert shown["feed"]["rowsSinceSnapshot"] > 0
    assert shown["ageSeconds"] < 120
