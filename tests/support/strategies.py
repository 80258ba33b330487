"""Hypothesis strategies for domain values, over a small world so that things meet."""

from datetime import timedelta

from hypothesis import strategies as st

from support.builders import COMPLETE, DIGEST, NOW
from tidegate.domain.evidence import (
    Coverage,
    EcosystemCoverage,
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    ReportSource,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.domain.rule import (
    Action,
    Conditions,
    Disposition,
    MatcherType,
    Operator,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
)
from tidegate.domain.severity import Severity
from tidegate.domain.workload import Lookup, Owner, Workload

IDS = [f"CVE-2024-000{n}" for n in range(1, 6)] + ["GHSA-aaaa", "ghsa-bbbb", "PYSEC-1"]

ids = st.sampled_from(IDS)
limits = st.none() | st.integers(0, 3)
moments = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))
dispositions = st.sampled_from(Disposition)

marks = st.builds(
    VexMark,
    status=st.sampled_from([VexStatus.NOT_AFFECTED, VexStatus.FIXED]),
    justification=st.just("component_not_present"),
    author=st.sampled_from(["", "Example Inc"]),
    source=st.just("vendor"),
)

findings = st.builds(
    Finding,
    vulnerability_id=ids,
    severity=st.sampled_from(Severity),
    package=st.sampled_from(["pkg:pypi/django@3.2", "pkg:npm/lodash@4.17.15"]),
    version=st.just("1.0"),
    fixed_version=st.sampled_from(["", "2.0"]),
    aliases=st.frozensets(ids, max_size=2),
    not_affected=st.just(()) | st.just(()) | st.tuples(marks),
)

coverages = st.sampled_from(
    [
        COMPLETE,
        Coverage(()),
        Coverage((EcosystemCoverage("Go", 2),)),
        Coverage((EcosystemCoverage("PyPI", 1, "OSV"),), ("1 archive known only by hash",)),
    ]
)


def _report(found: list[Finding], coverage: Coverage, age_days: int) -> Report:
    source = ReportSource("Tidegate", "evidence", NOW - timedelta(days=age_days))
    return Report(DIGEST, tuple(found), coverage, (source,))


reports = st.builds(_report, st.lists(findings, max_size=6), coverages, st.integers(0, 500))
missing = st.builds(Missing, st.sampled_from(MissingReason))
unavailable = st.builds(Unavailable, st.sampled_from(UnavailableReason))
evidence = reports | missing | unavailable
image_evidence = st.lists(evidence, min_size=1, max_size=3).map(
    lambda each: ImageEvidence(
        DIGEST, tuple(PlatformEvidence(f"linux/{n}", DIGEST, e) for n, e in enumerate(each))
    )
)

vulnerability_exemptions = st.builds(
    VulnerabilityExemption, ids, st.none() | moments, st.just("why")
)
resource_exemptions = st.builds(
    ResourceExemption,
    st.sampled_from(ResourceMatcher),
    st.sampled_from(["*", "default", "team/*", "registry.example", "*gate*", "sha256:ab*"]),
    st.none() | moments,
)


def _conditions(
    thresholds: Thresholds,
    forbidden: frozenset[str],
    *,
    block: bool,
    on_stale: Disposition,
    on_unavailable: Disposition,
    hosts: frozenset[str],
) -> Conditions:
    if thresholds.empty and not forbidden:
        block = True
    return Conditions(
        thresholds=thresholds,
        forbidden_ids=forbidden,
        block_unscanned=block,
        on_stale=on_stale,
        on_unavailable=on_unavailable,
        unsupported_registries=hosts,
    )


conditions = st.builds(
    _conditions,
    st.builds(Thresholds, limits, limits, limits, limits, limits),
    st.frozensets(ids.map(str.upper), max_size=2),
    block=st.booleans(),
    on_stale=dispositions,
    on_unavailable=dispositions,
    hosts=st.sampled_from([frozenset(), frozenset({"registry.example"})]),
)

scope_entries = st.builds(
    ScopeEntry,
    st.sampled_from(MatcherType),
    st.lists(
        st.sampled_from(["*", "default", "*gate*", "team=*", "web", "Deployment/web", "x"]),
        min_size=1,
        max_size=2,
    ).map(tuple),
    st.sampled_from(Operator),
)

rules = st.builds(
    Rule,
    name=st.sampled_from(["a", "b", "c", "d"]),
    action=st.sampled_from(Action),
    conditions=conditions,
    scope=st.lists(scope_entries, max_size=2).map(tuple),
    enabled=st.booleans(),
    vulnerability_exemptions=st.lists(vulnerability_exemptions, max_size=3).map(tuple),
    resource_exemptions=st.lists(resource_exemptions, max_size=2).map(tuple),
)
rule_lists = st.lists(rules, max_size=4, unique_by=lambda rule: rule.name).map(tuple)

workloads = st.builds(
    Workload,
    kind=st.just("Pod"),
    name=st.just("gate-1"),
    namespace=st.sampled_from(["default", "prod"]),
    labels=st.sampled_from([{}, {"team": "a"}]),
    namespace_labels=st.sampled_from([{}, {"team": "a"}, Lookup.FAILED]),
    owners=st.sampled_from(
        [(), Lookup.FAILED, Lookup.ABSENT, (Owner("ReplicaSet", "r"), Owner("Deployment", "web"))]
    ),
    pod_name=st.sampled_from(["gate-1", "web-1"]),
) | st.builds(
    Workload,
    kind=st.just("Deployment"),
    name=st.just("web"),
    namespace=st.just("default"),
    pod_name_prefix=st.sampled_from(["web-", "gate-"]),
)
