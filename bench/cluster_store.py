"""What Tidegate keeps in etcd for a thousand workloads: `python bench/cluster_store.py`.

On a real API server with a real etcd: every one of a thousand Deployments has its own denial, told
as the Kubernetes Event that the agent makes, with a real sentence of 300 characters; then each is
told once more and counts up. Nothing else grows with workloads: findings stay in registries and
hub. etcd's own `mvcc_db_total_size_in_use` is read before and after; old revisions
stay in it until compaction.
"""

import asyncio
import os
import ssl
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from measures import number, say, table
from tidegate.agent import kube_events
from tidegate.agent.detection_memory import MAX_KEPT, Remembered, render_memory
from tidegate.agent.kube_events import KubeEvents, Note, Subject
from tidegate.agent.reasons import Level, Reason
from tidegate.kube.client import connect
from tidegate.local.install import install
from tidegate.local.kubernetes import LocalCluster, find_programs

WORKLOADS = 1000
SENTENCE = (
    "Pod was refused: registry.example.com/shop/checkout:2.4.1: Image contains 117 high or higher "
    "CVEs, which is more than the allowed count of: 0 (CVE-2022-42004 critical, jackson-databind "
    "2.9.5 -> 2.12.7.1; CVE-2021-44228 critical, log4j-core 2.14.1 -> 2.15.0; CVE-2022-22965 "
    'critical, spring-beans 5.3.1 -> 5.3.18; +114 more), rule "No high in production"'
)
IN_USE = "etcd_mvcc_db_total_size_in_use_in_bytes"


async def measure(folder: Path) -> str:
    """Return the section of results."""
    cluster = LocalCluster(folder, find_programs(os.environ), lambda: datetime.now(UTC))
    await cluster.start()
    try:
        await install(cluster)
        before = await in_use(cluster)
        await tell(cluster, again=False)
        once = await in_use(cluster)
        await tell(cluster, again=True)
        twice = await in_use(cluster)
    finally:
        await cluster.stop()
    uids = frozenset(f"{index:036}" for index in range(MAX_KEPT))
    memory = len(
        render_memory(Remembered(unjudged=dict.fromkeys(uids, "failed-open"), judged=uids))
    )
    rows = [
        ("Events of 1,000 workloads, each denied for itself, written once", size(once - before)),
        ("the same, each counted up once: another revision until compaction", size(twice - once)),
        ("one such Event", size((once - before) / WORKLOADS)),
        ("most that the limits let be written in an hour: 100 and one a second", size(
            (once - before) / WORKLOADS * (kube_events.BURST + 3600 * kube_events.PER_S)
        )),
        ("ConfigMap of what was compared, at its largest; usually below 1 KiB", size(memory)),
    ]  # fmt: skip
    return f"""\
## What is kept in etcd

A real API server and etcd. 1,000 Deployments with a denial each, told as the agent tells it
(without its limits of rate, for they would let 100 through at once), with sentences of
{len(SENTENCE)} characters; `{IN_USE}`
before and after. An API server drops Events after an hour. Findings, verdicts and inventories are
not in etcd at all.

{table(("what", "bytes"), rows)}"""


def size(value: float) -> str:
    return f"{number(value / 1024)} KiB"


async def tell(cluster: LocalCluster, *, again: bool) -> None:
    """Tell a denial of each workload; `again`: count it up."""
    client = connect(cluster.kubeconfig, "tidegate-agent")
    clock = asyncio.get_running_loop().time
    ahead = [0.0]
    events = KubeEvents(client, lambda: datetime.now(UTC), lambda: clock() + ahead[0])
    writing = asyncio.create_task(events.run())
    try:
        for index in range(WORKLOADS):
            about = Subject("apps/v1", "Deployment", f"web-{index}", "default", f"{index:036}")
            note = Note(about, Level.WARNING, Reason.DENIED, SENTENCE)
            for _ in range(2 if again else 1):
                ahead[0] += kube_events.REPEAT_S if again else 1.0  # what the limits ask for
                events.tell(note)
            while events._waiting:  # noqa: SLF001 a bench waits for each
                await asyncio.sleep(0.001)
        await asyncio.sleep(1.0)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await client.close()


async def in_use(cluster: LocalCluster) -> float:
    """Return etcd's bytes in use."""
    folder = cluster.data_dir / "certificates"
    context = ssl.create_default_context(cafile=str(folder / "etcd-ca.crt"))
    context.load_cert_chain(folder / "etcd.crt", folder / "etcd.key")
    url = f"https://127.0.0.1:{cluster._ports['etcd']}/metrics"  # noqa: SLF001 as above
    async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
        text = (await client.get(url)).text
    (line,) = (line for line in text.splitlines() if line.startswith(f"{IN_USE} "))
    return float(line.split()[1])


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        say("a cluster is started")
        print(asyncio.run(measure(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
