"""Says in the cluster itself, outside the hub, what the hub changed in its rules.

A hub that was taken over may relax rules, and may edit its own audit log; the Events of a cluster,
and the API server's audit log of the agent's writes, are not its to edit.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate.agent.status import MAX_MESSAGE_CHARS, rfc3339
from tidegate.domain.text import printable
from tidegate.wire.policy_v1alpha1 import API_VERSION, KIND

REASON = "RulesChanged"
DRIFT_REASON = "RulesRepaired"
MAX_NAMES = 5
"""Rules named of each kind of change; the others are counted."""

Body = Mapping[str, Any]


def change_event(
    name: str, before: Body | None, after: Body | None, now: datetime, *, drifted: bool = False
) -> Body:
    """Return the Kubernetes Event about policy object `name` that was `before` and is `after`.

    `drifted`: `before` is not what the hub had there, but what somebody else made of it.
    """
    at = rfc3339(now)
    known = after if after is not None else before
    metadata = (known or {}).get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "tidegate-policy-", "namespace": "default"},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": name,
            "uid": metadata.get("uid") or ((before or {}).get("metadata") or {}).get("uid"),
        },
        "type": "Warning" if drifted else "Normal",
        "reason": DRIFT_REASON if drifted else REASON,
        "message": describe_repair(before, after) if drifted else describe_change(before, after),
        "source": {"component": "tidegate-agent"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def describe_change(before: Body | None, after: Body | None) -> str:
    """Return in a sentence what differs between two states of a policy object."""
    old, new = _spec(before), _spec(after)
    told = _differences(old, new) or "only when and by which generation it was written"
    edited = new.get("policyLastEditTime") or old.get("policyLastEditTime") or "an unknown time"
    return printable(f"Rules as the hub has them since {edited}: {told}")[:MAX_MESSAGE_CHARS]


def describe_repair(before: Body | None, after: Body | None) -> str:
    """Return in a sentence what was put back of a policy object that somebody else changed."""
    told = _differences(_spec(before), _spec(after)) or "its labels, annotations or times"
    return printable(f"Changed by somebody else than the hub, and put back: {told}")[
        :MAX_MESSAGE_CHARS
    ]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    was, now = _rules(old), _rules(new)
    parts = [
        _named("added", [name for name in now if name not in was]),
        _named("removed", [name for name in was if name not in now]),
        _named("changed", [name for name in now if name in was and now[name] != was[name]]),
        "order changed" if _order(was, now) != _order(now, was) else "",
        *(
            f"{field} {old.get(field, 'unset')} -> {new.get(field, 'unset')}"
            for field in ("gating", "evaluationMode")
            if old.get(field) != new.get(field)
        ),
    ]
    return "; ".join(filter(None, parts))


def _spec(body: Body | None) -> Mapping[str, Any]:
    spec = (body or {}).get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _rules(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules by name; what somebody else wrote in their place is passed over."""
    listed = spec.get("vulnerabilityAssessmentGatedDeployment")
    rules = listed if isinstance(listed, list) else []
    return {str(rule.get("name")): rule for rule in rules if isinstance(rule, Mapping)}


def _order(rules: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return [name for name in rules if name in others]


def _named(verb: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(repr(name[:80]) for name in names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{verb} {shown}{more}"
