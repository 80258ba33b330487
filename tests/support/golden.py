"""Golden cases: one folder per situation, replayed through the gate's whole story.

`review.json` is what a real API server sent (recorded by tests/e2e/test_golden.py, with what differs
from run to run masked), `policy.json` the policy object in force, `evidence.json` what is known about
images, `expected.json` the response.
"""

import json
import re
from pathlib import Path
from typing import Any

from support.builders import NOW, report
from support.gate_world import Cluster, Evidence, Policies, Recorded
from tidegate.domain.evidence import Missing, MissingReason, Report, Unavailable, UnavailableReason
from tidegate.domain.finding import Finding
from tidegate.domain.rule import Policy, default_rule
from tidegate.domain.severity import severity_of_word
from tidegate.gate.review import Reviewer
from tidegate.gate.slots import Slots
from tidegate.wire.policy_v1alpha1 import parse_policy_object, rules_of

FOLDER = Path(__file__).parents[1] / "golden"

_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-23T12:00:00Z"),
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-abcde"),
    (re.compile(r"debugger-[a-z0-9]{5}"), "debugger-abcde"),
    (re.compile(r"(web-[a-f0-9]{6,10})-[a-z0-9]{5}\b"), r"\1-abcde"),
    (re.compile(r'"resourceVersion":"\d+"'), '"resourceVersion":"1"'),
    (re.compile(r'"(authentication\.kubernetes\.io/[a-z-]+)":\[[^\]]*\]'), r'"\1":["masked"]'),
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def masked(body: bytes) -> bytes:
    """Return a recorded review without what differs from run to run."""
    review = json.loads(body)
    for side in ("object", "oldObject"):
        metadata = (review["request"].get(side) or {}).get("metadata", {})
        # By time, and what happened within one second is in any order.
        metadata.get("managedFields", []).sort(
            key=lambda f: (f["manager"], f.get("subresource", ""))
        )
    text = json.dumps(review, separators=(",", ":"))
    for pattern, stand_in in _MASKS:
        text = pattern.sub(stand_in, text)
    seen: dict[str, str] = {}
    return _UUID.sub(
        lambda found: seen.setdefault(found[0], f"00000000-0000-0000-0000-{len(seen):012}"), text
    ).encode()


async def replay(folder: Path) -> dict[str, Any]:
    """Return the response to the review of one golden case."""
    reviewer = Reviewer(
        Policies(_policy(folder)), _evidence(folder), Cluster(), Recorded(), slots=Slots(1)
    )
    body = (folder / "review.json").read_bytes()
    answer = await reviewer.review(body, now=NOW, budget_s=1)
    response: dict[str, Any] = json.loads(answer.body)
    return response


def _policy(folder: Path) -> Policy:
    rules = rules_of(parse_policy_object((folder / "policy.json").read_bytes()))
    return Policy(rules=(*rules, default_rule()), generation="golden")


def _evidence(folder: Path) -> Evidence:
    known = json.loads((folder / "evidence.json").read_bytes())
    return Evidence({image: _known(entry) for image, entry in known.items()})


def _known(entry: dict[str, Any]) -> Report | Missing | Unavailable:
    if "missing" in entry:
        return Missing(MissingReason[entry["missing"]])
    if "unavailable" in entry:
        return Unavailable(UnavailableReason[entry["unavailable"]])
    return report(
        *(
            Finding(
                f["id"],
                severity_of_word(f["severity"]),
                f["package"],
                f["version"],
                f.get("fixedVersion", ""),
            )
            for f in entry["report"]
        )
    )
