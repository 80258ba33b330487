from datetime import timedelta
from textwrap import dedent, indent

import pytest

from tidegate.domain.errors import InvalidTrustError
from tidegate.trust.configuration import (
    ALWAYS,
    Accepted,
    TagResolution,
    parse_trust_configuration,
)
from tidegate.trust.keys import fingerprint, generate_key, public_pem

MINUTE = timedelta(minutes=1)
PRIVATE = generate_key()
PEM = indent(public_pem(PRIVATE).decode(), " " * 4)
KEY = f"- name: scan\n  publicKey: |\n{PEM}"


def _yaml(text: str) -> bytes:
    return dedent(text).encode()


def test_keys_and_registries_are_read() -> None:
    body = (
        f"keys:\n{KEY}"
        "  repositories: [registry.example/team/*]\n"
        "  scanners: [Tidegate]\n"
        "registries:\n"
        "- {host: Registry.Example, secret: reg, usernameFile: /s/u, passwordFile: /s/p}\n"
        "- {host: 'localhost:5000', plainHttp: true, allowPrivate: true}\n"
        "- {host: index.docker.io, endpoint: registry-1.docker.io, tokenRealms: [auth.docker.io]}\n"
    )
    configuration = parse_trust_configuration(body.encode())
    (key,) = configuration.keys
    assert key.fingerprint == fingerprint(PRIVATE)
    assert [r.host for r in configuration.registries] == [
        "registry.example",
        "localhost:5000",
        "docker.io",
    ]
    assert configuration.keys_for("registry.example/team/app") == (key,)
    assert configuration.keys_for("registry.example/other") == ()
    assert configuration.keys_for_scanner("registry.example/team/app", "Tidegate") == (key,)
    assert configuration.keys_for_scanner("registry.example/team/app", "Trivy") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ALWAYS, id="by-default-always"),
        pytest.param("resolve: always", ALWAYS, id="always"),
        pytest.param("resolve: cached", TagResolution(5 * MINUTE, 5 * MINUTE), id="cached"),
        pytest.param(
            "resolve: cached, resolveFreshFor: 1m, resolveUsableFor: 2h",
            TagResolution(MINUTE, 120 * MINUTE),
            id="times",
        ),
    ],
)
def test_how_tags_are_resolved(text: str, expected: TagResolution) -> None:
    body = f"registries: [{{host: r.example, readsPerMinute: 1000, {text}}}]"
    configuration = parse_trust_configuration(body.encode())
    assert configuration.tags_of("r.example") == expected
    assert configuration.tags_of("other.example") == ALWAYS
    assert configuration.registries[0].reads_per_minute == 1000


def test_an_empty_file_trusts_nobody() -> None:
    for body in (b"", b"{}", b"# nothing\n"):
        configuration = parse_trust_configuration(body)
        assert not configuration.keys
        assert not configuration.registries


def test_the_generation_names_the_content() -> None:
    one = parse_trust_configuration(f"keys:\n{KEY}".encode())
    same = parse_trust_configuration(f"# a comment\nkeys:\n{KEY}".encode())
    restricted = parse_trust_configuration(f"keys:\n{KEY}  scanners: [x]\n".encode())
    assert one.generation == same.generation != restricted.generation


