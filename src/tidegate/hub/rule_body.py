"""What is done to a rule's body before it is kept: judged, measured, and its exemptions signed."""

from typing import Any

import msgspec

from tidegate.domain.errors import ConflictError, InvalidPolicyError
from tidegate.domain.rule import DEFAULT_RULE_NAME, EvaluationMode
from tidegate.wire.hub_v1 import CloudScopeV1
from tidegate.wire.policy_v1alpha1 import (
    MAX_OBJECT_BYTES,
    ExemptionV1,
    ObjectMetaV1,
    PolicyObjectV1,
    RuleV1,
    SpecV1,
    rule_of,
)

ENVELOPE_BYTES = 4096
"""Room for all of a policy object but its rules: names, annotations, what the API server adds."""


def require_storable(entry: RuleV1, at: str = "rule") -> None:
    """Refuse a rule that gates could not put in force; `at`: where in the body it stands.

    Any list of rules that pass fits the cluster: the agent goes on in another object at 500 rules
    or 500 KiB, so only a single rule can be too large.

    Raises:
        InvalidPolicyError: it means nothing, or is too large for one policy object.
    """
    try:
        rule_of(entry)
    except InvalidPolicyError as error:
        error.field = f"{at}.{error.field}" if error.field else at
        raise
    size = len(msgspec.json.encode(entry))
    most = MAX_OBJECT_BYTES - ENVELOPE_BYTES
    if size > most:
        raise InvalidPolicyError(
            f"rule {entry.name!r} is {size} bytes; want at most {most}, what one policy object "
            "of 500 KiB holds: split its lists over several rules",
            field=at,
        )


def require_default_kept(entry: RuleV1, scope: CloudScopeV1) -> None:
    """Refuse what would make the default rule something else.

    Raises:
        ConflictError: renamed, or kept from some clusters.
    """
    if entry.name != DEFAULT_RULE_NAME:
        raise ConflictError(
            f"the default rule cannot be renamed to {entry.name!r}: gates know it by its name; "
            "duplicate it and disable it instead",
            field="rule.name",
        )
    if scope != CloudScopeV1():
        raise ConflictError(
            "the default rule cannot have a cloud scope: it judges what no other rule does, in "
            "every cluster; duplicate it and disable it instead",
            field="cloudScope",
        )


def sign_exemptions(entry: RuleV1, before: RuleV1 | None, author: str) -> RuleV1:
    """Return `entry` with `addedBy` of each exemption set: kept for known ones, else `author`.

    What a body claims is not believed.
    """
    known = {} if before is None else {_key(e): e.added_by for e in before.configuration.exemptions}
    signed = [
        msgspec.structs.replace(e, added_by=known.get(_key(e), author))
        for e in entry.configuration.exemptions
    ]
    configuration = msgspec.structs.replace(entry.configuration, exemptions=signed)
    return msgspec.structs.replace(entry, configuration=configuration)


def object_of(
    entries: list[RuleV1], mode: EvaluationMode, name: str, edited_at: str
) -> PolicyObjectV1:
    """Return the rules as one policy object, for files; it may be larger than a cluster takes."""
    return PolicyObjectV1(
        api_version="tidegate.io/v1alpha1",
        kind="SecurityArtifactPolicy",
        metadata=ObjectMetaV1(name),
        spec=SpecV1(
            vulnerability_assessment_gated_deployment=entries,
            policy_last_edit_time=edited_at,
            evaluation_mode=mode,
        ),
    )


def differences(before: Any, after: Any, path: str = "") -> list[str]:  # noqa: ANN401  # decoded JSON
    """Return the paths at which two decoded JSON values differ, `rule.configuration.onStale`."""
    if before == after:
        return []
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [path]
    return [
        found
        for key in sorted(before.keys() | after.keys())
        for found in differences(
            before.get(key), after.get(key), f"{path}.{key}" if path else str(key)
        )
    ]


def _key(exemption: ExemptionV1) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(exemption, added_by=""))
