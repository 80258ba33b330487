"""Azure Container Registry by a workload identity: federated token → Entra token → registry token.

Protocols: Microsoft identity platform, "OAuth 2.0 client credentials flow", third case (federated
credential); Azure/acr, "AAD-OAuth", `POST /oauth2/exchange`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tidegate.domain.errors import ConfigurationError
from tidegate.oci.exchange import FORM, CloudKeychain, form, post
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig

TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - a user's name
"""Who a token of the registry belongs to."""

SCOPE = "https://containerregistry.azure.net/.default"

_HOST = re.compile(r"[a-z0-9]{5,50}(?:-[a-z0-9]+)?\.azurecr\.(?:io|cn|us)")
_LOGIN = {
    "io": "login.microsoftonline.com",
    "cn": "login.chinacloudapi.cn",
    "us": "login.microsoftonline.us",
}
_ID = re.compile(r"[A-Za-z0-9.-]{1,128}")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _Entra(msgspec.Struct):
    access_token: str


class _Registry(msgspec.Struct):
    refresh_token: str


@dataclass(frozen=True, kw_only=True)
class AcrKeychain(CloudKeychain):
    """A workload identity, for one registry.

    Raises:
        ConfigurationError: the host is none of Azure's; an Entra token goes nowhere else.
    """

    tenant_id: str
    client_id: str
    token_file: Path
    login: RegistryConfig | None = None
    """Where Entra is asked, other than by the registry's cloud; tests have their own."""
    at: RegistryConfig | None = None
    """Where the registry is asked, other than by its name; tests have their own."""

    def __post_init__(self) -> None:
        if _HOST.fullmatch(self.host) is None:
            raise ConfigurationError(
                f"registry {self.host}: an Entra token goes to NAME.azurecr.io (.cn, .us) alone"
            )
        if not _ID.fullmatch(self.tenant_id) or not _ID.fullmatch(self.client_id):
            raise ConfigurationError(
                f"registry {self.host}: want the ids of a tenant and of a client"
            )

    async def _fetch(self) -> Credentials:
        login = self.login or RegistryConfig(_LOGIN[self.host.rpartition(".")[2]])
        entra = await post(
            login,
            f"/{self.tenant_id}/oauth2/v2.0/token",
            (FORM,),
            form(
                client_id=self.client_id,
                scope=SCOPE,
                grant_type="client_credentials",
                client_assertion_type=_ASSERTION,
                client_assertion=self._read(self.token_file),
            ),
            _Entra,
        )
        given = await post(
            self.at or RegistryConfig(self.host),
            "/oauth2/exchange",
            (FORM,),
            form(
                grant_type="access_token",
                service=self.host,
                tenant=self.tenant_id,
                access_token=entra.access_token,
            ),
            _Registry,
        )
        return Credentials(TOKEN_USER, given.refresh_token)
