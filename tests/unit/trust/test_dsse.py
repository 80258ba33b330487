import base64
import json

import pytest

from tidegate.domain.errors import UntrustedSignerError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import pre_authentication_encoding, sign_envelope, verify_envelope
from tidegate.trust.keys import PrivateKey

IN_TOTO = "application/vnd.in-toto+json"


def test_pre_authentication_encoding_is_that_of_the_protocol() -> None:
    # The example of protocol.md.
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_verifies_by_its_key(private_key: PrivateKey, key: EvidenceKey) -> None:
    body = sign_envelope(private_key, IN_TOTO, b"{}")
    assert verify_envelope((key,), body, IN_TOTO) == (b"{}", key)
    assert json.loads(body)["signatures"][0]["keyid"] == ""


def test_t05_another_payload_type_is_refused(private_key: PrivateKey, key: EvidenceKey) -> None:
    body = sign_envelope(private_key, "text/plain", b"{}")
    with pytest.raises(UntrustedSignerError, match="payload type"):
        verify_envelope((key,), body, IN_TOTO)
    relabelled = body.replace(b"text/plain", IN_TOTO.encode())
    with pytest.raises(UntrustedSignerError, match="not signed"):
        verify_envelope((key,), relabelled, IN_TOTO)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}',
        b'{"payload":"","payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}',
        b'{"payload":"!","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"!"}]}',
    ],
)
def test_what_is_no_envelope_is_refused(key: EvidenceKey, body: bytes) -> None:
    with pytest.raises(UntrustedSignerError):
        verify_envelope((key,), body, IN_TOTO)


def test_t01_a_changed_payload_is_refused(private_key: PrivateKey, key: EvidenceKey) -> None:
    envelope = json.loads(sign_envelope(private_key, IN_TOTO, b"bad"))
    envelope["payload"] = base64.b64encode(b"good").decode()
    with pytest.raises(UntrustedSignerError, match="not signed"):
        verify_envelope((key,), json.dumps(envelope).encode(), IN_TOTO)
