"""Where storms are: a registry behind a valve, hub and agent, and gates; all real processes.

Each of them can be killed as a crash would, and started again where it was. The gates get their
rules from a folder, as without a cluster; each has a data folder of its own.
"""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from decision import findings_of
from measures import python_environment
from place import Place
from storm_oracle import StormImage
from tidegate.domain.evidence import Coverage, EcosystemCoverage, Report, ReportSource
from tidegate.domain.reference import ImageReference
from tidegate.local.certificates import Authority, KeyPair
from tidegate.local.child import die_with_parent
from tidegate.local.data_folder import DataFolder
from tidegate.local.plans import Site, plan_agent, plan_hub, plan_registry
from tidegate.trust.keys import public_pem
from valve import Valve, valve

HERE = Path(__file__).parent

READY_S = 40.0
STOP_S = 10.0
FINDINGS = 12
"""Of an image that has any; half of them are high or critical."""

PUSHES_AT_ONCE = 4


@dataclass
class Process:
    """A part that is started, killed and started again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    _running: asyncio.subprocess.Process | None = None
    url: str = ""

    @property
    def pid(self) -> int:
        """Process id; 0: it does not run."""
        return self._running.pid if self._running else 0

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def start(self) -> None:
        """Start and return when it says that it is ready."""
        with self.log.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**python_environment(), **self.environment},
                preexec_fn=die_with_parent(),
            )
        line = b""
        if self._running.stdout is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(READY_S):
                    line = await self._running.stdout.readline()
        if not line:
            await self.kill()
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} did not get ready:\n{tail}")
        self.url = json.loads(line)["url"]

    async def kill(self) -> None:
        """End it as a crash would, SIGKILL."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                self._running.kill()
            await self._running.wait()
            self._running = None

    async def stop(self) -> None:
        """End it by SIGTERM, by force if it does not end by itself."""
        if self._running is None:
            return
        with suppress(ProcessLookupError):
            self._running.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._running.wait()
        await self.kill()


@dataclass
class Gate:
    """One replica."""

    process: Process
    data: Path
    files: KeyPair
    clock: Path
    """What its clock is off by, where that can be."""

    @property
    def spool(self) -> Path:
        """Its spool, as it sees it: its file systems may be its own."""
        seen = Path(f"/proc/{self.process.pid}/root")
        return Path(f"{seen}{self.data}", "spool") if self.process.pid else self.data / "spool"

    def put_certificate(self, pair: KeyPair) -> None:
        """Put `pair` in the place of the certificate, both files at once, as kubelet does."""
        tls = self.files.key.parent.parent
        fresh = tls / pair.certificate.stem
        fresh.mkdir()
        shutil.copy(pair.certificate, fresh / "tls.crt")
        shutil.copy(pair.key, fresh / "tls.key")
        draft = tls / "..new"
        draft.symlink_to(fresh)
        draft.replace(tls / "..data")

    def set_clock(self, offset_s: int) -> None:
        """Put its clock off by `offset_s`."""
        draft = self.clock.with_suffix(".new")
        draft.write_text(str(offset_s))
        draft.replace(self.clock)

    def spooled(self) -> set[str]:
        """Return the ids of the events that lie in its spool; some may be taken meanwhile."""
        found = set()
        for path in self.spool.glob("*.jsonl"):
            with suppress(FileNotFoundError):
                lines = path.read_bytes().splitlines()
                events = [line for line in lines if line[:1] in b"[{" and line.endswith(b"}")]
                found |= {json.loads(line[line.index(b"{") :])["id"] for line in events}
        return found


@dataclass(frozen=True)
class GateSettings:
    """How a replica is started."""

    tmpfs_bytes: int = 0
    """Size of the file system of its data; 0: the machine's."""
    off_clock: bool = False
    """Its clock may be put off."""
    spool_max_mib: int = 1024
    agent: str = ""
    """Who takes its events; empty: the site's agent."""
    fed: bool = False
    """It follows the feed of findings."""


