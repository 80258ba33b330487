"""The chart on a real API server: installed, playing the lab, upgraded, and gone again.

The cluster has no nodes, so pods stay pending; the processes that they stand for run outside with the
variables, mounts and service accounts of the chart's own Deployments. The API server reaches the
gate through the chart's Service, which a post-renderer makes an ExternalName of this machine.
"""

import asyncio
import base64
import json
import re
import secrets
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from support.helm import (
    CHART,
    KINDS,
    VALUE_SETS,
    Manifest,
    find_helm,
    first_deleted,
    is_hook,
    left_behind,
    pods_of,
    render,
)
from support.installation import Installation, policy_object, until
from support.outside_pod import Kubectl, NotThereError, OutsidePod
from tidegate.agent.certificates import GateSecrets
from tidegate.agent.rotation import ANNOUNCE, AUTHORITY_LIFE, LEAF_LIFE, RETIRE
from tidegate.kube.client import connect
from tidegate.local.install import write_account_kubeconfig
from tidegate.local.kubernetes import KubePrograms, LocalCluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAMESPACE, RELEASE = "tidegate", "tidegate"
CLUSTER_NAME = "by-helm"
POST_RENDERER = """\
#!{python}
import sys, yaml
for body in yaml.safe_load_all(sys.stdin):
    if body and body["kind"] == "Service" and body["metadata"]["name"] == "tidegate-gate":
        body["spec"] = {{"type": "ExternalName", "externalName": "localhost"}}
    print("---")
    print(yaml.safe_dump(body))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Released:
    """One cluster with one release of the chart, and the parts outside it."""

    def __init__(self, site: Installation, cluster: LocalCluster, folder: Path) -> None:
        self.site = site
        self.cluster = cluster
        self.folder = folder
        self.port = free_port()
        agent_port = str(free_port())
        self.agent = self._pod(
            "agent", TIDEGATE_AGENT_PORT=agent_port, TIDEGATE_AGENT_METRICS_PORT="0"
        )
        self.gate = self._pod(
            "gate",
            TIDEGATE_GATE_PORT=str(self.port),
            TIDEGATE_GATE_METRICS_PORT="0",
            TIDEGATE_GATE_AGENT_URL=f"http://127.0.0.1:{agent_port}",
        )
        self._renderer = folder / "post-renderer"
        self._renderer.write_text(POST_RENDERER.format(python=sys.executable))
        self._renderer.chmod(self._renderer.stat().st_mode | stat.S_IXUSR)

    def _pod(self, part: str, **changes: str) -> OutsidePod:
        folder = self.folder / part
        folder.mkdir()
        prefix = f"TIDEGATE_{part.upper()}"
        here = {f"{prefix}_HOST": "127.0.0.1"} | changes
        kubeconfig = self.folder / f"{part}.kubeconfig"
        return OutsidePod(self.kubectl, f"tidegate-{part}", folder, kubeconfig, here)

    def kubectl(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                self.cluster.kubectl,
                f"--kubeconfig={self.cluster.kubeconfig}",
                f"--cache-dir={self.folder / 'kubectl-cache'}",
                *words,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def get(self, what: str, *words: str) -> dict[str, Any]:
        said = self.kubectl("get", what, "-o", "json", *words)
        assert said.returncode == 0, said.stderr
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    def helm(self, *words: str | Path) -> str:
        done = subprocess.run(
            [find_helm(), *words, "--namespace", NAMESPACE],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.cluster.kubeconfig),
            },
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def values(self) -> Path:
        """Write the values of this cluster: its trust is that of `tidegate up`."""
        trust = yaml.safe_load((self.site.data_dir / "trust.yaml").read_text("utf-8"))
        values = {
            "image": {"registry": "registry.example/platform"},
            "cluster": {"name": CLUSTER_NAME},
            "webhook": {"failurePolicy": "Fail"},
            "trust": {"keys": trust["keys"], "registries": trust["registries"]},
            "feed": {"audience": trust["feed"]["audience"]},
            "gate": {"servicePort": self.port},
            "agent": {"hub": {"url": self.site.state["hub"], "enrolTokenSecret": "enrolment"}},
        }
        path = self.folder / "values.yaml"
        path.write_text(yaml.safe_dump(values), "utf-8")
        return path

    def install(self, *words: str) -> str:
        return self.helm(
            "upgrade", "--install", RELEASE, CHART, "--create-namespace", "--values",
            self.values(), "--post-renderer", self._renderer, *words,
        )  # fmt: skip

    def start(self, pod: OutsidePod) -> None:
        """Give `pod` a token of its account and start it as soon as its volumes are there."""
        account = pod.deployment
        asyncio.run(write_account_kubeconfig(self.cluster, account, pod.kubeconfig))
        until(lambda: self._is_there(pod), bool, within_s=60)
        pod.start()

    def _is_there(self, pod: OutsidePod) -> bool:
        try:
            pod.bring()
        except NotThereError:
            return False
        return True


@pytest.fixture(scope="module")
def released(
    site: Installation, programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Released]:
    find_helm()
    folder = tmp_path_factory.mktemp("chart")
    cluster = LocalCluster(folder / "cluster", programs, lambda: datetime.now(UTC))
    asyncio.run(cluster.start())
    made = Released(site, cluster, folder)
    try:
        enrolled = site.tidegate(f"cluster enrol {CLUSTER_NAME} --provider=on-premises")
        assert enrolled.code == 0, enrolled.err
        made.install()
        token = ["--from-literal", f"token={enrolled.out.strip()}"]
        made.kubectl("create", "secret", "generic", "enrolment", "-n", NAMESPACE, *token)
        made.start(made.agent)
        made.start(made.gate)
        made.agent.bring()  # the token that the agent made, as a kubelet brings it within a minute
        yield made
    finally:
        made.gate.stop()
        made.agent.stop()
        asyncio.run(cluster.stop())
        site.tidegate(f"cluster delete {CLUSTER_NAME}")


@pytest.fixture
def namespace(released: Released) -> Iterator[str]:
    name = f"chart-{secrets.token_hex(3)}"
    released.kubectl("create", "namespace", name)
    until(
        lambda: released.kubectl("get", "serviceaccount", "default", "-n", name).returncode,
        lambda code: code == 0,
    )
    try:
        yield name
    finally:
        released.kubectl("delete", "namespace", name, "--wait=false")


def run_pod(released: Released, namespace: str, name: str, tag: str, *words: str) -> str:
    """Return what kubectl says about a new pod, its exit code in front."""
    image = released.site.image(tag)
    said = released.kubectl("run", name, "-n", namespace, f"--image={image}", *words)
    return f"{said.returncode} {said.stdout}{said.stderr}"


def rule_file(folder: Path, namespace: str, action: str) -> Path:
    rule = {
        "name": f"Chart {namespace}",
        "action": action,
        "scope": [{"matcherType": "namespace", "anyOf": [namespace]}],
        "configuration": {"maxAllowedSeverities": {"high": 0}},
    }
    path = folder / f"{namespace}.yaml"
    path.write_text(yaml.safe_dump(policy_object(namespace, rule)), "utf-8")
    return path


def test_the_lab_through_the_chart(released: Released, namespace: str) -> None:
    """Audit with a warning, then deny: by the hub's rules, the chart's webhook, Service and CA."""
    rules = released.site.tidegate
    try:
        for action, said in (("audit", "(audit)"), ("deny", "denied the request")):
            applied = rules(f"rules apply -f {rule_file(released.folder, namespace, action)}")
            assert applied.code == 0, applied.err
            until(
                lambda: run_pod(released, namespace, "probe", "critical", "--dry-run=server"),
                lambda seen, said=said: said in seen,
                within_s=60,
            )
            run_pod(released, namespace, f"lab-{action}", "critical")
        assert run_pod(released, namespace, "clean", "clean").startswith("0 pod/clean created")
        pods = released.get("pods", "-n", namespace)["items"]
        assert sorted(p["metadata"]["name"] for p in pods) == ["clean", "lab-audit"]
        until(
            lambda: [
                (e["action"], e["name"], e["cluster"])
                for e in released.site.events(namespace)
                if e["name"].startswith("lab-")
            ],
            lambda seen: (
                seen == [("audit", "lab-audit", CLUSTER_NAME), ("deny", "lab-deny", CLUSTER_NAME)]
            ),
        )
    finally:
        rules(f'rules delete "Chart {namespace}"')


def test_findings_reach_the_gate_through_the_agent_before_the_pods(released: Released) -> None:
    """The images of the demo were scanned before this cluster was there."""

    def subjects() -> float:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urlopen(f"{released.gate.url}/metrics", context=context, timeout=5) as answer:  # noqa: S310 ours
            text = answer.read().decode()
        found = re.findall(r"^tidegate_gate_feed_subjects\{.*\} (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    until(subjects, lambda seen: seen >= 3, within_s=60)


def can(released: Released, account: str, *words: str) -> bool:
    said = released.kubectl(
        "auth", "can-i", *words, f"--as=system:serviceaccount:{NAMESPACE}:tidegate-{account}"
    )
    return said.stdout.strip() == "yes"


@pytest.mark.parametrize(
    ("account", "words", "allowed"),
    [
        pytest.param("gate", "list securityartifactpolicies", True, id="gate reads rules"),
        pytest.param("gate", "patch securityartifactpolicies/x", False, id="gate writes none"),
        pytest.param("gate", "get secrets -A", False, id="gate reads no secret"),
        pytest.param("gate", "get secrets -n tidegate", False, id="gate reads no secret of ours"),
        pytest.param(
            "gate", "get secret/tidegate-gate-ca -n tidegate", False, id="gate and the authority"
        ),
        pytest.param("agent", "list secrets -n tidegate", False, id="agent lists no secret"),
        pytest.param("agent", "create secrets -n tidegate", False, id="agent makes no secret"),
        pytest.param("agent", "patch secret/tidegate-gate-tls -n tidegate", True, id="agent fills"),
        pytest.param("agent", "patch secret/tidegate-gate-tls -n default", False, id="elsewhere"),
        pytest.param(
            "agent",
            "patch validatingwebhookconfigurations/tidegate",
            True,
            id="agent writes the authority",
        ),
        pytest.param(
            "agent", "patch validatingwebhookconfigurations/other", False, id="of its own alone"
        ),
        pytest.param(
            "agent", "delete validatingwebhookconfigurations/tidegate", False, id="it cannot go"
        ),
        pytest.param("hub", "list pods -A", False, id="hub"),
    ],
)
def test_t15_accounts_of_the_chart_may_do_no_more(
    released: Released,
    account: str,
    words: str,
    allowed: bool,  # noqa: FBT001 a column of the table
) -> None:
    assert can(released, account, *words.split()) == allowed


@pytest.mark.parametrize("name", [path.name.removesuffix("-values.yaml") for path in VALUE_SETS])
def test_the_api_server_takes_every_object_and_calls_each_pod_restricted(
    kubectl: Kubectl, name: str
) -> None:
    """Strictly: a misspelt field is refused, and what Pod Security's "restricted" forbids is told."""
    find_helm()
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    ours = [o for o in render(name) if not is_hook(o) and is_of_kubernetes(o)]
    assert pods_of(ours)
    said = kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict",
        "-f", "-", stdin=yaml.safe_dump_all(ours),
    )  # fmt: skip
    assert (said.returncode, said.stderr) == (0, "")


