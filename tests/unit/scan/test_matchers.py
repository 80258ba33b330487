"""Many packages on several processes: the same answers, in the same order."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.osv import parse_advisory
from tidegate.domain.errors import InvalidAdvisoryError
from tidegate.scan import matchers
from tidegate.scan.matchers import Matchers, judge_packages
from tidegate.wire.rematch_v1 import DistinctPackageV1

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PACKAGES = [
    DistinctPackageV1(n, f"name-{n % 7}", f"{n % 5}.0", "PyPI" if n % 2 else "npm")
    for n in range(60)
]


@pytest.fixture
def index_file(tmp_path: Path) -> Path:
    path = tmp_path / "advisories.sqlite"
    with AdvisoryIndex.open(path) as index, index.writing("test", NOW) as writer:
        for number in range(3):
            body = json.dumps(
                {
                    "id": f"X-{number}",
                    "modified": "2026-01-01T00:00:00Z",
                    "affected": [
                        {
                            "package": {"ecosystem": "PyPI", "name": f"name-{number}"},
                            "ranges": [
                                {
                                    "type": "ECOSYSTEM",
                                    "events": [{"introduced": "0"}, {"fixed": "3"}],
                                }
                            ],
                        }
                    ],
                }
            ).encode()
            writer.put(parse_advisory(body), body)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_several_processes_say_what_one_says(
    index_file: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matchers, "MIN_SHARE", 10)
    alone = judge_packages(index_file, PACKAGES)
    assert len({said.said for said in alone}) > 2
    with Matchers(index_file, count) as several:
        assert several.judge(PACKAGES) == alone
        assert several.judge(PACKAGES[:3]) == alone[:3]
        assert several.judge([]) == []


def test_processes_that_are_killed_are_done_without(
    index_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matchers, "MIN_SHARE", 10)
    alone = judge_packages(index_file, PACKAGES)
    with Matchers(index_file, 2) as several:
        several.judge(PACKAGES)
        assert several._pool is not None  # noqa: SLF001 - to kill its processes
        for process in list(several._pool._processes.values()):  # noqa: SLF001
            process.kill()
            process.join()
        assert several.judge(PACKAGES) == alone
        assert several.judge(PACKAGES) == alone


def test_a_fault_of_a_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers, "MIN_SHARE", 10)
    path = tmp_path / "advisories.sqlite"
    path.write_bytes(b"no database" * 100)
    with Matchers(path, 2) as several, pytest.raises(InvalidAdvisoryError):
        several.judge(PACKAGES)
