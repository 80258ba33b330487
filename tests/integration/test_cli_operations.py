"""Clusters, registries, keys and doctor, against a real hub, registry and gate."""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
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
    assert checks["key"]["level"] == "fail"  # the worker was not started again
    assert f"signs with {old[:16]}" in str(checks["key"]["says"])


def test_doctor_says_what_is_well_and_what_is_not(site: CliSite) -> None:
    done = site.tidegate("doctor", "-o", "json")
    checks = {item["part"]: item for item in json.loads(done.stdout)["items"]}
    levels = {part: item["level"] for part, item in checks.items()}
    well = ("hub", "gate", "clock", "scan worker", "signing key", "disk")
    assert {part: levels[part] for part in well} == dict.fromkeys(well, "ok")
    assert levels["advisories"] == "warn"
    assert levels["cluster"] == "fail"  # this installation has no agent
    assert "last heard never" in checks["cluster"]["says"]
    assert done.returncode == 1
    table = site.tidegate("doctor")
    assert "fail     cluster     local: its agent was last heard never" in table.stdout


def test_doctor_of_a_hub_that_is_away_says_only_that() -> None:
    nobody = {"TIDEGATE_HUB": "http://127.0.0.1:1", "TIDEGATE_TOKEN": "x"}
    done = run_tidegate("doctor", **nobody)
    assert done.returncode == 3
    assert done.stdout.startswith("unknown  hub")
    assert len(done.stdout.splitlines()) == 1


def change_first_password(site: CliSite, name: str, first: str, new: str) -> None:
    """Do what a person does at the first sign-in to the portal."""
    with httpx2.Client(base_url=f"{site.state.hub}/api/v1/") as browser:
        opened = browser.post("session", json={"username": name, "password": first})
        headers = {"X-Tidegate-CSRF": opened.json()["csrfToken"]}
        changed = browser.post(
            "session/password", json={"current": first, "new": new}, headers=headers
        )
        assert changed.is_success, changed.text


def test_users_are_made_changed_and_deleted(site: CliSite) -> None:
    made = site.tidegate("user", "create", "jane", "--role=admin", "--display-name=Jane Doe")
    assert (made.returncode, len(made.stdout.strip()) >= 12) == (0, True), made.stderr
    assert "first password of user 'jane' (admin)" in made.stderr
    again = site.tidegate("user", "create", "jane")
    assert (again.returncode, "already" in again.stderr) == (2, True)
    assert "first password" in site.tidegate("user", "list").stdout
    reset = site.tidegate("user", "reset-password", "jane", "-o", "json")
    assert json.loads(reset.stdout)["password"] != made.stdout.strip()
    for words in (("role", "jane", "reader"), ("disable", "jane")):
        assert site.tidegate("user", *words).returncode == 0
    (jane,) = [user for user in items(site, "user", "list") if user["name"] == "jane"]
    assert (jane["role"], jane["enabled"], jane["displayName"]) == ("reader", False, "Jane Doe")
    assert site.tidegate("user", "enable", "jane").returncode == 0
    assert site.tidegate("user", "delete", "jane").stdout == "user 'jane' deleted\n"
    for words in (("delete", "jane"), ("disable", "jane"), ("reset-password", "jane")):
        gone = site.tidegate("user", *words)
        assert (gone.returncode, "no user named 'jane'" in gone.stderr) == (2, True), gone.stderr


def test_the_last_administrator_stays(site: CliSite) -> None:
    for words in (("disable", "admin"), ("role", "admin", "reader"), ("delete", "admin")):
        refused = site.tidegate("user", *words)
        assert (refused.returncode, "last local administrator" in refused.stderr) == (2, True)


def test_tokens_are_made_used_and_revoked(site: CliSite) -> None:
    made = site.tidegate("token", "create", "ci", "--role=reader")
    secret = made.stdout.strip()
    assert (made.returncode, secret.startswith("tgt_")) == (0, True), made.stderr
    own = {"TIDEGATE_HUB": site.state.hub, "TIDEGATE_TOKEN": secret}
    assert run_tidegate("rules", "list", **own).returncode == 0
    forbidden = run_tidegate("token", "list", **own)
    assert (forbidden.returncode, "this needs admin" in forbidden.stderr) == (2, True)
    assert "ci" in {token["name"] for token in items(site, "token", "list")}
    assert secret not in site.tidegate("token", "list", "-o", "json").stdout
    assert site.tidegate("token", "revoke", "ci").stdout == "token 'ci' revoked\n"
    ended = run_tidegate("rules", "list", **own)
    assert (ended.returncode, "unknown or revoked" in ended.stderr) == (2, True)
    unknown = site.tidegate("token", "revoke", "ci")
    assert (unknown.returncode, "no token named 'ci'" in unknown.stderr) == (2, True)