def is_of_kubernetes(body: Manifest) -> bool:
    """Whether a cluster knows the kind without cert-manager and the Prometheus Operator."""
    return not body["apiVersion"].startswith(("cert-manager.io/", "monitoring.coreos.com/"))


def test_labels_and_finalizers_change_while_no_gate_answers(
    released: Released, namespace: str
) -> None:
    run_pod(released, namespace, "stays", "clean")
    released.gate.stop()
    try:
        refused = run_pod(released, namespace, "new", "clean")
        assert refused.startswith("1 "), refused
        assert "failed calling webhook" in refused
        labelled = released.kubectl("label", "pod", "stays", "-n", namespace, "team=a")
        assert labelled.returncode == 0, labelled.stderr
        free = released.kubectl("run", "own", "-n", NAMESPACE, "--image=x", "--dry-run=server")
        assert free.returncode == 0, free.stderr  # our own pods never wait for ourselves
    finally:
        released.gate.start()
    until(lambda: run_pod(released, namespace, "new", "clean"), lambda seen: seen.startswith("0 "))


def test_an_upgrade_keeps_what_the_agent_filled(released: Released, namespace: str) -> None:
    def filled() -> list[Any]:
        names = ("tidegate-gate-ca", "tidegate-gate-tls", "tidegate-gate-token")
        data = [released.get(f"secret/{n}", "-n", NAMESPACE)["data"] for n in names]
        hook = released.get("validatingwebhookconfiguration/tidegate")["webhooks"][0]
        return [*data, hook["clientConfig"]["caBundle"]]

    before = filled()
    released.install("--set", "gate.replicas=3", "--set", "webhook.timeoutSeconds=7")
    assert filled() == before
    assert run_pod(released, namespace, "after", "clean").startswith("0 ")
    released.helm("rollback", RELEASE, "1")
    assert filled() == before
    released.install()


