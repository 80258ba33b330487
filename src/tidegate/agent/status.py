"""The status of a policy object: what of it is in force, in the words of `kubectl get`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tidegate.domain.text import printable, shorten_middle
from tidegate.wire.policy_merge import LoadReason, ObjectState
from tidegate.wire.policy_v1alpha1 import API_VERSION, KIND

MAX_MESSAGE_CHARS = 1024
"""Longest message of a status or event (events.k8s.io: note is at most 1 kB)."""

Body = Mapping[str, Any]


def status_of(state: ObjectState, found: Body, now: datetime) -> dict[str, Any]:
    """Return the status that says `state`; the time of `found`'s stays while Active stays."""
    active = "True" if state.reason is LoadReason.LOADED else "False"
    before = _condition(found)
    since = before.get("lastTransitionTime") if before.get("status") == active else None
    condition = {
        "type": "Active",
        "status": active,
        "reason": state.reason.value,
        "message": _message(state),
        "lastTransitionTime": since or rfc3339(now),
        "observedGeneration": state.generation,
    }
    return {
        "observedGeneration": state.generation,
        "ruleCount": len(state.in_force.rules) if state.in_force else 0,
        "conditions": [condition],
    }


def event_of(state: ObjectState, found: Body, now: datetime) -> dict[str, Any] | None:
    """Return the Kubernetes Event for an object that newly is not in force, else None."""
    before = _condition(found)
    if state.reason is LoadReason.LOADED or (
        before.get("reason") == state.reason and before.get("message") == _message(state)
    ):
        return None
    metadata = found.get("metadata") or {}
    at = rfc3339(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "tidegate-policy-", "namespace": "default"},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": state.name,
            "uid": metadata.get("uid"),
        },
        "type": "Warning",
        "reason": state.reason.value,
        "message": _message(state),
        "source": {"component": "tidegate-agent"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def rfc3339(moment: datetime) -> str:
    """Return `moment` as Kubernetes writes times: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(state: ObjectState) -> str:
    return shorten_middle(printable(state.message), MAX_MESSAGE_CHARS)


def _condition(found: Body) -> Mapping[str, Any]:
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == "Active"), {})
