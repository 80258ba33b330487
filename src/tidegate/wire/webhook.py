"""The ValidatingWebhookConfiguration that brings every image-bearing request to the gate."""

from collections.abc import Sequence
from typing import Any, Literal

from tidegate.wire.names import CONFIGURATION_NAME, NAMESPACE

WEBHOOK_NAME = "gate.tidegate.io"
EXCLUDED_NAMESPACES = ("kube-system", NAMESPACE)
"""By the label `kubernetes.io/metadata.name`, which the API server owns and no user can set."""

JUDGED: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("pods", "replicationcontrollers"), ("CREATE", "UPDATE")),
    # kubectl debug: the API server sends a patch of this subresource as an UPDATE of the Pod.
    ("", ("pods/ephemeralcontainers",), ("UPDATE",)),
    ("apps", ("replicasets", "deployments", "statefulsets", "daemonsets"), ("CREATE", "UPDATE")),
    ("batch", ("jobs", "cronjobs"), ("CREATE", "UPDATE")),
)
"""API group, resources and operations. Other subresources (status, scale, binding, resize, evict)
name no image, so they never come here and a webhook that is down cannot hold them up."""

SPEC_CHANGED = {
    "name": "spec-changed",
    "expression": "request.operation != 'UPDATE' || object.spec != oldObject.spec",
}
"""Images, node selectors and affinity are all in `spec`: an update of labels, annotations or
finalizers alone cannot change a verdict, so it never comes here and goes on without any gate."""


def webhook_configuration(
    client_config: dict[str, Any],
    failure_policy: Literal["Fail", "Ignore"],
    *,
    timeout_s: int = 10,
    excluded_namespaces: Sequence[str] = EXCLUDED_NAMESPACES,
) -> dict[str, Any]:
    """Return the configuration; `client_config` is of `url_client` or `service_client`."""
    rules = [
        {
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "resources": list(resources),
            "operations": list(operations),
            "scope": "Namespaced",
        }
        for group, resources, operations in JUDGED
    ]
    excluded = {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": list(excluded_namespaces),
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": CONFIGURATION_NAME},
        "webhooks": [
            {
                "name": WEBHOOK_NAME,
                "admissionReviewVersions": ["v1"],
                "clientConfig": client_config,
                "failurePolicy": failure_policy,
                "matchConditions": [dict(SPEC_CHANGED)],
                "matchPolicy": "Equivalent",
                "namespaceSelector": {"matchExpressions": [excluded]},
                "rules": rules,
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": timeout_s,
            }
        ],
    }


def url_client(url: str, ca_bundle: str) -> dict[str, Any]:
    """Return a client configuration for a gate at `url`; `ca_bundle` is base64 of PEM."""
    return {"url": url, "caBundle": ca_bundle}


def service_client(
    name: str, ca_bundle: str, *, namespace: str = NAMESPACE, path: str = "/admit", port: int = 443
) -> dict[str, Any]:
    """Return a client configuration for a gate behind a Service; `ca_bundle` is base64 of PEM."""
    service = {"name": name, "namespace": namespace, "path": path, "port": port}
    return {"service": service, "caBundle": ca_bundle}
