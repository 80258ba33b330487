"""What an import changes is noted by the import itself, and given away only once it is dealt with."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.matcher import matcher_name
from tidegate.advisories.opinions import distinct, opinion_of, opinions
from tidegate.advisories.osv import parse_advisory
from tidegate.advisories.package import Package
from tidegate.domain.errors import UnavailableError
from tidegate.domain.finding import Location

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def record(identifier: str, package: str, *aliases: str, day: int = 1, **fields: object) -> bytes:
    body = {
        "id": identifier,
        "modified": f"2026-01-{day:02}T00:00:00Z",
        "aliases": aliases,
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}],
            }
        ],
    }
    return json.dumps({**body, **fields}).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "advisories.sqlite"


@pytest.fixture
def index(path: Path) -> Iterator[AdvisoryIndex]:
    """An index that the world knows: what is changed from now on is new."""
    with AdvisoryIndex.open(path) as index:
        write(index, record("A-1", "first"), record("A-2", "second", "CVE-2026-1"))
        index.forget_changes(index.take_changes())
        yield index


def write(index: AdvisoryIndex, *records: bytes) -> None:
    with index.writing("test", NOW) as writer:
        for body in records:
            writer.put(parse_advisory(body), body)


@pytest.mark.parametrize(
    ("records", "names"),
    [
        pytest.param([record("A-1", "first")], set(), id="the-same-again"),
        pytest.param([record("A-9", "new")], {"new"}, id="new"),
        pytest.param([record("A-1", "first", day=2)], {"first"}, id="modified"),
        pytest.param([record("A-1", "other", day=2)], {"first", "other"}, id="about-another"),
        pytest.param(
            [record("A-1", "first", day=2, withdrawn="2026-01-02T00:00:00Z")],
            {"first"},
            id="withdrawn",
        ),
        pytest.param([record("A-1", "first", day=1, summary="x")], {"first"}, id="same-instant"),
        # Severities are joined over all that name a CVE, so its other packages are concerned too.
        pytest.param([record("B-1", "third", "CVE-2026-1")], {"second", "third"}, id="alias"),
        pytest.param(
            [record("B-1", "third", "A-2"), record("B-2", "fourth", "B-1")],
            {"second", "third", "fourth"},
            id="alias-of-an-alias",
        ),
        pytest.param(
            [record("A-2", "second", day=2), record("B-1", "third", "CVE-2026-1")],
            {"second", "third"},
            id="alias-given-up",
        ),
    ],
)
def test_the_names_that_an_import_concerns(
    index: AdvisoryIndex, records: list[bytes], names: set[str]
) -> None:
    write(index, *records)
    found = index.take_changes()
    assert found.names is not None
    assert found.names >= names
    assert not found.names - names - {"second"}
    assert bool(names) is bool(found.names)


def test_an_ecosystem_that_was_not_served_concerns_every_package(index: AdvisoryIndex) -> None:
    other = record("N-1", "left-pad").replace(b"PyPI", b"npm")
    write(index, other)
    assert index.take_changes().names is None
    index.forget_changes(index.take_changes())
    write(index, other.replace(b"2026-01-01", b"2026-01-02"))
    assert index.take_changes().names == {"left-pad"}


def test_what_was_taken_stays_until_it_is_forgotten(index: AdvisoryIndex, path: Path) -> None:
    write(index, record("A-9", "new"))
    taken = index.take_changes()
    write(index, record("A-10", "newer"))
    with AdvisoryIndex.open(path) as again:  # as after a crash
        assert again.take_changes().names == {"new", "newer"}
        again.forget_changes(taken)
        left = again.take_changes()
        assert (left.names, left.since) == ({"newer"}, taken.state)
        assert left.state == again.state() != taken.state


def test_an_import_that_fails_changes_nothing(index: AdvisoryIndex) -> None:
    before = index.state()

    def fail() -> None:
        with index.writing("test", NOW) as writer:
            body = record("A-9", "new")
            writer.put(parse_advisory(body), body)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (index.take_changes().names, index.state()) == (frozenset(), before)


def test_states_are_equal_for_equal_records_however_they_came(tmp_path: Path) -> None:
    records = [record(f"A-{n}", f"p{n}") for n in range(3)]
    states = []
    for number, order in enumerate((records, records[::-1])):
        with AdvisoryIndex.open(tmp_path / f"{number}.sqlite") as index:
            for body in order:
                write(index, body)
            states.append(index.state())
            write(index, record("A-0", "p0", day=2))
            states.append(index.state())
    assert states[:2] == states[2:]
    assert len(set(states)) == 2


def test_other_code_judges_everything_again_once(
    index: AdvisoryIndex, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index.state()
    monkeypatch.setattr("tidegate.advisories.changes.matcher_name", lambda: "upgraded")
    assert index.state() != before, "by equal records"
    write(index, record("A-9", "new"))
    with AdvisoryIndex.open(path) as upgraded:
        taken = upgraded.take_changes()
        assert (taken.names, taken.since) == (None, before)
        assert upgraded.take_changes().names is None, "as long as it is not dealt with"
        upgraded.forget_changes(taken)
        assert upgraded.take_changes().names == frozenset()
        assert upgraded.state() == taken.state != before


def test_the_matcher_is_named_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    name = matcher_name()
    assert name == matcher_name.__wrapped__(), "the same code has the same name"
    monkeypatch.setattr("tidegate.advisories.matcher.version", lambda package: f"{package} 99")
    other = matcher_name.__wrapped__()
    monkeypatch.setattr("tidegate.advisories.matcher.PACKAGES", ("tidegate.advisories",))
    assert len({name, other, matcher_name.__wrapped__()}) == 3


def test_an_index_made_by_the_version_before_is_looked_at_as_a_whole(
    index: AdvisoryIndex, path: Path
) -> None:
    connection = index._connection  # noqa: SLF001 - as that version left the file
    names = connection.execute(
        "SELECT type, name FROM sqlite_master WHERE name LIKE 'changed%'"
    ).fetchall()
    for kind, name in sorted(names, reverse=True):
        connection.execute(f"DROP {kind} {name}")
    with AdvisoryIndex.open(path) as upgraded:
        taken = upgraded.take_changes()
        assert (taken.since, taken.names) == ("", None)
        upgraded.forget_changes(taken)
        write(upgraded, record("A-9", "new"))
        assert upgraded.take_changes().names == {"new"}


def test_nothing_is_taken_while_an_import_runs(
    index: AdvisoryIndex, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.advisories.index.LOCK_WAIT_S", 0.01)
    with (
        AdvisoryIndex.open(path) as other,
        index.writing("test", NOW),
        pytest.raises(UnavailableError, match="another import is running"),
    ):
        other.take_changes()


# Opinions

JINJA = Package("PyPI", "Jinja2", "2.10", "pkg:pypi/jinja2@2.10", locations=(Location("app"),))


def test_an_opinion_changes_with_what_is_said_and_nothing_else(tmp_path: Path) -> None:
    with AdvisoryIndex.open(tmp_path / "index.sqlite") as index:
        advisories = with_demo_set(index)
        unjudged = opinion_of(Package("Cobol", "x", "1", "pkg:generic/x@1"), advisories)
        import_advisories(index, str(one(tmp_path, record("A-1", "unrelated"))), now=NOW)
        clean = opinion_of(JINJA, advisories)
        write(index, record("A-2", "jinja2").replace(b'"fixed": "2"', b'"fixed": "3"'))
        found = opinion_of(JINJA, advisories)
        write(index, record("A-2", "jinja2", day=2).replace(b'"fixed": "2"', b'"fixed": "3.1"'))
        refixed = opinion_of(JINJA, advisories)
        rated = record("A-2", "jinja2", day=3, database_specific={"severity": "HIGH"})
        write(index, rated.replace(b'"fixed": "2"', b'"fixed": "3.1"'))
        severe = opinion_of(JINJA, advisories)
        worded = record(
            "A-2", "jinja2", day=4, database_specific={"severity": "HIGH"}, summary="words"
        )
        write(index, worded.replace(b'"fixed": "2"', b'"fixed": "3.1"'))
        assert opinion_of(JINJA, advisories) == severe
        undecided = opinion_of(
            Package("PyPI", "jinja2", "no version", "pkg:pypi/jinja2@x"), advisories
        )
    assert clean == ""
    said = [unjudged, clean, found, refixed, severe, undecided]
    assert len(set(said)) == len(said)


def one(folder: Path, body: bytes) -> Path:
    path = folder / "record.json"
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    "field", [each.name for each in fields(Package) if each.name not in {"locations", "purl"}]
)
def test_packages_that_matching_tells_apart_are_distinct(field: str) -> None:
    """Names and versions of binaries are not compared where there are those of a source."""
    package = Package("Debian:12", "libc6", "2.36-9+b1", "", "glibc", "2.36-9")
    other = replace(package, **{field: "7"})
    found = distinct([package, other])
    assert len(found) == (1 if field in {"name", "version"} else 2)


def test_binary_packages_of_one_source_are_judged_once_and_alike(tmp_path: Path) -> None:
    binaries = [
        Package("Debian:12", name, version, f"pkg:deb/debian/{name}@{version}", "glibc", "2.36-9")
        for name, version in (("libc6", "2.36-9"), ("libc-bin", "2.36-9+b1"))
    ]
    same = Package("PyPI", "jinja2", "2.10", "pkg:pypi/other@2.10")
    (glibc, jinja) = distinct([*binaries, JINJA, same])
    assert (glibc.name, glibc.version, jinja.name) == ("glibc", "2.36-9", "jinja2")
    with AdvisoryIndex.open(tmp_path / "index.sqlite") as index:
        body = record("D-1", "glibc").replace(b"PyPI", b"Debian:12").replace(b'"2"', b'"3"')
        write(index, body)
        advisories = with_demo_set(index)
        said = {opinion_of(package, advisories) for package in binaries}
        # As the hub hands it out again: name and version that are compared, and nothing else.
        said.add(opinion_of(Package("Debian:12", "glibc", "2.36-9", ""), advisories))
        assert len(said) == 1
        assert dict(opinions(binaries, advisories)) == {glibc: said.pop()} != {glibc: ""}
