"""Where the gate ends: excluded namespaces, its own accounts' rights, a webhook that is down."""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.installation import Ground, Installation, Said, until
from tidegate.wire.webhook import SPEC_CHANGED, url_client, webhook_configuration

pytestmark = pytest.mark.e2e

OPT_OUTS = (
    "admission.tidegate.io/ignore=true",
    "tidegate.io/exclude=true",
    "kubernetes.io/metadata.name=kube-system",
    "name=kube-system",
    "control-plane=true",
)


@pytest.mark.parametrize("namespace", ["kube-system", "tidegate"])
def test_excluded_namespaces_are_not_judged(site: Installation, namespace: str) -> None:
    try:
        image = site.image("critical")
        said = site.kubectl(f"-n {namespace} run outside --image={image}")
        assert (said.code, said.err) == (0, "")
        assert site.events(namespace) == []
    finally:
        site.kubectl(f"-n {namespace} delete pod outside --ignore-not-found")


@pytest.mark.parametrize("label", OPT_OUTS)
def test_t10_a_namespace_cannot_opt_out_by_a_label(ground: Ground, label: str) -> None:
    ground.rule("deny")
    ground.works(f"label namespace {ground.namespace} --overwrite {label}")
    ground.works(f"annotate namespace {ground.namespace} --overwrite {label}")
    ground.denied(f"run evade --image={ground.site.image('critical')}")


def test_t10_a_pod_cannot_opt_out_by_a_label(ground: Ground) -> None:
    ground.rule("deny")
    labels = ",".join(label for label in OPT_OUTS if not label.startswith("kubernetes.io"))
    ground.denied(f"run evade --image={ground.site.image('critical')} --labels={labels}")


GATE, AGENT = "tidegate-gate", "tidegate-agent"


def rights(site: Installation, account: str, namespace: str) -> dict[str, set[str]]:
    """Return resource to verbs as `can-i --list` says them, less what every account may."""

    def listed(user: str) -> dict[str, set[str]]:
        command = f"auth can-i --list --no-headers -n {namespace} --as={user}"
        lines = site.kubectl(f"{command} --as-group=system:authenticated").out.splitlines()
        found: dict[str, set[str]] = {}
        for line in lines:
            resource, rest = line.split(maxsplit=1)
            if not resource.startswith("["):
                names = rest.partition("[")[2].partition("]")[2].partition("[")[2].partition("]")[0]
                verbs = rest.rpartition("[")[2].rstrip("]").split()
                found.setdefault(resource, set()).update(
                    f"{verb} own" if names else verb for verb in verbs
                )
        return found

    everyone = listed("nobody")
    own = listed(f"system:serviceaccount:tidegate:{account}")
    return {r: verbs - everyone.get(r, set()) for r, verbs in own.items() if r not in everyone}


READ = {"get", "list", "watch"}
OWNERS = {
    "namespaces",
    "replicationcontrollers",
    "daemonsets.apps",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "cronjobs.batch",
    "jobs.batch",
}
POLICIES = "securityartifactpolicies.tidegate.io"
POLICY_RIGHTS = {"get", "list", "watch", "create", "update own", "patch own", "delete own"}
AGENT_EVERYWHERE = {
    POLICIES: POLICY_RIGHTS,
    "securityartifactpolicies.tidegate.io/status": {"get", "patch"},
    "pods": {"list"},  # the inventory of running images
    # Whose admissions are kept in the index of own pods, and whom an Event is about.
    **{owner: {"list"} for owner in OWNERS - {"namespaces"}},
    "replicasets.apps": {"get", "list"},
    "jobs.batch": {"get", "list"},
    "events": {"create", "patch"},
    # What is let in by hand, for people to see.
    "breakglasses.tidegate.io": {"list", "watch"},
    # Its own webhook is put back where it was changed; making one is nobody's right here.
    "validatingwebhookconfigurations.admissionregistration.k8s.io": {
        "get own",
        "list own",
        "watch own",
        "patch own",
    },
}
GATE_EVERYWHERE = {
    POLICIES: READ,
    "breakglasses.tidegate.io": READ,
    **{owner: {"get"} for owner in OWNERS},
}
COPIES = {"get", "list", "create", "patch", "delete"}


@pytest.mark.parametrize(
    ("account", "namespace", "wanted"),
    [
        pytest.param(GATE, "default", GATE_EVERYWHERE, id="gate"),
        pytest.param(GATE, "kube-system", GATE_EVERYWHERE, id="gate-in-kube-system"),
        pytest.param(
            GATE, "tidegate", GATE_EVERYWHERE | {"configmaps": {"get", "list"}}, id="gate-at-home"
        ),
        pytest.param(AGENT, "kube-system", AGENT_EVERYWHERE, id="agent"),
        pytest.param(AGENT, "default", AGENT_EVERYWHERE, id="agent-in-default"),
        pytest.param(
            AGENT,
            "tidegate",
            # Of the Secrets its own token alone, by name.
            AGENT_EVERYWHERE | {"configmaps": COPIES, "secrets": {"get own", "patch own"}},
            id="agent-at-home",
        ),
    ],
)
def test_t15_an_account_may_do_what_it_needs_and_nothing_else(
    site: Installation, account: str, namespace: str, wanted: dict[str, set[str]]
) -> None:
    assert rights(site, account, namespace) == wanted


