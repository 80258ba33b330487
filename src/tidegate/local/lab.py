"""The five exercises of the lab, played with the commands that a person would type.

Each step prints its command, runs it as a program of its own and holds its output against what the
lab says. With a cluster the commands are kubectl's; without one `tidegate run` takes their place.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.domain.rule import DEFAULT_RULE_NAME
from tidegate.local.data_folder import UpState
from tidegate.local.demo import LAB_IMAGE, LAB_RULE_NAME, lab_policy

SETTLE_S = 15.0
"""How long a step waits for what takes effect elsewhere: a rule in force, an event visible."""

RETRY_S = 0.25

AUDIT_POD = "gatetestlab-audit"
DENY_POD = "gatetestlab-deny-test"


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of the lab and whether it held."""

    exercise: int
    title: str
    problem: str
    """Empty: it held."""


Check = Callable[[Output], str]
"""Says what is wrong with an output; an empty text for nothing."""


class Lab:
    """One run of the lab against what `tidegate up` started."""

    def __init__(
        self,
        state: UpState,
        say: Callable[[str], None],
        environment: Mapping[str, str],
        kubectl: str,
    ) -> None:
        self._state = state
        self._say = say
        self._kubectl = kubectl
        self._environment = {**environment, "TIDEGATE_DATA_DIR": state.data_dir}
        if state.kubeconfig:
            self._environment["KUBECONFIG"] = state.kubeconfig
        self._image = f"{state.registry}/{LAB_IMAGE}"
        self._results: list[StepResult] = []

    async def play(self) -> list[StepResult]:
        """Play all exercises and return what held; never raises for a step that does not."""
        with tempfile.TemporaryDirectory(prefix="tidegate-lab-") as folder:
            await self._clean()
            await self._audit_rule(Path(folder))
            await self._artifact()
            await self._audited_run()
            await self._deny_rule(Path(folder))
            await self._events()
        return self._results

    async def _audit_rule(self, folder: Path) -> None:
        self._say("\nExercise 1: create and view an audit rule")
        await self._apply(1, folder, "audit")
        await self._rule_in_force(1, "audit")

    async def _artifact(self) -> None:
        self._say("\nExercise 2: view the findings artifact in the registry")
        await self._step(
            2, "the image has a signed findings artifact",
            ["tidegate", "artifact", "show", self._image], _contains("in-toto"),
        )  # fmt: skip
        await self._step(
            2, "its statement lists the vulnerabilities",
            ["tidegate", "artifact", "fetch", self._image], _statement_has_findings, quiet=True,
        )  # fmt: skip
        await self._step(
            2, "its signature verifies", ["tidegate", "verify", self._image], _succeeded
        )

    async def _audited_run(self) -> None:
        self._say("\nExercise 3: run the vulnerable image")
        await self._step(
            3, "it runs, with a warning", self._run_command(AUDIT_POD), _audited(AUDIT_POD)
        )

    async def _deny_rule(self, folder: Path) -> None:
        self._say("\nExercise 4: change the rule to deny and run the image again")
        await self._apply(4, folder, "deny")
        await self._rule_in_force(4, "deny")
        await self._gate_follows()
        await self._step(4, "it is refused", self._run_command(DENY_POD), _denied)

    async def _events(self) -> None:
        self._say("\nExercise 5: view the admission events")
        await self._step(
            5, "both decisions are events",
            ["tidegate", "events", "list", "-o", "json"], _events_of_both, settles=True, quiet=True,
        )  # fmt: skip
        await self._step(5, "and a list to read", ["tidegate", "events", "list"], _succeeded)

    async def _clean(self) -> None:
        if self._state.kubeconfig:
            command = [
                "kubectl",
                "delete",
                "pod",
                AUDIT_POD,
                DENY_POD,
                "--ignore-not-found",
                "--now",
            ]
            await self._execute(command)

    async def _apply(self, exercise: int, folder: Path, action: str) -> None:
        path = folder / f"lab-rule-{action}.json"
        path.write_text(json.dumps(lab_policy(action), indent=2))
        await self._step(
            exercise, f"the rule is saved with action {action}",
            ["tidegate", "rules", "apply", "-f", str(path)], _succeeded,
        )  # fmt: skip

    async def _rule_in_force(self, exercise: int, action: str) -> None:
        if self._state.kubeconfig:
            command = ["kubectl", "get", "securityartifactpolicies", "-o", "json"]
        else:
            command = ["tidegate", "rules", "export", "-o", "json"]
        await self._step(
            exercise, f"the policy object has the rule ({action}), the default rule last",
            command, _policy_has(action), settles=True, quiet=True,
        )  # fmt: skip

    async def _gate_follows(self) -> None:
        """Wait until the gate denies a dry run: what the API server stored it watches."""
        command = [*self._run_command(f"{DENY_POD}-dry"), "--dry-run=server"]
        deadline = asyncio.get_running_loop().time() + SETTLE_S
        while asyncio.get_running_loop().time() < deadline:
            if (await self._execute(command)).code:
                return
            await asyncio.sleep(RETRY_S)

    def _run_command(self, name: str) -> list[str]:
        if self._state.kubeconfig:
            return ["kubectl", "run", name, f"--image={self._image}"]
        return ["tidegate", "run", name, f"--image={self._image}"]

    async def _step(
        self,
        exercise: int,
        title: str,
        command: Sequence[str],
        check: Check,
        *,
        settles: bool = False,
        quiet: bool = False,
    ) -> None:
        self._say(f"$ {' '.join(command)}")
        deadline = asyncio.get_running_loop().time() + (SETTLE_S if settles else 0)
        output = await self._execute(command)
        while (problem := check(output)) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(RETRY_S)
            output = await self._execute(command)
        self._say(_shown(output, shortened=quiet and not problem))
        self._results.append(StepResult(exercise, title, problem))

    async def _execute(self, command: Sequence[str]) -> Output:
        program, *arguments = command
        argv = (
            [sys.executable, "-m", "tidegate.cli", *arguments]
            if program == "tidegate"
            else [self._kubectl, *arguments]
        )
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        out, err = await process.communicate()
        return Output(process.returncode or 0, out.decode(), err.decode())


