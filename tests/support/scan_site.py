"""Hub, registry and scan workers as processes on loopback, started as `tidegate up` starts them.

Nothing else is there: no gate, no agent, no cluster. The hubs may share a PostgreSQL database, and
each worker has a data folder of its own, as workers on several machines have.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import INDEX_FILE, AdvisoryIndex
from tidegate.evidence.trust_file import TrustFile
from tidegate.hubclient import HubClient
from tidegate.local.certificates import KeyPair
from tidegate.local.child import die_with_parent
from tidegate.local.data_folder import DataFolder
from tidegate.local.part import PartPlan
from tidegate.local.plans import Site, plan_hub, plan_registry, plan_worker
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.trust.configuration import TrustConfiguration

STOP_S = 10


@dataclass
class Running:
    """A process of one part."""

    process: subprocess.Popen[bytes]
    plan: PartPlan

    @cached_property
    def url(self) -> str:
        """Where it listens, once it does; empty for a part that does not listen."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        log = self.plan.log.read_text()[-2000:]
        assert line, f"{self.plan.name} ended before it was ready:\n{log}"
        return str(json.loads(line)["url"])

    def log_lines(self) -> list[dict[str, Any]]:
        """Return what it logged so far, and what those before it did to the same file."""
        lines = self.plan.log.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1] if line.startswith(b"{")]

    def stop(self) -> None:
        self.process.terminate()  # does nothing where it has ended
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(STOP_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class ScanSite:
    """What runs."""

    site: Site
    environment: Mapping[str, str]
    hubs: list[Running]
    registry: Running
    worker_settings: Mapping[str, str]
    workers: dict[int, Running] = field(default_factory=dict)

    @property
    def folder(self) -> DataFolder:
        return self.site.folder

    @property
    def host(self) -> str:
        """The registry, as image references name it."""
        return self.site.registry_host

    def hub(self, number: int = 0) -> HubClient:
        """Return a client of one of the hubs, with an admin's token."""
        return HubClient(self.hubs[number].url, self.folder.token("admin"), timeout_s=60)

    def client(self) -> RegistryClient:
        return RegistryClient([RegistryConfig(self.host, plain_http=True, allow_private=True)])

    def data_dir(self, worker: int) -> Path:
        return self.folder.root / f"scan-{worker}"

    def import_into(self, worker: int, *sources: Path) -> int:
        """Import advisories into the index of one worker; return how many records there are."""
        imported = 0
        with AdvisoryIndex.open(self.data_dir(worker) / INDEX_FILE) as index:
            for source in sources:
                imported += import_advisories(index, str(source), now=datetime.now(UTC)).imported
        return imported

    def start_worker(self, number: int) -> Running:
        """Start a worker on its own folder; it takes its jobs from the hub whose turn it is.

        It is ready once it has told its `url`.
        """
        plan = plan_worker(self.site)
        settings = {
            "HUB_URL": self.hubs[number % len(self.hubs)].url,
            "DATA_DIR": str(self.data_dir(number)),
            "NAME": f"w{number}",
            **self.worker_settings,
        }
        given = {f"TIDEGATE_SCAN_{name}": value for name, value in settings.items()}
        plan = replace(
            plan,
            environment={**plan.environment, **given},
            log=plan.log.with_name(f"scan-{number}.log"),
        )
        self.workers[number] = started(plan, self.environment)
        return self.workers[number]

    def trust(self) -> TrustConfiguration:
        """Return what a gate is to believe here."""
        return TrustFile(self.folder.trust).current()


@contextmanager
def scan_site(
    root: Path,
    *,
    hubs: int = 1,
    database_url: str = "",
    hub_settings: Mapping[str, str] | None = None,
    worker_settings: Mapping[str, str] | None = None,
    inherited: Mapping[str, str] | None = None,
) -> Iterator[ScanSite]:
    """Run hubs and a registry, and the workers that are started, until the end of the block.

    Settings go by the last part of their names: `JOB_LEASE_S`. Without `database_url` the one hub
    has SQLite.
    """
    folder = DataFolder(root)
    site = Site(folder, folder.ensure(), KeyPair(root / "none.crt", root / "none.key"))
    environment = os.environ if inherited is None else inherited
    environment = {k: v for k, v in environment.items() if not k.startswith("TIDEGATE_")}
    database = {"DATABASE_URL": database_url} if database_url else {}
    given = {f"TIDEGATE_HUB_{k}": v for k, v in {**database, **(hub_settings or {})}.items()}
    with ExitStack() as stack:
        running: list[Running] = []
        for number in range(hubs):
            plan = plan_hub(site)
            more = {"TIDEGATE_HUB_PORT": "0"} if number else {}
            log = plan.log.with_name(f"hub-{number}.log")
            plan = replace(plan, environment={**plan.environment, **given, **more}, log=log)
            running.append(started(plan, environment))
            stack.callback(running[-1].stop)
            assert running[-1].url
        registry = started(plan_registry(site), environment)
        stack.callback(registry.stop)
        assert registry.url
        made = ScanSite(site, environment, running, registry, worker_settings or {})
        stack.callback(lambda: [worker.stop() for worker in made.workers.values()])
        yield made


def started(plan: PartPlan, environment: Mapping[str, str]) -> Running:
    """Start a part; it serves once it has told its `url`."""
    with plan.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", plan.module],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**environment, **plan.environment},
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - only prctl; an ended run leaves nothing
        )
    return Running(process, plan)
