"""The command line against a real hub, registry, scan worker and gate."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import msgspec
import pytest
import yaml

from support.cli_site import CliSite, run_tidegate, running_site
from tidegate.domain.digest import digest_of
from tidegate.domain.reference import parse_reference
from tidegate.hubclient import HubClient
from tidegate.local.certificates import Authority
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1
from tidegate.wire.hub_v1 import ImageV1
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST
from tidegate.wire.policy_v1alpha1 import RuleV1

pytestmark = pytest.mark.integration

DEFAULT = "Default vulnerability assessment rule"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliSite]:
    root = tmp_path_factory.mktemp("site") / "data"
    with running_site(root, demo_images=frozenset({"clean", "critical", "multi-arch"})) as running:
        yield running


def post_events(site: CliSite, *events: AdmissionEventV1) -> None:
    async def post() -> None:
        async with HubClient(site.state.hub, site.folder.token("cluster")) as hub:
            await hub.post_events(events)

    asyncio.run(post())


def an_event(identifier: str, action: str = "deny", **row: object) -> AdmissionEventV1:
    rule = {
        "name": "Lab example",
        "action": "deny",
        "configuration": {"maxAllowedSeverities": {"high": 0}},
    }
    fields: dict[str, object] = {
        "image": "localhost:5000/demo/app:critical",
        "field_path": "spec.containers[0].image",
        "action": action,
        "reason": "PolicyEvaluation",
        "message": "Image contains 1 high or higher CVEs, which is more than the allowed count of: 0",
        "digest": "sha256:" + "ab" * 32,
        "rule": "Lab example",
        "rule_configuration": rule_of(rule),
        "violation": "High CVE: 1",
        "counts": CountsV1(high=1),
        "evidence": "report",
        "findings": [FindingV1("CVE-2022-28346", "high", "pkg:pypi/django@3.2", "django", "3.2", "3.2.13")],
        "exempted": [FindingV1("CVE-2022-0001", "low", "pkg:pypi/x@1", "x", "1", exempted_by=["CVE-2022-0001: agreed"])],
        **row,
    }  # fmt: skip
    return AdmissionEventV1(
        id=identifier,
        time="2026-11-23T09:00:00.000000Z",
        action=action,  # type: ignore[arg-type] # a test's shorthand
        kind="Pod",
        name="web",
        namespace="shop",
        user="ann",
        operation="CREATE",
        images=[ImageRowV1(**fields)],  # type: ignore[arg-type] # a test's shorthand
    )


def rule_of(rule: dict[str, object]) -> RuleV1:
    return msgspec.convert(rule, RuleV1)


def lab_rule(folder: Path, name: str, action: str = "audit") -> str:
    body = {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "x"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [{"name": name, "action": action, "configuration": {"maxAllowedSeverities": {"high": 0}}}]},
    }  # fmt: skip
    path = folder / "rule.yaml"
    path.write_text(yaml.safe_dump(body))
    return str(path)


def names(site: CliSite) -> list[str]:
    listed = site.tidegate("rules", "list", "-o", "json")
    return [item["rule"]["name"] for item in json.loads(listed.stdout)["items"]]


def test_run_prints_what_kubectl_prints_of_a_denial(site: CliSite) -> None:
    done = site.tidegate("run", "gate-test", f"--image={site.image('critical')}")
    assert done.returncode == 1
    assert done.stdout == ""
    first, rule, worst, more = done.stderr.rstrip("\n").split("\n")
    assert first.startswith(
        'Error from server (Forbidden): admission webhook "gate.tidegate.io" denied the request: '
    )
    assert "Image contains" in first
    assert rule == '  rule: "Lab example" (deny)'
    assert "CVE-" in worst
    assert more.startswith("  all findings: tidegate explain ")


def test_run_prints_what_kubectl_prints_of_a_warning(site: CliSite) -> None:
    done = site.tidegate("run", "other", f"--image={site.image('critical')}", "--dry-run=server")
    assert (done.returncode, done.stdout) == (0, "pod/other created (server dry run)\n")
    assert done.stderr.startswith(f"Warning: {site.image('critical')}: Image contains ")
    assert f'rule "{DEFAULT}" (audit)' in done.stderr


def test_run_of_a_clean_image_says_nothing_but_created(site: CliSite) -> None:
    done = site.tidegate(
        "run", "gate-clean", f"--image={site.image('clean')}", "-n", "shop", "-l", "app=x"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "pod/gate-clean created\n", "")


def test_run_without_a_gate_could_not_find_out(site: CliSite, tmp_path: Path) -> None:
    state = json.loads(site.folder.state.read_text())
    moved = {**state, "gate": "https://127.0.0.1:1"}
    (tmp_path / "tidegate").mkdir()
    (tmp_path / "tidegate" / "current.json").write_text(json.dumps(moved))
    done = run_tidegate("run", "x", "--image", "a", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 3
    assert "no answer" in done.stderr


def test_run_trusts_no_other_certificate_authority(site: CliSite, tmp_path: Path) -> None:
    Authority(tmp_path, "ca").ensure(datetime.now(UTC))
    state = {**json.loads(site.folder.state.read_text()), "gateCa": str(tmp_path / "ca.crt")}
    (tmp_path / "tidegate").mkdir()
    (tmp_path / "tidegate" / "current.json").write_text(json.dumps(state))
    done = run_tidegate("run", "x", "--image", "a", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


def test_check_says_the_words_of_the_gate(site: CliSite) -> None:
    image = site.image("critical")
    policy = str(site.folder.policy / "lab.json")
    ran = site.tidegate("run", "gate-test", f"--image={image}", "--dry-run=server")
    checked = site.tidegate("check", "--image", image, "--name", "gate-test", "--policy", policy)
    assert ran.returncode == checked.returncode == 1
    sentence = ran.stderr.split("denied the request: ")[1].split("\n")[0]
    assert sentence in checked.stdout
    assert ran.stderr.split("\n")[2].strip() in checked.stdout


def test_check_takes_the_hubs_rules_for_the_cluster(site: CliSite, tmp_path: Path) -> None:
    manifest = tmp_path / "app.yaml"
    manifest.write_text(
        f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{template: {{spec: {{containers: [{{name: a, image: "{site.image("critical")}"}}, {{name: b, image: "{site.image("clean")}"}}]}}}}}}
"""
    )
    done = site.tidegate("check", "-f", str(manifest), "-o", "json")
    items = json.loads(done.stdout)["items"]
    assert done.returncode == 0
    assert [(i["action"], i["rule"]) for i in items] == [("audit", DEFAULT), ("allow", DEFAULT)]
    assert items[0]["counts"]["critical"] > 0


