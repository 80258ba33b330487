"""Keeps the gates' certificate and token in their Secrets, and the webhook's authorities in step.

The Secrets are made empty by whoever installs; the agent may read and fill these alone. What is
next is decided by `rotation.advance`; here it is read, written in the order that never leaves a
gate with a certificate that the API server does not know, and read again. Each write names the
version that it is based on, so that of two agents one begins anew.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

import httpx2
import structlog
from lightkube import AsyncClient
from lightkube.resources.admissionregistration_v1 import ValidatingWebhookConfiguration
from lightkube.resources.core_v1 import Secret
from lightkube.types import PatchType

from tidegate.agent.rotation import Kept, advance
from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.net.authority import Pem
from tidegate.wire.names import CONFIGURATION_NAME
from tidegate.wire.rbac import GATE_AUTHORITY_SECRET, GATE_TLS_SECRET

INTERVAL_S = 60.0
"""How often it is looked whether anything is due, and whether somebody changed the webhook."""

RETRY_S = 5.0
"""After a failure: at an installation gates wait for the first certificate."""

MAX_STEPS = 6
"""Steps of one look: authority, announcement, pair, each read back."""

TOKEN_KEY = "token"  # noqa: S105 the name of a key of a Secret

log = structlog.get_logger()

Data = dict[str, bytes]


class GateSecrets:
    """The Secrets of the gates in `namespace`; `problems` says what could not be kept."""

    def __init__(
        self,
        client: AsyncClient,
        namespace: str,
        clock: Callable[[], datetime],
        *,
        service: str = "",
        token_secret: str = "",
    ) -> None:
        """Keep a certificate for `service`, and a token in `token_secret`; empty: not that one."""
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._host = f"{service}.{namespace}.svc" if service else ""
        self._token_secret = token_secret
        self.problems: tuple[str, ...] = ()

    async def run(self) -> None:
        """Look again and again; runs until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(RETRY_S if self.problems else INTERVAL_S)

    async def look(self) -> None:
        """Do what is due now; what fails is told in `problems` and tried at the next look."""
        problems = []
        for what, work in (("token", self._keep_token), ("certificate", self._keep_certificate)):
            try:
                await work()
            except API_ERRORS as error:
                problems.append(f"the gates' {what}: {describe(error)}")
                log.warning("the gates' secrets are not kept", what=what, why=describe(error))
        self.problems = tuple(problems)

    async def _keep_token(self) -> None:
        if not self._token_secret:
            return
        version, data = await self._read(self._token_secret)
        if not data.get(TOKEN_KEY, b"").strip():
            token = secrets.token_urlsafe(32).encode()
            await self._write(self._token_secret, version, {TOKEN_KEY: token})
            log.info("a token for the gates was made", secret=self._token_secret)

    async def _keep_certificate(self) -> None:
        if not self._host:
            return
        for _ in range(MAX_STEPS):
            if not await self._step():
                return

    async def _step(self) -> bool:
        """Do one step; False: there was none to do."""
        authority_version, authority = await self._read(GATE_AUTHORITY_SECRET)
        tls_version, tls = await self._read(GATE_TLS_SECRET)
        announced = await self._announced()
        kept = _kept(authority, tls)
        wanted = advance(kept, announced, self._clock(), self._host)
        if _authorities(wanted) != {
            name: authority.get(name, b"") for name in _authorities(wanted)
        }:
            await self._write(GATE_AUTHORITY_SECRET, authority_version, _authorities(wanted))
            log.info("the gates' authorities changed")
        elif announced is not None and announced != wanted.bundle:
            await self._announce(wanted.bundle)
            log.info("the webhook names the gates' authorities anew")
        elif _shown(wanted) != {name: tls.get(name, b"") for name in _shown(wanted)}:
            await self._write(GATE_TLS_SECRET, tls_version, _shown(wanted))
            log.info("the gates' certificate or its authorities changed")
        else:
            return False
        return True

    async def _read(self, name: str) -> tuple[str, Data]:
        secret = await self._client.get(Secret, name, namespace=self._namespace)
        version = (secret.metadata.resourceVersion if secret.metadata else None) or ""
        return version, {key: _decoded(text) for key, text in (secret.data or {}).items()}

    async def _write(self, name: str, version: str, data: Data) -> None:
        """Set `data`, if the Secret is still at `version`; an empty value takes the key away."""
        encoded = {key: base64.b64encode(value).decode() or None for key, value in data.items()}
        body = {"metadata": {"resourceVersion": version}, "data": encoded}
        await self._client.patch(
            Secret,
            name,
            cast("Secret", body),
            namespace=self._namespace,
            patch_type=PatchType.MERGE,
        )

    async def _announced(self) -> bytes | None:
        """Return the authorities that every webhook of ours names; None: there is no webhook."""
        bundles = {_decoded(hook.clientConfig.caBundle or "") for hook in await self._webhooks()}
        if not bundles:
            return None
        return bundles.pop() if len(bundles) == 1 else b""

    async def _announce(self, bundle: bytes) -> None:
        encoded = base64.b64encode(bundle).decode()
        hooks = [
            {"name": hook.name, "clientConfig": {"caBundle": encoded}}
            for hook in await self._webhooks()
        ]
        await self._client.patch(
            ValidatingWebhookConfiguration,
            CONFIGURATION_NAME,
            cast("ValidatingWebhookConfiguration", {"webhooks": hooks}),
            patch_type=PatchType.STRATEGIC,
        )

    async def _webhooks(self) -> list[Any]:
        try:
            found = await self._client.get(ValidatingWebhookConfiguration, CONFIGURATION_NAME)
        except API_ERRORS as error:
            if status_code(error) != httpx2.codes.NOT_FOUND:
                raise
            return []  # it was never made or was deleted: not ours to make
        return list(found.webhooks or [])


def _kept(authority: Mapping[str, bytes], tls: Mapping[str, bytes]) -> Kept:
    def pair(source: Mapping[str, bytes], name: str) -> Pem:
        return Pem(source.get(f"{name}.crt", b""), source.get(f"{name}.key", b""))

    return Kept(
        pair(authority, "ca"), pair(authority, "next"), authority.get("retired.crt", b""),
        pair(tls, "tls"),
    )  # fmt: skip


def _authorities(kept: Kept) -> Data:
    return {
        "ca.crt": kept.current.certificate,
        "ca.key": kept.current.key,
        "next.crt": kept.next.certificate,
        "next.key": kept.next.key,
        "retired.crt": kept.retired,
    }


def _shown(kept: Kept) -> Data:
    return {
        "tls.crt": kept.pair.certificate,
        "tls.key": kept.pair.key,
        "ca.crt": kept.bundle,
    }


def _decoded(text: str) -> bytes:
    """Return what base64 `text` stands for; nothing where it is none, so that it is made anew."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
