"""Which rules reach which cluster, and the policy that they make there."""

import hashlib
from collections.abc import Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.glob import glob_matches
from tidegate.hub.store import rules
from tidegate.hub.store.organisation import Organisation
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_v1 import CloudScopeV1, ClusterPolicyV1, ClusterV1


class RuleBook:
    """The rules as of the revision last asked for: a thousand agents wake for one change."""

    def __init__(self) -> None:
        self._revision = -1
        self._rules: list[StoredRule] = []

    async def at(self, connection: AsyncConnection, revision: int) -> list[StoredRule]:
        """Return the rules, read again where `revision` is not the one held.

        The caller read `revision` in this transaction before, so what is held is never older; a
        reading one, because a revision that is rolled back is given to another change.
        """
        if revision != self._revision:
            self._rules = await rules.load_all(connection)
            self._revision = revision
        return self._rules


def reaches(scope: CloudScopeV1, cluster: ClusterV1) -> bool:
    """Whether a rule of this cloud scope is for this cluster.

    All lists that are given must match; of a list, any entry. An empty scope reaches every
    cluster, those that are enrolled later included.
    """
    labels = [f"{key}={value}" for key, value in cluster.labels.items()]
    return (
        (not scope.providers or cluster.provider in scope.providers)
        and (not scope.accounts or cluster.account in scope.accounts)
        and _any_matches(scope.clusters, [cluster.name])
        and _any_matches(scope.labels, labels)
    )


def policy_of(
    cluster: ClusterV1, rules: Sequence[StoredRule], organisation: Organisation
) -> ClusterPolicyV1:
    """Return what the agent of `cluster` is to put in force."""
    chosen = [
        rule.entry
        for rule in rules
        if rule.is_default or (rule.entry.enabled and reaches(rule.cloud_scope, cluster))
    ]
    policy = ClusterPolicyV1(
        generation="",
        rules=chosen,
        evaluation_mode=organisation.evaluation_mode,
        gating=cluster.gating,
        edited_at="",
    )
    content = hashlib.sha256(msgspec.json.encode(policy)).hexdigest()
    policy.generation = content[:16]  # 64 bits: it tells states apart, it proves nothing
    policy.edited_at = organisation.edited_at
    return policy


def _any_matches(globs: Sequence[str], texts: Sequence[str]) -> bool:
    return not globs or any(glob_matches(glob, text) for glob in globs for text in texts)
