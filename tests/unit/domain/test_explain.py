from dataclasses import replace
from datetime import timedelta

import pytest

from support.builders import DIGEST, IMAGE, NOW, POD, deny, finding, judged, report, verdict_of
from tidegate.domain.decide import decide
from tidegate.domain.evidence import (
    Coverage,
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.explain import denial_message, sentence, violation_summary, warnings
from tidegate.domain.rule import Action, Disposition, Policy, Thresholds
from tidegate.domain.scope import compile_policy
from tidegate.domain.severity import Severity
from tidegate.domain.text import printable

MANY = (
    *(finding(f"CVE-2024-{n:04}", Severity.HIGH) for n in range(1, 116)),
    finding("CVE-2022-42004", Severity.CRITICAL, fixed="2.12.7.1"),
    finding("CVE-2022-42003", Severity.CRITICAL, fixed=""),
    finding("GHSA-x", Severity.UNKNOWN),
)


def test_a_denial_says_what_which_rule_the_worst_and_how_to_see_all() -> None:
    verdict = verdict_of(report(*MANY), deny("Lab example"))
    assert denial_message(verdict, "705ab4f5-6393-11e8-b7cc-42010a800002") == (
        "registry.example/team/app:1.0: Image contains 117 high or higher CVEs, which is more "
        "than the allowed count of: 0; +1 of unknown severity\n"
        '  rule: "Lab example" (deny)\n'
        "  CVE-2022-42003 critical, django 1.0, no fix known; CVE-2022-42004 critical, django 1.0 "
        "→ 2.12.7.1; CVE-2024-0001 high, django 1.0 → 2.0; +114 more\n"
        "  all findings: tidegate explain 705ab4f5-6393-11e8-b7cc-42010a800002"
    )


def test_a_dry_run_has_no_event_to_point_to() -> None:
    assert "tidegate explain" not in denial_message(verdict_of(report(*MANY), deny()), "")


def test_an_audit_is_one_warning_with_the_rule() -> None:
    rule = replace(deny("Lab example"), action=Action.AUDIT)
    assert warnings(verdict_of(report(*MANY), rule)) == (
        (
            "registry.example/team/app:1.0: Image contains 117 high or higher CVEs, which is more "
            'than the allowed count of: 0; +1 of unknown severity; rule "Lab example" (audit)'
        ),
    )


def test_warnings_stay_short_and_counts_are_never_cut() -> None:
    rule = replace(deny("r" * 256, thresholds=Thresholds(high=0)), action=Action.AUDIT)
    policy = compile_policy(Policy(rules=(rule,)))
    images = [judged(report(*MANY), f"registry.example/{'a' * 200}/n{n}:1") for n in range(40)]
    lines = warnings(decide(policy, POD, images, NOW))
    assert max(map(len, lines)) <= 256
    assert sum(map(len, lines)) <= 4096
    assert lines[-1] == "and 25 more images"
    for line in lines[:-1]:
        assert (
            "Image contains 117 high or higher CVEs, which is more than the allowed count of: 0"
            in line
        )
        assert "+1 of unknown severity" in line


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        pytest.param(
            Missing(MissingReason.NO_REPORT),
            "Image has not been scanned: no findings artifact is attached; scan it with: "
            f"tidegate scan {IMAGE} --attach",
            id="missing",
        ),
        pytest.param(
            Missing(MissingReason.NO_IMAGE, "no such manifest"),
            "Image was not found in its registry (no such manifest); push it, or correct its name",
            id="no-image",
        ),
        pytest.param(
            Missing(MissingReason.UNVERIFIABLE, "", ("sha256:00: unsigned", "x")),
            "Image has no findings that verify; refused: 2 (sha256:00: unsigned); scan it with: "
            f"tidegate scan {IMAGE} --attach",
            id="unverifiable",
        ),
        pytest.param(
            Missing(MissingReason.NOT_CONFIGURED),
            "Image has no findings: its registry is not configured here; use a configured "
            "registry, or ask your security team to add this one",
            id="not-configured",
        ),
        pytest.param(
            report(coverage=Coverage(())),
            "Image was scanned, but not completely (no package was recognised), so what was not "
            "judged counts as unscanned; import advisories for it or ask for an exemption",
            id="incomplete",
        ),
        pytest.param(
            report(age=timedelta(days=400)),
            "Findings of the image are too old (400 d old, allowed: 365 d); scan it with: "
            f"tidegate scan {IMAGE} --attach",
            id="stale",
        ),
        pytest.param(
            Unavailable(UnavailableReason.RATE_LIMITED),
            "Findings of the image could not be read (the registry refused for now (429)); try "
            "again, and if it stays so, tell who runs the gate",
            id="unavailable",
        ),
    ],
)
def test_each_state_has_its_own_sentence(
    evidence: Report | Missing | Unavailable, expected: str
) -> None:
    rule = deny(block_unscanned=True, on_stale=Disposition.VIOLATE)
    (image,) = verdict_of(evidence, rule).images
    assert sentence(image) == f"{IMAGE}: {expected}"


