"""What `tidegate cluster show` says of a cluster's protection."""

from tidegate.cli.protection_words import described_protection
from tidegate.wire.protection_v1 import BreakGlassV1, ProtectionV1

GLASS = BreakGlassV1(
    "incident-1",
    "shop",
    f"sha256:{'ab' * 32}",
    "checkout is down\u202e\n",
    "2026-11-23T09:00:00Z",
    "2026-11-23T11:00:00Z",
)


def said(protection: ProtectionV1 | None) -> list[str]:
    return [" ".join(line.split()) for line in described_protection(protection)]


def test_what_is_let_in_by_hand_stands_with_its_reason_and_end() -> None:
    lines = said(ProtectionV1(break_glass=[GLASS], break_glass_count=3, re_admission="Audit"))
    assert lines[-5:] == [
        "Own pods: come back for 14 days after a later finding, with a warning",
        "Let in: checkout is down",
        "break-glass incident-1, into shop until 2026-11-23T11:00:00Z",
        GLASS.digest,
        "and by 2 more break-glass objects",
    ]


def test_what_an_older_agent_does_not_tell_is_not_said() -> None:
    assert said(None) == []
    assert not [line for line in said(ProtectionV1()) if line.startswith(("Let in", "Own pods"))]