def test_check_of_a_registry_that_is_away_could_not_find_out(site: CliSite, tmp_path: Path) -> None:
    trust = yaml.safe_load(site.folder.trust.read_text())
    trust["registries"].append({"host": "localhost:1", "plainHttp": True, "allowPrivate": True})
    (tmp_path / "trust.yaml").write_text(yaml.safe_dump(trust))
    policy = str(site.folder.policy / "lab.json")
    common = (
        "check",
        "--name",
        "gate-x",
        "--policy",
        policy,
        "--trust",
        str(tmp_path / "trust.yaml"),
    )
    done = site.tidegate(*common, "--image", "localhost:1/a/b:1")
    assert done.returncode == 3, done.stderr
    assert "could not be read" in done.stdout


def test_verify_shows_the_report_of_each_platform(site: CliSite) -> None:
    done = site.tidegate("verify", site.image("multi-arch"), "-o", "json")
    assert done.returncode == 0, done.stderr
    platforms = json.loads(done.stdout)["platforms"]
    assert [p["platform"] for p in platforms] == ["linux/amd64", "linux/arm64"]
    report = platforms[1]["reports"][0]
    assert (report["signers"], report["scanner"], report["inForce"]) == (
        ["evidence"],
        "Tidegate",
        True,
    )
    assert report["counts"]["high"] > 0
    assert "signed by:  evidence" in site.tidegate("verify", site.image("multi-arch")).stdout


