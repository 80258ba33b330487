"""`make chaos` in small: two storms, and the oracle that judges their answers."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import Coverage, EcosystemCoverage, Report, ReportSource
from tidegate.domain.finding import Finding
from tidegate.domain.severity import Severity

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

BENCH = Path(__file__).parents[2] / "bench"
HOST = "registry.example"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Answer = dict[str, Any]
Change = Callable[[Answer], None]


class World:
    """A clean and a vulnerable image in each repository, and the reviews of them."""

    def __init__(self, oracle: Any) -> None:  # noqa: ANN401 a program's module, not a package's
        self._module = oracle
        bad = Finding("CVE-2024-3094", Severity.CRITICAL, "pkg:deb/debian/xz@5.6", "5.6", "5.7")
        images = [self._image("web", ()), self._image("db", (bad,)), self._image("web", (bad,))]
        kinds, _ = oracle.kinds_of(images)
        self.oracle = oracle.Oracle(HOST, images, kinds)
        self.by_images = {
            (kind.images, b'"namespace":"lenient"' in kind.body): i for i, kind in enumerate(kinds)
        }

    def _image(self, name: str, findings: tuple[Finding, ...]) -> Any:  # noqa: ANN401 as above
        digest = digest_of(f"{name} {findings}".encode())
        coverage = Coverage((EcosystemCoverage("PyPI", 1, "demo set", NOW),))
        report = Report(digest, findings, coverage, (ReportSource("Tidegate", "scan", NOW),))
        return self._module.StormImage(f"{HOST}/shop/{name}@{digest}", digest, report)

    def kind(self, *images: int, lenient: bool = False) -> int:
        return self.by_images[images, lenient]

    def right(
        self, kind: int, version: int = 0, unavailable: frozenset[int] = frozenset()
    ) -> Answer:
        """Return the right answer, as the gate sends it."""
        table = self.oracle.table(kind, version % 2)
        said = next(said for said, missing in table.items() if missing == unavailable)
        numbered = f" r{version:05d}"

        def named(text: str) -> str:
            state, found, rule = text.partition("Findings of the image: ")
            if found:  # a warning: words that were shortened to fit are not compared
                text = f'{state}r.example/…: {found[:-2]} could no…; rule "{rule}" (audit)'
            for rule in ("web", "db", "lenient"):
                text = text.replace(f"{rule} r", f"{rule}{numbered}")
            return text.replace(
                "(could not be read)",
                "Findings of the image could not be read (registry: (reset)); try again, and if it "
                "stays so, tell who runs the gate",
            )

        response: Answer = {"uid": self._module.UID, "allowed": said.allowed}
        if not said.allowed:
            response["status"] = {"code": 403, "message": named(said.message)}
        if said.warnings:
            response["warnings"] = [named(each) for each in said.warnings]
        return {
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response,
        }  # fmt: skip

    def judge(self, kind: int, answer: Answer, *versions: int) -> Any:  # noqa: ANN401 as above
        return self.oracle.judge(kind, json.dumps(answer), versions or (0,))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.syspath_prepend(str(BENCH))
    yield World(import_module("storm_oracle"))
    for name in [
        n for n, m in sys.modules.items() if str(BENCH) in str(getattr(m, "__file__", ""))
    ]:
        del sys.modules[name]


def allowed_instead(answer: Answer) -> None:
    answer["response"] = {"uid": answer["response"]["uid"], "allowed": True}


def without_warning(answer: Answer) -> None:
    del answer["response"]["warnings"]


def of_another_review(answer: Answer) -> None:
    answer["response"]["uid"] = "00000000-0000-4000-8000-000000000001"


def of_two_policies(answer: Answer) -> None:
    answer["response"]["warnings"] = [
        each.replace("r00000", "r00001") for each in answer["response"]["warnings"]
    ]


def of_the_other_rules(answer: Answer) -> None:
    message = answer["response"]["status"]["message"]
    answer["response"]["status"]["message"] = message.replace("r00000", "r00001")
    answer["response"]["warnings"] = [
        each.replace("r00000", "r00001") for each in answer["response"]["warnings"]
    ]


def with_fewer_findings(answer: Answer) -> None:
    message = answer["response"]["status"]["message"]
    assert "CVE-2024-3094" in message
    answer["response"]["status"]["message"] = message.replace("CVE-2024-3094", "CVE-2024-3095")


def with_status_though_allowed(answer: Answer) -> None:
    answer["response"]["allowed"] = True


@pytest.mark.parametrize(
    ("change", "fails_open"),
    [
        pytest.param(allowed_instead, True, id="allowed"),
        pytest.param(without_warning, False, id="a-warning-less"),
        pytest.param(of_another_review, False, id="another-review's"),
        pytest.param(of_two_policies, False, id="half-a-policy"),
        pytest.param(of_the_other_rules, False, id="rules-that-say-otherwise"),
        pytest.param(with_fewer_findings, False, id="other-findings"),
        pytest.param(with_status_though_allowed, False, id="allowed-and-denied"),
    ],
)
def test_the_oracle_takes_no_other_answer(
    world: World, change: Change, *, fails_open: bool
) -> None:
    kind = world.kind(1, 2)
    answer = world.right(kind)
    assert world.judge(kind, answer).right
    change(answer)
    judged = world.judge(kind, answer)
    assert not judged.right
    assert judged.allowed == fails_open


@pytest.mark.parametrize(
    ("images", "lenient", "allowed"),
    [
        pytest.param((0,), False, False, id="strict-denies"),
        pytest.param((1,), False, True, id="audit-warns"),
        pytest.param((1, 2), False, False, id="one-of-two"),
    ],
)
def test_an_answer_without_findings_is_right_and_told_from_one_with_them(
    world: World, images: tuple[int, ...], *, lenient: bool, allowed: bool
) -> None:
    kind = world.kind(*images, lenient=lenient)
    missing = frozenset(images[-1:])
    judged = world.judge(kind, world.right(kind, unavailable=missing))
    assert (judged.right, judged.unavailable, judged.allowed) == (True, missing, allowed)


def test_storms_have_no_wrong_answer_and_lose_no_event() -> None:
    """How long answers take is not looked at: the machine may have other things to do."""
    ran = subprocess.run(
        [sys.executable, str(BENCH / "chaos.py"), "--json", "--rate", "40", "--seconds", "5",
         "gone", "policy", "fed-gone"],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert ran.stdout, ran.stderr
    found = {each["name"]: each for each in json.loads(ran.stdout)}
    assert found.keys() == {"gone", "policy", "fed-gone"}, ran.stderr
    for each in found.values():
        assert each["reviews"] == 200
        assert each["denied"] > 0
        assert each["wrong"] == each["fail_opens"] == each["known_lost"] == 0, each
        assert each["lost"] == each["told"] == 0, each
        assert each["stored"] + each["spooled"] == 200 - each["timeouts"] - each["cut"]
    assert found["policy"]["versions"] == 24
    assert found["fed-gone"]["reads"] == 0
