import pytest

from tidegate.advisories import versions
from tidegate.advisories.osv import Affected, Event
from tidegate.advisories.versions import Judgement, is_covered, judge_version

HIT, MISS, UNKNOWN = True, False, None


def affected(ecosystem: str, *ranges: str, versions: tuple[str, ...] = ()) -> Affected:
    kinds = {"i": "introduced", "f": "fixed", "l": "last_affected", "m": "limit"}
    parsed = tuple(
        tuple(Event(kinds[event[0]], event[1:]) for event in text.split()) for text in ranges
    )
    return Affected(ecosystem, "p", parsed, frozenset(versions))


@pytest.mark.parametrize(
    ("ecosystem", "ranges", "version", "expected"),
    [
        # PyPI compares by PEP 440
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.1.99", MISS, id="pypi-before-introduced"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2rc1", MISS, id="pypi-candidate-before"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2", HIT, id="pypi-introduced"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.0", HIT, id="pypi-introduced-with-zero"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.12", HIT, id="pypi-last"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.12.post1", HIT, id="pypi-post-release"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.13.dev1", HIT, id="pypi-dev-of-fixed"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.13", MISS, id="pypi-fixed"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "3.2.13+local", MISS, id="pypi-fixed-local"),
        pytest.param("PyPI", ["i3.2 f3.2.13"], "1!3.2.1", MISS, id="pypi-epoch"),
        pytest.param("PyPI", ["i0 l2.0"], "2.0", HIT, id="pypi-last-affected"),
        pytest.param("PyPI", ["i0 l2.0"], "2.0.1", MISS, id="pypi-after-last-affected"),
        pytest.param("PyPI", ["i0"], "99", HIT, id="pypi-never-fixed"),
        pytest.param("PyPI", ["i0 m2.0"], "2.0", MISS, id="pypi-at-limit"),
        pytest.param("PyPI", ["i0 m2.0"], "1.9", HIT, id="pypi-below-limit"),
        pytest.param("PyPI", ["i0 m*"], "99", HIT, id="pypi-open-limit"),
        pytest.param("PyPI", ["f2 i3 i0 f4"], "2.5", MISS, id="events-in-any-order-gap"),
        pytest.param("PyPI", ["f2 i3 i0 f4"], "1", HIT, id="events-in-any-order-first"),
        pytest.param("PyPI", ["f2 i3 i0 f4"], "3", HIT, id="events-in-any-order-second"),
        pytest.param("PyPI", ["i1 f2 i2 f3"], "2", HIT, id="fixed-and-introduced-again"),
        pytest.param("PyPI", ["i1 l1"], "1", HIT, id="one-version"),
        pytest.param("PyPI", ["i1 l1"], "1.1", MISS, id="after-one-version"),
        pytest.param("PyPI", ["i1 f1"], "1", HIT, id="fixed-where-introduced-counts"),
        # Debian has epochs, tildes, revisions
        pytest.param("Debian:12", ["i0 f1:2.0-1"], "3.0-1", HIT, id="deb-epoch-wins"),
        pytest.param("Debian:12", ["i0 f1:2.0-1"], "1:2.0-1~bpo1", HIT, id="deb-tilde-is-before"),
        pytest.param("Debian:12", ["i0 f1:2.0-1"], "1:2.0-1", MISS, id="deb-fixed"),
        pytest.param("Debian:12", ["i0 f1:2.0-1"], "1:2.0-1+deb12u1", MISS, id="deb-update"),
        pytest.param("Debian:12", ["i0 f2.0-1+deb12u2"], "2.0-1+deb12u1", HIT, id="deb-one-short"),
        pytest.param("Debian:12", ["i0 f2.0-1+deb12u2"], "2.0-1+deb12u10", MISS, id="deb-number"),
        pytest.param("Debian:11", ["i0"], "2.31-13", HIT, id="deb-no-fix"),
        # npm compares by semver
        pytest.param("npm", ["i1.0.0 f1.2.3"], "1.0.0-rc.1", MISS, id="npm-prerelease-before"),
        pytest.param("npm", ["i1.0.0 f1.2.3"], "1.0.0", HIT, id="npm-introduced"),
        pytest.param("npm", ["i1.0.0 f1.2.3"], "1.2.3-beta.11", HIT, id="npm-prerelease-of-fix"),
        pytest.param("npm", ["i1.0.0 f1.2.3"], "1.2.3", MISS, id="npm-fixed"),
        pytest.param("npm", ["i1.0.0 f1.2.3"], "1.10.0", MISS, id="npm-numbers"),
        # Maven has qualifiers
        pytest.param("Maven", ["i2.0-beta9 f2.3.1"], "2.0-beta8", MISS, id="maven-beta-before"),
        pytest.param("Maven", ["i2.0-beta9 f2.3.1"], "2.0-beta9", HIT, id="maven-introduced"),
        pytest.param("Maven", ["i2.0-beta9 f2.3.1"], "2.0-rc1", HIT, id="maven-rc"),
        pytest.param("Maven", ["i2.0-beta9 f2.3.1"], "2.3.1", MISS, id="maven-fixed"),
        pytest.param("Maven", ["i0 f2.12.7.1"], "2.12.7", HIT, id="maven-fourth-part"),
        pytest.param("Maven", ["i0 f2.12.7.1"], "2.12.7.1", MISS, id="maven-fourth-part-fixed"),
        pytest.param("Maven", ["i1 f2"], "2.0.0", MISS, id="maven-zeros-are-equal"),
        # What cannot be decided is never "not affected"
        pytest.param("PyPI", ["i0 f2"], "2004d", UNKNOWN, id="pypi-legacy"),
        pytest.param("PyPI", ["i0 f2004d"], "1.0", UNKNOWN, id="pypi-legacy-in-record"),
        pytest.param("PyPI", ["i0 f2004d", "i0 f2"], "1.0", HIT, id="another-range-settles-it"),
        pytest.param("npm", ["i0 f2.0.0"], "latest", UNKNOWN, id="npm-tag"),
        pytest.param("npm", ["i0 f2.0.0"], "", UNKNOWN, id="npm-empty"),
        pytest.param("Maven", ["i0 f2"], "${project.version}", UNKNOWN, id="maven-unexpanded"),
        pytest.param("Maven", ["i0 f2"], " ", UNKNOWN, id="maven-blank"),
        pytest.param("PyPI", ["i0 f2"], "1" * 300, UNKNOWN, id="overlong"),
    ],
)
def test_a_version_is_judged_by_its_range(
    ecosystem: str, ranges: list[str], version: str, *, expected: bool | None
) -> None:
    assert judge_version(affected(ecosystem, *ranges), version).affected is expected


