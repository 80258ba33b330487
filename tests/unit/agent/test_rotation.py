"""The gates' certificate over years of a moved clock, and what it never does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.agent.rotation import (
    ANNOUNCE,
    AUTHORITY_LIFE,
    LEAF_LIFE,
    NOTHING,
    RETIRE,
    Kept,
    advance,
)
from tidegate.net.authority import Holder, Pem, issue, new_authority

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOST = "tidegate-gate.tidegate.svc"


def settled(kept: Kept, now: datetime) -> Kept:
    """Return `kept` once all is done and announced that is due at `now`."""
    for _ in range(6):
        wanted = advance(kept, kept.bundle, now, HOST)
        if wanted == kept:
            return kept
        kept = wanted
    raise AssertionError("it does not come to rest")


def trusts(bundle: bytes, pair: Pem, now: datetime) -> bool:
    """Whether a caller that trusts `bundle` takes `pair` for `HOST` at `now`."""
    store = Store(x509.load_pem_x509_certificates(bundle))
    verifier = PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(HOST))
    try:
        verifier.verify(x509.load_pem_x509_certificate(pair.certificate), [])
    except x509.verification.VerificationError:
        return False
    return True


FIRST = settled(Kept(), NOW)


def test_nothing_becomes_an_authority_first_and_a_pair_once_that_is_announced() -> None:
    begun = advance(Kept(), b"", NOW, HOST)
    assert begun.current != NOTHING
    assert begun.pair == NOTHING
    done = advance(begun, begun.bundle, NOW, HOST)
    assert trusts(done.bundle, done.pair, NOW)


def test_without_a_webhook_nobody_is_waited_for() -> None:
    assert advance(Kept(), None, NOW, HOST).pair != NOTHING


def test_what_is_kept_stays_until_two_thirds_of_its_life() -> None:
    assert settled(FIRST, NOW + LEAF_LIFE * 2 / 3 - timedelta(seconds=1)) == FIRST
    renewed = settled(FIRST, NOW + LEAF_LIFE * 2 / 3)
    assert renewed.pair != FIRST.pair
    assert renewed.current == FIRST.current


def test_a_pair_does_not_outlive_its_authority() -> None:
    at = NOW + AUTHORITY_LIFE - timedelta(days=9)
    pair = issue(FIRST.current, Holder(HOST, hosts=(HOST,)), at, LEAF_LIFE)
    (leaf,) = x509.load_pem_x509_certificates(pair.certificate)
    (issuer,) = x509.load_pem_x509_certificates(FIRST.current.certificate)
    assert leaf.not_valid_after_utc == issuer.not_valid_after_utc


def test_an_authority_is_announced_then_used_then_retired() -> None:
    at = NOW + AUTHORITY_LIFE * 2 / 3
    announced = settled(FIRST, at)
    assert announced.current == FIRST.current
    assert announced.next != NOTHING
    assert announced.bundle == FIRST.current.certificate + announced.next.certificate
    assert settled(announced, at + ANNOUNCE - timedelta(seconds=1)) == announced
    used = settled(announced, at + ANNOUNCE)
    assert used.current == announced.next
    assert used.retired == FIRST.current.certificate
    assert trusts(used.current.certificate, used.pair, at + ANNOUNCE)
    assert FIRST.current.key not in used.bundle
    assert settled(used, at + ANNOUNCE + RETIRE - timedelta(seconds=1)) == used
    retired = settled(used, at + ANNOUNCE + RETIRE)
    assert retired.bundle == used.current.certificate
    assert retired.pair == used.pair


@pytest.mark.parametrize("stays", [b"", FIRST.current.certificate], ids=["emptied", "as before"])
def test_an_authority_that_the_webhook_does_not_name_is_not_used(stays: bytes) -> None:
    at = NOW + AUTHORITY_LIFE * 2 / 3
    announced = settled(FIRST, at)
    later = advance(announced, stays, at + ANNOUNCE + RETIRE, HOST)
    assert later.current == announced.current


OTHER = new_authority("other", NOW, AUTHORITY_LIFE)


def with_pair(authority: Pem, *hosts: str, made_at: datetime = NOW) -> Kept:
    return replace(FIRST, pair=issue(authority, Holder("x", hosts=hosts), made_at, LEAF_LIFE))


BROKEN = {
    "no key": replace(FIRST, pair=replace(FIRST.pair, key=b"")),
    "another key": replace(FIRST, pair=replace(FIRST.pair, key=OTHER.key)),
    "no certificate": replace(FIRST, pair=replace(FIRST.pair, certificate=b"x")),
    "two certificates": replace(
        FIRST,
        pair=replace(FIRST.pair, certificate=FIRST.pair.certificate + OTHER.certificate),
    ),
    "another authority": with_pair(OTHER, HOST),
    "another host": with_pair(FIRST.current, "h"),
    "no host": with_pair(FIRST.current),
    "of the future": with_pair(FIRST.current, HOST, made_at=NOW + timedelta(days=1)),
    "authority without key": replace(FIRST, current=replace(FIRST.current, key=b"")),
    "authority of another key": replace(FIRST, current=replace(FIRST.current, key=OTHER.key)),
    "next without key": replace(FIRST, next=replace(OTHER, key=b"")),
    "retired nonsense": replace(FIRST, retired=b"-----BEGIN CERTIFICATE-----\nx\n"),
}


@pytest.mark.parametrize("kept", [pytest.param(kept, id=name) for name, kept in BROKEN.items()])
def test_what_does_not_fit_is_made_anew(kept: Kept) -> None:
    mended = settled(kept, NOW)
    assert trusts(mended.bundle, mended.pair, NOW)
    assert mended.next == NOTHING
    for each in (mended.current, mended.pair):
        key = load_pem_private_key(each.key, None).public_key()
        assert key == x509.load_pem_x509_certificate(each.certificate).public_key()
    assert issue(mended.current, Holder("x"), NOW, LEAF_LIFE).certificate


def test_a_lost_authority_stays_trusted_while_gates_show_what_it_signed() -> None:
    lost = replace(FIRST, current=replace(FIRST.current, key=b""))
    begun = advance(lost, FIRST.bundle, NOW, HOST)
    assert begun.pair == FIRST.pair
    assert trusts(begun.bundle, begun.pair, NOW)


@settings(max_examples=examples(40), deadline=None)
@given(hops=st.lists(st.integers(1, 29 * 24 * 60), min_size=1, max_size=12), data=st.data())
def test_no_caller_and_no_gate_are_ever_apart(hops: list[int], data: st.DataObject) -> None:
    """Whatever the moments at which it is looked, and however late each gate and API server is.

    An API server trusts the bundle before or after the last step, a gate shows the pair before or
    after: where the steps are less than an agent's life apart, every combination holds.
    """
    now, kept = NOW, FIRST
    for minutes in hops:
        now += timedelta(minutes=data.draw(st.sampled_from([1, 29, 31, 24 * 60, minutes])))
        while (wanted := advance(kept, kept.bundle, now, HOST)) != kept:
            for bundle in (kept.bundle, wanted.bundle):
                assert trusts(bundle, wanted.pair, now)
            assert trusts(wanted.bundle, kept.pair, now) or wanted.pair == kept.pair
            kept = wanted
        assert trusts(kept.bundle, kept.pair, now)
