"""Which findings trusted VEX statements clear, and which they never do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.domain.finding import Finding, VexStatus
from tidegate.domain.severity import Severity
from tidegate.domain.tally import count, units_of
from tidegate.formats.report import VexClaim, VexProduct
from tidegate.scan.vex import TrustedClaim, apply_claims

IMAGE = "sha256:" + "ab" * 32
OTHER = "sha256:" + "ef" * 32
DJANGO = "pkg:pypi/django@3.2"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
FOUND = Finding("CVE-2022-1001", Severity.HIGH, DJANGO, "3.2", aliases=frozenset({"GHSA-aaaa"}))
WHOLE_IMAGE = VexProduct(frozenset({IMAGE}))


def claim(
    *ids: str,
    product: VexProduct = WHOLE_IMAGE,
    status: VexStatus = VexStatus.NOT_AFFECTED,
    source: str = "vendor",
    days: int = 0,
) -> TrustedClaim:
    made = VexClaim(
        ids=frozenset(ids or ("CVE-2022-1001",)),
        products=(product,),
        status=status,
        justification="component_not_present",
        author="Example Inc",
        said_at=AT + timedelta(days=days),
        detail="the module is not loaded",
    )
    return TrustedClaim(made, source)


def cleared(*claims: TrustedClaim, finding: Finding = FOUND) -> bool:
    (found,) = apply_claims([finding], claims, frozenset({IMAGE}))
    assert replace(found, not_affected=()) == replace(finding, not_affected=())
    return bool(found.not_affected)


def of(*packages: str, image: str = "") -> VexProduct:
    return VexProduct(frozenset({image} if image else ()), packages)


@pytest.mark.parametrize(
    ("product", "reached"),
    [
        pytest.param(WHOLE_IMAGE, True, id="the-image"),
        pytest.param(VexProduct(frozenset({OTHER})), False, id="another-image"),
        pytest.param(of(DJANGO, image=IMAGE), True, id="the-package-in-the-image"),
        pytest.param(of(DJANGO, image=OTHER), False, id="the-package-in-another-image"),
        pytest.param(of("pkg:pypi/flask@1", image=IMAGE), False, id="another-package-in-the-image"),
        pytest.param(of(DJANGO), True, id="the-package-anywhere"),
        pytest.param(of("pkg:pypi/django"), True, id="any-version"),
        pytest.param(of("pkg:pypi/django@3.1"), False, id="another-version"),
        pytest.param(of("pkg:npm/django@3.2"), False, id="another-kind"),
        pytest.param(of("pkg:pypi/django@3.2?os=x"), False, id="a-closer-name"),
        pytest.param(of("no purl"), False, id="no-purl"),
        pytest.param(VexProduct(), False, id="nothing"),
    ],
)
def test_a_claim_reaches_what_its_products_name(product: VexProduct, *, reached: bool) -> None:
    assert cleared(claim(product=product)) is reached


@pytest.mark.parametrize(
    ("ids", "reached"),
    [
        (("CVE-2022-1001",), True),
        (("GHSA-AAAA",), True),
        (("CVE-2022-1002", "GHSA-AAAA"), True),
        (("CVE-2022-1002",), False),
    ],
)
def test_a_claim_reaches_a_vulnerability_by_any_of_its_ids(
    ids: tuple[str, ...], *, reached: bool
) -> None:
    assert cleared(claim(*ids)) is reached


def test_of_a_finding_that_stands_for_several_each_must_be_cleared() -> None:
    both = replace(
        FOUND, vulnerability_id="DSA-1", aliases=frozenset({"CVE-2022-1001", "CVE-2022-1002"})
    )
    assert not cleared(claim("CVE-2022-1001"), finding=both)
    assert not cleared(claim("DSA-1"), finding=both)
    assert cleared(claim("CVE-2022-1001"), claim("CVE-2022-1002"), finding=both)


@pytest.mark.parametrize(
    ("claims", "reached"),
    [
        pytest.param([claim(status=VexStatus.FIXED)], True, id="fixed"),
        pytest.param([claim(status=VexStatus.AFFECTED)], False, id="affected"),
        pytest.param([claim(status=VexStatus.UNDER_INVESTIGATION)], False, id="investigated"),
        pytest.param([claim(), claim(status=VexStatus.AFFECTED, days=1)], False, id="taken-back"),
        pytest.param([claim(status=VexStatus.AFFECTED), claim(days=1)], True, id="cleared-later"),
        pytest.param([claim(), claim(status=VexStatus.UNDER_INVESTIGATION, days=1)], False, id="in-doubt-again"),
        pytest.param([claim(), claim(status=VexStatus.AFFECTED)], False, id="both-at-once"),
        pytest.param([claim(days=5), claim(status=VexStatus.AFFECTED, source="other")], False, id="another-source-says-affected"),
        pytest.param([claim(), claim(status=VexStatus.UNDER_INVESTIGATION, source="other")], True, id="another-source-does-not-know"),
    ],
)  # fmt: skip
def test_the_newest_word_of_each_source_counts_and_affected_wins(
    claims: list[TrustedClaim], *, reached: bool
) -> None:
    assert cleared(*claims) is reached
    assert cleared(*reversed(claims)) is reached


def test_what_is_cleared_says_why_and_who_and_counts_nowhere() -> None:
    second = Finding("CVE-2022-1002", Severity.LOW, DJANGO, "3.2")
    marked, other = apply_claims([FOUND, second], [claim()], frozenset({IMAGE}))
    (mark,) = marked.not_affected
    assert (mark.justification, mark.author, mark.source, mark.said_at) == (
        "component_not_present",
        "Example Inc",
        "vendor",
        AT,
    )
    assert mark.detail == "the module is not loaded"
    assert other.not_affected == ()
    counts = count(units_of([marked, other]))
    assert (counts.high, counts.low) == (0, 1)


def test_marks_of_an_earlier_reading_do_not_stay() -> None:
    (marked,) = apply_claims([FOUND], [claim()], frozenset({IMAGE}))
    (again,) = apply_claims([marked], [], frozenset({IMAGE}))
    assert again.not_affected == ()
    (other,) = apply_claims([marked], [claim("CVE-1999-1")], frozenset({IMAGE}))
    assert other.not_affected == ()