@contextmanager
def timeouts_of_the_webhook(released: Released) -> Iterator[Callable[[], list[str]]]:
    """Yield what tells the webhook's time limits one after the other, as the API server had them."""
    path = released.folder / f"timeouts-{secrets.token_hex(3)}"
    with path.open("wb") as file:
        watching = subprocess.Popen(
            [
                released.cluster.kubectl, f"--kubeconfig={released.cluster.kubeconfig}", "get",
                "validatingwebhookconfiguration/tidegate", "--watch",
                "-o", "jsonpath={.webhooks[0].timeoutSeconds}{'\\n'}",
            ],
            stdout=file,
        )  # fmt: skip

    def seen() -> list[str]:
        return [value for value, _ in groupby(path.read_text().split())]

    try:
        until(seen, bool)
        yield seen
    finally:
        watching.terminate()
        watching.wait()


def test_t13_the_agent_does_not_undo_an_upgrade_and_still_undoes_everybody_else(
    released: Released,
) -> None:
    """Nobody brings the agent's mounts up to date here: a kubelet takes a minute for that."""
    with timeouts_of_the_webhook(released) as seen:
        wanted = seen()
        for chosen in ("7", "8"):
            released.install("--set", f"webhook.timeoutSeconds={chosen}")
            # One after the other: once this is undone, the agent has looked at the upgrade too.
            by_hand = '[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":29}]'
            said = released.kubectl(
                "patch", "validatingwebhookconfiguration/tidegate", "--type=json", f"-p={by_hand}"
            )
            assert said.returncode == 0, said.stderr
            wanted = [*wanted, chosen, "29", chosen]
            until(seen, lambda told, want=wanted: len(told) >= len(want), within_s=40)
            assert seen() == wanted
    released.install()


