import json
from collections.abc import Callable

import pytest

from tidegate.advisories.ecosystems import normalize_name
from tidegate.advisories.osv import MAX_RECORD_BYTES, parse_advisory
from tidegate.domain.errors import InvalidAdvisoryError


def test_related_and_upstream_ids_are_no_aliases(record: Callable[..., bytes]) -> None:
    parsed = parse_advisory(
        record(
            "DSA-1-1",
            aliases=["CVE-2024-0001"],
            related=["CVE-2024-0002"],
            upstream=["CVE-2024-0003"],
        )
    )
    assert parsed.cves == {"CVE-2024-0001"}
    assert parsed.related == ("CVE-2024-0002",)
    assert parsed.upstream == ("CVE-2024-0003",)


def test_an_id_that_is_a_cve_counts_as_one(record: Callable[..., bytes]) -> None:
    assert parse_advisory(record("cve-2024-12345")).cves == {"CVE-2024-12345"}


def test_commit_ranges_are_left_out(record: Callable[..., bytes]) -> None:
    affected = [
        {
            "package": {"ecosystem": "PyPI", "name": "a"},
            "ranges": [{"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]}],
            "versions": ["1.0"],
        }
    ]
    entry = parse_advisory(record(affected=affected)).affected[0]
    assert entry.ranges == ()
    assert entry.versions == {"1.0"}


@pytest.mark.parametrize(
    ("specific", "word"),
    [
        pytest.param({"database_specific": {"severity": "HIGH"}}, "HIGH", id="github"),
        pytest.param({"database_specific": {"severity": 7}}, "", id="no-text"),
        pytest.param({"database_specific": None}, "", id="null"),
        pytest.param({}, "", id="none"),
    ],
)
def test_the_databases_own_word_is_read(
    record: Callable[..., bytes], specific: dict[str, object], word: str
) -> None:
    assert parse_advisory(record(**specific)).word == word


def test_the_release_of_a_time_without_modification_is_its_publication(
    record: Callable[..., bytes],
) -> None:
    parsed = parse_advisory(
        record(modified="0001-01-01T00:00:00Z", published="2024-05-20T16:03:47Z")
    )
    assert parsed.modified_at.year == 2024


def test_null_lists_are_empty_lists(record: Callable[..., bytes]) -> None:
    parsed = parse_advisory(record(aliases=None, affected=None, references=None, severity=None))
    assert (parsed.aliases, parsed.affected, parsed.references) == ((), (), ())


EVENTS = [{"introduced": "0", "fixed": "1"}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no OSV record", id="empty"),
        pytest.param(b"\xff\xfe", "no OSV record", id="no-text"),
        pytest.param(b"[]", "no OSV record", id="list"),
        pytest.param(b'{"id": "A-1"}', "modified", id="no-modified"),
        pytest.param(b'{"id": 7, "modified": "2024-01-01T00:00:00Z"}', "id", id="id-no-text"),
        pytest.param(
            b'{"id": "a b", "modified": "2024-01-01T00:00:00Z"}', "id 'a b'", id="id-with-space"
        ),
        pytest.param(b'{"id": "A-1", "modified": "1-01-01T00:00:00Z"}', "modified", id="bad-date"),
        pytest.param(
            b'{"id":"A-1","modified":"2024-01-01T00:00:00Z","x":' + b"[" * 100_000,
            "no OSV record",
            id="too-deep",
        ),
        pytest.param(b" " * (MAX_RECORD_BYTES + 1), "bytes; want at most", id="too-large"),
    ],
)
def test_t19_what_is_no_record_is_refused_with_a_reason(body: bytes, said: str) -> None:
    with pytest.raises(InvalidAdvisoryError, match=said):
        parse_advisory(body)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        pytest.param(EVENTS, "exactly one of", id="two-in-one"),
        pytest.param([{}], "exactly one of", id="empty-event"),
        pytest.param([{"since": "1"}], "exactly one of", id="unknown-event"),
        pytest.param([{"fixed": "1"}], "without an introduced", id="never-introduced"),
    ],
)
def test_a_range_that_means_nothing_makes_the_record_invalid(
    record: Callable[..., bytes], events: list[dict[str, str]], said: str
) -> None:
    affected = [
        {
            "package": {"ecosystem": "PyPI", "name": "a"},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
    ]
    with pytest.raises(InvalidAdvisoryError, match=said):
        parse_advisory(record(affected=affected))


@pytest.mark.parametrize(
    ("ecosystem", "name", "normalized"),
    [
        pytest.param("PyPI", "Zope.Interface", "zope-interface", id="pypi-dots"),
        pytest.param("PyPI", "a__b--C", "a-b-c", id="pypi-runs"),
        pytest.param("npm", "@Scope/Name", "@Scope/Name", id="npm-as-it-is"),
        pytest.param("Debian:12", "libssl3", "libssl3", id="debian"),
    ],
)
def test_names_are_compared_as_their_ecosystem_does(
    ecosystem: str, name: str, normalized: str
) -> None:
    assert normalize_name(ecosystem, name) == normalized


def test_deep_nesting_in_ignored_fields_is_harmless_up_to_the_parsers_limit(
    record: Callable[..., bytes],
) -> None:
    nested: object = 1
    for _ in range(50):
        nested = [nested]
    assert parse_advisory(json.dumps({**json.loads(record()), "extra": nested}).encode())
