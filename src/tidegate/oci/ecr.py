"""Amazon ECR by a role for a service account: projected token → temporary keys → registry token.

Protocols: AWS STS, `AssumeRoleWithWebIdentity` (unsigned); Amazon ECR, `GetAuthorizationToken`.
"""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tidegate.domain.errors import ConfigurationError
from tidegate.oci.exchange import FORM, CloudKeychain, form, post
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.sigv4 import AwsKeys, Target, signed_headers

_HOST = re.compile(
    r"([0-9]{12})\.dkr\.ecr\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.(amazonaws\.com(?:\.cn)?)"
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_ASK = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"


class _Keys(msgspec.Struct, rename="pascal"):
    access_key_id: str
    secret_access_key: str
    session_token: str


class _Result(msgspec.Struct, rename="pascal"):
    credentials: _Keys


class _Response(msgspec.Struct):
    result: _Result = msgspec.field(name="AssumeRoleWithWebIdentityResult")


class _Assumed(msgspec.Struct):
    response: _Response = msgspec.field(name="AssumeRoleWithWebIdentityResponse")


class _Datum(msgspec.Struct, rename="camel"):
    authorization_token: str


class _Authorization(msgspec.Struct, rename="camel"):
    authorization_data: list[_Datum]


@dataclass(frozen=True, kw_only=True)
class EcrKeychain(CloudKeychain):
    """A role that a service account may take, for one registry.

    Raises:
        ConfigurationError: the host is no private registry of ECR, or the role is none.
    """

    role_arn: str
    token_file: Path
    sts: RegistryConfig | None = None
    ecr: RegistryConfig | None = None
    """Where the services are asked, other than by the registry's region; tests have their own."""

    def __post_init__(self) -> None:
        if _HOST.fullmatch(self.host) is None:
            raise ConfigurationError(
                f"registry {self.host}: want ACCOUNT.dkr.ecr.REGION.amazonaws.com for a role of AWS"
            )
        if _ROLE.fullmatch(self.role_arn) is None:
            raise ConfigurationError(
                f"registry {self.host}: role {self.role_arn[:100]!r}: want "
                "arn:aws:iam::ACCOUNT:role/NAME"
            )

    async def _fetch(self) -> Credentials:
        found = _HOST.fullmatch(self.host)
        if found is None:
            raise ConfigurationError(f"registry {self.host} is none of ECR")
        account, region, domain = found.groups()
        keys = await self._assume(region, domain)
        service = self.ecr or RegistryConfig(f"api.ecr.{region}.{domain}")
        body = msgspec.json.encode({"registryIds": [account]})
        headers = signed_headers(
            keys,
            Target(service.authority, region, "ecr"),
            {"content-type": "application/x-amz-json-1.1", "x-amz-target": _ASK},
            body,
            self.clock_s(),
        )
        sent = tuple((name, value) for name, value in headers.items() if name != "host")
        given = await post(service, "/", sent, body, _Authorization)
        try:
            encoded = given.authorization_data[0].authorization_token
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (IndexError, ValueError) as error:
            raise self._refusal("ECR's answer holds no token") from error
        if not password:
            raise self._refusal("ECR's answer holds no token")
        return Credentials(user, password)

    async def _assume(self, region: str, domain: str) -> AwsKeys:
        service = self.sts or RegistryConfig(f"sts.{region}.{domain}")
        body = form(
            Action="AssumeRoleWithWebIdentity",
            Version="2011-06-15",
            RoleArn=self.role_arn,
            RoleSessionName="tidegate",
            WebIdentityToken=self._read(self.token_file),
        )
        accept = ("Accept", "application/json")
        found = (await post(service, "/", (FORM, accept), body, _Assumed)).response.result
        keys = found.credentials
        return AwsKeys(keys.access_key_id, keys.secret_access_key, keys.session_token)
