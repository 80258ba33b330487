"""Whatever stands in an Authorization header is a token or none, and never a fault."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.hub.api.presented import PresentedToken, presented_token
from tidegate.hub.store.workers import _sealing_fingerprint

BASIC = base64.b64encode(b"user:secret").decode()


@pytest.mark.parametrize(
    ("header", "text", "for_registries"),
    [
        ("Bearer secret", "secret", False),
        (f"Basic {BASIC}", "secret", True),
        ("secret", "secret", True),
        ("Basic no-base64", "", True),
        ("Basic \u00ff\u00fe", "", True),
        ("", "", True),
    ],
)
def test_a_header_is_read(header: str, text: str, for_registries: bool) -> None:  # noqa: FBT001 - a row's value
    assert presented_token(header) == PresentedToken(text, for_registries)


@given(st.text(max_size=80), st.sampled_from(["Basic ", "bearer ", "Digest ", ""]))
def test_t03_any_header_is_read_without_an_error(rest: str, scheme: str) -> None:
    presented_token(scheme + rest)


@given(st.text(max_size=80))
def test_t03_any_text_is_a_sealing_key_or_none(text: str) -> None:
    assert _sealing_fingerprint(f"-----BEGIN PUBLIC KEY-----{text}-----END") == ""
