"""What doctor says of each part, and how bad it is."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest

from tidegate.advisories.index import EcosystemSource
from tidegate.cli.doctor_hub import judge_clock, judge_clusters, judge_switches
from tidegate.cli.doctor_lines import Level
from tidegate.cli.doctor_local import examine_disk, examine_keys, judge_advisories
from tidegate.cli.doctor_workers import judge_advisories_told, judge_keys, judge_workers
from tidegate.domain.rule import EvaluationMode
from tidegate.local.data_folder import DataFolder
from tidegate.trust.keys import fingerprint, generate_key, load_private_key, private_pem
from tidegate.wire.hub_data_v1 import AdvisorySourceV1, EvidenceKeyV1, WorkerV1
from tidegate.wire.hub_v1 import ClusterV1, JobPageV1, JobRecordV1, SettingsV1

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = ClusterV1(
    "prod", "aws", "42", {}, "2026-11-01T00:00:00Z", "2026-11-23T11:59:58Z", "0.1", "g1", "g1"
)  # fmt: skip


def changed(**fields: object) -> ClusterV1:
    return msgspec.structs.replace(GOOD, **fields)


@pytest.mark.parametrize(
    ("cluster", "level", "said"),
    [
        pytest.param(GOOD, Level.OK, "in force", id="good"),
        pytest.param(changed(enrolled_at=""), Level.WARN, "waits for its agent", id="announced"),
        pytest.param(changed(last_seen_at=""), Level.FAIL, "last heard never", id="never"),
        pytest.param(
            changed(last_seen_at="2026-11-23T11:50:00Z"), Level.FAIL, "600 s ago", id="silent"
        ),
        pytest.param(changed(problems=["disk full"]), Level.FAIL, "disk full", id="problem"),
        pytest.param(changed(gating="Off"), Level.WARN, "every image is admitted", id="off"),
        pytest.param(changed(policy_generation=""), Level.FAIL, "not in force", id="no-rules"),
        pytest.param(changed(wanted_generation="g2"), Level.FAIL, "out of date", id="old-rules"),
    ],
)
def test_a_cluster_is_judged_by_what_its_agent_says(
    cluster: ClusterV1, level: Level, said: str
) -> None:
    (check,) = judge_clusters([cluster], NOW)
    assert (check.level, said in check.says) == (level, True)
    assert bool(check.advice) == (level is not Level.OK)


def test_no_cluster_at_all_is_a_warning() -> None:
    (check,) = judge_clusters([], NOW)
    assert check.level is Level.WARN


def page(waiting_since: datetime | None, **counts: int) -> JobPageV1:
    jobs = []
    if waiting_since is not None:
        at = waiting_since.isoformat()
        jobs = [JobRecordV1("j", "r", "a", "sha256:x", "queued", 0, 5, "ci", at, at)]
    return JobPageV1(jobs, {"queued": 0, "leased": 0, "done": 0, "failed": 0, **counts})


def worker(name: str = "w1", age_s: float = 20, key: str = "a" * 64) -> WorkerV1:
    return WorkerV1(name, (NOW - timedelta(seconds=age_s)).isoformat(), "0.1", key, [])


@pytest.mark.parametrize(
    ("jobs", "level"),
    [
        pytest.param(page(None), Level.OK, id="idle"),
        pytest.param(page(NOW - timedelta(seconds=9), queued=1), Level.OK, id="just-queued"),
        pytest.param(page(NOW - timedelta(minutes=9), queued=1), Level.FAIL, id="nobody-works"),
        pytest.param(page(NOW - timedelta(minutes=9), queued=1, leased=1), Level.OK, id="busy"),
        pytest.param(page(NOW + timedelta(minutes=9), queued=1), Level.OK, id="retry-later"),
        pytest.param(page(None, failed=2), Level.WARN, id="failed"),
    ],
)
def test_scan_jobs_that_nobody_takes_are_a_failure(jobs: JobPageV1, level: Level) -> None:
    assert judge_workers([worker()], jobs, NOW).level is level


@pytest.mark.parametrize(
    ("workers", "waiting", "level", "said"),
    [
        pytest.param([], 0, Level.WARN, "none was ever heard of", id="none"),
        pytest.param([], 1, Level.FAIL, "none was ever heard of", id="none-and-work"),
        pytest.param([worker(age_s=400)], 0, Level.FAIL, "w1 was last heard of", id="silent"),
        pytest.param([worker(age_s=400), worker("w2")], 0, Level.OK, "w2: 0", id="one-of-two"),
        pytest.param(
            [msgspec.structs.replace(worker(), last_seen_at="")], 0, Level.FAIL, "", id="no-time"
        ),
    ],
)
def test_a_worker_is_judged_by_its_heartbeat(
    workers: list[WorkerV1], waiting: int, level: Level, said: str
) -> None:
    check = judge_workers(workers, page(None, queued=waiting), NOW)
    assert (check.level, said in check.says) == (level, True), check
    assert bool(check.advice) == (level is not Level.OK)


def told(ecosystem: str, age_d: int, source: str = "osv") -> AdvisorySourceV1:
    return AdvisorySourceV1(ecosystem, source, 9, (NOW - timedelta(days=age_d)).isoformat())


@pytest.mark.parametrize(
    ("sources", "level", "said"),
    [
        pytest.param([told("npm", 1), told("Go", 2)], Level.OK, "Go, is 2 days old", id="young"),
        pytest.param([told("npm", 1), told("Go", 30)], Level.WARN, "Go, is 30 days", id="old"),
        pytest.param([told("npm", 1, "demo set")], Level.WARN, "only the demo set", id="demo"),
        pytest.param([], Level.WARN, "no vulnerability is known", id="none"),
        pytest.param(
            [msgspec.structs.replace(told("npm", 1), updated_at="x")],
            Level.WARN,
            "not known",
            id="undated",
        ),
    ],
)
def test_advisories_are_judged_as_the_workers_told_them(
    sources: list[AdvisorySourceV1], level: Level, said: str
) -> None:
    (check,) = judge_advisories_told([worker()], sources, NOW)
    assert (check.level, said in check.says) == (level, True), check


def test_without_a_worker_nobody_told_of_advisories() -> None:
    assert judge_advisories_told([], [], NOW) == []


def test_signing_keys_are_those_of_living_workers() -> None:
    keys = [EvidenceKeyV1("w1", "a" * 64, "", "2026-11-23T11:00:00Z")]
    signs = judge_keys([worker(), worker("w2", 900, "b" * 64)], keys, NOW)
    assert (signs.level, signs.says) == (
        Level.OK,
        f"last signed: {'a' * 16} (2026-11-23T11:00:00Z)",
    )
    assert judge_keys([worker(age_s=900)], keys, NOW).level is Level.WARN


def test_each_component_that_is_off_is_told() -> None:
    assert judge_switches(SettingsV1(EvaluationMode.FIRST_MATCH)) == []
    off = SettingsV1(
        EvaluationMode.FIRST_MATCH,
        security_findings="Off",
        registry_access="Off",
        security_gating="Off",
    )
    assert [check.level for check in judge_switches(off)] == [Level.WARN] * 3


@pytest.mark.parametrize(
    ("said", "level"),
    [
        pytest.param(format_datetime(NOW, usegmt=True), Level.OK, id="same"),
        pytest.param(format_datetime(NOW - timedelta(minutes=1)), Level.WARN, id="a-minute"),
        pytest.param(format_datetime(NOW + timedelta(hours=1)), Level.FAIL, id="an-hour"),
        pytest.param("", Level.WARN, id="none"),
        pytest.param("yesterday", Level.WARN, id="words"),
    ],
)
def test_clocks_that_differ_are_told(said: str, level: Level) -> None:
    assert judge_clock(said, NOW).level is level


def source(name: str, age_d: int) -> EcosystemSource:
    at = NOW - timedelta(days=age_d)
    return EcosystemSource(
        ecosystem="npm", name=name, record_count=5, updated_at=at, imported_at=at
    )


@pytest.mark.parametrize(
    ("sources", "level"),
    [
        pytest.param([source("osv", 1)], Level.OK, id="young"),
        pytest.param([source("osv", 1), source("ghsa", 30)], Level.WARN, id="one-old"),
        pytest.param([], Level.WARN, id="none"),
    ],
)
def test_old_advisories_are_a_warning(sources: list[EcosystemSource], level: Level) -> None:
    assert judge_advisories(sources, NOW).level is level


def test_a_key_that_is_not_trusted_is_a_failure(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.ensure()
    nobody: frozenset[str] = frozenset()
    assert [check.level for check in examine_keys(folder, nobody)] == [Level.OK]
    folder.evidence_key.write_bytes(private_pem(generate_key()))
    (check,) = examine_keys(folder, nobody)
    assert (check.level, "no new finding counts" in check.says) == (Level.FAIL, True)
    folder.trust.write_text("keys: [")
    assert [check.level for check in examine_keys(folder, nobody)] == [Level.FAIL]


def test_keys_that_workers_sign_with_have_to_be_trusted(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.ensure()
    own = fingerprint(load_private_key(folder.evidence_key.read_bytes()).public_key())
    assert examine_keys(folder, frozenset({own}))[0].level is Level.OK
    (check,) = examine_keys(folder, frozenset({own, "b" * 64}))
    assert (check.level, f"signs with {'b' * 16}" in check.says) == (Level.FAIL, True)


def test_a_folder_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert examine_disk(tmp_path).level in (Level.OK, Level.WARN)
    assert examine_disk(tmp_path / "gone").level is Level.FAIL