def test_t01_verify_names_what_no_trusted_key_signed(site: CliSite, tmp_path: Path) -> None:
    assert run_tidegate("key", "generate", "--out", str(tmp_path)).returncode == 0
    trust = yaml.safe_load(site.folder.trust.read_text())
    trust["keys"] = [{"name": "other", "publicKey": (tmp_path / "evidence.pub").read_text()}]
    (tmp_path / "trust.yaml").write_text(yaml.safe_dump(trust))
    done = site.tidegate("verify", site.image("critical"), "--trust", str(tmp_path / "trust.yaml"))
    assert done.returncode == 1
    assert "no verified report" in done.stdout
    assert "refused: sha256:" in done.stdout


@pytest.mark.parametrize(
    "verb", [["verify"], ["artifact", "show"], ["artifact", "fetch"], ["scan"]]
)
def test_an_image_that_is_not_there_is_bad_input(site: CliSite, verb: list[str]) -> None:
    done = site.tidegate(*verb, f"{site.state.registry}/no/such:image")
    assert done.returncode == 2
    assert "no/such:image" in done.stderr


def test_artifact_show_is_a_tree_down_to_signatures(site: CliSite) -> None:
    done = site.tidegate("artifact", "show", site.image("critical"))
    lines = done.stdout.splitlines()
    assert lines[0] == f"{site.state.registry}/demo/app@{site.digests['critical']}"
    assert lines[1].startswith("└── application/vnd.in-toto+json sha256:")
    assert "(Tidegate, " in lines[1]
    assert lines[2].startswith("    └── application/vnd.dev.cosign.artifact.sig.v1+json sha256:")
    tree = json.loads(
        site.tidegate("artifact", "show", site.image("multi-arch"), "-o", "json").stdout
    )
    assert [child["kind"] for child in tree["referrers"]] == ["linux/amd64", "linux/arm64"]


