"""The calls by which an agent changes a cluster: policy objects, their status, copies, Events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx2
import structlog
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import ConfigMap, Event
from lightkube.types import PatchType

from tidegate.agent.objects import Body, is_as_wanted
from tidegate.domain.errors import InvalidPolicyError
from tidegate.kube.client import SecurityArtifactPolicy, status_code
from tidegate.wire.last_good import (
    COPY_LABEL,
    copy_name,
    parse_config_map,
    render_config_map,
    render_copy,
)
from tidegate.wire.policy_merge import PolicyObject

log = structlog.get_logger()


class PolicyApi:
    """One cluster, with the last good copies in `namespace`; raises `kube.client.API_ERRORS`."""

    def __init__(self, client: AsyncClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def write(self, body: Body) -> None:
        """Make the policy object be `body`, whoever else wrote to it."""
        written = await self._client.apply(_policy(body), force=True)
        if not is_as_wanted(written, body):
            # Apply merges by rule name: rules that someone else added, or another order, stay.
            version = written["metadata"]["resourceVersion"]
            metadata = {**body["metadata"], "resourceVersion": version}
            await self._client.replace(_policy({**body, "metadata": metadata}))

    async def delete(self, name: str) -> None:
        """Delete policy object `name`."""
        with _gone_is_fine():
            await self._client.delete(SecurityArtifactPolicy, name)

    async def write_status(self, name: str, status: Body, event: Body | None) -> None:
        """Write the status of policy object `name`, and an Event about it where there is one."""
        kind = SecurityArtifactPolicy.Status
        with _gone_is_fine():
            await self._client.patch(kind, name, {"status": status}, patch_type=PatchType.MERGE)
        if event is not None:
            await self.tell(event)

    async def tell(self, event: Body) -> None:
        """Make a Kubernetes Event."""
        await self._client.create(cast("Event", Event.from_dict(dict(event))))

    async def list_copies(self) -> list[PolicyObject]:
        """Return the last good copies that can be used; the others are named in the log."""
        copies = []
        listing = self._client.list(
            ConfigMap, namespace=self._namespace, labels={COPY_LABEL: "true"}
        )
        async for item in listing:
            try:
                copies.append(parse_config_map(item.binaryData))
            except InvalidPolicyError as error:
                name = item.metadata.name if item.metadata else ""
                log.warning("last good copy unusable", name=name, why=str(error))
        return copies

    async def keep_copy(self, body: Body) -> None:
        """Keep `body` as the last good copy of its object."""
        name = str(body["metadata"]["name"])
        manifest = render_config_map(name, render_copy(body), self._namespace)
        await self._client.apply(cast("ConfigMap", ConfigMap.from_dict(manifest)), force=True)

    async def forget_copy(self, name: str) -> None:
        """Delete the copy of policy object `name`."""
        with _gone_is_fine():
            await self._client.delete(ConfigMap, copy_name(name), namespace=self._namespace)


def _policy(body: Body) -> Any:  # noqa: ANN401, lightkube's generic kinds are mappings without a type
    return SecurityArtifactPolicy.from_dict(dict(body))


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Pass over "not found": the object was deleted meanwhile, and the watch says so next."""
    try:
        yield
    except ApiError as error:
        if status_code(error) != httpx2.codes.NOT_FOUND:
            raise
