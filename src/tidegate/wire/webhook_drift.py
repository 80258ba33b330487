"""What of a webhook configuration is not as it was chosen.

Everything under `webhooks` decides who is gated: rules, selectors, match conditions, the failure
policy, the address and its authority. So all of it is compared, after both sides are written out as
the API server writes them, with its defaults. What a newer API server adds of its own shows as a
difference too: better told than passed over.
"""

from collections.abc import Mapping
from typing import Any

MAX_NAMED = 6

_DEFAULTS: Mapping[str, Any] = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
    "matchConditions": [],
}
"""admissionregistration.k8s.io/v1, ValidatingWebhook: what is in force where nothing is written."""

Body = Mapping[str, Any]


def differences(found: Body, wanted: Body) -> list[str]:
    """Return the fields in which `found` is not as `wanted`, as `webhook.field`; empty: none.

    A wanted webhook without `caBundle` leaves it to whoever writes it (cert-manager does).
    """
    want = {_name(each): _written_out(each) for each in _webhooks(wanted)}
    have = {_name(each): _written_out(each) for each in _webhooks(found)}
    differing = [f"{name} is missing" for name in want if name not in have]
    differing += [f"{name[:80]} was added" for name in have if name not in want]
    for name, hook in want.items():
        if name in have:
            differing += [f"{name}.{field}" for field in _fields(have[name], hook)]
    if not differing and len(_webhooks(found)) != len(want):
        differing.append("a webhook stands twice")
    return differing


def repaired(found: Body, wanted: Body) -> list[dict[str, Any]]:
    """Return the `webhooks` that `found` should have: those of `wanted`.

    A `caBundle` that `wanted` leaves to others stays as it is in `found`.
    """
    have = {_name(each): each for each in _webhooks(found)}
    return [_with_bundle(each, have.get(_name(each), {})) for each in _webhooks(wanted)]


def describe_differences(differing: list[str]) -> str:
    """Return `differing` in words of bounded length."""
    more = len(differing) - MAX_NAMED
    return ", ".join(differing[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def last_writer(found: Body, but: str) -> str:
    """Return who last wrote to `found`, other than manager `but`, as the API server noted it."""
    metadata = found.get("metadata")
    managed = metadata.get("managedFields") if isinstance(metadata, Mapping) else None
    entries = [e for e in managed or () if isinstance(e, Mapping) and e.get("manager") != but]
    newest = max(entries, key=lambda entry: str(entry.get("time") or ""), default=None)
    return "" if newest is None else str(newest.get("manager") or "")[:128]


def _fields(have: Body, want: Body) -> list[str]:
    names = sorted({*have, *want} - {"clientConfig"})
    mine, chosen = have["clientConfig"], want["clientConfig"]
    address = sorted({*mine, *chosen} - ({"caBundle"} if not chosen.get("caBundle") else set()))
    return [
        *(name for name in names if have.get(name) != want.get(name)),
        *(f"clientConfig.{name}" for name in address if mine.get(name) != chosen.get(name)),
    ]


def _written_out(hook: Body) -> dict[str, Any]:
    """Return `hook` with every default in place."""
    filled = {**_DEFAULTS, **{key: value for key, value in hook.items() if value is not None}}
    for selector in ("namespaceSelector", "objectSelector"):
        filled[selector] = {k: v for k, v in dict(filled[selector]).items() if v}
    filled["rules"] = [{"scope": "*", **rule} for rule in hook.get("rules") or ()]
    client = {k: v for k, v in dict(hook.get("clientConfig") or {}).items() if v}
    if client.get("service"):
        client["service"] = {"port": 443, **client["service"]}
    filled["clientConfig"] = client
    return filled


def _with_bundle(hook: Body, found: Body) -> dict[str, Any]:
    client = dict(hook.get("clientConfig") or {})
    bundle = (found.get("clientConfig") or {}).get("caBundle")
    if bundle and not client.get("caBundle"):
        client["caBundle"] = bundle
    return {**hook, "clientConfig": client}


def _webhooks(body: Body) -> list[Body]:
    listed = body.get("webhooks")
    return list(listed) if isinstance(listed, list) else []


def _name(hook: Body) -> str:
    return str(hook.get("name") or "")
