"""What of a cluster goes into a support bundle: our own objects, and the end of our pods' logs.

Imported only where there is a cluster: the client costs about 12 MiB.
"""

from pathlib import Path
from typing import Any

import msgspec
from lightkube import AsyncClient
from lightkube.core.resource import NamespacedResource
from lightkube.resources.admissionregistration_v1 import ValidatingWebhookConfiguration
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Event, Pod

from tidegate.cli.bundle import Bundle
from tidegate.domain.errors import ClusterUnavailableError
from tidegate.kube.client import (
    API_ERRORS,
    BreakGlassObject,
    SecurityArtifactPolicy,
    connect,
    describe,
)
from tidegate.wire.names import NAMESPACE

MAX_LOG_LINES = 5000

_KINDS: dict[str, Any] = {
    "policies": SecurityArtifactPolicy,
    "break-glass": BreakGlassObject,
    "webhooks": ValidatingWebhookConfiguration,
    "deployments": Deployment,
    "pods": Pod,
    "events": Event,
}


async def add_cluster(bundle: Bundle, kubeconfig: Path) -> None:
    """Put our objects of the cluster into `bundle`.

    Raises:
        ClusterUnavailableError: it does not answer.
    """
    client = connect(kubeconfig, "tidegate-doctor")
    try:
        for name, kind in _KINDS.items():
            found = await _listed(client, kind)
            bundle.add_json(f"cluster/{name}.json", found)
            if kind is Pod:
                await _add_logs(bundle, client, found)
    except API_ERRORS as error:
        raise ClusterUnavailableError(describe(error)) from error
    finally:
        await client.aclose()


async def _listed(client: AsyncClient, kind: Any) -> list[dict[str, Any]]:  # noqa: ANN401, lightkube's resource classes have no common type
    where: Any = {"namespace": NAMESPACE} if issubclass(kind, NamespacedResource) else {}
    objects = [_plain(each) async for each in client.list(kind, **where)]
    for each in objects:
        each.get("metadata", {}).pop("managedFields", None)
    return objects


def _plain(each: Any) -> dict[str, Any]:  # noqa: ANN401, as in _listed
    found: dict[str, Any] = each if isinstance(each, dict) else each.to_dict()
    # Through JSON, so that what is taken out of it is ours alone.
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


async def _add_logs(bundle: Bundle, client: AsyncClient, pods: list[dict[str, Any]]) -> None:
    for pod in pods:
        name = pod["metadata"]["name"]
        for container in pod["spec"]["containers"]:
            lines = [
                line
                async for line in client.log(
                    name,
                    namespace=NAMESPACE,
                    container=container["name"],
                    tail_lines=MAX_LOG_LINES,
                )
            ]
            bundle.add(f"cluster/logs/{name}/{container['name']}.log", "".join(lines))
