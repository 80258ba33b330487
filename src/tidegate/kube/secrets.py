"""Secrets of one namespace, read by name: never listed, never watched (THREATS row 15)."""

import base64
from collections.abc import Mapping
from functools import cache

from lightkube import AsyncClient
from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource

from tidegate.kube.client import API_ERRORS, status_code, unavailable

_DEFINITE = {403, 404}
"""May not be read, or is not there: asking again would be told the same."""


class Secrets:
    """The Secrets of `namespace` that this account may get."""

    def __init__(self, client: AsyncClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def __call__(self, name: str) -> Mapping[str, bytes] | None:
        """Return what the Secret holds; None: there is none, or we may not read it.

        Raises:
            ClusterUnavailableError: the API server does not say.
        """
        try:
            found = await self._client.get(_secrets(), name, namespace=self._namespace)
            data = found.get("data") or {}
            return {key: base64.b64decode(value, validate=True) for key, value in data.items()}
        except API_ERRORS as error:  # binascii.Error, of data that is none, is a ValueError
            if status_code(error) in _DEFINITE:
                return None
            raise unavailable(f"reading Secret {self._namespace}/{name}", error) from error


@cache
def _secrets() -> type[GenericNamespacedResource]:
    """Return lightkube's class for Secrets, without its models of the whole API."""
    return create_namespaced_resource("", "v1", "Secret", "secrets")
