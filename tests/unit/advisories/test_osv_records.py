import json
import tracemalloc
from collections.abc import Callable

import pytest

from tidegate.advisories.ecosystems import normalize_name
from tidegate.advisories.osv import MAX_RECORD_BYTES, parse_advisory
from tidegate.advisories.versions import judge_version
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


def of(*ecosystems: str) -> list[dict[str, object]]:
    return [{"package": {"ecosystem": name, "name": "a"}, "versions": ["1"]} for name in ecosystems]


@pytest.mark.parametrize(
    ("identifier", "fields", "cves"),
    [
        pytest.param("DEBIAN-CVE-2024-0001", {"affected": of("Debian:12")}, {"CVE-2024-0001"}, id="own-id"),
        pytest.param(
            "DEBIAN-CVE-2024-0001",
            {"affected": of("Debian:12"), "upstream": ["CVE-2024-0009"]},
            {"CVE-2024-0001"},
            id="own-id-before-upstream",
        ),
        pytest.param(
            "RHSA-2024:1",
            {"affected": of("Red Hat:enterprise_linux:9::baseos"), "upstream": ["CVE-2024-0001", "CVE-2024-0002"]},
            {"CVE-2024-0001", "CVE-2024-0002"},
            id="an-update-fixes-its-upstream",
        ),
        pytest.param(
            "ALSA-2024:1",
            {"affected": of("AlmaLinux:9"), "related": ["CVE-2024-0001"]},
            {"CVE-2024-0001"},
            id="almalinux-says-related",
        ),
        pytest.param(
            "USN-1-1",
            {"affected": of("Ubuntu:22.04:LTS"), "upstream": ["UBUNTU-CVE-2024-0001", "CVE-2024-0001"], "related": ["CVE-2024-0009"]},
            {"CVE-2024-0001"},
            id="upstream-before-related",
        ),
        pytest.param(
            "DSA-1-1",
            {"affected": of("Debian:12"), "aliases": ["CVE-2024-0001"], "upstream": ["CVE-2024-0009"]},
            {"CVE-2024-0001"},
            id="aliases-before-upstream",
        ),
        pytest.param(
            "PYSEC-1", {"affected": of("PyPI"), "upstream": ["CVE-2024-0001"]}, set(), id="no-distribution"
        ),
        pytest.param(
            "X-1", {"affected": of("Debian:12", "PyPI"), "upstream": ["CVE-2024-0001"]}, set(), id="not-only-one"
        ),
        pytest.param("X-CVE-1", {"affected": of("Debian:12")}, set(), id="no-cve-in-the-id"),
    ],
)  # fmt: skip
def test_the_cves_that_a_record_is_about(
    record: Callable[..., bytes], identifier: str, fields: dict[str, object], cves: set[str]
) -> None:
    parsed = parse_advisory(record(identifier, **fields))
    assert parsed.cves == cves
    assert parsed.ids.isdisjoint(cves) or "aliases" in fields, "they are no aliases"


def test_repositories_of_one_release_are_one_entry(record: Callable[..., bytes]) -> None:
    body = record(
        affected=of(
            "Red Hat:enterprise_linux:9::baseos",
            "Red Hat:enterprise_linux:9::appstream",
            "Red Hat:rhel_eus:9.2::baseos",
        )
    )
    assert [entry.ecosystem for entry in parse_advisory(body).affected] == [
        "Red Hat:enterprise_linux:9",
        "Red Hat:rhel_eus:9.2",
    ]


@pytest.mark.parametrize(
    ("purl", "fixed", "expected"),
    [
        pytest.param(
            "pkg:rpm/rocky-linux/vim?epoch=2", "8.0-1.el8", "2:8.0-1.el8", id="in-the-purl"
        ),
        pytest.param("pkg:rpm/rocky-linux/vim?epoch=2", "2:8.0-1.el8", "2:8.0-1.el8", id="in-both"),
        pytest.param("pkg:rpm/rocky-linux/vim?epoch=0", "8.0-1.el8", "8.0-1.el8", id="zero"),
        pytest.param("pkg:deb/debian/vim?epoch=2", "8.0-1", "8.0-1", id="no-rpm"),
        pytest.param("", "8.0-1.el8", "8.0-1.el8", id="no-purl"),
    ],
)
def test_an_epoch_that_stands_in_the_package_url_counts(
    record: Callable[..., bytes], purl: str, fixed: str, expected: str
) -> None:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": "Rocky Linux:8", "name": "vim", "purl": purl}
    affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    (entry,) = parse_advisory(record(affected=affected)).affected
    assert [event.version for event in entry.ranges[0]] == ["0", expected]


