"""An ID token counts when the provider signed it, now, for this client and this sign-in."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tidegate.domain.errors import InputError
from tidegate.hub.oidc.flow import Seal, begin, require_own_path
from tidegate.hub.oidc.id_token import UntrustedTokenError, role_of, verify
from tidegate.hub.sign_in_settings import OidcSettings

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
T = int(NOW.timestamp())
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = KeySet.import_key_set(KeySet([RSA, EC]).as_dict(private=False))
SETTINGS = OidcSettings(
    "https://id.test",
    "tidegate",
    admin_values=frozenset({"admins"}),
    reader_values=frozenset({"readers"}),
)
GOOD: dict[str, Any] = {
    "iss": "https://id.test",
    "aud": "tidegate",
    "sub": "248289",
    "nonce": "n",
    "iat": T - 5,
    "exp": T + 300,
    "name": "Ada\u202e Lovelace\n",
}


def token(
    claims: dict[str, Any],
    key: RSAKey | ECKey = RSA,
    algorithm: str = "RS256",
    **header: str,
) -> str:
    given = {"alg": algorithm, "kid": key.kid or "rsa", **header}
    return jwt.encode(given, claims, key, algorithms=[algorithm])


def test_a_good_token_says_who_it_is() -> None:
    identity = verify(token({**GOOD, "auth_time": T - 60}), KEYS, SETTINGS, "n", NOW)
    assert (identity.subject, identity.display_name) == ("248289", "Ada Lovelace")
    assert identity.authenticated_at is not None
    assert identity.authenticated_at.timestamp() == T - 60


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": ["tidegate"]}, id="audience-list"),
        pytest.param({"aud": ["tidegate", "x"], "azp": "tidegate"}, id="several-audiences"),
        pytest.param({"exp": T - 59}, id="expired-within-skew"),
        pytest.param({"iat": T + 59}, id="ahead-within-skew"),
    ],
)
def test_what_else_is_good(claims: dict[str, Any]) -> None:
    assert verify(token({**GOOD, **claims}), KEYS, SETTINGS, "n", NOW).subject == "248289"


def test_elliptic_signatures_count() -> None:
    assert verify(token(GOOD, EC, "ES256"), KEYS, SETTINGS, "n", NOW).subject == "248289"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"iss": "https://evil.test"}, "another issuer", id="issuer"),
        pytest.param({"iss": "https://id.test/"}, "another issuer", id="issuer-slash"),
        pytest.param({"aud": "other"}, "another client", id="audience"),
        pytest.param({"aud": ["tidegate", "x"]}, "several clients", id="no-azp"),
        pytest.param({"aud": ["tidegate", "x"], "azp": "x"}, "given to another", id="azp"),
        pytest.param({"aud": {"tidegate": 1}}, "another client", id="audience-object"),
        pytest.param({"nonce": "m"}, "another sign-in", id="nonce"),
        pytest.param({"nonce": None}, "another sign-in", id="no-nonce"),
        pytest.param({"exp": T - 61}, "expired", id="expired"),
        pytest.param({"exp": None}, "when it was made", id="no-expiry"),
        pytest.param({"exp": str(T + 300)}, "when it was made", id="expiry-text"),
        pytest.param({"exp": True}, "when it was made", id="expiry-boolean"),
        pytest.param({"exp": 1e300}, "when it was made", id="expiry-endless"),
        pytest.param({"iat": T + 61}, "of the future", id="future"),
        pytest.param({"nbf": T + 61}, "of the future", id="not-yet"),
        pytest.param({"sub": ""}, "who it is about", id="no-subject"),
        pytest.param({"sub": 7}, "who it is about", id="number-subject"),
        pytest.param({"sub": "x" * 256}, "who it is about", id="long-subject"),
    ],
)
def test_t25_a_token_that_was_not_meant_proves_nothing(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(UntrustedTokenError, match=why):
        verify(token({**GOOD, **claims}), KEYS, SETTINGS, "n", NOW)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def by_hand(header: dict[str, str], key: bytes) -> str:
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(GOOD).encode())}"
    return f"{text}.{encoded(hmac.digest(key, text.encode(), 'sha256') if key else b'')}"


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(token(GOOD, STRANGER), id="strangers-key"),
        pytest.param(token(GOOD, RSA, kid="unknown"), id="unknown-key-id"),
        pytest.param(token(GOOD)[:-8] + "AAAAAAAA", id="broken-signature"),
        pytest.param(by_hand({"alg": "none"}, b""), id="unsigned"),
        pytest.param(
            by_hand({"alg": "HS256", "kid": "rsa"}, RSA.as_pem(private=False)),
            id="hmac-with-the-public-key",
        ),
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="no-token"),
        pytest.param("x" * 70_000, id="huge"),
        pytest.param("é.é.é", id="not-ascii"),
    ],
)
def test_t25_a_token_that_the_provider_did_not_sign_proves_nothing(forged: str) -> None:
    with pytest.raises(UntrustedTokenError):
        verify(forged, KEYS, SETTINGS, "n", NOW)


@pytest.mark.parametrize(
    ("claims", "path", "role"),
    [
        pytest.param({"groups": ["x", "admins"]}, "groups", "admin", id="list"),
        pytest.param({"groups": "readers"}, "groups", "reader", id="text"),
        pytest.param({"groups": ["readers", "admins"]}, "groups", "admin", id="both"),
        pytest.param({"groups": ["Admins"]}, "groups", None, id="case"),
        pytest.param({"groups": []}, "groups", None, id="empty"),
        pytest.param({}, "groups", None, id="missing"),
        pytest.param({"groups": {"admins": True}}, "groups", None, id="object"),
        pytest.param({"groups": [["admins"]]}, "groups", None, id="nested"),
        pytest.param({"realm": {"roles": ["readers"]}}, "realm.roles", "reader", id="path"),
        pytest.param({"https://x.y/r": "admins"}, "https://x.y/r", "admin", id="dotted-name"),
        pytest.param({"realm": "admins"}, "realm.roles", None, id="path-into-text"),
    ],
)
def test_role_of_claims(claims: dict[str, Any], path: str, role: str | None) -> None:
    settings = OidcSettings(
        "https://id.test",
        "tidegate",
        role_claim=path,
        admin_values=SETTINGS.admin_values,
        reader_values=SETTINGS.reader_values,
    )
    assert role_of(claims, settings) == role


def test_a_sealed_flow_opens_for_ten_minutes_and_where_the_client_is_known_alone() -> None:
    seal, flow = Seal(), begin("/rules", NOW)
    cookie = seal.seal(flow)
    assert seal.open(cookie, NOW) == flow
    assert Seal().open(cookie, NOW) is None
    assert Seal("s").open(Seal("s").seal(flow), NOW) == flow
    assert Seal("t").open(Seal("s").seal(flow), NOW) is None
    assert seal.open(cookie, datetime.fromtimestamp(T + 600, UTC)) is None
    assert flow.verifier not in cookie


@pytest.mark.parametrize("cookie", ["", "AAAA", "é", "x" * 5000, "=", "\x00"])
def test_a_cookie_that_is_not_ours_opens_nothing(cookie: str) -> None:
    assert Seal().open(cookie, NOW) is None


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "javascript:alert(1)",
        "",
        "/a\nb",
        "/é",
        "/" * 3000,
    ],
)
def test_t25_other_sites_are_no_next_page(path: str) -> None:
    with pytest.raises(InputError):
        require_own_path(path)
