"""`tidegate up` as a user starts it, with a real API server, and what tests ask of it."""

import asyncio
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import httpx2
import msgspec

from tidegate.domain.digest import Digest
from tidegate.hubclient import HubClient
from tidegate.local.demo import push_image, wait_scanned
from tidegate.local.images import DemoImage
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig

READY_S = 90
"""Demo and local cluster on a machine with other work to do."""

STOP_S = 30
POLL_S = 0.1
SETTLE_S = 20
"""How long what happens elsewhere may take until a test fails."""

T = TypeVar("T")


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def until(look: Callable[[], T], reached: Callable[[T], bool], within_s: float = SETTLE_S) -> T:
    """Look again until what is seen is what is wanted; return it."""
    deadline = time.monotonic() + within_s
    while not reached(seen := look()):
        assert time.monotonic() < deadline, f"not reached within {within_s} s; last seen: {seen}"
        time.sleep(POLL_S)
    return seen


def descendants(pid: int) -> dict[int, str]:
    """Return the processes below `pid` that run, with their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):  # not a process, or gone meanwhile
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    below: dict[int, str] = {}
    wave = {pid}
    while wave:
        wave = {child for child, parent in parents.items() if parent in wave}
        for child in wave:
            with suppress(OSError):
                words = (Path("/proc") / str(child) / "cmdline").read_bytes().split(b"\0")
                below[child] = b" ".join(words).decode(errors="replace")
    return below


def run_command(
    *words: str, environment: Mapping[str, str], stdin: str = "", within_s: float = 60
) -> Said:
    """Run a program to its end, with nothing of the caller's Tidegate around."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    done = subprocess.run(
        words,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **environment},
        timeout=within_s,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass
class Installation:
    """One data folder and the `tidegate up` that runs on it."""

    root: Path
    kubectl_program: Path
    options: tuple[str, ...] = ("--cluster", "local", "--demo")
    state: dict[str, Any] = field(default_factory=dict)
    """What `up` printed."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Keeps what commands find and leave behind apart from the user's own."""
        return {"XDG_STATE_HOME": str(self.root / "state"), "COLUMNS": "100"}

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def start(self) -> None:
        """Return when `up` says that it is ready; what it says else is in `up.log`."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        with (self.root / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*up_command(), *self.options, "--json", "--data-dir", str(self.data_dir)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**inherited, **self.environment},
            )
        out = self.process.stdout
        assert out is not None
        readable, _, _ = select.select([out], [], [], READY_S)
        line = out.readline() if readable else b""
        if not line:
            self.stop()
            raise AssertionError(f"tidegate up: {(self.root / 'up.log').read_text()[-4000:]}")
        self.state = json.loads(line)

    def stop(self) -> int:
        """End `up` by SIGTERM; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End `up` without letting it clean up, where it still runs."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def pid_of(self, part: str) -> int | None:
        """Return the process id of `tidegate.<part>`, None while it does not run."""
        found = [
            pid for pid, line in descendants(self.pid).items() if f"-m tidegate.{part}" in line
        ]
        return min(found, default=None)

    def kubectl(self, command: str, *, stdin: str = "", kubeconfig: Path | None = None) -> Said:
        return run_command(
            str(self.kubectl_program),
            f"--kubeconfig={kubeconfig or self.state['kubeconfig']}",
            f"--cache-dir={self.root / 'kubectl-cache'}",
            *shlex.split(command),
            environment={},
            stdin=stdin,
        )

    def tidegate(self, command: str, *, stdin: str = "") -> Said:
        return run_command(
            sys.executable,
            "-m",
            "tidegate.cli",
            *shlex.split(command),
            environment={**self.environment, "TIDEGATE_DATA_DIR": str(self.data_dir)},
            stdin=stdin,
        )

    def image(self, tag: str) -> str:
        return f"{self.state['registry']}/demo/app:{tag}"

    def events(self, namespace: str) -> list[dict[str, Any]]:
        """Return the events of a namespace as `tidegate events list` prints them, oldest first."""
        said = self.tidegate(f"events list -n {namespace} --limit 500 -o json")
        assert said.code == 0, said.err
        listed: list[dict[str, Any]] = json.loads(said.out)["items"]
        return listed[::-1]

    @contextmanager
    def attaching_nothing(self) -> Iterator[None]:
        """What is pushed meanwhile has no report, as if no registry had told of it."""
        asyncio.run(self._switch_findings("Off"))
        try:
            yield
        finally:
            asyncio.run(self._switch_findings("On"))

    async def _switch_findings(self, to: Literal["On", "Off"]) -> None:
        async with HubClient(self.state["hub"], self.state["adminToken"]) as hub:
            settings = await hub.get_settings()
            await hub.put_settings(msgspec.structs.replace(settings, security_findings=to))

    @contextmanager
    def silent(self, part: str) -> Iterator[None]:
        """`part` holds its connections meanwhile and answers nobody."""
        pid = self.pid_of(part)
        assert pid is not None, f"{part} does not run"
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def metric(self, line: str) -> float:
        """Return a number that the hub counts, by its name and labels."""
        text = httpx2.get(f"{self.state['hub']}/metrics").text
        found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def push(self, image: DemoImage, tag: str) -> Digest:
        """Push `image` to demo/app under `tag`; return its digest once it is scanned."""
        return asyncio.run(self._push(replace(image, repository="demo/app", tag=tag)))

    async def _push(self, image: DemoImage) -> Digest:
        host = self.state["registry"]
        config = RegistryConfig(host=host, plain_http=True, allow_private=True)
        async with RegistryClient([config]) as registry:
            await push_image(registry, host, image)
        async with HubClient(self.state["hub"], self.state["adminToken"]) as hub:
            await wait_scanned(hub, host, image.repository, image.digest)
        return image.digest