def test_artifact_fetch_prints_the_statement(site: CliSite, tmp_path: Path) -> None:
    out = tmp_path / "statement.json"
    done = site.tidegate("artifact", "fetch", site.image("critical"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    statement = json.loads(out.read_text())
    assert statement["subject"][0]["digest"] == {
        "sha256": site.digests["critical"].removeprefix("sha256:")
    }
    assert statement["predicate"]["scanner"]["result"]
    several = site.tidegate("artifact", "fetch", site.image("multi-arch"))
    assert several.returncode == 2
    assert "choose with --platform one of: linux/amd64, linux/arm64" in several.stderr


def test_a_statement_scanned_here_is_attached_and_verifies(site: CliSite, tmp_path: Path) -> None:
    image = site.image("multi-arch")
    scanned = site.tidegate("scan", image, "--platform", "linux/arm64", "-o", "statement")
    assert scanned.returncode == 0, scanned.stderr
    (tmp_path / "statement.json").write_text(scanned.stdout)
    attached = site.tidegate(
        "attach", image, "--report", str(tmp_path / "statement.json"), "--attestation"
    )
    assert attached.returncode == 0, attached.stderr
    artifact = attached.stdout.split()[1]
    assert "attestation: sha256-" in attached.stdout
    checks = json.loads(site.tidegate("verify", image, "-o", "json").stdout)
    newest = checks["platforms"][1]["reports"][0]
    assert (newest["artifact"], newest["inForce"]) == (artifact, True)
    other = site.tidegate(
        "attach", site.image("clean"), "--report", str(tmp_path / "statement.json")
    )
    assert other.returncode == 3
    assert "the statement is about" in other.stderr


def push_index(site: CliSite, name: str, *entries: dict[str, object]) -> str:
    """Push an index with `entries` beside the demo images; return its reference."""
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    url = f"http://{site.state.registry}/v2/demo/app/manifests/{name}"
    answer = httpx2.put(url, content=body, headers={"Content-Type": OCI_INDEX})
    assert answer.status_code == 201, answer.text
    return f"{site.state.registry}/demo/app@{digest_of(body)}"


def known_to_the_hub(site: CliSite, image: str, status: str) -> ImageV1:
    """Return what the hub says of `image`, once the worker that the push called is done with it."""
    reference = parse_reference(image)
    place = (reference.registry, reference.repository, str(reference.digest))

    async def ask() -> ImageV1:
        async with HubClient(site.state.hub, site.state.admin_token) as hub:
            until = time.monotonic() + 60
            while (found := await hub.get_image(*place)).status != status:
                assert time.monotonic() < until, found
                await asyncio.sleep(0.1)
            return found

    return asyncio.run(ask())


def test_a_platform_that_cannot_be_scanned_is_named_and_denies(site: CliSite) -> None:
    """The others are scanned and attached all the same; the verdict is that of the worst."""
    gone = "sha256:" + "0" * 64
    image = push_index(site, "half",
        {"mediaType": OCI_MANIFEST, "digest": site.digests["clean"], "size": 1,
         "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": OCI_MANIFEST, "digest": gone, "size": 1,
         "platform": {"os": "linux", "architecture": "arm64"}},
    )  # fmt: skip
    done = site.tidegate("scan", image, "--attach")
    assert done.returncode == 3
    assert "linux/amd64 " in done.stdout
    assert "attached sha256:" in done.stderr
    assert "not every platform could be scanned: linux/arm64: " in done.stderr
    assert "; scanned: linux/amd64" in done.stderr
    policy = str(site.folder.policy / "lab.json")
    judged = site.tidegate("check", "--image", image, "--name", "gate-x", "--policy", policy)
    assert judged.returncode == 1, judged.stderr
    assert f"{image} (linux/arm64): " in judged.stdout
    assert "linux/amd64" not in judged.stdout
    kept = known_to_the_hub(site, image, "failed")
    assert kept.error.startswith("linux/arm64: ")
    assert [report.platform for report in kept.reports] == ["linux/amd64"]


def push_sha512(site: CliSite, tag: str) -> str:
    """Push a demo image once more, all of it by sha512 digests; return its reference."""
    base = f"http://{site.state.registry}/v2/demo"
    with httpx2.Client(base_url=base) as client:
        manifest = client.get(f"{base}/app/manifests/{site.digests[tag]}").json()
        for descriptor in (manifest["config"], *manifest["layers"]):
            blob = client.get(f"{base}/app/blobs/{descriptor['digest']}").content
            descriptor["digest"] = digest_of(blob, "sha512")
            query = {"digest": descriptor["digest"]}
            answer = client.post(f"{base}/long/blobs/uploads/", params=query, content=blob)
            assert answer.status_code == 201, answer.text
        body = json.dumps(manifest).encode()
        digest = digest_of(body, "sha512")
        kind = {"Content-Type": manifest.get("mediaType", OCI_MANIFEST)}
        answer = client.put(f"{base}/long/manifests/{digest}", content=body, headers=kind)
        assert answer.status_code == 201, answer.text
    return f"{site.state.registry}/demo/long@{digest}"


def test_an_image_by_sha512_goes_the_whole_way(site: CliSite, tmp_path: Path) -> None:
    """Pushed, scanned by the worker, attached, verified, denied by the gate, and said the same."""
    image = push_sha512(site, "critical")
    (report,) = known_to_the_hub(site, image, "scanned").reports
    assert report.digest == image.partition("@")[2]
    assert report.counts.critical > 0
    checks = json.loads(site.tidegate("verify", image, "-o", "json").stdout)
    (found,) = checks["platforms"][0]["reports"]
    assert (found["artifact"], found["inForce"]) == (report.artifact, True)
    fetched = site.tidegate("artifact", "fetch", image)
    assert list(json.loads(fetched.stdout)["subject"][0]["digest"]) == ["sha512"]
    ran = site.tidegate("run", "gate-long", f"--image={image}", "--dry-run=server")
    assert ran.returncode == 1
    assert "critical or higher CVEs" in ran.stderr or "high or higher CVEs" in ran.stderr
    sentence = ran.stderr.split("denied the request: ")[1].split("\n")[0]
    policy = str(site.folder.policy / "lab.json")
    checked = site.tidegate("check", "--image", image, "--name", "gate-long", "--policy", policy)
    assert sentence in checked.stdout
    # Scanned here once more, it is handed in by hand; cosign has no tag that long.
    scanned = site.tidegate("scan", image, "-o", "statement")
    (tmp_path / "statement.json").write_text(scanned.stdout)
    attach = ("attach", image, "--report", str(tmp_path / "statement.json"))
    assert site.tidegate(*attach).returncode == 0
    refused = site.tidegate(*attach, "--attestation")
    assert refused.returncode == 2
    assert "want an image by its sha256 digest" in refused.stderr


def test_scan_lists_findings_worst_first_and_attaches(site: CliSite) -> None:
    done = site.tidegate("scan", site.image("critical"), "--attach", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert "attached sha256:" in done.stderr
    assert "\nlisting packages\n" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    (item,) = json.loads(done.stdout)["items"]
    severities = [finding["severity"] for finding in item["findings"]]
    assert severities[0] == "critical"
    assert severities == sorted(
        severities, key=["critical", "high", "medium", "low", "unknown"].index
    )
    assert {entry["source"] for entry in item["coverage"]} == {"demo set"}


SAMPLES = Path(__file__).parents[1] / "samples"


def test_another_scanners_report_is_attached_under_its_own_name(site: CliSite) -> None:
    image, sample = site.image("critical"), str(SAMPLES / "trivy/critical.json.json")
    attached = site.tidegate("attach", image, "--report", sample)
    assert attached.returncode == 0, attached.stderr
    assert (
        "scanner:     Trivy 0.76.0\nfound:       critical: 12, high: 28, medium: 11\n"
        in attached.stdout
    )
    artifact = attached.stdout.split()[1]
    checks = json.loads(site.tidegate("verify", image, "-o", "json").stdout)
    theirs = [r for r in checks["platforms"][0]["reports"] if r["artifact"] == artifact]
    assert [(r["scanner"], r["inForce"]) for r in theirs] == [("Trivy", True)]


@pytest.mark.parametrize(
    ("image", "words", "code", "said"),
    [
        pytest.param("clean", ["trivy/critical.json.json"], 3, "the report is about sha256:", id="another-image"),
        pytest.param("critical", ["syft/critical.cyclonedx.json"], 2, "bill of materials and no report", id="no-report"),
        pytest.param("critical", ["grype/critical.sarif.json"], 2, "give the time with --scanned-at", id="no-time"),
        pytest.param("critical", ["trivy/critical.json.json", "--format", "grype"], 2, "Grype report", id="another-format"),
        pytest.param("critical", ["trivy/critical.json.json", "--format", "csv"], 2, "no plug-in 'csv'; installed: cosign-vuln", id="unknown-format"),
        pytest.param("critical", ["trivy/critical.json.json", "--scanned-at", "2026-11-01T00:00:00Z"], 2, "says itself when", id="two-times"),
    ],
)  # fmt: skip
def test_a_report_that_does_not_fit_is_refused_with_what_to_do(
    site: CliSite, image: str, words: list[str], code: int, said: str
) -> None:
    sample, *options = words
    done = site.tidegate("attach", site.image(image), "--report", str(SAMPLES / sample), *options)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_a_report_without_a_time_is_attached_with_the_time_given(site: CliSite) -> None:
    done = site.tidegate(
        "attach", site.image("critical"), "--report", str(SAMPLES / "grype/critical.sarif.json"),
        "--scanned-at", "2026-11-23T08:00:00Z",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "incomplete:  the report does not say which packages were looked at" in done.stdout


def test_a_report_is_handed_to_a_worker_by_a_key_of_its_own(site: CliSite, tmp_path: Path) -> None:
    assert site.tidegate("key", "generate", "--out", str(tmp_path)).returncode == 0
    done = site.tidegate(
        "attach", site.image("critical"), "--report", str(SAMPLES / "trivy/critical.json.json"),
        "--source-key", str(tmp_path / "evidence.key"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    digest = site.digests["critical"]
    assert f"about:       {digest}\njob:         " in done.stdout
    # An attestation is nobody's evidence until a worker that trusts the key took it over.
    checks = json.loads(site.tidegate("verify", site.image("critical"), "-o", "json").stdout)
    attested = done.stdout.split()[1]
    assert attested not in {r["artifact"] for r in checks["platforms"][0]["reports"]}
    own = tmp_path / "own.json"
    own.write_text(site.tidegate("scan", site.image("clean"), "-o", "statement").stdout)
    refused = site.tidegate(
        "attach", site.image("clean"), "--report", str(own),
        "--source-key", str(tmp_path / "evidence.key"),
    )  # fmt: skip
    assert refused.returncode == 2
    assert "attach it with the evidence key" in refused.stderr


def test_the_installed_plug_ins_are_listed(site: CliSite) -> None:
    listed = json.loads(site.tidegate("plugins", "-o", "json").stdout)["items"]
    names = {(each["group"], each["name"]) for each in listed}
    assert {("tidegate.scanners", "grype"), ("tidegate.formats", "openvex")} <= names
    assert "sarif" in site.tidegate("plugins").stdout.split()


def test_rules_are_applied_moved_switched_and_deleted(site: CliSite, tmp_path: Path) -> None:
    first = lab_rule(tmp_path, "one")
    assert site.tidegate("rules", "apply", "-f", first).stdout == "rule 'one' created\n"
    assert site.tidegate("rules", "apply", "-f", first).stdout == "rule 'one' unchanged\n"
    two = Path(lab_rule(tmp_path, "two", "deny")).read_bytes()
    assert site.tidegate("rules", "apply", "-f", "-", stdin=two).stdout == "rule 'two' created\n"
    assert names(site) == ["one", "two", DEFAULT]
    assert site.tidegate("rules", "move", "two", "1").stdout == "rule 'two' moved\n"
    assert names(site) == ["two", "one", DEFAULT]
    assert site.tidegate("rules", "disable", "two").returncode == 0
    assert "Disabled" in site.tidegate("rules", "show", "two").stdout
    assert site.tidegate("rules", "enable", "two").returncode == 0
    exported = site.tidegate("rules", "export").stdout
    (tmp_path / "exported.yaml").write_text(exported)
    again = site.tidegate("rules", "apply", "-f", str(tmp_path / "exported.yaml"))
    assert again.stdout.count("unchanged") == 3, again
    assert [site.tidegate("rules", "delete", name).returncode for name in ("one", "two")] == [0, 0]
    assert names(site) == [DEFAULT]


def test_rules_that_cannot_be_are_refused_in_the_hubs_words(site: CliSite) -> None:
    kept = site.tidegate("rules", "delete", DEFAULT)
    assert kept.returncode == 2
    assert "default rule" in kept.stderr
    unknown = site.tidegate("rules", "show", "nobody's")
    assert unknown.returncode == 2
    assert DEFAULT in unknown.stderr


def test_the_reference_systems_rules_are_taken_over(site: CliSite, tmp_path: Path) -> None:
    theirs = {
        "apiVersion": "defender.microsoft.com/v1alpha3",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "mdc-vulnerability-assessment-policy"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [{"action": "deny", "name": "MDC Lab Example", "configuration": {"maxAllowedSeverities": {"high": 0}, "new": 1}}]},
    }  # fmt: skip
    (tmp_path / "list.json").write_text(
        json.dumps({"kind": "List", "apiVersion": "v1", "items": [theirs]})
    )
    done = site.tidegate("rules", "import", str(tmp_path / "list.json"))
    assert done.stdout == "rule 'MDC Lab Example' created\n", done.stderr
    assert "configuration.new: not known here, left out" in done.stderr
    assert names(site)[0] == "MDC Lab Example"
    assert site.tidegate("rules", "delete", "MDC Lab Example").returncode == 0


def test_events_are_listed_shown_and_explained(site: CliSite) -> None:
    post_events(site, an_event("ev-1"), an_event("ev-2", "audit"))
    listed = json.loads(site.tidegate("events", "list", "-o", "json").stdout)["items"]
    assert {"ev-1", "ev-2"} <= {event["id"] for event in listed}
    only = json.loads(site.tidegate("events", "list", "--action", "audit", "-o", "json").stdout)[
        "items"
    ]
    assert {event["action"] for event in only} == {"audit"}
    table = site.tidegate("events", "list").stdout.splitlines()
    assert table[0].split() == [
        "TIME",
        "ACTION",
        "NAMESPACE",
        "RESOURCE",
        "IMAGE",
        "VIOLATION",
        "RULE",
        "EVENT",
    ]
    assert "User:       ann" in site.tidegate("events", "show", "ev-1").stdout
    told = site.tidegate("explain", "ev-1").stdout
    for said in (
        "Pod/web in namespace shop of cluster local: deny", "Rule 'Lab example' (deny)", "at most 0 of severity high or higher",
        "Counted: 1", "CVE-2022-28346   high", "Exempted: 1", "CVE-2022-0001: agreed", "upgrade django 3.2 to 3.2.13 or newer",
    ):  # fmt: skip
        assert said in told, said
    assert json.loads(site.tidegate("explain", "ev-1", "-o", "json").stdout)["id"] == "ev-1"
    assert site.tidegate("explain", "nothing").returncode == 2


def test_t24_hostile_event_texts_are_plain_text_on_the_terminal(site: CliSite) -> None:
    post_events(
        site, an_event("ev-hostile", image="evil\x1b[2J\u202e:1", message="line\r\x1b]0;title\x07")
    )
    for arguments in (
        ["events", "list"],
        ["events", "show", "ev-hostile"],
        ["explain", "ev-hostile"],
        ["explain", "ev-hostile", "-o", "json"],
        ["explain", "ev-hostile", "-o", "yaml"],
    ):
        done = site.tidegate(*arguments)
        assert done.returncode == 0, done.stderr
        assert "evil" in done.stdout
        assert not set(done.stdout) & set("\x1b\x07\r\u202e"), arguments


def test_tail_prints_events_as_they_come_until_interrupted(site: CliSite) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate.cli", "events", "tail", "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TIDEGATE_DATA_DIR": str(site.folder.root)},
        text=True,
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()))  # type: ignore[union-attr] # asked for as a pipe
        reader.start()
        deadline, sent = time.monotonic() + 20, 0
        while not lines and time.monotonic() < deadline:
            # The command connects in its own time; what comes before that is not its to print.
            post_events(site, an_event(f"tail-{sent}"))
            sent += 1
            reader.join(0.5)
        assert json.loads(lines[0])["id"].startswith("tail-")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert (process.returncode, err) == (130, "")
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_advisories_are_imported_and_end_the_demo_set(site: CliSite, tmp_path: Path) -> None:
    before = json.loads(site.tidegate("advisories", "status", "-o", "json").stdout)["items"]
    assert all(item["demoSet"] for item in before)
    record = {
        "id": "GO-2024-0001",
        "modified": "2026-11-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "Go", "name": "x"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}],
    }  # fmt: skip
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "good.json").write_text(json.dumps(record))
    (tmp_path / "osv" / "bad.json").write_text("{")
    done = site.tidegate("advisories", "import", str(tmp_path / "osv"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "imported: 1, unchanged: 0, withdrawn: 0, rejected: 1\n"
    assert "rejected bad.json" in done.stderr
    after = {
        i["ecosystem"]: i["demoSet"]
        for i in json.loads(site.tidegate("advisories", "status", "-o", "json").stdout)["items"]
    }
    assert after["Go"] is False
    assert after["PyPI"] is True
    table = site.tidegate("advisories", "status").stdout.splitlines()
    assert table[0].split() == [
        "ECOSYSTEM",
        "SOURCE",
        "RECORDS",
        "NEWEST",
        "RECORD",
        "AGE",
        "IMPORTED",
    ]
    (go,) = (line.split() for line in table if line.startswith("Go "))
    assert (go[2], go[3]) == ("1", "2026-11-01T00:00:00Z")
    assert re.fullmatch(r"[0-9]+d", go[4])
    record = {**record, "id": "GO-2024-0002"}
    (tmp_path / "osv" / "bad.json").write_text(json.dumps(record))
    (tmp_path / "osv" / "good.json").unlink()
    done = site.tidegate("advisories", "import", "--whole", "Go", str(tmp_path / "osv"))
    assert done.stdout == "imported: 1, unchanged: 0, withdrawn: 0, removed: 1, rejected: 0\n"
    assert (
        site.tidegate("advisories", "import", "--whole", "go", str(tmp_path / "osv")).returncode
        == 2
    )
    assert site.tidegate("advisories", "import", str(tmp_path / "nothing")).returncode == 2
