"""The audit log is followed over rotations and rubbish, and nothing is counted twice."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tidegate.agent import audit_log
from tidegate.agent.alarms import Alarms
from tidegate.agent.audit_log import AuditLog, failed_open

KEY = "failed-open.validating.webhook.admission.k8s.io/round_0_index_0"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def line(**annotations: str) -> bytes:
    body = {"kind": "Event", "verb": "create", "annotations": annotations}
    return json.dumps(body).encode()


OPEN = line(**{KEY: "gate.tidegate.io"})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(OPEN, True, id="ours"),
        pytest.param(line(**{KEY.replace("0_index_0", "0_index_7"): "gate.tidegate.io"}), True, id="seventh"),
        pytest.param(line(**{KEY: "other.example"}), False, id="anothers"),
        pytest.param(line(**{KEY.replace("validating", "mutation"): "gate.tidegate.io"}), False, id="mutating"),
        pytest.param(line(note=f"{KEY} gate.tidegate.io"), False, id="in-a-text"),
        pytest.param(line(), False, id="nothing"),
    ],
)  # fmt: skip
def test_t12_an_audit_event_says_that_our_webhook_failed_open(event: bytes, *, said: bool) -> None:
    assert failed_open(event) is said


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    followed = AuditLog(tmp_path / "audit.log", Alarms(lambda: NOW, lambda _: None), lambda: NOW)
    followed.look()  # nothing is there yet
    yield followed
    followed.close()


def append(path: Path, *parts: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(parts))


def test_lines_are_counted_once_however_they_come(log: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    append(path, OPEN, b"\n", line(), b"\n", OPEN[:30])
    log.look()
    assert log.count == 1
    append(path, OPEN[30:], b"\n")
    log.look()
    log.look()
    assert log.count == 2


@pytest.mark.parametrize("cut", [False, True], ids=["renamed", "cut"])
def test_a_rotation_loses_nothing(log: AuditLog, tmp_path: Path, *, cut: bool) -> None:
    path = tmp_path / "audit.log"
    append(path, OPEN, b"\n", line(), b"\n")
    log.look()
    if cut:
        path.write_bytes(b"")
    else:
        append(path, OPEN, b"\n")  # just before it is put aside
        path.rename(tmp_path / "audit-1.log")
    append(path, OPEN, b"\n")
    log.look()
    assert log.count == (2 if cut else 3)


def test_t03_a_line_without_an_end_is_skipped_and_what_follows_is_read(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(audit_log, "CHUNK_BYTES", 400)
    append(
        tmp_path / "audit.log", b"x" * 5000, OPEN, b"\n", b'{"' + KEY.encode() + b"\n", OPEN, b"\n"
    )
    log.look()
    assert log.count == 1


def unreadable() -> float | None:
    return REGISTRY.get_sample_value("tidegate_agent_audit_log_unreadable")


def test_a_log_that_cannot_be_read_is_told_until_it_can(log: AuditLog, tmp_path: Path) -> None:
    assert unreadable() == 1
    append(tmp_path / "audit.log", OPEN, b"\n")
    log.look()
    assert (unreadable(), log.count) == (0, 1)
    (tmp_path / "audit.log").rename(tmp_path / "audit-1.log")
    (tmp_path / "audit.log").mkdir()
    log.look()
    assert unreadable() == 1
    (tmp_path / "audit.log").rmdir()
    append(tmp_path / "audit.log", OPEN, b"\n")
    log.look()
    assert (unreadable(), log.count) == (0, 2)


def test_what_is_older_than_a_day_does_not_count(tmp_path: Path) -> None:
    now = [NOW]
    log = AuditLog(tmp_path / "a", Alarms(lambda: NOW, lambda _: None), lambda: now[0])
    append(tmp_path / "a", OPEN, b"\n")
    log.look()
    now[0] += timedelta(days=1, seconds=1)
    assert log.count == 0
    log.close()