def test_findings_that_are_judged_although_stale_show_their_age() -> None:
    evidence = report(*MANY, age=timedelta(days=400))
    (image,) = verdict_of(evidence, deny(on_stale=Disposition.IGNORE)).images
    assert sentence(image).endswith(
        "allowed count of: 0; findings are 400 d old; +1 of unknown severity"
    )
    (clean,) = verdict_of(report(age=timedelta(days=366)), deny()).images
    assert sentence(clean).endswith("Image meets the rule; findings are 366 d old")


@pytest.mark.parametrize(
    ("evidence", "ignored", "expected"),
    [
        pytest.param(report(), False, "Image meets the rule", id="clean"),
        pytest.param(
            Missing(MissingReason.NOT_CONFIGURED),
            False,
            "Image is not known to be safe (registry not configured), and the rule lets that pass",
            id="missing",
        ),
        pytest.param(
            Unavailable(UnavailableReason.REGISTRY),
            True,
            "Findings could not be read (the registry did not answer), and the rule lets that pass",
            id="unavailable",
        ),
        pytest.param(
            report(coverage=Coverage(())),
            False,
            "Image meets the rule as far as it was judged (not judged: no package was recognised)",
            id="incomplete",
        ),
    ],
)
def test_an_image_that_passes_is_not_called_clean_for_want_of_findings(
    evidence: Report | Missing | Unavailable, *, ignored: bool, expected: str
) -> None:
    disposition = Disposition.IGNORE if ignored else Disposition.VIOLATE
    (image,) = verdict_of(evidence, deny(on_unavailable=disposition)).images
    assert sentence(image) == f"{IMAGE}: {expected}"


@pytest.mark.parametrize(
    ("limits", "summary"),
    [
        pytest.param(Thresholds(high=0), "High CVE: 115, Critical CVE: 2", id="high"),
        pytest.param(Thresholds(critical=0, high=0), "Critical CVE: 2", id="critical-first"),
        pytest.param(Thresholds(unknown=0), "Unknown CVE: 1", id="unknown"),
    ],
)
def test_the_violation_in_a_few_words(limits: Thresholds, summary: str) -> None:
    (image,) = verdict_of(report(*MANY), deny(thresholds=limits)).images
    assert violation_summary(image.judgement) == summary


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31mred\x1b[0m",
        "a\nb",
        "\u202eevil",
        "zero\u200bwidth",
        "nul\x00",
        "\x9b2J",
        "l\u2028s",
    ],
)
def test_t24_control_characters_never_reach_a_terminal(hostile: str) -> None:
    shown = printable(hostile)
    assert shown.isprintable()
    verdict = verdict_of(report(finding(hostile, Severity.HIGH, fixed=hostile)), deny(hostile))
    message = denial_message(verdict, hostile)
    assert all(line.isprintable() for line in message.split("\n"))
    assert str(DIGEST) not in message
