"""AWS Signature Version 4, for one POST with a body.

Source: AWS General Reference, "Create a signed AWS API request".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Who signs."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked, of which service where."""

    host: str
    region: str
    service: str
    path: str = "/"


def signed_headers(
    keys: AwsKeys, target: Target, headers: Mapping[str, str], body: bytes, at_s: float
) -> dict[str, str]:
    """Return `headers` with those that prove who asks at `at_s`, seconds since 1970."""
    stamp = datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {name.lower(): value.strip() for name, value in headers.items()}
    sent |= {"host": target.host, "x-amz-date": stamp}
    if keys.session_token:
        sent["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(sent))
    listed = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    canonical = f"POST\n{target.path}\n\n{listed}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{target.region}/{target.service}/aws4_request"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(_key(keys, target, stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={keys.access_key_id}/{scope}"
    proof = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "authorization": proof}


def _key(keys: AwsKeys, target: Target, day: str) -> bytes:
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (day, target.region, target.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