@dataclass
class StormSite:
    """Everything that stands still between storms."""

    folder: Path
    place: Place
    parts: Site
    valve: Valve
    registry: Process
    hub: Process
    agent: Process
    images: list[StormImage] = field(default_factory=list)
    _made: int = 0

    @property
    def host(self) -> str:
        return self.place.host

    @property
    def audience(self) -> str:
        """Whom the feed of findings is made for."""
        return "storms"

    def bundle(self, *authorities: Authority) -> Path:
        """Return a file with the certificates of `authorities`, as a webhook's caBundle."""
        path = self.folder / "bundle.crt"
        path.write_bytes(b"".join(each.pair.certificate.read_bytes() for each in authorities))
        return path

    def authority(self, name: str) -> Authority:
        return Authority(self.folder / "tls", name).ensure(datetime.now(UTC))

    def write_policy(self, body: Mapping[str, Any]) -> None:
        """Put the rules in `body` in the place of those in force, whole."""
        folder = self.folder / "policy"
        folder.mkdir(exist_ok=True)
        draft = folder / ".storm.json.new"
        draft.write_text(json.dumps(body))
        draft.replace(folder / "storm.json")

    async def push(self, number_of: int) -> None:
        """Push images until there are `number_of`, with signed reports for most of them."""
        turns = asyncio.Semaphore(PUSHES_AT_ONCE)
        async with self.place.client() as client:

            async def one(i: int) -> StormImage:
                repository = "shop/web" if i % 2 == 0 else "shop/db"
                number = None if i % 20 == 7 else FINDINGS if i % 5 < 2 else 0
                async with turns:
                    pushed = await self.place.push(client, f"storm-{i}", number, repository)
                name = ImageReference(self.host, repository, "latest").at(pushed.digest)
                report = None
                if number is not None:
                    now = datetime.now(UTC)
                    coverage = Coverage((EcosystemCoverage("PyPI", 1, "demo set", now),))
                    source = ReportSource("Tidegate", "scan", now)
                    report = Report(pushed.digest, findings_of(number), coverage, (source,))
                return StormImage(str(name), pushed.digest, report)

            missing = range(len(self.images), number_of)
            self.images += await asyncio.gather(*map(one, missing))

    @asynccontextmanager
    async def gates(self, settings: Sequence[GateSettings]) -> AsyncIterator[list[Gate]]:
        """Run fresh replicas until the end of the block."""
        async with AsyncExitStack() as stack:
            gates = [self._gate(each) for each in settings]
            for gate in gates:
                stack.push_async_callback(gate.process.stop)
            await asyncio.gather(*(gate.process.start() for gate in gates))
            for gate in gates:  # started again, it is found where it was
                port = str(gate.process.port)
                gate.process.environment = {
                    **gate.process.environment,
                    "TIDEGATE_GATE_PORT": port,
                }
            yield gates

    def _gate(self, settings: GateSettings) -> Gate:
        self._made += 1
        folder = self.folder / f"gate-{self._made}"
        data, tls = folder / "data", folder / "tls"
        for each in (data, tls):
            each.mkdir(parents=True, mode=0o700)
        files = KeyPair(tls / "..data" / "tls.crt", tls / "..data" / "tls.key")
        registry = {
            "host": self.host,
            "endpoint": f"127.0.0.1:{self.valve.port}",
            "plainHttp": True,
            "allowPrivate": True,
        }
        key = public_pem(self.place.key).decode()
        trust: dict[str, Any] = {
            "keys": [{"name": "scan", "publicKey": key}],
            "registries": [registry],
        }
        if settings.fed:
            trust["feed"] = {"audience": self.audience}
        (folder / "trust.yaml").write_text(json.dumps(trust))
        token = self.parts.folder.token_file("gate")
        environment = {
            "TIDEGATE_GATE_TLS_CERT_FILE": str(files.certificate),
            "TIDEGATE_GATE_TLS_KEY_FILE": str(files.key),
            "TIDEGATE_GATE_TRUST_FILE": str(folder / "trust.yaml"),
            "TIDEGATE_GATE_POLICY_DIR": str(self.folder / "policy"),
            "TIDEGATE_GATE_DATA_DIR": str(data),
            "TIDEGATE_GATE_CLUSTER": "local",
            "TIDEGATE_GATE_AGENT_URL": settings.agent or self.parts.url("agent"),
            "TIDEGATE_GATE_AGENT_TOKEN_FILE": str(token),
            "TIDEGATE_GATE_SPOOL_MAX_MIB": str(settings.spool_max_mib),
            "TIDEGATE_GATE_LOG_LEVEL": "warning",
        }
        clock = folder / "clock"
        command = [sys.executable, "-m", "tidegate.gate"]
        if settings.off_clock:
            clock.write_text("0")
            command = [sys.executable, str(HERE / "clocked_gate.py"), str(clock)]
        if settings.tmpfs_bytes:
            command = [*small_disk(data, settings.tmpfs_bytes), *command]
        gate = Gate(Process("gate", command, environment, folder / "log"), data, files, clock)
        gate.put_certificate(self.place.pair)
        return gate

    def stored(self, ids: Iterable[str]) -> set[str]:
        """Return those of `ids` that the hub has an event of."""
        path = self.parts.folder.root / "hub" / "hub.db"
        wanted = set(ids)
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            return {row[0] for row in database.execute("SELECT id FROM events")} & wanted
        finally:
            database.close()


def small_disk(folder: Path, size_bytes: int) -> list[str]:
    """Return the command before one that has `folder` on a file system of that size."""
    script = f'mount -t tmpfs -o size={size_bytes},mode=700 tmpfs "$0" && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(folder)]


def can_make_small_disks() -> bool:
    """Whether a file system can be mounted here, for one process."""
    if shutil.which("unshare") is None:
        return False
    with TemporaryDirectory() as folder:
        tried = [*small_disk(Path(folder), 2**20), "true"]
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def storm_site() -> AsyncIterator[StormSite]:
    """Start registry, hub and agent in a folder that is removed at the end."""
    with TemporaryDirectory(prefix="tidegate-storm-") as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            data = DataFolder(folder / "parts")
            ports = data.ensure()
            pair = Authority(folder / "unused", "ca").pair  # the gates here have their own
            parts = Site(data, ports, pair)
            started = []
            for plan in (plan_registry(parts), plan_hub(parts), plan_agent(parts)):
                command = [sys.executable, "-m", plan.module]
                environment = {
                    **plan.environment,
                    f"TIDEGATE_{plan.name.upper()}_LOG_LEVEL": "warning",
                }
                environment.pop("TIDEGATE_REGISTRY_NOTIFY_URL", None)
                environment.pop("TIDEGATE_REGISTRY_NOTIFY_TOKEN_FILE", None)
                process = Process(plan.name, command, environment, plan.log)
                stack.push_async_callback(process.stop)
                await process.start()
                started.append(process)
            registry, hub, agent = started
            way = await stack.enter_async_context(valve(ports["registry"]))
            yield StormSite(
                folder,
                Place(folder, parts.registry_host),
                parts,
                way,
                registry,
                hub,
                agent,
            )