def test_the_audit_log_says_who_when_and_what(site: CliSite) -> None:
    assert site.tidegate("user", "create", "eve").returncode == 0
    assert site.tidegate("user", "role", "eve", "admin").returncode == 0
    assert site.tidegate("user", "delete", "eve").returncode == 0
    newest = items(site, "audit", "--limit=3")
    assert [entry["action"] for entry in newest] == ["user.delete", "user.update", "user.create"]
    assert {entry["target"] for entry in newest} == {"user/eve"}
    table = site.tidegate("audit", "--since=1h", "--limit=3").stdout
    assert "role: reader -> admin" in table
    assert items(site, "audit", "--since=2099-01-01") == []
    made = items(site, "audit", "--action=user.create", "--limit=1")
    assert [(entry["action"], entry["target"]) for entry in made] == [("user.create", "user/eve")]
    assert items(site, "audit", "--actor=nobody") == []
    whole = items(site, "audit", "--limit=1000")
    assert len(whole) > 3
    assert [entry["id"] for entry in whole[:3]] == [entry["id"] for entry in newest]


def test_a_person_switches_gating_off_with_the_password_and_the_log_names_them(
    site: CliSite,
) -> None:
    first = site.tidegate("user", "create", "ops", "--role=admin").stdout.strip()
    off = ("cluster", "gating", "local", "off", "--user=ops", "--password-stdin")
    early = site.tidegate(*off, stdin=f"{first}\n".encode())
    assert (early.returncode, "still has the first password" in early.stderr) == (2, True)
    change_first_password(site, "ops", first, "correct horse battery")
    wrong = site.tidegate(*off, stdin=b"wrong horse battery\n")
    assert (wrong.returncode, "name or the password is wrong" in wrong.stderr) == (2, True)
    done = site.tidegate(*off, stdin=b"correct horse battery\n")
    assert (done.returncode, done.stdout) == (0, "gating of cluster 'local' is Off\n"), done.stderr
    said = [(e["actor"], e["action"]) for e in items(site, "audit", "--limit=10")]
    assert ("ops", "cluster.gating") in said
    assert said[0][1] == "session.delete"  # nothing of it stays behind
    assert site.tidegate("cluster", "gating", "local", "on").returncode == 0
    assert site.tidegate("user", "delete", "ops").returncode == 0


@pytest.mark.parametrize(
    ("line", "shell", "completed"),
    [
        pytest.param("cluster show lo", "zsh", "local", id="cluster"),
        pytest.param("user delete ad", "zsh", "admin", id="user"),
        pytest.param("rules show Def", "zsh", "Default vulnerability assessment rule", id="rule"),
        pytest.param(
            "rules show Def", "bash", r"Default\ vulnerability\ assessment\ rule", id="bash"
        ),
        pytest.param("events list --rule Def", "bash", r"Default\ vulnerability", id="option"),
        pytest.param("cluster show nobody", "zsh", "", id="none"),
    ],
)
def test_the_shell_completes_names_that_the_hub_has(
    site: CliSite, line: str, shell: str, completed: str
) -> None:
    words = f"tidegate {line}"
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    if shell == "zsh":
        asked = {"_TYPER_COMPLETE_ARGS": words}
    asked["_TIDEGATE_COMPLETE"] = f"complete_{shell}"
    done = run_tidegate(data_dir=site.folder.root, **asked)
    assert done.returncode in (0, 1)
    assert (completed in done.stdout) if completed else "local" not in done.stdout
    assert done.stderr == ""


def test_completion_without_a_hub_is_silent_and_quick() -> None:
    asked = {"COMP_WORDS": "tidegate cluster show x", "COMP_CWORD": "3"}
    nobody = {"TIDEGATE_HUB": "http://127.0.0.1:1", "TIDEGATE_TOKEN": "x"}
    done = run_tidegate(_TIDEGATE_COMPLETE="complete_bash", **asked, **nobody)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_support_bundle_holds_what_helps_and_no_secret(site: CliSite, tmp_path: Path) -> None:
    folder = site.folder.root
    secrets = [path.read_text().strip() for path in (folder / "tokens").glob("*.token")]
    secrets += [(folder / "tokens" / "admin.password").read_text().strip()]
    secrets += (folder / "keys" / "evidence.key").read_text().splitlines()[1:-1]
    (folder / "logs" / "planted.log").write_text("\n".join(f"oops {each}" for each in secrets))
    path = tmp_path / "bundle.tar.gz"

    done = site.tidegate("doctor", "--bundle", str(path))

    assert "Secrets were taken out; look it through" in done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        files = {
            member.name.partition("/")[2]: (archive.extractfile(member) or io.BytesIO()).read()
            for member in archive
        }
    assert {
        "doctor.json",
        "errors.txt",
        "files.txt",
        "hub/clusters.json",
        "hub/rules.json",
        "logs/gate.log",
        "logs/planted.log",
        "metrics/gate.txt",
        "metrics/hub.txt",
        "trust.yaml",
        "versions.json",
    } <= files.keys()
    for name, body in files.items():
        assert not any(secret.encode() in body for secret in secrets), name
        if name.endswith(".json"):
            json.loads(body)
    assert files["logs/planted.log"].count(b"(removed)") == len(secrets)
    assert b"BEGIN PUBLIC KEY" in files["trust.yaml"]
    assert b"tidegate_gate_ready 1.0" in files["metrics/gate.txt"]
    assert files["errors.txt"] == b"none\n"

    again = site.tidegate("doctor", "--bundle", str(path))
    assert (again.returncode, "name a new file" in again.stderr) == (2, True)
