import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories import index as index_module
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.index_writer import Outcome
from tidegate.advisories.osv import parse_advisory
from tidegate.domain.errors import InvalidAdvisoryError, UnavailableError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def index() -> Iterator[AdvisoryIndex]:
    with AdvisoryIndex.open(None) as opened:
        yield opened


def put(index: AdvisoryIndex, *bodies: bytes, source: str = "test") -> list[Outcome]:
    with index.writing(source, NOW) as writer:
        return [writer.put(parse_advisory(body), body) for body in bodies]


def ids(index: AdvisoryIndex, ecosystem: str = "PyPI", package: str = "example") -> list[str]:
    return [advisory.id for advisory in index.affecting(ecosystem, package)]


def test_importing_the_same_again_changes_nothing(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    assert put(index, record("A-1")) == [Outcome.IMPORTED]
    assert put(index, record("A-1")) == [Outcome.UNCHANGED]
    assert ids(index) == ["A-1"]


@pytest.mark.parametrize(
    ("modified", "outcome", "aliases"),
    [
        pytest.param("2024-01-02T00:00:00Z", Outcome.IMPORTED, ("CVE-2024-0002",), id="newer"),
        pytest.param("2024-01-01T00:00:00Z", Outcome.IMPORTED, ("CVE-2024-0002",), id="edited"),
        pytest.param("2023-12-31T00:00:00Z", Outcome.UNCHANGED, ("CVE-2024-0001",), id="older"),
    ],
)
def test_the_later_modification_counts(
    index: AdvisoryIndex,
    record: Callable[..., bytes],
    modified: str,
    outcome: Outcome,
    aliases: tuple[str, ...],
) -> None:
    put(index, record("A-1", aliases=["CVE-2024-0001"]))
    assert put(index, record("A-1", modified=modified, aliases=["CVE-2024-0002"])) == [outcome]
    assert index.affecting("PyPI", "example")[0].aliases == aliases
    assert len(index.naming("CVE-2024-0001")) == (aliases == ("CVE-2024-0001",))


def test_a_withdrawn_record_is_never_answered_and_does_not_come_back(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    withdrawn = record("A-1", modified="2024-02-01T00:00:00Z", withdrawn="2024-02-01T00:00:00Z")
    put(index, record("A-1", aliases=["CVE-2024-0001"]))
    assert put(index, withdrawn) == [Outcome.WITHDRAWN]
    assert put(index, record("A-1")) == [Outcome.UNCHANGED]
    assert ids(index) == []
    assert index.naming("CVE-2024-0001") == ()
    assert index.source("PyPI") is not None


def test_a_crash_in_the_middle_keeps_the_old_content(
    tmp_path: Path, record: Callable[..., bytes]
) -> None:
    path = tmp_path / "advisories.sqlite"

    class CrashError(Exception):
        pass

    with AdvisoryIndex.open(path) as index:
        put(index, record("A-1"))
        with suppress(CrashError), index.writing("second", NOW) as writer:
            writer.put(parse_advisory(record("A-2")), record("A-2"))
            raise CrashError
        assert ids(index) == ["A-1"]
    with AdvisoryIndex.open(path) as again:
        assert ids(again) == ["A-1"]
        source = again.source("PyPI")
        assert source is not None
        assert source.name == "test"


def test_readers_see_the_old_content_while_an_import_runs(
    tmp_path: Path, record: Callable[..., bytes]
) -> None:
    path = tmp_path / "advisories.sqlite"
    with AdvisoryIndex.open(path) as writing, AdvisoryIndex.open(path) as reading:
        put(writing, record("A-1"))
        with writing.writing("second", NOW) as writer:
            writer.put(parse_advisory(record("A-2")), record("A-2"))
            assert ids(reading) == ["A-1"]
        assert ids(reading) == ["A-1", "A-2"]


def test_an_index_can_be_opened_while_an_import_runs(
    tmp_path: Path, record: Callable[..., bytes]
) -> None:
    path = tmp_path / "advisories.sqlite"
    with AdvisoryIndex.open(path) as index, index.writing("test", NOW) as writer:
        writer.put(parse_advisory(record("A-1")), record("A-1"))
        with AdvisoryIndex.open(path) as other:
            assert ids(other) == []


def test_a_second_import_at_the_same_time_is_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "advisories.sqlite"
    monkeypatch.setattr(index_module, "LOCK_WAIT_S", 0.05)
    with (
        AdvisoryIndex.open(path) as index,
        AdvisoryIndex.open(path) as other,
        index.writing("first", NOW),
        pytest.raises(UnavailableError, match="another import is running"),
        other.writing("second", NOW),
    ):
        pytest.fail("both write")


def test_a_source_tells_its_name_count_and_newest_record(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    put(index, record("A-1"), record("A-2", modified="2025-05-05T00:00:00Z"), source="first")
    put(index, record("A-3"), source="second")
    (source,) = index.sources()
    assert (source.ecosystem, source.name, source.record_count) == ("PyPI", "second", 3)
    assert source.updated_at == datetime(2025, 5, 5, tzinfo=UTC)
    assert source.imported_at == NOW


def test_a_record_from_the_future_does_not_make_the_data_younger_than_now(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    put(index, record("A-1", modified="2999-01-01T00:00:00Z"))
    source = index.source("PyPI")
    assert source is not None
    assert source.updated_at == NOW


def test_records_of_a_release_and_of_all_releases_are_both_found(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    def of(ecosystem: str) -> list[dict[str, object]]:
        return [{"package": {"ecosystem": ecosystem, "name": "openssl"}, "versions": ["1"]}]

    put(
        index,
        record("D-12", affected=of("Debian:12")),
        record("D-11", affected=of("Debian:11")),
        record("D-all", affected=of("Debian")),
    )
    assert ids(index, "Debian:12", "openssl") == ["D-12", "D-all"]
    assert ids(index, "Debian:13", "openssl") == ["D-all"]
    assert index.source("Debian:12") is not None
    assert index.source("Debian:13") is None, "a record of no release does not cover all of them"
    assert index.source("Debian") is None, "nor a package whose release is not known"


def test_names_of_pypi_are_found_however_they_are_written(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    put(index, record("A-1"))
    assert ids(index, "PyPI", "Example") == ["A-1"]


@pytest.mark.parametrize("content", [b"no database at all, but long enough" * 10, b"SQLite"])
def test_a_file_that_is_no_index_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "advisories.sqlite"
    path.write_bytes(content)
    with pytest.raises(InvalidAdvisoryError, match="remove the file and import again"):
        AdvisoryIndex.open(path)


def test_an_index_of_another_version_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InvalidAdvisoryError, match="version 99, want 3"):
        AdvisoryIndex.open(path)


def test_of_an_index_of_version_2_some_records_are_read_again(
    tmp_path: Path, record: Callable[..., bytes]
) -> None:
    path = tmp_path / "advisories.sqlite"
    extended, other = "Red Hat:rhel_eus:9.2::baseos", "Red Hat:enterprise_linux:9"
    body, main = (
        record(name, affected=[{"package": {"ecosystem": key, "name": "a"}, "versions": ["1"]}])
        for name, key in (("RHSA-2024:1", extended), ("RHSA-2024:2", other))
    )
    with AdvisoryIndex.open(path) as index, index.writing("a", NOW) as writer:
        for each in (body, main):
            writer.put(parse_advisory(each), each)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE affected SET ecosystem = ? WHERE id = 'RHSA-2024:1'", (extended,))
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    with AdvisoryIndex.open(path) as index, index.writing("a", NOW) as writer:
        assert (writer.holds(main), writer.holds(body)) == (True, False)
        assert writer.put(parse_advisory(body), body) is Outcome.IMPORTED
    with AdvisoryIndex.open(path) as index:
        assert [a.id for a in index.affecting("Red Hat:rhel_eus:9.2", "a")] == ["RHSA-2024:1"]


def of(*ecosystems: str) -> list[dict[str, object]]:
    return [
        {"package": {"ecosystem": name, "name": "example"}, "versions": ["1"]}
        for name in ecosystems
    ]


def test_a_dump_covers_what_its_records_speak_of_alone(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    """A dump of npm has records that name PyPI besides; PyPI's own are not in it."""
    put(index, record("N-1", affected=of("npm")), record("N-2", affected=of("npm", "PyPI")))
    assert [source.ecosystem for source in index.sources()] == ["npm"]
    assert ids(index) == ["N-2"], "the record itself counts"
    assert not index.serves("PyPI")


def test_another_ecosystems_dump_makes_advisories_no_younger(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    put(index, record("A-1"), source="pypi")
    later = record("N-2", modified="2026-05-01T00:00:00Z", affected=of("npm", "PyPI"))
    put(index, record("N-1", affected=of("npm")), later, source="npm")
    source = index.source("PyPI")
    assert source is not None
    assert (source.name, source.record_count) == ("pypi", 2)
    assert source.updated_at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "pair", [("Wolfi", "Chainguard"), ("SUSE:Linux Enterprise Server 15 SP5", "openSUSE:Leap 15.5")]
)
def test_databases_that_speak_of_two_distributions_cover_both(
    index: AdvisoryIndex, record: Callable[..., bytes], pair: tuple[str, str]
) -> None:
    put(index, record("A-1", affected=of(*pair)))
    assert len(index.sources()) == 2


def test_a_whole_dump_covers_its_ecosystem_whatever_its_records_name_besides(
    index: AdvisoryIndex, record: Callable[..., bytes]
) -> None:
    body = record("A-1", affected=of("npm", "PyPI"))
    with index.writing("test", NOW, "PyPI") as writer:
        writer.put(parse_advisory(body), body)
    assert [source.ecosystem for source in index.sources()] == ["PyPI"]