@pytest.mark.parametrize(
    ("summary", "word", "modules"),
    [
        ("Important: nodejs:20 security update", "Important", {"nodejs:20"}),
        ("Moderate: python39:3.9 and python39-devel:3.9 update", "Moderate", {"python39:3.9", "python39-devel:3.9"}),
        ("Red Hat Security Advisory: openssl security update", "", set()),
        ("Importantly: nothing", "", set()),
    ],
)  # fmt: skip
def test_titles_of_the_red_hat_family_tell_severity_and_modules(
    record: Callable[..., bytes], summary: str, word: str, modules: set[str]
) -> None:
    parsed = parse_advisory(record(summary=summary))
    assert (parsed.word, parsed.modules) == (word, modules)


def test_t03_a_database_extension_of_any_form_costs_no_memory(
    record: Callable[..., bytes],
) -> None:
    """Ten million empty lists would take half a gibibyte as objects; as bytes they take thirty."""
    body = record().decode().removesuffix("}")
    bomb = f'{body}, "database_specific": {{"x": [{"[]," * 5_000_000}0]}}}}'.encode()
    tracemalloc.start()
    try:
        parse_advisory(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MAX_RECORD_BYTES


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
        pytest.param({"database_specific": ["HIGH"]}, "", id="a-list"),
        pytest.param({"database_specific": {"severity": [], "urgency": "low"}}, "low", id="next"),
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
        pytest.param(
            b'{"id":"A-1","modified":"2024-01-01T00:00:00Z","affected":['
            + b"{}," * 200_000
            + b"{}]}",
            "more than 200000 objects",
            id="too-many-objects",
        ),
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


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        pytest.param("PyPI", "", id="no-name"),
        pytest.param(" ", "a", id="no-ecosystem"),
        pytest.param("PyPI", "a" * 513, id="overlong-name"),
        pytest.param("SUSE:" + "1 " * 300, "a", id="overlong-ecosystem"),
    ],
)
def test_t19_a_package_without_a_sensible_name_makes_the_record_invalid(
    record: Callable[..., bytes], ecosystem: str, name: str
) -> None:
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1"]}]
    with pytest.raises(InvalidAdvisoryError, match="want a name and an ecosystem of 1 to 512"):
        parse_advisory(record(affected=affected))


ETCD = [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.5.0-alpha.5"}]}]
TAGS = [{"type": "ECOSYSTEM", "events": [{"introduced": "3.2.22"}, {"fixed": "3.4.22"}]}]


@pytest.mark.parametrize(
    ("ecosystem", "custom", "ranges"),
    [
        pytest.param("Go", TAGS, 2, id="tags"),
        pytest.param("PyPI", TAGS, 1, id="not-go"),
        pytest.param("Go", [{"events": [{"introduced": "RELEASE.2024"}], "type": "ECOSYSTEM"}], 1, id="incomparable"),
        pytest.param("Go", [{"events": [{"fixed": "3.4.22"}], "type": "ECOSYSTEM"}], 1, id="no-beginning"),
        pytest.param("Go", "all of them", 1, id="no-ranges"),
    ],
)  # fmt: skip
def test_go_says_of_tags_that_are_no_versions_in_ranges_of_its_own(
    record: Callable[..., bytes], ecosystem: str, custom: object, ranges: int
) -> None:
    body = record(
        affected=[
            {
                "package": {"ecosystem": ecosystem, "name": "a"},
                "ranges": ETCD,
                "ecosystem_specific": {"custom_ranges": custom},
            }
        ]
    )
    (entry,) = parse_advisory(body).affected
    assert len(entry.ranges) == ranges
    assert judge_version(entry, "3.3.25").affected is (ranges == 2)
