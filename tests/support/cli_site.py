"""A real installation without an agent: hub, registry, scan worker and gate, on loopback.

The gate's rules are policy files in the data folder, as without a cluster. What `tidegate up` has
more, the agent, is not needed by what the command line does.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tidegate.domain.digest import Digest
from tidegate.hubclient import HubClient
from tidegate.local.certificates import Authority
from tidegate.local.data_folder import DataFolder, UpState
from tidegate.local.demo import lab_policy, push_image, wait_scanned
from tidegate.local.images import build_demo_images
from tidegate.local.part import PartPlan
from tidegate.local.plans import Site, plan_gate, plan_hub, plan_registry, plan_worker
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig

READY_S = 30
STOP_S = 10


@dataclass(frozen=True)
class CliSite:
    """What runs, and a way to run commands against it."""

    state: UpState
    folder: DataFolder
    digests: dict[str, Digest]
    """Of the demo images, by tag."""
    restart_worker: Callable[[], None]

    def image(self, tag: str) -> str:
        return f"{self.state.registry}/demo/app:{tag}"

    def tidegate(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return run_tidegate(*arguments, data_dir=self.folder.root, stdin=stdin)


def run_tidegate(
    *arguments: str, data_dir: Path | None = None, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a program of its own, with nothing of the caller's Tidegate around."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    where = {} if data_dir is None else {"TIDEGATE_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.cli", *arguments],
        input=stdin,
        capture_output=True,
        env={**clean, "COLUMNS": "100", **where, **environment},
        timeout=90,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@contextmanager
def running_site(root: Path, *, demo_images: frozenset[str]) -> Iterator[CliSite]:
    """Start an installation in `root`, push `demo_images` and wait until they are scanned."""
    folder = DataFolder(root)
    ports = folder.ensure()
    authority = Authority(root / "tls", "ca").ensure(datetime.now(UTC))
    pair = authority.issue(
        "gate", datetime.now(UTC), common_name="gate", hosts=("127.0.0.1", "localhost")
    )
    site = Site(folder, ports, pair)
    (folder.policy / "lab.json").write_text(json.dumps(lab_policy("deny")))
    with ExitStack() as stack:
        for plan in (plan_hub(site), plan_registry(site), plan_gate(site)):
            stack.enter_context(_running(plan))
        worker = stack.enter_context(ExitStack())
        worker.enter_context(_running(plan_worker(site)))

        def restart_worker() -> None:
            worker.close()
            worker.enter_context(_running(plan_worker(site)))

        state = UpState(
            hub=site.url("hub"),
            portal=site.url("hub"),
            registry=site.registry_host,
            gate=site.url("gate"),
            gate_ca=str(root / "tls" / "ca.crt"),
            kubeconfig=None,
            admin_token=folder.token("admin"),
            data_dir=str(root),
            public_key=str(folder.public_key),
        )
        folder.state.write_bytes(msgspec.json.encode(state))
        yield CliSite(state, folder, asyncio.run(_push(state, demo_images)), restart_worker)


async def _push(state: UpState, tags: frozenset[str]) -> dict[str, Digest]:
    images = [image for image in build_demo_images() if image.tag in tags]
    config = RegistryConfig(host=state.registry, plain_http=True, allow_private=True)
    async with RegistryClient([config]) as registry:
        for image in images:
            await push_image(registry, state.registry, image)
    async with HubClient(state.hub, state.admin_token) as hub:
        for image in images:
            await wait_scanned(hub, state.registry, image.repository, image.digest)
    return {image.tag: image.digest for image in images}


@contextmanager
def _running(plan: PartPlan) -> Iterator[None]:
    with plan.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", plan.module],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **plan.environment},
        )
    try:
        with process.stdout as out:  # type: ignore[union-attr] # asked for as a pipe
            assert b'"part"' in out.readline(), plan.log.read_text()[-2000:]
            yield
    finally:
        process.terminate()
        process.wait(STOP_S)
