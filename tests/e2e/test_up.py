"""`tidegate up` as a user starts, stops and starts it again."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installation import Installation, descendants, run_command, until
from tidegate.local.kubernetes import KubePrograms

pytestmark = pytest.mark.e2e

RULE = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {"name": "any"},
    "spec": {
        "vulnerabilityAssessmentGatedDeployment": [
            {
                "name": "No unscanned",
                "action": "deny",
                "scope": [{"matcherType": "pod", "anyOf": ["*denied*"]}],
                "configuration": {"blockUnscannedImages": True},
            }
        ]
    },
}
IMAGE = "registry.example/app:1"
PLACES = ("hub", "portal", "registry", "gate", "kubeconfig", "adminToken", "publicKey")


@pytest.fixture
def own(programs: KubePrograms, tmp_path: Path) -> Iterator[Installation]:
    """An installation that the test starts and stops."""
    installation = Installation(tmp_path, programs.kubectl)
    yield installation
    if installation.process is not None and installation.process.poll() is None:
        installation.stop()


def up_at(data_dir: Path, *options: str, **environment: str) -> tuple[int, str, str]:
    """Run an `up` that is expected to end by itself."""
    return run_command(
        *(sys.executable, "-m", "tidegate.cli", "up", "--data-dir", str(data_dir), *options),
        environment={"XDG_STATE_HOME": str(data_dir.parent / "state"), **environment},
    )


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_second_start_continues_where_the_first_ended(own: Installation) -> None:
    own.options = ("--cluster", "local")
    own.start()
    first = own.state
    assert own.tidegate("rules apply -f -", stdin=json.dumps(RULE)).code == 0
    until(
        lambda: own.kubectl(f"run denied --image={IMAGE} --dry-run=server"),
        lambda said: "No unscanned" in said.err,
    )
    own.kubectl("label namespace default kept=yes")
    assert own.kubectl(f"run denied --image={IMAGE}").code == 1
    seen = until(lambda: own.events("default"), lambda events: len(events) == 1)
    doctor = own.tidegate("doctor -o json")
    assert doctor.code == 0, doctor.out
    levels = {check["part"]: check["level"] for check in json.loads(doctor.out)["items"]}
    assert levels.pop("advisories") == "warn"  # the demo set alone
    assert set(levels.values()) == {"ok"}, doctor.out
    assert {"hub", "cluster", "scan worker", "signing key", "gate", "key", "disk"} <= levels.keys()
    started = descendants(own.pid)
    parts = ("hub", "registry", "gate", "agent", "scan")
    assert all(any(f"-m tidegate.{p}" in line for line in started.values()) for p in parts)
    assert own.stop() == 0
    until(lambda: gone(set(started)), bool)

    own.start()
    assert {place: own.state[place] for place in PLACES} == {p: first[p] for p in PLACES}
    said = own.kubectl(f"run denied --image={IMAGE}")
    assert said.code == 1
    assert '"No unscanned" (deny)' in said.err
    assert own.kubectl("get namespace default --show-labels").out.count("kept=yes") == 1
    events = until(lambda: own.events("default"), lambda events: len(events) == 2)
    assert events[0] == seen[0]


def test_without_a_cluster_tidegate_run_takes_kubectls_place(own: Installation) -> None:
    own.options = ("--cluster", "none")
    own.start()
    assert own.state["kubeconfig"] is None
    assert own.tidegate("rules apply -f -", stdin=json.dumps(RULE)).code == 0
    said = until(lambda: own.tidegate(f"run denied --image={IMAGE}"), lambda said: said.code == 1)
    assert "denied the request" in said.err
    assert '"No unscanned" (deny)' in said.err
    let_in = own.tidegate(f"run fine --image={IMAGE}")
    assert (let_in.code, let_in.out) == (0, "pod/fine created\n"), let_in.err
    listed = until(lambda: own.events("default"), lambda events: len(events) >= 1)
    assert {event["origin"] for event in listed} == {"direct"}
    started = set(descendants(own.pid))
    assert own.stop() == 0
    until(lambda: gone(started), bool)


def test_a_data_folder_in_use_is_refused(site: Installation) -> None:
    code, out, err = up_at(site.data_dir, "--json")
    assert (code, out) == (2, "")
    assert "in use by another `tidegate up`" in err
    assert "--data-dir" in err
    assert site.kubectl("get --raw /readyz").out == "ok"


def test_a_local_cluster_without_programs_names_make_kube(tmp_path: Path) -> None:
    nowhere = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "KUBEBUILDER_ASSETS": ""}
    code, out, err = up_at(tmp_path / "data", "--cluster", "local", "--json", **nowhere)
    assert (code, out) == (3, "")
    assert "make kube" in err
    assert "Traceback" not in err


def test_what_was_started_ends_when_up_is_killed(own: Installation) -> None:
    own.options = ("--cluster", "none")
    own.start()
    started = set(descendants(own.pid))
    own.kill()
    until(lambda: gone(started), bool)
    own.start()
