from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.osv import parse_advisory
from tidegate.scan.presence import read_sources
from tidegate.wire.hub_data_v1 import AdvisorySourceV1

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def record() -> Callable[[str], bytes]:
    def make(ecosystem: str) -> bytes:
        return (
            f'{{"id": "X-{len(ecosystem)}", "modified": "2026-11-20T00:00:00Z", "affected":'
            f' [{{"package": {{"ecosystem": "{ecosystem}", "name": "a"}}, "versions": ["1"]}}]}}'
        ).encode()

    return make


def test_a_worker_tells_what_it_judges_by_and_leaves_out_what_meets_no_package(
    tmp_path: Path, record: Callable[[str], bytes]
) -> None:
    file = tmp_path / "advisories.sqlite"
    with AdvisoryIndex.open(file) as index, index.writing("dump", NOW) as writer:
        for ecosystem in (
            "Red Hat:enterprise_linux:9::baseos",
            "Red Hat:openshift:4.12::el8",
            "Android",
        ):
            writer.put(parse_advisory(record(ecosystem)), record(ecosystem))
    told = {source.ecosystem: source for source in read_sources(file)}
    assert told["Red Hat:enterprise_linux:9"] == AdvisorySourceV1(
        "Red Hat:enterprise_linux:9",
        "dump",
        1,
        "2026-11-20T00:00:00Z",
        imported_at="2026-11-23T09:00:00Z",
    )
    assert told["PyPI"].source == "demo set"
    assert told["PyPI"].imported_at == ""
    assert not {"Android", "Red Hat:openshift:4.12::el8"} & set(told)
