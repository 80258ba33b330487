"""A support bundle: what helps to find a fault, in one archive, without secrets.

Only what is listed here goes in: the checks of `tidegate doctor`, versions, what the hub says of
clusters, workers, jobs, switches and rules, metrics, the end of each log, policy objects and, where
there is a cluster, our objects in it. Key, token and credential files are never opened except to
know which values to take out of the rest. What could not be had is named in `errors.txt`.
"""

import io
import platform
import re
import ssl
import tarfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path

import httpx2
import msgspec

from tidegate.cli.context import HubAddress
from tidegate.cli.doctor_lines import Check
from tidegate.cli.redact import Redactor
from tidegate.domain.errors import TidegateError
from tidegate.hubclient import HubClient
from tidegate.local.data_folder import DataFolder, UpState

MAX_LOG_BYTES = 2 * 2**20
"""Of the end of each log."""

MAX_FILE_BYTES = 8 * 2**20
MAX_LISTED_FILES = 5000
TIMEOUT_S = 10.0

SECRET_FILES = ("keys/*", "tokens/*", "tls/*")
"""Of the data folder: what they hold is taken out of everything else."""

KUBECONFIGS = "cluster/*kubeconfig*"
_CREDENTIAL = re.compile(r"(?m)^[ -]*(?:token|password|client-key-data): *[\"']?([^\s\"']+)")

PUBLIC_SUFFIXES = (".pub", ".crt")


@dataclass(slots=True)
class Bundle:
    """Files on their way into an archive."""

    redact: Redactor
    made_at: datetime
    files: dict[str, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, name: str, text: str) -> None:
        """Put a file in, without its secrets."""
        self.files[name] = self.redact(text).encode()[:MAX_FILE_BYTES]

    def add_json(self, name: str, value: object) -> None:
        """Put a value in as JSON."""
        self.add(name, msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")

    async def try_to(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; where it fails, the bundle says so and goes on."""
        try:
            await work()
        except (TidegateError, OSError, httpx2.HTTPError, ValueError) as error:
            self.errors.append(f"{what}: {str(error) or type(error).__name__}")

    def packed(self) -> bytes:
        """Return the archive: tar, gzip."""
        self.add("errors.txt", "\n".join(self.errors or ["none"]) + "\n")
        buffer = io.BytesIO()
        root = f"tidegate-{self.made_at:%Y%m%dT%H%M%SZ}"
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, body in sorted(self.files.items()):
                entry = tarfile.TarInfo(f"{root}/{name}")
                entry.size, entry.mode = len(body), 0o600
                entry.mtime = self.made_at.timestamp()
                archive.addfile(entry, io.BytesIO(body))
        return buffer.getvalue()


def known_secrets(folder: DataFolder | None, *others: str) -> list[str]:
    """Return the values that must not leave: all in the folders for secrets, and `others`."""
    found = [*others]
    if folder is not None:
        for pattern in SECRET_FILES:
            for path in folder.root.glob(pattern):
                if path.suffix not in PUBLIC_SUFFIXES and path.is_file():
                    found.extend(_values(path.read_text(errors="replace")))
        for path in folder.root.glob(KUBECONFIGS):
            found.extend(_CREDENTIAL.findall(path.read_text(errors="replace")))
    return found


async def gather(
    bundle: Bundle,
    checks: Sequence[Check],
    address: HubAddress,
    found: UpState | None,
    folder: DataFolder | None,
) -> None:
    """Put everything into `bundle` that can be had."""
    bundle.add_json("doctor.json", checks)
    bundle.add_json("versions.json", versions())
    await bundle.try_to("hub", lambda: _add_hub(bundle, address))
    await bundle.try_to("metrics of the hub", lambda: _add_metrics(bundle, "hub", address.url))
    if found is not None:
        await bundle.try_to(
            "metrics of the gate",
            lambda: _add_metrics(bundle, "gate", found.gate, found.gate_ca),
        )
        if found.kubeconfig:
            from tidegate.cli.bundle_cluster import add_cluster  # noqa: PLC0415 12 MiB of client

            kubeconfig = Path(found.kubeconfig)
            await bundle.try_to("cluster", lambda: add_cluster(bundle, kubeconfig))
    if folder is not None:
        await bundle.try_to("data folder", lambda: _add_folder(bundle, folder))


def versions() -> dict[str, object]:
    """Return what runs here: Tidegate, Python, the system, and every library."""
    libraries = {str(each.metadata["Name"]): each.version for each in distributions()}
    return {
        "tidegate": libraries.get("tidegate", ""),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "system": platform.platform(),
        "libraries": dict(sorted(libraries.items())),
    }


async def _add_hub(bundle: Bundle, address: HubAddress) -> None:
    async with HubClient(address.url, address.token) as hub:
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "settings": hub.get_settings,
            "clusters": hub.list_clusters,
            "workers": hub.list_workers,
            "jobs": lambda: hub.list_jobs(limit=200),
            "failed-jobs": lambda: hub.list_jobs(state="failed", limit=200),
            "rules": hub.export_rules,
            "registries": hub.list_registries,
            "advisories": hub.list_advisories,
            "keys": hub.list_keys,
        }
        for name, ask in asked.items():
            await bundle.try_to(f"hub, {name}", lambda n=name, a=ask: _add_answer(bundle, n, a))  # type: ignore[misc]


async def _add_answer(bundle: Bundle, name: str, ask: Callable[[], Awaitable[object]]) -> None:
    bundle.add_json(f"hub/{name}.json", await ask())


async def _add_metrics(bundle: Bundle, part: str, url: str, authority: str = "") -> None:
    context = ssl.create_default_context(cafile=authority or None)
    async with httpx2.AsyncClient(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
        answer = await client.get(f"{url}/metrics")
    bundle.add(f"metrics/{part}.txt", answer.text if answer.status_code == 200 else f"{answer}")


async def _add_folder(bundle: Bundle, folder: DataFolder) -> None:
    bundle.add("files.txt", "\n".join(_listing(folder.root)) + "\n")
    for log in sorted((folder.root / "logs").glob("*.log*")):
        bundle.add(f"logs/{log.name}", _end_of(log))
    for policy in sorted(folder.policy.glob("*")):
        if policy.is_file():
            bundle.add(f"policy/{policy.name}", _end_of(policy))
    if folder.trust.exists():
        bundle.add("trust.yaml", _end_of(folder.trust))


def _listing(root: Path) -> Iterable[str]:
    """Yield size, time and name of the files in the data folder; of secrets the names alone."""
    for count, path in enumerate(sorted(root.rglob("*"))):
        if count >= MAX_LISTED_FILES:
            yield f"and more: only the first {MAX_LISTED_FILES} are listed"
            return
        status = path.lstat()
        name = path.relative_to(root)
        yield f"{status.st_mode:o} {status.st_size:>12} {int(status.st_mtime)} {name}"


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - MAX_LOG_BYTES))
        body = file.read(MAX_LOG_BYTES)
    text = body.decode("utf-8", "replace")
    # A cut line might hold half a secret, which nobody would recognise.
    return text if size <= MAX_LOG_BYTES else text.partition("\n")[2]


def _values(text: str) -> Iterable[str]:
    """Yield what may be a secret in a file that holds some: itself, its lines, JSON's strings."""
    yield text
    yield from text.splitlines()
    try:
        held = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    stack = [held]
    while stack:
        match stack.pop():
            case dict() as entries:
                stack.extend(entries.values())
            case list() as entries:
                stack.extend(entries)
            case str() as value:
                yield value
            case _:
                pass