@pytest.mark.parametrize(
    ("account", "question"),
    [
        pytest.param(account, question, id=f"{account.removeprefix('tidegate-')}-{question}")
        for account in (GATE, AGENT)
        for question in (
            "get secrets",
            "list secrets -n tidegate",
            "list secrets -n kube-system",
            "create pods",
            "create serviceaccounts/token -n tidegate",
            "update securityartifactpolicies/someone-elses",
            "delete securityartifactpolicies/someone-elses",
            "delete validatingwebhookconfigurations",
            "patch namespaces",
            "impersonate users",
        )
    ],
)
def test_t15_an_account_may_not(site: Installation, account: str, question: str) -> None:
    user = f"system:serviceaccount:tidegate:{account}"
    said = site.kubectl(f"auth can-i {question} --as={user}")
    assert (said.code, said.out.strip()) == (1, "no"), said.err


def test_t15_the_gates_own_token_writes_no_policy(site: Installation) -> None:
    kubeconfig = site.data_dir / "cluster" / "gate.kubeconfig"
    name = "tidegate-vulnerability-assessment-policy"
    patch = f"patch sap {name} --type=merge -p " + '\'{"spec":{"gating":"Off"}}\''
    for command in (patch, f"delete sap {name}", "get secrets -A"):
        said = site.kubectl(command, kubeconfig=kubeconfig)
        assert said.code == 1
        assert "Forbidden" in said.err or "forbidden" in said.err, said.err


Register = Callable[..., None]


@pytest.fixture
def register(ground: Ground) -> Iterator[Register]:
    """Register a second webhook for the namespace alone, as ours is but for its URL."""
    name = f"e2e-{ground.namespace}"

    def write(url: str, failure_policy: Any, timeout_s: int = 10) -> None:  # noqa: ANN401 a literal
        ca = Path(ground.site.state["gateCa"]).read_bytes()
        client = url_client(url, base64.b64encode(ca).decode())
        body = webhook_configuration(client, failure_policy, timeout_s=timeout_s)
        body["metadata"]["name"] = name
        body["webhooks"][0]["name"] = "second.tidegate.io"
        here = {
            "key": "kubernetes.io/metadata.name",
            "operator": "In",
            "values": [ground.namespace],
        }
        body["webhooks"][0]["namespaceSelector"] = {"matchExpressions": [here]}
        ground.works("apply -f -", stdin=body)

    yield write
    ground(f"delete validatingwebhookconfiguration {name} --ignore-not-found")


@pytest.fixture
def dead_url() -> Iterator[str]:
    """A port that is ours and refuses connections."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{bound.getsockname()[1]}/admit"


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}/admit"


def clean_pod(ground: Ground) -> str:
    return f"run clean --image={ground.site.image('clean')} --dry-run=server"


def refused_by_second(said: Said) -> bool:
    return said.code == 1 and 'failed calling webhook "second.tidegate.io"' in said.err


def test_a_webhook_that_is_down_refuses_under_fail(
    ground: Ground, register: Register, dead_url: str
) -> None:
    register(dead_url, "Fail")
    said = until(lambda: ground(clean_pod(ground)), lambda said: said.code == 1)
    assert refused_by_second(said), said.err
    assert "connection refused" in said.err
    ground.works("create configmap not-judged")


def test_a_webhook_that_is_down_admits_under_ignore(
    ground: Ground, register: Register, dead_url: str
) -> None:
    register(dead_url, "Fail")
    until(lambda: ground(clean_pod(ground)), refused_by_second)
    register(dead_url, "Ignore")
    until(lambda: ground(clean_pod(ground)), lambda said: said.code == 0)
    ground.rule("deny")  # the real gate still decides
    ground.denied(f"run bad --image={ground.site.image('critical')}")


def test_t11_a_webhook_that_never_answers_refuses_at_its_timeout(
    ground: Ground, register: Register, silent_url: str
) -> None:
    register(silent_url, "Fail", timeout_s=1)
    until(lambda: ground(clean_pod(ground)), refused_by_second)
    began = time.monotonic()
    said = ground(clean_pod(ground))
    assert refused_by_second(said)
    assert "context deadline exceeded" in said.err or "timeout" in said.err.lower()
    assert time.monotonic() - began < 3


def test_the_registered_webhook_fails_closed_and_names_what_it_excludes(
    site: Installation,
) -> None:
    said = site.kubectl("get validatingwebhookconfiguration tidegate -o json")
    (webhook,) = json.loads(said.out)["webhooks"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["sideEffects"] == "NoneOnDryRun"
    assert webhook["timeoutSeconds"] == 10
    assert webhook.get("objectSelector", {}) == {}
    assert webhook["matchConditions"] == [SPEC_CHANGED]
    (excluded,) = webhook["namespaceSelector"]["matchExpressions"]
    assert excluded["values"] == ["kube-system", "tidegate"]
