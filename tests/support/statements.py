"""Hypothesis strategies for findings statements, as strange as their bounds allow."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, Location, Rating, VexMark, VexStatus
from tidegate.domain.severity import Severity
from tidegate.wire.statement_v1 import ReportOrigin, ScannerIdentity, Statement

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
times = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
)


def lists(of: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(of, max_size=3).map(tuple)


findings = st.builds(
    Finding,
    vulnerability_id=names,
    severity=st.sampled_from(Severity),
    package=names,
    version=words,
    fixed_version=words,
    aliases=st.frozensets(words, max_size=3),
    ratings=lists(st.builds(Rating, words, words, words, words)),
    cwe_ids=lists(words),
    locations=lists(st.builds(Location, words, words)),
    references=lists(words),
    not_affected=lists(
        st.builds(
            VexMark,
            status=st.sampled_from([VexStatus.NOT_AFFECTED, VexStatus.FIXED]),
            justification=names,
            author=words,
            source=words,
            said_at=st.none() | times,
            detail=words,
        )
    ),
)
coverages = st.builds(
    Coverage,
    ecosystems=lists(
        st.builds(EcosystemCoverage, words, st.integers(0, 1000), words, st.none() | times)
    ),
    not_understood=lists(words),
)
statements = st.builds(
    Statement,
    subject=st.binary(max_size=4).map(digest_of),
    findings=lists(findings),
    coverage=coverages,
    scanner=st.builds(ScannerIdentity, names, words, words, words, words, st.none() | times),
    started_at=times,
    finished_at=times,
    subject_name=words,
    origin=st.none() | st.builds(ReportOrigin, words, st.binary().map(digest_of), words, words),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=10,
)
