"""What the gate's and the agent's own accounts may do: generated, so that code can apply it too.

`python -m tidegate.wire.rbac gate` (or `agent`, `certificates`) prints the manifests;
`config/rbac/` keeps copies.
Names after `gate` are those of the pull secrets that its trust.yaml names: it may get these alone.
Nothing aggregates to `view`, `edit` or `admin`: only cluster administrators write policy objects.
"""

import sys
from collections.abc import Sequence
from typing import Any

import yaml

from tidegate.wire.break_glass_v1alpha1 import PLURAL as BREAK_GLASS
from tidegate.wire.names import AGENT_ACCOUNT, CANARY_NAMESPACE, CONFIGURATION_NAME, NAMESPACE
from tidegate.wire.policy_v1alpha1 import GROUP, HUB_OBJECT_NAME, PLURAL

AGENT_TOKEN_SECRET = "tidegate-agent-token"  # noqa: S105, the name of a Secret
"""Where an agent in a pod keeps its cluster's token for the hub."""

GATE_TLS_SECRET = "tidegate-gate-tls"  # noqa: S105, the name of a Secret
"""The gates' pair, `tls.crt` and `tls.key`, and in `ca.crt` the authorities to trust it by."""

GATE_AUTHORITY_SECRET = "tidegate-gate-ca"  # noqa: S105, the name of a Secret
"""The authority of the gates' certificate, which no gate can read."""

GATE_TOKEN_SECRET = "tidegate-gate-token"  # noqa: S105, the name of a Secret
"""What gates and agent prove themselves to each other with."""

MAX_HUB_OBJECTS = 20
"""Objects over which the agent may spread one cluster's rules: 10,000 rules at 500 each."""

Manifest = dict[str, Any]


def hub_object_name(index: int) -> str:
    """Return the name of the `index`-th object that the agent writes, from 0."""
    return HUB_OBJECT_NAME if index == 0 else f"{HUB_OBJECT_NAME}-{index + 1}"


def gate_manifests(pull_secrets: Sequence[str] = ()) -> list[Manifest]:
    """Return the gate's account and rights: read policy objects, owners and last good copies.

    And get `pull_secrets` of Tidegate's namespace, by name (THREATS row 15).
    """
    cluster_rules = [
        _rule(GROUP, [PLURAL, BREAK_GLASS], ["get", "list", "watch"]),
        # Owners are followed by name and UID, one by one; of namespaces only the labels are read.
        _rule("", ["namespaces", "replicationcontrollers"], ["get"]),
        _rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], ["get"]),
        _rule("batch", ["cronjobs", "jobs"], ["get"]),
    ]
    rules = [_rule("", ["configmaps"], ["get", "list"])]
    if pull_secrets:  # a rule without names would be about every Secret
        rules.append(_rule("", ["secrets"], ["get"]) | {"resourceNames": list(pull_secrets)})
    return _account("tidegate-gate", cluster_rules, rules)


