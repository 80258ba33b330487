"""Laws of the feed: a row gives what the registry gives, and strange bytes give nothing."""

import json
from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from support.statements import json_values, statements
from support.strategies import rules
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import digest_of
from tidegate.domain.errors import InputError, LimitExceededError
from tidegate.domain.evidence import ImageEvidence, Report
from tidegate.domain.explain import denial_message, warnings
from tidegate.domain.reference import parse_reference
from tidegate.domain.rule import Policy, Rule
from tidegate.domain.scope import compile_policy
from tidegate.domain.workload import ImageUse, Workload
from tidegate.evidence.verify import verify_report
from tidegate.testing.evidence_world import evidence_key
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_rows import report_of, row_of, value_of
from tidegate.wire.feed_v1 import BatchV1, parse_batch, render_batch
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE, Statement, render_statement, render_time

ARTIFACT = digest_of(b"artifact")
KEY = evidence_key(generate_key(), "scan")
IMAGE = ImageUse("app", "registry.example/team/app:1", "spec.containers[0].image")


def batch_of(statement: Statement) -> BatchV1:
    at = render_time(statement.finished_at)
    return BatchV1(
        audience="acme",
        chain="0b8b4567-327b-43c6-a98b-000000000001",
        chain_started_at=at,
        epoch=1,
        previous="",
        issued_at=at,
        rows=(row_of(statement, ARTIFACT),),
    )


def from_registry(statement: Statement) -> Report:
    """Return what a gate keeps after it read `statement` from a registry."""
    body = render_statement(statement)
    layer = Descriptor(MEDIA_TYPE, digest_of(body), len(body))
    read = verify_report(statement.subject, ARTIFACT, layer, body, [KEY], statement.finished_at)
    return read.report


def from_feed(statement: Statement) -> Report:
    """Return what a gate makes of the row of `statement`."""
    parsed = parse_batch(render_batch(batch_of(statement)))
    return report_of(value_of(parsed.rows[0]), [KEY.name])


@given(statements)
def test_a_row_gives_the_report_that_the_registry_gives(statement: Statement) -> None:
    assert from_feed(statement) == from_registry(statement)


@given(statements, rules, st.integers(0, 500))
def test_a_row_gives_the_same_verdict_in_the_same_words(
    statement: Statement, rule: Rule, age_days: int
) -> None:
    now = statement.finished_at + timedelta(days=age_days)
    policy = compile_policy(Policy((rule,)))
    workload = Workload(kind="Pod", name="gate-1", namespace="default")

    def said(report: Report) -> tuple[object, ...]:
        image = JudgedImage(IMAGE, parse_reference(IMAGE.image), ImageEvidence.of(report))
        verdict = decide(policy, workload, [image], now)
        return verdict, denial_message(verdict, "uid"), warnings(verdict)

    assert said(from_feed(statement)) == said(from_registry(statement))


@given(statements)
def test_a_batch_has_one_form(statement: Statement) -> None:
    payload = render_batch(batch_of(statement))
    assert render_batch(parse_batch(payload)) == payload


@given(statements, st.data())
def test_a_batch_with_any_part_replaced_is_read_or_refused(
    statement: Statement, data: st.DataObject
) -> None:
    document = json.loads(render_batch(batch_of(statement)))
    place = document
    while place and isinstance(place, dict | list):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            place[key] = data.draw(json_values)
            break
        place = place[key]
    payload = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(
        errors="surrogatepass"
    )
    with suppress(InputError, LimitExceededError):
        assert render_batch(parse_batch(payload)) == payload


@given(st.binary(max_size=200))
def test_any_bytes_are_no_batch(payload: bytes) -> None:
    with suppress(InputError):
        parse_batch(payload)
        raise AssertionError(payload)