def emptied(released: Released, *names: str) -> None:
    """Take everything out of Secrets, as a chart has just made them."""
    for name in names:
        said = released.kubectl(
            "patch", f"secret/{name}", "-n", NAMESPACE, "--type=merge", '--patch={"data":null}'
        )
        assert said.returncode == 0, said.stderr


def bundle_of(released: Released) -> bytes:
    """Return the authorities that the webhook names."""
    hook = released.get("validatingwebhookconfiguration/tidegate")["webhooks"][0]
    return base64.b64decode(hook["clientConfig"].get("caBundle", ""))


def secret_of(released: Released, name: str) -> dict[str, bytes]:
    data = released.get(f"secret/{name}", "-n", NAMESPACE).get("data", {})
    return {key: base64.b64decode(text) for key, text in data.items()}


@asynccontextmanager
async def keepers(released: Released, count: int) -> AsyncIterator[list[GateSecrets]]:
    """Keepers with the rights of the agent's account."""
    clients = [connect(released.agent.kubeconfig, "tidegate-agent") for _ in range(count)]
    now = datetime.now(UTC)
    try:
        yield [
            GateSecrets(
                client,
                NAMESPACE,
                lambda: now,
                service="tidegate-gate",
                token_secret="tidegate-gate-token",  # noqa: S106 the name of a Secret
            )
            for client in clients
        ]
    finally:
        for client in clients:
            await client.close()