@pytest.mark.parametrize(
    ("listed", "version", "expected"),
    [
        pytest.param("1.0", "1.0", HIT, id="listed"),
        pytest.param("1.0", "1.0.0", HIT, id="listed-in-other-words"),
        pytest.param("1.0", "1.1", MISS, id="not-listed"),
        pytest.param("2004d", "2004d", HIT, id="listed-though-no-version"),
        pytest.param("2004d", "2005-foo-x", UNKNOWN, id="no-version-and-not-listed"),
    ],
)
def test_listed_versions_count_like_ranges(
    listed: str, version: str, *, expected: bool | None
) -> None:
    assert judge_version(affected("PyPI", versions=(listed,)), version).affected is expected


@pytest.mark.parametrize(
    ("ranges", "version", "fixed"),
    [
        pytest.param(["i2.2 f2.2.28", "i3.2 f3.2.13", "i4.0 f4.0.4"], "3.2", "3.2.13", id="own"),
        pytest.param(["i4.0 f4.0.4 i3.2 f3.2.13 i2.2 f2.2.28"], "3.2", "3.2.13", id="one-range"),
        pytest.param(["i0 f2 i3 f4"], "1", "2", id="nearest"),
        pytest.param(["i0"], "1", "", id="none-known"),
        pytest.param(["i0 l3"], "1", "", id="last-affected-says-no-fix"),
        pytest.param(["i0 f2", "i0 f3"], "1", "3", id="overlapping-ranges-need-the-higher"),
    ],
)
def test_the_fix_is_the_lowest_above_the_version_in_its_range(
    ranges: list[str], version: str, fixed: str
) -> None:
    judged = judge_version(affected("PyPI", *ranges), version)
    assert judged == Judgement(affected=True, fixed_version=fixed)


@pytest.mark.parametrize(
    ("ecosystem", "covered"),
    [("Debian:12", True), ("PyPI", True), ("Red Hat:enterprise_linux:9", True), ("Hex", False)],
)
def test_only_compared_ecosystems_are_covered(ecosystem: str, *, covered: bool) -> None:
    assert is_covered(ecosystem) is covered


def test_entries_that_come_and_go_are_never_taken_for_one_another() -> None:
    """What is kept of an entry goes by its place in memory, which others take after it."""
    judged = [judge_version(affected("npm", f"i{n}.0.0"), "50.0.0").affected for n in range(100)]
    assert judged == [n <= 50 for n in range(100)]


def test_more_entries_than_are_kept_are_judged_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_COMPILED", 3)
    entries = [affected("npm", f"i0 f{n}.0.0") for n in range(10)]
    for _ in range(2):
        fixes = [judge_version(entry, "4.0.0").fixed_version for entry in entries]
        assert fixes == ["", "", "", "", "", *(f"{n}.0.0" for n in range(5, 10))]


def test_the_fix_told_is_the_lowest_above_the_version() -> None:
    entry = affected("PyPI", "i1 f9 f3 f5.0 f5", versions=("2",))
    assert judge_version(entry, "1.5") == Judgement(affected=True, fixed_version="3")
