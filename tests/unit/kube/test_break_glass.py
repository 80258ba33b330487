"""What is known of BreakGlass objects from what the API server says of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.kube.break_glass import BreakGlasses
from tidegate.kube.watch import Changed, Deleted, Listed, Lost

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def glass(name: str, *, duration: str = "2h", namespace: str = "shop") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-11-23T09:00:00Z"},
        "spec": {
            "namespace": namespace,
            "digest": "sha256:" + "ab" * 32,
            "reason": "checkout is down, the fix comes tonight",
            "duration": duration,
        },
    }


def holding(held: BreakGlasses, after_h: float = 0) -> list[str]:
    return [each.name for each in held.holding(NOW + timedelta(hours=after_h))]


def test_what_holds_anywhere_is_told_the_last_to_end_first() -> None:
    held = BreakGlasses()
    held.take(Listed((glass("short", duration="1h"), glass("long", namespace="other"))))
    assert holding(held) == ["long", "short"]
    assert holding(held, 1) == ["long"]
    assert holding(held, 2) == []
    held.take(Changed(glass("next", duration="24h")))
    held.take(Deleted("long"))
    assert holding(held) == ["next", "short"]


def test_nothing_is_known_before_the_objects_were_read() -> None:
    held = BreakGlasses()
    assert not held.known
    held.take(Lost("there is no such kind"))
    assert not held.known
    held.take(Listed(()))
    assert held.known
    held.take(Lost("the API server restarts"))
    assert held.known, "what was read holds until its own end"


def test_an_object_that_does_not_parse_lets_nothing_in() -> None:
    held = BreakGlasses()
    held.take(Listed((glass("one"),)))
    held.take(Changed(glass("one", duration="25h")))
    assert holding(held) == []