async def test_an_authority_that_somebody_took_out_of_the_webhook_is_put_back(
    released: Released,
) -> None:
    before = await asyncio.to_thread(bundle_of, released)
    token = await asyncio.to_thread(secret_of, released, "tidegate-gate-token")
    assert before
    taken = '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]'
    said = await asyncio.to_thread(
        released.kubectl, "patch", "validatingwebhookconfiguration/tidegate", "--type=json",
        f"--patch={taken}",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    async with keepers(released, 1) as (keeper,):
        await keeper.look()
        assert keeper.problems == ()
    assert await asyncio.to_thread(bundle_of, released) == before
    assert await asyncio.to_thread(secret_of, released, "tidegate-gate-token") == token


async def test_of_two_agents_at_once_the_later_gives_way(
    released: Released, namespace: str
) -> None:
    await asyncio.to_thread(emptied, released, "tidegate-gate-ca", "tidegate-gate-tls")
    async with keepers(released, 2) as both:
        await asyncio.gather(*(keeper.look() for keeper in both))
        for keeper in both:
            await keeper.look()
            assert keeper.problems == ()
    authority = await asyncio.to_thread(secret_of, released, "tidegate-gate-ca")
    shown = await asyncio.to_thread(secret_of, released, "tidegate-gate-tls")
    assert shown["ca.crt"].startswith(authority["ca.crt"])
    assert await asyncio.to_thread(bundle_of, released) == shown["ca.crt"]
    await asyncio.to_thread(released.gate.bring)
    await asyncio.to_thread(
        until,
        lambda: run_pod(released, namespace, "two", "clean", "--dry-run=server"),
        lambda said: said.startswith("0 "),
        60,
    )


async def test_what_may_not_be_kept_is_told_and_tried_again(released: Released) -> None:
    """An account without the rights, as when somebody applied half of the manifests."""
    client = connect(released.gate.kubeconfig, "tidegate-agent")  # the gate's: it may keep nothing
    keeper = GateSecrets(client, NAMESPACE, lambda: datetime.now(UTC), service="tidegate-gate")
    try:
        await keeper.look()
    finally:
        await client.close()
    (problem,) = keeper.problems
    assert problem.startswith("the gates' certificate: ")
    assert 'cannot get resource "secrets"' in problem


class Trickle:
    """Reviews through the API server, one after another, beside what a test does."""

    def __init__(self, released: Released, namespace: str) -> None:
        self.ask: Callable[[], str] = lambda: run_pod(
            released, namespace, f"t-{secrets.token_hex(4)}", "clean", "--dry-run=server"
        )
        self.answers: list[str] = []

    async def run(self) -> None:
        while True:
            self.answers.append(await asyncio.to_thread(self.ask))


def serial(released: Released) -> int:
    """Return the serial number of the certificate that the gate shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", released.port), 5) as plain,
        context.wrap_socket(plain, server_hostname="tidegate-gate.tidegate.svc") as tls,
    ):
        from cryptography import x509  # noqa: PLC0415 beside its one use

        return x509.load_der_x509_certificate(
            tls.getpeercert(binary_form=True) or b""
        ).serial_number


async def test_t13_two_renewals_and_a_new_authority_drop_no_review(
    released: Released, namespace: str
) -> None:
    """A year in minutes: the clock of who makes certificates is moved, everything else is real."""
    await asyncio.to_thread(released.agent.stop)  # the clock of a process cannot be moved
    clock = [datetime.now(UTC) - AUTHORITY_LIFE * 2 / 3]
    client = connect(released.agent.kubeconfig, "tidegate-agent")
    keeper = GateSecrets(client, NAMESPACE, lambda: clock[0], service="tidegate-gate")
    trickle = Trickle(released, namespace)
    asking: asyncio.Task[None] | None = None
    try:
        # An authority of eight months ago, in force before the first review.
        await asyncio.to_thread(emptied, released, "tidegate-gate-ca", "tidegate-gate-tls")
        await keeper.look()
        start = datetime.now(UTC)
        clock[0] = start - LEAF_LIFE * 2 / 3 + timedelta(minutes=5)
        await keeper.look()
        await asyncio.to_thread(released.gate.bring)
        await asyncio.to_thread(until, trickle.ask, lambda said: said.startswith("0 "), 60)
        shown = [await changed(released, [])]
        asking = asyncio.create_task(trickle.run())
        # The pair is renewed and the next authority announced; half an hour later that one signs.
        for moment in (start + timedelta(minutes=6), start + ANNOUNCE + timedelta(minutes=7)):
            clock[0] = moment
            await keeper.look()
            await asyncio.to_thread(released.gate.bring)
            shown.append(await changed(released, shown))
            await answered(trickle, 10)  # in half an hour there are more
        clock[0] = start + ANNOUNCE + RETIRE + timedelta(hours=2)
        await keeper.look()
        await answered(trickle, 10)
        assert keeper.problems == ()
        bundle = await asyncio.to_thread(bundle_of, released)
        assert bundle.count(b"BEGIN CERTIFICATE") == 1
    finally:
        if asking:
            asking.cancel()
        await client.close()
        await asyncio.to_thread(released.start, released.agent)
    assert len(set(shown)) == 3
    wrong = [said for said in trickle.answers if not said.startswith("0 ")]
    assert wrong == []
    assert len(trickle.answers) >= 30


async def changed(released: Released, shown: list[int]) -> int:
    """Return the certificate's number once the gate shows another than the last."""
    async with asyncio.timeout(20):
        while (found := await asyncio.to_thread(serial, released)) in shown[-1:]:
            await asyncio.sleep(0.1)
    return found


async def answered(trickle: Trickle, count: int) -> None:
    """Return after `count` more answers."""
    wanted = len(trickle.answers) + count
    async with asyncio.timeout(60):
        while len(trickle.answers) < wanted:
            await asyncio.sleep(0.05)


def test_t13_uninstalled_nothing_of_it_is_left(released: Released, namespace: str) -> None:
    """The last test here: what is left are the rules with their kind, as they were asked to be."""
    released.gate.stop()  # so that a webhook that stayed would be noticed
    said = released.helm("uninstall", RELEASE, "--debug")
    assert first_deleted(said) == ("tidegate", "ValidatingWebhookConfiguration"), said
    assert 'Starting delete for "tidegate-gate" Deployment' in said
    assert run_pod(released, namespace, "free", "critical").startswith("0 pod/free created")
    released.agent.stop()
    left = released.kubectl("get", ",".join(KINDS), "-A", "-o", "name").stdout
    assert left_behind(left) == []
    crds = released.kubectl("get", "crd", "-o", "name").stdout.split()
    kind = "customresourcedefinition.apiextensions.k8s.io"
    assert crds == [f"{kind}/{n}.tidegate.io" for n in ("breakglasses", "securityartifactpolicies")]
    rules = released.get("securityartifactpolicies")["items"]
    assert rules
    released.kubectl("delete", "namespace", NAMESPACE, "--wait=true", "--timeout=60s")
    copies = released.kubectl("get", "configmaps", "-A", "-o", "name").stdout
    assert "tidegate" not in copies