def test_the_feed_is_followed_for_the_audience_that_is_named() -> None:
    named = parse_trust_configuration(b"feed: {audience: acme-2.eu}")
    assert named.audience == "acme-2.eu"
    assert parse_trust_configuration(b"{}").audience == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("feed: {}", "audience", id="feed-for-nobody"),
        pytest.param("feed: {audience: ''}", "audience", id="feed-for-an-empty-name"),
        pytest.param("feed: {audience: a b}", "audience", id="audience-with-space"),
        pytest.param("feed: {audiences: a}", "unknown field", id="misspelt-audience"),
        pytest.param("keys: [", "line 2, column 1", id="no-yaml"),
        pytest.param("\xff", "trust.yaml", id="control-characters"),
        pytest.param("[]", "Expected `object`", id="a-list"),
        pytest.param("key: []", "unknown field `key`", id="unknown-field"),
        pytest.param(f"keys:\n{KEY}  scanner: [x]\n", r"`\$.keys\[0\]`", id="misspelt-restriction"),
        pytest.param(f"keys:\n{KEY}  scanners: []\n", "length >= 1", id="empty-restriction"),
        pytest.param(f"keys:\n{KEY}keys:\n{KEY}", "twice", id="t17-repeated-key"),
        pytest.param(f"keys:\n{KEY}  name: b\n", "twice", id="t17-repeated-inner-key"),
        pytest.param("a: &a [x]\nb: *a", "aliases are refused", id="t17-alias"),
        pytest.param("keys:\n- <<: {name: a}\n", "no plain word", id="t17-merge-key"),
        pytest.param("? [a]\n: b", "no plain word", id="key-is-a-list"),
        pytest.param(f"keys:\n{KEY}{KEY}", r"keys\[1\].name repeats", id="same-name"),
        pytest.param(
            f"keys:\n{KEY}{KEY.replace('scan', 'again')}",
            r"keys\[1\].publicKey repeats",
            id="same-key",
        ),
        pytest.param("keys: [{name: a, publicKey: b}]", r"keys\[0\] \(a\)", id="no-key"),
        pytest.param("registries: [{host: 'https://r.example'}]", "host", id="host-with-scheme"),
        pytest.param("registries: [{host: r.example/team}]", "without", id="host-with-path"),
        pytest.param("registries: [{host: nohost}]", "host of image references", id="no-host"),
        pytest.param("registries: [{host: a.b}, {host: A.B}]", "repeats", id="host-twice"),
        pytest.param("registries: [{host: a.b, readsPerMinute: 59}]", ">= 60", id="too-few-reads"),
        pytest.param("registries: [{host: a.b, resolve: never}]", "resolve", id="no-such-resolve"),
        pytest.param(
            "registries: [{host: a.b, resolveFreshFor: 5m}]", "`resolve: cached`", id="not-cached"
        ),
        pytest.param(
            "registries: [{host: a.b, resolve: cached, resolveFreshFor: 5s}]",
            r"\(a\.b\)\.resolveFreshFor: duration '5s'",
            id="no-duration",
        ),
        pytest.param(
            "registries: [{host: a.b, resolve: cached, resolveUsableFor: 1m}]",
            "resolveFreshFor is 5m, resolveUsableFor 1m",
            id="usable-for-less-than-fresh",
        ),
        pytest.param(
            "registries: [{host: a.b, resolve: cached, resolveUsableFor: 8d}]",
            "at most 7d",
            id="t06-usable-for-ever",
        ),
        pytest.param("registries: [{host: a.b, usernameFile: /u}]", "together", id="half-secret"),
        pytest.param("registries: [{host: a.b, plainHttp: 'no'}]", "bool", id="wrong-type"),
        pytest.param(
            "registries: [{host: a.b, allowPrivate: yes}]", "`bool`", id="word-of-another-yaml"
        ),
        pytest.param("[" * 3000, "trust.yaml", id="t17-deep"),
        pytest.param("#" * (2**20 + 1), "at most", id="oversized"),
        pytest.param("--- {}\n--- {}", "want one", id="two-documents"),
        pytest.param("!!python/object:os.system {}", "trust.yaml", id="tag"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(InvalidTrustError, match=said):
        parse_trust_configuration(text.encode("latin-1"))


def source(name: str = "vendor", more: str = "  accepts: [vex]\n") -> str:
    return KEY.replace("name: scan", f"name: {name}") + more


def test_a_source_is_heard_about_its_repositories_and_no_evidence_key() -> None:
    text = (
        f"sources:\n{source(more='  accepts: [reports, vex]')}\n  repositories: [r.example/a/*]\n"
    )
    trust = parse_trust_configuration(text.encode())
    (found,) = trust.sources
    assert (found.key.name, found.accepts) == ("vendor", frozenset(Accepted))
    assert found.key.scanners == ("*",)
    assert (trust.keys, trust.keys_for("r.example/a/b")) == ((), ())
    assert trust.sources_for("r.example/a/b") == (found,)
    assert trust.sources_for("r.example/c/d") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"sources:\n{source(more='')}", "accepts", id="without-what-it-is-believed"),
        pytest.param(f"sources:\n{source(more='  accepts: []')}", "length >= 1", id="nothing"),
        pytest.param(f"sources:\n{source(more='  accepts: [all]')}", "Invalid enum", id="odd"),
        pytest.param(f"keys:\n{KEY}sources:\n{source()}", "needs a key of its own", id="evidence-key"),
        pytest.param(f"sources:\n{source()}{source()}", r"sources\[1\].name repeats", id="same-name"),
        pytest.param(
            f"sources:\n{source()}{source('other')}", r"sources\[1\].publicKey repeats", id="same-key"
        ),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_meant_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(InvalidTrustError, match=said):
        parse_trust_configuration(text.encode())