def up_command() -> list[str]:
    return [sys.executable, "-m", "tidegate.cli", "up"]


class Ground:
    """A namespace of one test, with an own policy object that decides before all others."""

    def __init__(self, site: Installation, namespace: str) -> None:
        self.site = site
        self.namespace = namespace
        self._rules = 0

    def __call__(self, command: str, *, stdin: str | Mapping[str, Any] = "") -> Said:
        """Run kubectl in this namespace; a mapping is given to it as JSON."""
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        return self.site.kubectl(f"--namespace={self.namespace} {command}", stdin=text)

    def works(self, command: str, *, stdin: str | Mapping[str, Any] = "") -> Said:
        """Run kubectl, which must succeed."""
        said = self(command, stdin=stdin)
        assert said.code == 0, f"kubectl {command}: {said.err}"
        return said

    def denied(self, command: str, *, stdin: str | Mapping[str, Any] = "") -> str:
        """Run kubectl, which the gate must refuse; return what it said."""
        said = self(command, stdin=stdin)
        assert said.code == 1, f"kubectl {command}: want a refusal, got: {said.out} {said.err}"
        assert 'admission webhook "gate.tidegate.io" denied the request' in said.err
        return said.err

    def get(self, what: str) -> dict[str, Any]:
        """Return an object as the API server has it."""
        found: dict[str, Any] = json.loads(self.works(f"get {what} -o json").out)
        return found

    def rule(self, action: str, *scope: Mapping[str, Any], **configuration: Any) -> str:  # noqa: ANN401 any condition
        """Put one rule for this namespace in force, in the place of the last; return its name."""
        self._rules += 1
        name = f"{self.namespace} {self._rules}"
        here = {"matcherType": "namespace", "anyOf": [self.namespace]}
        rule = {
            "name": name,
            "action": action,
            "scope": [here, *scope],
            "configuration": configuration or {"maxAllowedSeverities": {"high": 0}},
        }
        self.works("apply -f -", stdin=policy_object(self.namespace, rule))
        probe = f"run probe --image={self.site.image('critical')} --dry-run=server"
        until(lambda: self(probe), lambda said: name in said.err)
        return name

    def end(self) -> None:
        self.site.kubectl(f"delete sap {self.namespace} --ignore-not-found")
        self.site.kubectl(f"delete namespace {self.namespace} --wait=false --ignore-not-found")

    def verdicts(self) -> list[tuple[str, str, str, str]]:
        """Return action, kind, name and operation of each admission here, oldest first."""
        return [(e["action"], e["kind"], e["name"], e["operation"]) for e in self.admissions()]

    def admissions(self) -> list[dict[str, Any]]:
        """Return the events here but those about what runs already, oldest first."""
        events = self.site.events(self.namespace)
        return [event for event in events if event.get("origin") != "rejudged"]

    def rejudged(self) -> list[tuple[str, str]]:
        """Return action and name of each event about what runs here already, oldest first."""
        return [
            (e["action"], e["name"])
            for e in self.site.events(self.namespace)
            if e.get("origin") == "rejudged"
        ]

    def saw(self, *wanted: tuple[str, str, str, str]) -> None:
        """Hold when the events here become `wanted`, each once, whatever their order."""
        until(lambda: sorted(self.verdicts()), lambda seen: seen == sorted(wanted))


def policy_object(name: str, *rules: Mapping[str, Any], priority: int = 10) -> dict[str, Any]:
    spec = {"priority": priority, "vulnerabilityAssessmentGatedDeployment": list(rules)}
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }
