"""What leaves in a support bundle holds no secret, wherever one stood."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.cli.redact import MIN_SECRET_CHARS, PLACEHOLDER, Redactor
from tidegate.trust.keys import generate_key, private_pem

SECRET = "kT9-vQ2_xW7zR4mB1nL8"  # noqa: S105 nobody's

secrets = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=MIN_SECRET_CHARS
)


@given(before=st.text(), secret=secrets, after=st.text())
def test_a_known_value_is_nowhere_left(before: str, secret: str, after: str) -> None:
    forms = (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
    clean = Redactor([secret])
    for form in forms:
        assert form not in clean(f"{before}{form}{after}").replace(PLACEHOLDER, "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'{{"password": "{SECRET}"}}', id="json"),
        pytest.param(json.dumps({"body": json.dumps({"token": SECRET})}), id="json-in-json"),
        pytest.param(f'{{"clientSecret":"{SECRET}"}}', id="camel-case"),
        pytest.param(f"{{'api_key': '{SECRET}'}}", id="python"),
        pytest.param(f"registry:\n  password: {SECRET}\n", id="yaml"),
        pytest.param(f"- token:   {SECRET}\n", id="yaml-list"),
        pytest.param(f"TIDEGATE_TOKEN={SECRET} exec", id="environment"),
        pytest.param(f"GET /v2/token?access_token={SECRET}&scope=x", id="query"),
        pytest.param(f"Authorization: Bearer {SECRET}", id="bearer"),
        pytest.param(f"authorization: basic {SECRET}", id="basic"),
        pytest.param(f"sent bearer {SECRET} to it", id="bearer-in-words"),
        pytest.param(f"postgresql://hub:{SECRET}@db:5432/hub", id="database"),
        pytest.param(f"https://{SECRET}@host/x", id="user-in-url"),
        pytest.param(f"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.{SECRET}", id="jwt"),
        pytest.param(f"tgc_{SECRET}", id="token-of-a-hub"),
        pytest.param(f"Set-Cookie: tidegate={SECRET}; Path=/", id="cookie"),
    ],
)
def test_a_secret_that_nobody_told_of_is_known_by_its_look(text: str) -> None:
    assert SECRET not in Redactor([])(text)


@pytest.mark.parametrize("passphrase", [b"", b"sealed"])
def test_a_private_key_is_taken_out_in_lines_and_in_json(passphrase: bytes) -> None:
    pem = private_pem(generate_key(), passphrase).decode()
    body = pem.splitlines()[1]
    assert body not in Redactor([])(f"before\n{pem}after")
    assert body not in Redactor([])(json.dumps({"data": pem}))
    assert body not in Redactor([])(pem[:120])  # the end was cut


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("the token of the gates is not there", id="words"),
        pytest.param('{"digest": "sha256:' + "ab" * 32 + '"}', id="digest"),
        pytest.param("https://registry.example/v2/", id="url"),
        pytest.param('{"tokenRealms": ["https://auth.example"]}', id="a-list"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor(["", "x"])(text) == text


def test_json_stays_json() -> None:
    body = json.dumps({"password": SECRET, "nested": json.dumps({"token": SECRET}), "n": 1})
    clean = json.loads(Redactor([])(body))
    assert clean["password"] == PLACEHOLDER
    assert json.loads(clean["nested"])["token"] == PLACEHOLDER
    assert clean["n"] == 1
