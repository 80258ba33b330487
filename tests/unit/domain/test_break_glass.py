"""Break-glass: what lets a denied image in, and everything beside it that does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.builders import DIGEST, NOW, deny, finding, report, verdict_of
from tidegate.domain.break_glass import BreakGlass, let_in
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import Missing, MissingReason, Unavailable, UnavailableReason
from tidegate.domain.explain import sentence, warnings
from tidegate.domain.verdict import Decision, Reason

GLASS = BreakGlass(
    "incident-7", "default", DIGEST, "checkout is down", NOW, NOW + timedelta(hours=4)
)
OTHER = Digest("sha256:" + "cd" * 32)


@pytest.mark.parametrize(
    ("glass", "decision"),
    [
        pytest.param(GLASS, Decision.AUDIT, id="this-image-here-and-now"),
        pytest.param(replace(GLASS, namespace="defaulted"), Decision.DENY, id="another-namespace"),
        pytest.param(replace(GLASS, namespace="Default"), Decision.DENY, id="another-case"),
        pytest.param(replace(GLASS, digest=OTHER), Decision.DENY, id="another-image"),
        pytest.param(replace(GLASS, until=NOW), Decision.DENY, id="ended-this-instant"),
        pytest.param(replace(GLASS, until=NOW + timedelta.resolution), Decision.AUDIT, id="ends-next"),
        pytest.param(replace(GLASS, since=NOW + timedelta.resolution), Decision.DENY, id="not-yet"),
    ],
)  # fmt: skip
def test_one_image_is_let_into_one_namespace_for_a_while(
    glass: BreakGlass, decision: Decision
) -> None:
    verdict = verdict_of(report(finding()), deny())
    assert let_in(verdict, "default", [glass], NOW).decision is decision


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(Missing(MissingReason.NO_REPORT), id="missing"),
        pytest.param(Unavailable(UnavailableReason.REGISTRY), id="unavailable"),
        pytest.param(Unavailable(UnavailableReason.LIMITS), id="limits"),
    ],
)
def test_whatever_the_denial_is_for_the_digest_is_let_in(evidence: Missing | Unavailable) -> None:
    verdict = verdict_of(evidence, deny(block_unscanned=True))
    assert not verdict.allowed
    assert let_in(verdict, "default", [GLASS], NOW).allowed


def test_an_image_whose_digest_is_not_known_stays_denied() -> None:
    verdict = verdict_of(report(finding()), deny())
    unknown = replace(verdict, images=(replace(verdict.images[0], digest=None),))
    assert not let_in(unknown, "default", [GLASS], NOW).allowed


def test_the_other_images_of_the_workload_are_denied_all_the_same() -> None:
    verdict = verdict_of(report(finding()), deny())
    two = replace(verdict, images=(*verdict.images, replace(verdict.images[0], digest=OTHER)))
    decided = let_in(two, "default", [GLASS], NOW)
    assert [image.decision for image in decided.images] == [Decision.AUDIT, Decision.DENY]


def test_what_no_rule_denies_is_left_as_it_is() -> None:
    verdict = verdict_of(report(), deny())
    assert let_in(verdict, "default", [GLASS], NOW) == verdict


def test_the_words_tell_the_violation_and_who_let_it_in_and_why() -> None:
    (image,) = let_in(verdict_of(report(finding()), deny()), "default", [GLASS], NOW).images
    assert image.reason is Reason.BREAK_GLASS
    assert sentence(image).endswith(
        "Image contains 1 high or higher CVEs, which is more than the allowed count of: 0; let in "
        "until 2026-11-23T16:00Z by break-glass incident-7: checkout is down"
    )


@pytest.mark.parametrize("length", [1, 40, 253])
def test_the_warning_keeps_its_counts_and_fits(length: int) -> None:
    glass = replace(GLASS, name="n" * length)
    verdict = let_in(verdict_of(report(finding()), deny("r" * 256)), "default", [glass], NOW)
    (line,) = warnings(verdict)
    assert len(line) <= 256
    assert "Image contains 1 high or higher CVEs" in line
    assert "(deny), break-glass n" in line
