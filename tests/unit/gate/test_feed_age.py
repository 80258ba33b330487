"""The age of the feed is told, and changes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog.testing
from prometheus_client import REGISTRY

from tidegate.feed.chain import verify_batch
from tidegate.feed.deltas import encode_batch
from tidegate.feed.store import FeedStore
from tidegate.gate.feed_age import FeedAge
from tidegate.testing.evidence_world import evidence_key
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key

KEY = generate_key()


def shown(what: str) -> float | None:
    return REGISTRY.get_sample_value(f"tidegate_gate_feed_{what}", {"key": "aged"})


class Aging:
    """A gate that holds one batch, issued at noon."""

    def __init__(self, folder: Path) -> None:
        self.store = FeedStore(folder)
        self.key = evidence_key(KEY, "aged")
        self.trust = TrustConfiguration(keys=(self.key,), audience="acme")
        self.now = NOON
        self.feeder = Feeder(KEY)
        self.age = FeedAge(self.store, lambda: self.trust, lambda: self.now)
        self.hear()

    def hear(self) -> None:
        signed = verify_batch([self.key], self.feeder.batch(at=self.now))
        self.store.apply(signed, encode_batch(signed.batch))

    def look(self, minutes: float) -> list[str]:
        """Look that long after noon; return what the log said."""
        self.now = NOON + timedelta(minutes=minutes)
        with structlog.testing.capture_logs() as logs:
            self.age.look()
        return [each["event"] for each in logs]


@pytest.fixture
def aging(tmp_path: Path) -> Iterator[Aging]:
    made = Aging(tmp_path)
    yield made
    made.trust = TrustConfiguration()
    made.age.look()
    made.store.close()


def test_t22_a_feed_that_stands_still_is_told_once_and_when_it_goes_on(aging: Aging) -> None:
    assert aging.look(5) == []
    assert shown("old") == 0
    assert aging.look(6) == ["feed-is-old"]
    assert (shown("old"), shown("age_seconds")) == (1, 360)
    assert aging.look(7) == []
    aging.hear()
    assert aging.look(7) == ["feed-is-current"]
    assert (shown("old"), shown("age_seconds"), shown("epoch")) == (0, 0, 2)


def test_a_clock_that_is_behind_shows_no_age(aging: Aging) -> None:
    aging.look(-3)
    assert shown("age_seconds") == 0


def test_a_key_that_is_gone_is_shown_no_more(aging: Aging) -> None:
    aging.look(1)
    assert shown("subjects") == 0
    aging.trust = TrustConfiguration(audience="acme")
    aging.look(1)
    assert shown("subjects") is None
