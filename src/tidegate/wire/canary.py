"""The canary: two pods that the agent has the API server try, and what the gate says of them.

Their images are reserved: `.invalid` is nobody's domain (RFC 2606). The gate's answer about them is
fixed, but only for the agent's own account, in the canary's namespace, as a dry run: for anybody
else they are images like all others.
"""

from typing import Any

from tidegate.wire.names import AGENT_ACCOUNT, CANARY_NAMESPACE, NAMESPACE

BAD_IMAGE = "tidegate.invalid/canary/deny"
GOOD_IMAGE = "tidegate.invalid/canary/allow"

AGENT_USER = f"system:serviceaccount:{NAMESPACE}:{AGENT_ACCOUNT}"
"""As the API server names the agent's account; nobody else gets this name from it."""


def canary_message(pod_name: str) -> str:
    """Return what the gate says of the bad pod; by the name it is known for this one's."""
    return f"Tidegate canary: {pod_name} is refused, as it should be"


def canary_pod(name: str, image: str) -> dict[str, Any]:
    """Return a pod of `image` that passes the strictest PodSecurity level."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": CANARY_NAMESPACE,
            "labels": {"app.kubernetes.io/name": "tidegate-canary"},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "canary",
                    "image": image,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                    # Where limits are demanded, or a quota counts, it has them.
                    "resources": {
                        "requests": {"cpu": "1m", "memory": "1Mi"},
                        "limits": {"cpu": "10m", "memory": "8Mi"},
                    },
                }
            ],
        },
    }
