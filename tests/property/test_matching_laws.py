import json
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.match import match_packages
from tidegate.advisories.osv import Affected, Event, parse_advisory
from tidegate.advisories.package import Package
from tidegate.advisories.versions import judge_version
from tidegate.domain.errors import InvalidAdvisoryError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b"])
VERSIONS = st.sampled_from(["1.0", "1.5", "2.0", "2.5", "3.0", "odd-version-x"])
ALIASES = st.lists(
    st.sampled_from(["CVE-2024-0001", "CVE-2024-0002", "GHSA-1", "GHSA-2", "X-0", "X-1"]),
    max_size=3,
)
WORDS = st.sampled_from(["LOW", "HIGH", "CRITICAL", ""])


@st.composite
def records(draw: st.DrawFn) -> list[bytes]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        events = [{"introduced": "0"}, {"fixed": draw(VERSIONS)}]
        body = {
            "id": f"X-{number}",
            "modified": "2024-01-01T00:00:00Z",
            "aliases": draw(ALIASES),
            "database_specific": {"severity": draw(WORDS)},
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": draw(NAMES)},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
        }
        found.append(json.dumps(body).encode())
    return found


PACKAGES = st.lists(
    st.builds(lambda n, v: Package("PyPI", n, v, f"pkg:pypi/{n}@{v}"), NAMES, VERSIONS),
    max_size=3,
    unique=True,
)


def indexed(bodies: list[bytes]) -> AdvisoryIndex:
    index = AdvisoryIndex.open(None)
    with index.writing("test", NOW) as writer:
        for body in bodies:
            writer.put(parse_advisory(body), body)
    return index


@settings(max_examples=examples(60), deadline=None)
@given(records(), PACKAGES, st.randoms())
def test_the_order_of_records_and_packages_never_changes_findings(
    bodies: list[bytes], packages: list[Package], random: Random
) -> None:
    shuffled, other_packages = list(bodies), list(packages)
    random.shuffle(shuffled)
    random.shuffle(other_packages)
    with indexed(bodies) as first, indexed(shuffled) as second:
        expected = match_packages(packages, first)
        assert match_packages(other_packages, second) == expected
        assert match_packages(packages, AdvisorySet("test", map(parse_advisory, shuffled))) == (
            expected
        )


@settings(max_examples=examples(60), deadline=None)
@given(records(), PACKAGES)
def test_one_more_record_never_takes_a_vulnerable_package_away_or_lowers_the_worst(
    bodies: list[bytes], packages: list[Package]
) -> None:
    if not bodies:
        return
    with indexed(bodies[:-1]) as fewer, indexed(bodies) as more:
        before = match_packages(packages, fewer).findings
        after = match_packages(packages, more).findings
    assert {f.package for f in before} <= {f.package for f in after}
    worst = max((f.severity for f in before), default=None)
    assert worst is None or worst <= max(f.severity for f in after)


@settings(max_examples=examples(60), deadline=None)
@given(records(), PACKAGES)
def test_each_vulnerability_is_found_once_per_package(
    bodies: list[bytes], packages: list[Package]
) -> None:
    with indexed(bodies) as index:
        findings = match_packages(packages, index).findings
    keys = [(f.package, f.vulnerability_id) for f in findings]
    assert len(keys) == len(set(keys))
    assert all(f.canonical_ids == (f.vulnerability_id,) for f in findings)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=3),
    st.integers(0, 12),
)
def test_ranges_agree_with_plain_arithmetic(pairs: list[tuple[int, int]], version: str) -> None:
    """Whole numbers need no version scheme: the same ranges as a comparison."""
    ranges = tuple(
        (Event("introduced", str(low)), Event("fixed", str(low + width))) for low, width in pairs
    )
    judged = judge_version(Affected("PyPI", "p", ranges, frozenset()), str(version))
    assert judged.affected is any(low <= version < low + width for low, width in pairs)


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=300))
def test_t19_any_bytes_are_a_record_or_refused(body: bytes) -> None:
    with suppress(InvalidAdvisoryError):
        assert parse_advisory(body).id
