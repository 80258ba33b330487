"""Clusters, registries, keys and doctor, against a real hub, registry and gate."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from conftest import running_registry
from support.cli_site import CliSite, run_tidegate, running_site
from tidegate.trust.keys import fingerprint, load_private_key

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliSite]:
    with running_site(tmp_path_factory.mktemp("site") / "data", demo_images=frozenset()) as found:
        yield found


def items(site: CliSite, *arguments: str) -> list[dict[str, object]]:
    done = site.tidegate(*arguments, "-o", "json")
    return list(json.loads(done.stdout)["items"])


def test_a_cluster_is_announced_shown_switched_and_deleted(site: CliSite) -> None:
    done = site.tidegate(
        "cluster", "enrol", "prod", "--provider=aws", "--account=42", "--label=env=prod"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tgt_")
    assert "one-time token of cluster 'prod'" in done.stderr
    shown = site.tidegate("cluster", "show", "prod").stdout
    assert "Labels:     env=prod" in shown
    assert "waiting for its agent" in shown
    assert {item["name"] for item in items(site, "cluster", "list")} == {"local", "prod"}
    off = site.tidegate("cluster", "gating", "prod", "off")
    assert (off.returncode, "admits every image" in off.stderr) == (0, True)
    assert site.tidegate("cluster", "gating", "prod", "on").returncode == 0
    assert site.tidegate("cluster", "acknowledge", "prod").returncode == 0
    assert site.tidegate("cluster", "delete", "prod").returncode == 0
    gone = site.tidegate("cluster", "show", "prod")
    assert (gone.returncode, "no cluster named 'prod'" in gone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("enrol", "local"), "enrolled already", id="enrolled"),
        pytest.param(("enrol", "x", "--label=env"), "want KEY=VALUE", id="label"),
        pytest.param(("enrol", "a/b"), "name", id="name"),
        pytest.param(("enrol", "x", "--provider=moon"), "moon", id="provider"),
        pytest.param(("gating", "local", "maybe"), "maybe", id="gating"),
    ],
)
def test_bad_words_about_a_cluster_are_refused(
    site: CliSite, arguments: tuple[str, ...], said: str
) -> None:
    done = site.tidegate("cluster", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_registry_is_tried_before_it_is_trusted(site: CliSite, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    with running_registry(tmp_path / "other") as other:
        added = site.tidegate("registry", "add", other.host, "--plain-http", "--allow-private")
        assert added.returncode == 0, added.stderr
        assert "referrers: by the API" in added.stdout
        again = site.tidegate("registry", "add", other.host, "--plain-http", "--allow-private")
        assert (again.returncode, "configured already" in again.stderr) == (2, True)
        hosts = [item["host"] for item in items(site, "registry", "list")]
        assert hosts == [site.state.registry, other.host]
        assert site.tidegate("registry", "remove", other.host).returncode == 0
        assert [i["host"] for i in items(site, "registry", "list")] == [site.state.registry]
        unknown = site.tidegate("registry", "remove", other.host)
        assert (unknown.returncode, "is not configured" in unknown.stderr) == (2, True)


def test_a_registry_that_does_not_answer_is_not_added(site: CliSite) -> None:
    before = site.folder.trust.read_bytes()
    done = site.tidegate("registry", "add", "localhost:1", "--plain-http", "--allow-private")
    assert done.returncode == 3
    assert site.folder.trust.read_bytes() == before


def test_credentials_that_a_registry_refuses_are_not_kept(site: CliSite, tmp_path: Path) -> None:
    hashed = subprocess.run(
        [sys.executable, "-m", "tidegate.registry", "hash-password", "ann"],
        input=b"right", capture_output=True, check=True,
    )  # fmt: skip
    (tmp_path / "users").write_bytes(hashed.stdout)
    for name in ("right", "wrong"):
        (tmp_path / name).write_text(f"{name}\n")
    users = str(tmp_path / "users")
    with running_registry(tmp_path / "r", users_file=users, anonymous_pull="false") as other:
        add = ("registry", "add", other.host, "--plain-http", "--allow-private", "--username=ann")
        wrong = site.tidegate(*add, f"--password-file={tmp_path / 'wrong'}")
        assert (wrong.returncode, "check the credentials" in wrong.stderr) == (3, True)
        assert not (site.folder.root / "registries").exists()
        right = site.tidegate(*add, f"--password-file={tmp_path / 'right'}")
        assert right.returncode == 0, right.stderr
        (kept,) = (site.folder.root / "registries").glob("*/password")
        assert (kept.read_text(), kept.stat().st_mode & 0o077) == ("right", 0)
        assert site.tidegate("registry", "remove", other.host).returncode == 0
        assert not kept.exists()
    half = site.tidegate("registry", "add", "r.example", "--username=ann")
    assert (half.returncode, "or neither" in half.stderr) == (2, True)


def test_rotation_keeps_both_keys_trusted_until_the_old_one_is_retired(site: CliSite) -> None:
    def current() -> str:
        return fingerprint(load_private_key(site.folder.evidence_key.read_bytes()).public_key())

    def trusted() -> list[str]:
        return [key["name"] for key in yaml.safe_load(site.folder.trust.read_text())["keys"]]

    old = current()
    done = site.tidegate("key", "rotate")
    assert done.returncode == 0, done.stderr
    assert current() != old
    assert len(trusted()) == 2
    name = trusted()[1]
    assert site.folder.evidence_key.stat().st_mode & 0o077 == 0
    used = site.tidegate("key", "retire", name)
    assert (used.returncode, "signs the findings" in used.stderr) == (2, True)
    assert site.tidegate("key", "retire", "evidence").returncode == 0
    assert trusted() == [name]
    assert site.tidegate("key", "retire", "evidence").returncode == 2
    checks = {item["part"]: item for item in items(site, "doctor")}
    assert checks["key"]["level"] == "ok"


def test_doctor_says_what_is_well_and_what_is_not(site: CliSite) -> None:
    done = site.tidegate("doctor", "-o", "json")
    checks = {item["part"]: item for item in json.loads(done.stdout)["items"]}
    levels = {part: item["level"] for part, item in checks.items()}
    assert levels["hub"] == levels["gate"] == levels["clock"] == levels["scan worker"] == "ok"
    assert levels["advisories"] == "warn"
    assert levels["cluster"] == "fail"  # this installation has no agent
    assert "last heard never" in checks["cluster"]["says"]
    assert done.returncode == 1
    table = site.tidegate("doctor")
    assert "fail  cluster     local: its agent was last heard never" in table.stdout


def test_doctor_of_a_hub_that_is_away_says_only_that() -> None:
    nobody = {"TIDEGATE_HUB": "http://127.0.0.1:1", "TIDEGATE_TOKEN": "x"}
    done = run_tidegate("doctor", **nobody)
    assert done.returncode == 1
    assert done.stdout.startswith("fail  hub")
    assert len(done.stdout.splitlines()) == 1
