import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.digest import digest_of, parse_digest
from tidegate.domain.errors import InvalidDigestError, InvalidReferenceError
from tidegate.domain.reference import parse_reference

HEX = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/demo/high:1.0", "localhost:5000/demo/high:1.0"),
        ("Registry.Example:443/a/b", "registry.example:443/a/b:latest"),
        (f"ghcr.io/a/b@{HEX}", f"ghcr.io/a/b@{HEX}"),
        (f"ghcr.io/a/b:1@{HEX}", f"ghcr.io/a/b:1@{HEX}"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("LocalHost/app", "localhost/app:latest"),
        ("Host:443/a", "host:443/a:latest"),
        ("a.b/c__d/e-f.g", "a.b/c__d/e-f.g:latest"),
    ],
)
def test_a_reference_is_normalised_as_container_runtimes_do(text: str, normalised: str) -> None:
    assert str(parse_reference(text)) == normalised
    assert parse_reference(normalised) == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "/", "a//b", "a/", "UPPER", "repo/UPPER", "a:b:c", "a@sha256:12", "a@", "a:", "-a",
        "a..b", "a___b", "host:99999/a", "host:0/a", "a b", "a\n", "a/../b", "é", f"a@{HEX.upper()}",
        "x" * 2000, "h/" + "a" * 256, "host.:5000/a", "a:" + "t" * 129, "[::g]:5/a",
        "Host/a", "teaM/app:1",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_what_came(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match=r"image reference .*: "):
        parse_reference(text)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidReferenceError:
        return
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "G" * 64, "md5:" + "0" * 32, "0" * 64])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigestError, match="want sha256"):
        parse_digest(text)


def test_a_digest_of_bytes_parses() -> None:
    for algorithm in ("sha256", "sha512"):
        digest = digest_of(b"tide", algorithm)
        assert parse_digest(digest) == digest
