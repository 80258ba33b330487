"""The pod that `kubectl run` makes, as the API server shows it to a webhook."""

import re
from typing import Any
from uuid import uuid4

from tidegate.domain.errors import InputError

MAX_LABELS = 100
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?", re.ASCII
)
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?", re.ASCII)


def parse_labels(text: str) -> dict[str, str]:
    """Return the labels in `text`: `key=value,…`.

    Raises:
        InputError: not in this form, or no Kubernetes labels.
    """
    labels: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise InputError(f"label {part[:120]!r}: want KEY=VALUE, as Kubernetes labels are")
        labels[key] = value
    if len(labels) > MAX_LABELS:
        raise InputError(f"{len(labels)} labels, want at most {MAX_LABELS}")
    return labels


def require_name(name: str) -> None:
    """Refuse what the API server would not take as a pod's name."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"pod name {name[:120]!r}: want lower-case letters, digits, '-' and '.', beginning and "
            "ending with a letter or digit"
        )


def require_namespace(namespace: str) -> None:
    """Refuse what the API server would not take as a namespace."""
    if not _NAMESPACE.fullmatch(namespace):
        raise InputError(
            f"namespace {namespace[:120]!r}: want up to 63 lower-case letters, digits and '-'"
        )


def build_pod(name: str, image: str, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """Return the pod of `kubectl run NAME --image IMAGE`, with the API server's defaults.

    Labels given take the place of `run=NAME`, as kubectl's `--labels` do.
    """
    last = image.rpartition("/")[2]
    is_latest = "@" not in image and (":" not in last or last.endswith(":latest"))
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Always" if is_latest else "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {"run": name}},
        "spec": {
            "containers": [container],
            "dnsPolicy": "ClusterFirst",
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
            "priority": 0,
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "serviceAccount": "default",
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
        },
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def review_of(pod: dict[str, Any], user: str, *, dry_run: bool) -> dict[str, Any]:
    """Return the AdmissionReview that the API server would send for the creation of `pod`."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    options: dict[str, Any] = {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
        "fieldManager": "kubectl-run",
        "fieldValidation": "Strict",
    }
    if dry_run:
        options["dryRun"] = ["All"]
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": str(uuid4()),
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": None,
            "dryRun": dry_run,
            "options": options,
        },
    }
