"""How long `decide` takes, by the number of rules and of findings; in process, CPU time.

The last rule is the one that matches. A report's counts are made once, when it is read, so this
also measures that, and the case where a decision has to count again: an exemption that applies.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from measures import RUNS, number, spread, table
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import (
    Coverage,
    EcosystemCoverage,
    ImageEvidence,
    Report,
    ReportSource,
)
from tidegate.domain.explain import denial_message
from tidegate.domain.finding import Finding
from tidegate.domain.reference import parse_reference
from tidegate.domain.rule import (
    Action,
    Conditions,
    MatcherType,
    Policy,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
)
from tidegate.domain.scope import CompiledPolicy, compile_policy
from tidegate.domain.severity import Severity
from tidegate.domain.workload import ImageUse, Workload

RULES = (1, 10, 100, 10_000)
FINDINGS = (10, 200, 2_000)
RUN_S = 0.1
"""Length of one run; as many calls as fit into it."""

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIGEST = Digest("sha256:" + "ab" * 32)
POD = Workload(
    kind="Pod",
    name="web-5c65d4874d-abcde",
    namespace="shop",
    pod_name="web-5c65d4874d-abcde",
    labels={"app": "web", "pod-template-hash": "5c65d4874d", "team": "checkout"},
)
SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
SCOPES = (
    lambda i: ScopeEntry(MatcherType.NAMESPACE, (f"team-{i}", f"team-{i}-*")),
    lambda i: ScopeEntry(MatcherType.POD, (f"*job-{i}*",)),
    lambda i: ScopeEntry(MatcherType.LABEL, (f"app=service-{i}",)),
    lambda i: ScopeEntry(MatcherType.IMAGE, (f"registry.example/team-{i}/*",)),
)


def policy_of(rules: int, *exempted: str) -> CompiledPolicy:
    """Return a policy whose last rule is the only one that matches, each with its own names."""
    limits = Conditions(thresholds=Thresholds(high=0))
    others = [
        Rule(f"rule {i}", Action.DENY, limits, scope=(SCOPES[i % len(SCOPES)](i),))
        for i in range(rules - 1)
    ]
    exemptions = tuple(map(VulnerabilityExemption, exempted))
    last = Rule("last", Action.DENY, limits, vulnerability_exemptions=exemptions)
    return compile_policy(Policy(rules=(*others, last)))


def findings_of(number_of: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            f"CVE-2024-{10_000 + i}",
            SEVERITIES[i % len(SEVERITIES)],
            f"pkg:deb/debian/package-{i % 150}@1.{i}-1",
            f"1.{i}-1",
            f"1.{i + 1}-1",
        )
        for i in range(number_of)
    )


def report_of(findings: tuple[Finding, ...]) -> Report:
    coverage = Coverage((EcosystemCoverage("Debian:12", 150, "OSV", NOW),))
    return Report(DIGEST, findings, coverage, (ReportSource("Tidegate", "scan", NOW),))


def judged(report: Report) -> JudgedImage:
    name = "registry.example/shop/web:1.0"
    use = ImageUse("spec.containers[0].image", name, "web")
    return JudgedImage(use, parse_reference(name), ImageEvidence.of(report, DIGEST))


def microseconds(call: Callable[[], object]) -> str:
    """Return how long `call` takes: median and spread of `RUNS` runs."""
    started_s = time.process_time()
    call()
    calls = max(1, int(RUN_S / (time.process_time() - started_s)))
    values = []
    for _ in range(RUNS):
        gc.collect()
        started_s = time.process_time()
        for _ in range(calls):
            call()
        values.append((time.process_time() - started_s) / calls * 1e6)
    return spread(values)


def allocated_bytes(call: Callable[[], object]) -> int:
    """Return the most memory that one `call` holds at a time beyond what was there."""
    call()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def decisions() -> list[list[str]]:
    """Return a row per number of rules and findings."""
    rows = []
    for rules in RULES:
        for findings in FINDINGS:
            image = judged(report_of(findings_of(findings)))
            plain, exempting = policy_of(rules), policy_of(rules, "CVE-2024-10000")

            call = partial(decide, plain, POD, (image,), NOW)
            recount = partial(decide, exempting, POD, (image,), NOW)
            rows.append(
                [
                    f"{rules:,}",
                    f"{findings:,}",
                    microseconds(call),
                    number(allocated_bytes(call) / 1024),
                    microseconds(recount),
                    number(allocated_bytes(recount) / 1024),
                ]
            )
    return rows


def once_per_report() -> list[list[str]]:
    """Return a row per number of findings: what is done when a report is read, and the words."""
    rows = []
    for number_of in FINDINGS:
        findings = findings_of(number_of)
        report = report_of(findings)
        verdict = decide(policy_of(1), POD, (judged(report),), NOW)
        rows.append(
            [
                f"{number_of:,}",
                microseconds(partial(report_of, findings)),
                microseconds(partial(denial_message, verdict, "an-event-id")),
            ]
        )
    return rows


def main() -> None:
    print("## Decision\n")
    print(
        "`decide` about a pod with one image, in process. The last of the rules is the only one\n"
        "that matches; the others ask for namespaces, pod names, labels and images of their own.\n"
        "*exempted*: the matching rule exempts one of the findings, so the rest is counted again.\n"
    )
    header = ["rules", "findings", "µs", "peak KiB", "µs, exempted", "peak KiB, exempted"]
    print(table(header, decisions()))
    print("Once per report that is read (its counts), and once per denial (its words):\n")
    print(table(["findings", "report, µs", "denial's words, µs"], once_per_report()))


if __name__ == "__main__":
    main()
