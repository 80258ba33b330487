"""Which rules reach which cluster, and the policy that they make there."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.glob import glob_matches
from tidegate.hub.exemption_marks import ExemptionMarks
from tidegate.hub.rule_records import records_of
from tidegate.hub.store import rules
from tidegate.hub.store.organisation import Organisation
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_v1 import CloudScopeV1, ClusterPolicyV1, ClusterV1, RuleRecordV1
from tidegate.wire.policy_v1alpha1 import rule_of


class RuleSet:
    """All rules as they were at one revision, with what is made of them; nobody changes it."""

    def __init__(self, revision: int, rules: Sequence[StoredRule]) -> None:
        self.revision = revision
        self.rules = rules
        self._scoped = [(rule, rule.cloud_scope != CloudScopeV1()) for rule in rules]
        self._generations: dict[tuple[object, ...], str] = {}

    @cached_property
    def records(self) -> list[RuleRecordV1]:
        """The rules as people see them."""
        return records_of(self.rules)

    def record(self, rule_id: str) -> RuleRecordV1:
        """Return one of them.

        Raises:
            NotFoundError: there is none with this id.
        """
        found = next((record for record in self.records if record.id == rule_id), None)
        if found is None:
            raise rules.no_such_rule(rule_id)
        return found

    @cached_property
    def bodies(self) -> dict[str, bytes]:
        """The records as JSON, by their ids."""
        return {record.id: msgspec.json.encode(record) for record in self.records}

    @cached_property
    def exemptions(self) -> ExemptionMarks:
        """The exemptions of vulnerabilities, for where findings are shown."""
        return ExemptionMarks(rule_of(rule.entry) for rule in self.rules)

    def policy_of(self, cluster: ClusterV1, organisation: Organisation) -> ClusterPolicyV1:
        """Return what the agent of `cluster` is to put in force."""
        chosen = self._chosen(cluster)
        return ClusterPolicyV1(
            generation=self._generation(chosen, cluster, organisation),
            rules=[rule.entry for rule in chosen],
            evaluation_mode=organisation.evaluation_mode,
            gating=cluster.gating,
            edited_at=organisation.edited_at,
        )

    def generation_of(self, cluster: ClusterV1, organisation: Organisation) -> str:
        """Return the generation of that policy, which most clusters share with others."""
        return self._generation(self._chosen(cluster), cluster, organisation)

    def _chosen(self, cluster: ClusterV1) -> list[StoredRule]:
        return [
            rule
            for rule, scoped in self._scoped
            if rule.is_default
            or (rule.entry.enabled and (not scoped or reaches(rule.cloud_scope, cluster)))
        ]

    def _generation(
        self, chosen: Sequence[StoredRule], cluster: ClusterV1, organisation: Organisation
    ) -> str:
        key = (cluster.gating, organisation.evaluation_mode, *(rule.id for rule in chosen))
        known = self._generations.get(key)
        if known is None:
            content = ClusterPolicyV1(
                generation="",
                rules=[rule.entry for rule in chosen],
                evaluation_mode=organisation.evaluation_mode,
                gating=cluster.gating,
                edited_at="",
            )
            digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()
            known = digest[:16]  # 64 bits: it tells states apart, it proves nothing
            self._generations[key] = known
        return known


class RuleBook:
    """The rules as of the revision last asked for: a thousand agents wake for one change."""

    def __init__(self) -> None:
        self._held = RuleSet(-1, [])

    def held(self, revision: int) -> RuleSet | None:
        """Return the rules of `revision`, which the caller read, where they are those held."""
        return self._held if self._held.revision == revision else None

    def hold(self, rules: RuleSet) -> None:
        """Hold the rules that a transaction left, which was committed since."""
        if rules.revision > self._held.revision:
            self._held = rules

    async def at(self, connection: AsyncConnection, revision: int) -> RuleSet:
        """Return the rules, read again where `revision` is not the one held.

        The caller read `revision` in this transaction before, so what is held is never older; a
        reading one, because a revision that is rolled back is given to another change.
        """
        known = self.held(revision)
        if known is None:
            known = self._held = RuleSet(revision, await rules.load_all(connection))
        return known


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


def _any_matches(globs: Sequence[str], texts: Sequence[str]) -> bool:
    return not globs or any(glob_matches(glob, text) for glob in globs for text in texts)
