"""The webhook configuration that the operator chose: from a file, or from a ConfigMap as it is now.

A chart's upgrade writes the ConfigMap and, after it, the webhook; a mounted copy follows a minute
later. Whoever compared the new webhook with the old copy would undo the upgrade. So the ConfigMap
is asked for anew each time: one that is read after the webhook is never older than it.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx2
from lightkube import AsyncClient
from lightkube.resources.core_v1 import ConfigMap

from tidegate.domain.errors import ClusterUnavailableError, ConfigurationError, InputError
from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.wire.names import CONFIGURATION_NAME
from tidegate.wire.strict_yaml import load_documents
from tidegate.wire.webhook_drift import differences

MAX_BYTES = 1024 * 1024

KEY = "webhook.yaml"
"""Of the ConfigMap."""

KIND = "ValidatingWebhookConfiguration"

Body = Mapping[str, Any]

_REFUSED = (httpx2.codes.NOT_FOUND, httpx2.codes.FORBIDDEN, httpx2.codes.UNAUTHORIZED)


class ChosenWebhook(Protocol):
    """Where the chosen configuration is read."""

    async def read(self) -> Body:
        """Return its `webhooks`, as they are chosen now.

        Raises:
            ConfigurationError: there is none, or it is no configuration of our name.
            ClusterUnavailableError: nobody answers for now.
        """
        ...


class WebhookFile:
    """A file, read again each time."""

    def __init__(self, path: Path, ca_file: Path | None = None) -> None:
        """`ca_file`: PEM that becomes the `caBundle`, so that it can be rotated by itself.

        Raises:
            ConfigurationError: as of `read`.
        """
        self._path = path
        self._ca_file = ca_file
        self._read()

    async def read(self) -> Body:
        """Return what the file says, as `ChosenWebhook`."""
        return self._read()

    def _read(self) -> Body:
        where = f"TIDEGATE_AGENT_WEBHOOK_FILE {self._path}"
        try:
            with self._path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
            bundle = b""
            if self._ca_file is not None:
                with self._ca_file.open("rb") as file:
                    bundle = file.read(MAX_BYTES)
        except OSError as error:
            raise ConfigurationError(f"{where}: {error}; want one {KIND}") from error
        return parse_chosen(text, where, bundle)


class WebhookConfigMap:
    """Key `webhook.yaml` of a ConfigMap of `namespace`, asked of the API server each time."""

    def __init__(self, client: AsyncClient, name: str, namespace: str) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace

    async def read(self) -> Body:
        """Return what the ConfigMap says, as `ChosenWebhook`."""
        where = f"ConfigMap {self._namespace}/{self._name}"
        try:
            found = await self._client.get(ConfigMap, self._name, namespace=self._namespace)
        except API_ERRORS as error:
            message = f"{where}: {describe(error)}"
            if status_code(error) in _REFUSED:
                raise ConfigurationError(f"{message}; want one {KIND} in it") from error
            raise ClusterUnavailableError(message) from error
        return parse_chosen((found.data or {}).get(KEY, "").encode(), f"{where}, key {KEY}")


def parse_chosen(text: bytes, where: str, bundle: bytes = b"") -> Body:
    """Return the `webhooks` of the configuration in `text`, YAML or JSON, with nothing else.

    `bundle`, PEM, becomes their `caBundle`; empty: it stays what it is in `text`.

    Raises:
        ConfigurationError: no configuration of our name; `where` says whose text it is.
    """
    try:
        (body,) = load_documents(text, where, MAX_BYTES)
        name = body["metadata"]["name"]
        hooks = body["webhooks"]
        if (body["kind"], name) != (KIND, CONFIGURATION_NAME) or not hooks:
            raise ConfigurationError(
                f"{where}: got {str(body['kind'])[:80]} {str(name)[:80]!r}, want a {KIND} "
                f"{CONFIGURATION_NAME!r} with webhooks"
            )
        if bundle:
            encoded = base64.b64encode(bundle).decode()
            hooks = [
                {**hook, "clientConfig": {**hook["clientConfig"], "caBundle": encoded}}
                for hook in hooks
            ]
        chosen = {"webhooks": hooks}
        differences(chosen, chosen)  # of the shape that comparing takes for granted
    except (InputError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{where}: {type(error).__name__}: {error}; want one {KIND} {CONFIGURATION_NAME!r}"
        ) from error
    return chosen
