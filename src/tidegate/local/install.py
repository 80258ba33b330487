"""What a local cluster needs to be gated: the CRD, our namespace and accounts, the webhook."""

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.wire import break_glass_v1alpha1
from tidegate.wire.crd import custom_resource_definition
from tidegate.wire.names import CONFIGURATION_NAME, NAMESPACE
from tidegate.wire.policy_v1alpha1 import GROUP, PLURAL
from tidegate.wire.rbac import agent_manifests, gate_manifests
from tidegate.wire.webhook import url_client, webhook_configuration

FIELD_MANAGER = "tidegate-install"
TOKEN_DAYS = 365
DISCOVERY_S = 15.0


class Cluster(Protocol):
    """What installing needs of a cluster, ours or somebody else's."""

    @property
    def kubectl(self) -> Path:
        """The program."""

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator."""

    @property
    def data_dir(self) -> Path:
        """A folder of ours, for what kubectl caches."""


async def install(cluster: Cluster, pull_secrets: Sequence[str] = ()) -> None:
    """Apply CRD, namespace and accounts; return when policy objects can be written.

    `pull_secrets`: names of the Secrets of Tidegate's namespace that the gate may get.

    Raises:
        ClusterUnavailableError: kubectl failed; quotes what it said.
    """
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    accounts = [*gate_manifests(pull_secrets), *agent_manifests()]
    definitions = [custom_resource_definition(), break_glass_v1alpha1.custom_resource_definition()]
    await apply(cluster, [namespace, *definitions, *accounts])
    crds = [f"crd/{each['metadata']['name']}" for each in definitions]
    await kubectl(cluster, "wait", "--for=condition=Established", "--timeout=20s", *crds)
    await _wait_discovered(cluster)


async def register_webhook(
    cluster: Cluster,
    url: str,
    ca_file: Path,
    failure_policy: Literal["Fail", "Ignore"] = "Fail",
) -> None:
    """Make the API server ask the gate at `url` (its whole path), trusting `ca_file`."""
    await apply(cluster, [local_webhook(url, ca_file, failure_policy)])


def local_webhook(
    url: str, ca_file: Path, failure_policy: Literal["Fail", "Ignore"] = "Fail"
) -> dict[str, Any]:
    """Return what `register_webhook` registers: the agent keeps it so."""
    return webhook_configuration(url_client(url, _ca_bundle(ca_file)), failure_policy)


async def unregister_webhook(cluster: Cluster) -> None:
    """Make the API server ask nobody; does nothing where it did so already."""
    kind = "validatingwebhookconfiguration"
    await kubectl(cluster, "delete", kind, CONFIGURATION_NAME, "--ignore-not-found")


async def write_account_kubeconfig(cluster: Cluster, account: str, path: Path) -> None:
    """Write a kubeconfig for service account `account` of Tidegate's namespace to `path`."""
    token = await kubectl(
        cluster,
        "create",
        "token",
        account,
        f"--namespace={NAMESPACE}",
        f"--duration={24 * TOKEN_DAYS}h",
    )
    _write_with_token(cluster.kubeconfig, token.strip(), path)


async def apply(cluster: Cluster, manifests: list[dict[str, Any]]) -> None:
    """Apply `manifests` on the server's side, taking over fields from others."""
    body = yaml.safe_dump_all(manifests).encode()
    manager = f"--field-manager={FIELD_MANAGER}"
    await kubectl(
        cluster, "apply", "--server-side", "--force-conflicts", manager, "-f", "-", stdin=body
    )


async def kubectl(cluster: Cluster, *arguments: str, stdin: bytes = b"") -> str:
    """Run kubectl as administrator and return what it printed.

    Raises:
        ClusterUnavailableError: it failed; quotes what it said.
    """
    process = await asyncio.create_subprocess_exec(
        str(cluster.kubectl),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--cache-dir={cluster.kubeconfig.parent / 'kubectl-cache'}",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin)
    if process.returncode:
        raise ClusterUnavailableError(
            f"kubectl {' '.join(arguments)}: exit code {process.returncode}: "
            f"{errors.decode(errors='replace').strip()}"
        )
    return output.decode()


async def _wait_discovered(cluster: Cluster) -> None:
    """Return when clients can find the kind: discovery follows a CRD with some delay."""
    query = ("api-resources", f"--api-group={GROUP}", "--output=name", "--cached=false")
    try:
        async with asyncio.timeout(DISCOVERY_S):
            while PLURAL not in await kubectl(cluster, *query):
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise ClusterUnavailableError(
            f"the API server does not list {PLURAL} {DISCOVERY_S:g} s after the CRD was applied; "
            "see its log"
        ) from error


def _ca_bundle(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write_with_token(template: Path, token: str, path: Path) -> None:
    config = yaml.safe_load(template.read_text())
    config["users"][0]["user"] = {"token": token}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))