def agent_manifests() -> list[Manifest]:
    """Return the agent's account and rights: write its own policy objects, every status, copies.

    And list pods: the hub is told which images run. And those that control them.

    Rules that others wrote are out of its reach: it may change and delete by its own names only.
    """
    own = [hub_object_name(index) for index in range(MAX_HUB_OBJECTS)]
    cluster_rules = [
        _rule(GROUP, [PLURAL], ["get", "list", "watch", "create"]),
        _rule(GROUP, [PLURAL], ["update", "patch", "delete"]) | {"resourceNames": own},
        _rule(GROUP, [f"{PLURAL}/status"], ["get", "patch"]),
        # The hub shows what is let in by hand.
        _rule(GROUP, [BREAK_GLASS], ["list", "watch"]),
        # The inventory of running images: `list` alone, every few seconds to a minute.
        _rule("", ["pods"], ["list"]),
        # Every few hours: whose admissions need not be remembered any more.
        _rule("", ["replicationcontrollers"], ["list"]),
        _rule("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"], ["list"]),
        _rule("batch", ["cronjobs", "jobs"], ["list"]),
        # A denial is told on the Deployment or CronJob above these two.
        _rule("apps", ["replicasets"], ["get"]),
        _rule("batch", ["jobs"], ["get"]),
        # Its own webhook configuration is watched and put back, never made or deleted.
        _rule(
            "admissionregistration.k8s.io",
            ["validatingwebhookconfigurations"],
            ["get", "list", "watch", "patch"],
        )
        | {"resourceNames": [CONFIGURATION_NAME]},
        # Events are written beside what they are about, in any namespace, and counted up.
        _rule("", ["events"], ["create", "patch"]),
    ]
    # Its own token and the one shared with the gates, no other; who installs makes the Secrets, for
    # a name cannot be bound to "create".
    tokens = {"resourceNames": [AGENT_TOKEN_SECRET, GATE_TOKEN_SECRET]}
    token = _rule("", ["secrets"], ["get", "patch"]) | tokens
    copies = _rule("", ["configmaps"], ["get", "list", "create", "patch", "delete"])
    return [*_account(AGENT_ACCOUNT, cluster_rules, [copies, token]), *_canary_manifests()]


def _canary_manifests() -> list[Manifest]:
    """Return the canary's namespace, and the agent's right to have pods tried there.

    A dry run takes the same right as the real thing. What it could make there is judged like every
    other pod, and confined by the strictest PodSecurity level.
    """
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": CANARY_NAMESPACE, "labels": labels},
    }
    pods = _rule("", ["pods"], ["create"])
    return [namespace, *_role_and_binding(AGENT_ACCOUNT, CANARY_NAMESPACE, [pods])]


def certificate_manifests() -> list[Manifest]:
    """Return further rights of an agent that makes the gates' certificate.

    It fills Secrets that whoever installs has made, and writes the authority into the webhook.
    """
    name = "tidegate-agent-certificates"
    secrets = [GATE_AUTHORITY_SECRET, GATE_TLS_SECRET]
    own = _rule("", ["secrets"], ["get", "patch"]) | {"resourceNames": secrets}
    webhook = _rule(
        "admissionregistration.k8s.io", ["validatingwebhookconfigurations"], ["get", "patch"]
    ) | {"resourceNames": [CONFIGURATION_NAME]}
    return [
        *_cluster_role_and_binding(name, [webhook], account="tidegate-agent"),
        *_role_and_binding(name, NAMESPACE, [own], account="tidegate-agent"),
    ]


def render_manifests(manifests: list[Manifest]) -> str:
    """Return `manifests` as one YAML stream."""
    head = "# Generated by `make crd` from src/tidegate/wire/rbac.py; do not edit.\n"
    return head + yaml.safe_dump_all(manifests, sort_keys=False)


def _rule(group: str, resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _account(
    name: str, cluster_rules: list[Manifest], namespace_rules: list[Manifest]
) -> list[Manifest]:
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": NAMESPACE},
        },
        *_cluster_role_and_binding(name, cluster_rules),
        *_role_and_binding(name, NAMESPACE, namespace_rules),
    ]


def _cluster_role_and_binding(
    name: str, rules: list[Manifest], *, account: str = ""
) -> list[Manifest]:
    rbac = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [_subject(account or name)],
        },
    ]


def _role_and_binding(
    name: str, namespace: str, rules: list[Manifest], *, account: str = ""
) -> list[Manifest]:
    rbac = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": dict(metadata), "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": dict(metadata),
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [_subject(account or name)],
        },
    ]


def _subject(name: str) -> Manifest:
    return {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}


if __name__ == "__main__":
    part, *secrets = sys.argv[1:]
    if part == "certificates":
        chosen = certificate_manifests()
    else:
        chosen = agent_manifests() if part == "agent" else gate_manifests(secrets)
    sys.stdout.write(render_manifests(chosen))