def _shown(output: Output, *, shortened: bool) -> str:
    text = (output.err + output.out).rstrip()
    lines = text.splitlines()
    if shortened and len(lines) > 16:
        lines = [*lines[:12], f"… {len(lines) - 12} more lines"]
    return "\n".join(lines)


def _succeeded(output: Output) -> str:
    return "" if output.code == 0 else f"exit code {output.code}, want 0"


def _contains(text: str) -> Check:
    def check(output: Output) -> str:
        return _succeeded(output) or ("" if text in output.out else f"want {text!r} in the output")

    return check


def _audited(pod: str) -> Check:
    def check(output: Output) -> str:
        if output.code:
            return f"exit code {output.code}, want 0"
        if f'rule "{LAB_RULE_NAME}" (audit)' not in output.err:
            return f"want a warning that names the rule {LAB_RULE_NAME!r}"
        return "" if f"pod/{pod} created" in output.out else f"want 'pod/{pod} created'"

    return check


def _denied(output: Output) -> str:
    if output.code != 1:
        return f"exit code {output.code}, want 1"
    wanted = ("denied the request", "Image contains", LAB_RULE_NAME)
    lacking = [text for text in wanted if text not in output.err]
    return f"want {lacking} in the message" if lacking else ""


def _decoded(output: Output) -> Any:  # noqa: ANN401 any JSON
    try:
        return json.loads(output.out)
    except ValueError:
        return None


def _policy_has(action: str) -> Check:
    def check(output: Output) -> str:
        document = _decoded(output)
        if document is None:
            return "want JSON"
        items = document.get("items", [document])
        rules = [r for i in items for r in i["spec"]["vulnerabilityAssessmentGatedDeployment"]]
        actions = {rule["name"]: rule["action"] for rule in rules}
        if actions.get(LAB_RULE_NAME) != action:
            return f"rule {LAB_RULE_NAME!r} has action {actions.get(LAB_RULE_NAME)}, want {action}"
        return "" if rules[-1]["name"] == DEFAULT_RULE_NAME else "want the default rule last"

    return check


def _statement_has_findings(output: Output) -> str:
    document = _decoded(output)
    if document is None or output.code:
        return "want the statement as JSON"
    results = document["predicate"]["scanner"]["result"]
    return "" if results else "want findings in predicate.scanner.result"


def _events_of_both(output: Output) -> str:
    document = _decoded(output)
    if document is None:
        return "want JSON"
    seen = {(event["name"], event["action"]) for event in document["items"]}
    lacking = {(AUDIT_POD, "audit"), (DENY_POD, "deny")} - seen
    return f"want events {sorted(lacking)}" if lacking else ""
