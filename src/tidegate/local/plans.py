"""How each part is started on one machine: which module, with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.local.certificates import KeyPair
from tidegate.local.data_folder import CLUSTER_NAME, DataFolder
from tidegate.local.part import PartPlan

GATE_PATH = "/admit"
"""Where the API server sends its reviews."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the parts need to know of each other."""

    folder: DataFolder
    ports: Mapping[str, int]
    gate_pair: KeyPair
    gate_kubeconfig: Path | None = None
    agent_kubeconfig: Path | None = None
    webhook_file: Path | None = None
    """What is registered with the API server, for the agent to keep."""
    audience: str = ""
    """For whom the worker makes batches of findings, as `trust.yaml` says; empty: for nobody."""

    def url(self, part: str) -> str:
        """Base URL of a part that listens."""
        scheme = "https" if part == "gate" else "http"
        return f"{scheme}://127.0.0.1:{self.ports[part]}"

    @property
    def registry_host(self) -> str:
        """The registry as image references name it: stock clients speak plain HTTP to localhost."""
        return f"localhost:{self.ports['registry']}"


def plan_hub(site: Site) -> PartPlan:
    """Return how the hub is started."""
    return _plan(
        site,
        "hub",
        PORT=site.ports["hub"],
        DATA_DIR=site.folder.root / "hub",
        BOOTSTRAP_TOKENS_FILE=site.folder.bootstrap_tokens,
        BOOTSTRAP_PASSWORD_FILE=site.folder.admin_password,
        NOTIFY_REGISTRY=site.registry_host,
    )


def plan_registry(site: Site) -> PartPlan:
    """Return how the embedded registry is started."""
    return _plan(
        site,
        "registry",
        PORT=site.ports["registry"],
        DATA_DIR=site.folder.root / "registry",
        PUBLIC_URL=f"http://{site.registry_host}",
        NOTIFY_URL=f"{site.url('hub')}/api/v1/registries/notifications",
        NOTIFY_TOKEN_FILE=site.folder.token_file("registry"),
    )


def plan_worker(site: Site) -> PartPlan:
    """Return how the scan worker is started."""
    return _plan(
        site,
        "scan",
        HUB_URL=site.url("hub"),
        TOKEN_FILE=site.folder.token_file("scanner"),
        KEY=site.folder.evidence_key,
        DATA_DIR=site.folder.root / "scan",
        REGISTRIES=site.folder.trust,
        **({"FEED_AUDIENCE": site.audience} if site.audience else {}),
    )


def plan_agent(site: Site) -> PartPlan:
    """Return how the cluster's agent is started."""
    where: dict[str, object] = (
        {
            "KUBECONFIG": site.agent_kubeconfig,
            "GATE_URL": site.url("gate"),
            "GATE_CA_FILE": site.folder.authority,
        }
        if site.agent_kubeconfig
        else {"POLICY_DIR": site.folder.policy}
    )
    if site.webhook_file is not None:
        where |= {"WEBHOOK_FILE": site.webhook_file, "WEBHOOK_CA_FILE": site.folder.authority}
    return _plan(
        site,
        "agent",
        HUB_URL=site.url("hub"),
        TOKEN_FILE=site.folder.token_file("cluster"),
        CLUSTER=CLUSTER_NAME,
        PORT=site.ports["agent"],
        GATE_TOKEN_FILE=site.folder.token_file("gate"),
        DATA_DIR=site.folder.root / "agent",
        **where,
    )


def plan_gate(site: Site) -> PartPlan:
    """Return how the gate is started."""
    where: dict[str, object] = (
        {"KUBECONFIG": site.gate_kubeconfig}
        if site.gate_kubeconfig
        else {"POLICY_DIR": site.folder.policy}
    )
    return _plan(
        site,
        "gate",
        PORT=site.ports["gate"],
        TLS_CERT_FILE=site.gate_pair.certificate,
        TLS_KEY_FILE=site.gate_pair.key,
        TRUST_FILE=site.folder.trust,
        CLUSTER=CLUSTER_NAME,
        DATA_DIR=site.folder.root / "gate",
        AGENT_URL=site.url("agent"),
        AGENT_TOKEN_FILE=site.folder.token_file("gate"),
        DIRECT_TOKEN_FILE=site.folder.token_file("direct"),
        **where,
    )


def _plan(site: Site, part: str, **settings: object) -> PartPlan:
    environment = {
        f"TIDEGATE_{part.upper()}_{name}": str(value) for name, value in settings.items()
    }
    return PartPlan(
        part, f"tidegate.{part}", environment, site.folder.root / "logs" / f"{part}.log"
    )
