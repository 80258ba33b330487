"""A real Kubernetes API server on this machine: etcd, kube-apiserver, kube-controller-manager.

There is no kubelet, so pods stay Pending; everything up to that is the real thing: admission,
RBAC, controllers that turn Deployments into pods. All of it listens on loopback with TLS and is
kept in one folder; a second start on that folder continues on the same ports.
"""

import asyncio
import os
import shutil
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2
import msgspec
import yaml

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.certificates import Authority, KeyPair, write_signing_key
from tidegate.local.child import Child
from tidegate.local.ports import choose_ports, wait_free

READY_S = 30.0
"""How long a start may take until namespace `default` takes pods."""

SERVICE_CIDR = "10.96.0.0/16"
"""Never routed here; Services need some range."""

LISTENERS = ("etcd", "etcd-peer", "kube-apiserver")

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager")
"""In the order in which they start."""


@dataclass(frozen=True, slots=True)
class KubePrograms:
    """Paths of the programs that make a cluster."""

    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path


def find_programs(environ: Mapping[str, str]) -> KubePrograms:
    """Return the programs: from KUBEBUILDER_ASSETS, else as `make kube` built them.

    Raises:
        ClusterUnavailableError: something is missing; says what, where it was looked for and how
            to get it.
    """
    home = Path(environ.get("HOME", "/root"))
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "tidegate/kube/current"
    assets = environ.get("KUBEBUILDER_ASSETS")
    folders = [Path(assets), cache] if assets else [cache]
    names = ("kube-apiserver", "kube-controller-manager", "kubectl")
    folder = next((f for f in folders if all(os.access(f / n, os.X_OK) for n in names)), None)
    looked = " and ".join(map(str, folders))
    if folder is None:
        raise ClusterUnavailableError(
            f"no {', '.join(names)} in {looked}; run `make kube` once (minutes) to build them"
        )
    path = environ.get("PATH", os.defpath)
    etcd = shutil.which("etcd", path=os.pathsep.join([str(folder), path, "/usr/bin"]))
    if etcd is None:
        raise ClusterUnavailableError(
            f"no etcd in {folder} or on PATH; install it (Debian: etcd-server)"
            ", then `make kube` has all it needs"
        )
    return KubePrograms(Path(etcd), *(folder / name for name in names))


class LocalCluster:
    """A cluster in `data_dir`; start and stop may be called from different event loops."""

    def __init__(
        self,
        data_dir: Path,
        programs: KubePrograms,
        clock: Callable[[], datetime],
        avoid: Collection[int] = (),
    ) -> None:
        """`avoid`: ports that others are about to listen on."""
        self.data_dir = data_dir
        self.kubectl = programs.kubectl
        self.kubeconfig = data_dir / "admin.kubeconfig"
        """Of an administrator (group system:masters); readable by us alone."""
        self._programs = programs
        self._clock = clock
        self._avoid = frozenset(avoid)
        self._certificates = data_dir / "certificates"
        self._children: dict[str, Child] = {}
        self._ports: dict[str, int] = {}
        self._admin: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Base URL of the API server."""
        return f"https://127.0.0.1:{self._ports['kube-apiserver']}"

    @property
    def ca_bundle(self) -> Path:
        """The certificate authority of the API server, as a PEM file."""
        return self._certificates / "cluster-ca.crt"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by component."""
        return {name: c.pid for name, c in self._children.items() if c.pid is not None}

    async def start(self) -> None:
        """Start all components; return when namespace `default` takes pods.

        Raises:
            ClusterUnavailableError: a component ended, a kept port is taken, or `READY_S` passed.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._take_ports(self.data_dir / "ports.json")
        self._prepare()
        try:
            for name in COMPONENTS:
                self._children[name].start()
                if name == "kube-apiserver":
                    await self.wait_ready()
            await self._wait("/api/v1/namespaces/default/serviceaccounts/default")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End what was started, the last one first."""
        for name in reversed(COMPONENTS):
            if name in self._children:
                await self._children[name].stop()

    async def stop_component(self, name: str) -> None:
        """End one component of `COMPONENTS`, the others stay."""
        await self._children[name].stop()

    async def start_component(self, name: str) -> None:
        """Start one component again, as `stop_component` left it; return when it answers."""
        self._children[name].start()
        if name == "kube-apiserver":
            await self.wait_ready()

    async def wait_ready(self) -> None:
        """Return when the API server says that it is ready.

        Raises:
            ClusterUnavailableError: a component ended, or `READY_S` passed.
        """
        await self._wait("/readyz")

    def demand_alive(self) -> None:
        """Do nothing while every component that was started runs.

        Raises:
            ClusterUnavailableError: one ended by itself; the end of its log is quoted.
        """
        for child in self._children.values():
            child.demand_alive()

    async def _take_ports(self, path: Path) -> None:
        self._ports = _kept_ports(path, self._avoid)
        taken = await wait_free(self._ports)
        if taken:
            raise ClusterUnavailableError(
                f"ports kept in {path} are taken: {taken}; end what uses them (perhaps another "
                "run on this folder), or remove the file for new ports"
            )

    def _prepare(self) -> None:
        now = self._clock()
        folder = self._certificates
        cluster_ca = Authority(folder, "cluster-ca").ensure(now)
        # An authority of its own: who can sign for the cluster shall not open the store by that.
        store_ca = Authority(folder, "etcd-ca").ensure(now)
        write_signing_key(folder / "tokens.key", folder / "tokens.pub")
        hosts = ("127.0.0.1", "localhost")
        store = store_ca.issue("etcd", now, common_name="etcd", hosts=hosts)
        server = cluster_ca.issue(
            "kube-apiserver",
            now,
            common_name="kube-apiserver",
            hosts=(*hosts, "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        )
        admin = cluster_ca.issue(
            "admin", now, common_name="tidegate-admin", organization="system:masters"
        )
        manager_name = "system:kube-controller-manager"
        manager = cluster_ca.issue("kube-controller-manager", now, common_name=manager_name)
        self._write_kubeconfig(self.kubeconfig, admin)
        self._write_kubeconfig(self._manager_kubeconfig, manager)
        self._admin = ssl.create_default_context(cafile=str(self.ca_bundle))
        self._admin.load_cert_chain(admin.certificate, admin.key)
        arguments = {
            "etcd": self._etcd_arguments(store, store_ca.pair.certificate),
            "kube-apiserver": self._apiserver_arguments(server, store, store_ca.pair.certificate),
            "kube-controller-manager": self._manager_arguments(),
        }
        self._children = {
            name: Child(name, arguments[name], self.data_dir / "logs" / f"{name}.log")
            for name in COMPONENTS
        }

    @property
    def _manager_kubeconfig(self) -> Path:
        return self._certificates / "kube-controller-manager.kubeconfig"

    def _etcd_arguments(self, pair: KeyPair, authority: Path) -> list[str]:
        client = f"https://127.0.0.1:{self._ports['etcd']}"
        peer = f"https://127.0.0.1:{self._ports['etcd-peer']}"
        tls = [
            f"--{prefix}{word}"
            for prefix in ("", "peer-")
            for word in (
                f"cert-file={pair.certificate}",
                f"key-file={pair.key}",
                f"trusted-ca-file={authority}",
                "client-cert-auth",
            )
        ]
        return [
            str(self._programs.etcd),
            "--name=local",
            f"--data-dir={self.data_dir / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            "--auto-compaction-retention=1",
            *tls,
        ]

    def _apiserver_arguments(self, pair: KeyPair, store: KeyPair, store_ca: Path) -> list[str]:
        folder = self._certificates
        return [
            str(self._programs.apiserver),
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._ports['kube-apiserver']}",
            f"--tls-cert-file={pair.certificate}",
            f"--tls-private-key-file={pair.key}",
            f"--client-ca-file={self.ca_bundle}",
            f"--etcd-servers=https://127.0.0.1:{self._ports['etcd']}",
            f"--etcd-cafile={store_ca}",
            f"--etcd-certfile={store.certificate}",
            f"--etcd-keyfile={store.key}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'tokens.pub'}",
            f"--service-account-signing-key-file={folder / 'tokens.key'}",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            # An endpoint on loopback is refused for Services, and nothing here needs one.
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--profiling=false",
        ]

    def _manager_arguments(self) -> list[str]:
        kubeconfig = self._manager_kubeconfig
        return [
            str(self._programs.controller_manager),
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={self._certificates / 'tokens.key'}",
            f"--root-ca-file={self.ca_bundle}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            "--profiling=false",
        ]

    def _write_kubeconfig(self, path: Path, user: KeyPair) -> None:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_bundle)}
        credentials = {"client-certificate": str(user.certificate), "client-key": str(user.key)}
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tidegate-local", "cluster": cluster}],
            "users": [{"name": "tidegate-local", "user": credentials}],
            "contexts": [
                {
                    "name": "tidegate-local",
                    "context": {"cluster": "tidegate-local", "user": "tidegate-local"},
                }
            ],
            "current-context": "tidegate-local",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(body, sort_keys=False))

    async def _wait(self, path: str) -> None:
        answer = "no answer yet"
        try:
            async with asyncio.timeout(READY_S), self._client() as client:
                while True:
                    self.demand_alive()
                    try:
                        response = await client.get(path)
                    except httpx2.TransportError as error:
                        answer = str(error) or type(error).__name__
                    else:
                        if response.is_success:
                            return
                        answer = f"HTTP {response.status_code}"
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise ClusterUnavailableError(
                f"{self.url}{path}: {answer}, want HTTP 200 within {READY_S:g} s; "
                f"see {self.data_dir / 'logs'}"
            ) from error

    def _client(self) -> httpx2.AsyncClient:
        if self._admin is None:
            raise ClusterUnavailableError("the local cluster was not started")
        return httpx2.AsyncClient(
            base_url=self.url, verify=self._admin, timeout=5.0, trust_env=False
        )


def _kept_ports(path: Path, avoid: Collection[int]) -> dict[str, int]:
    """Return a port for each of `LISTENERS`, the same as at the last start in this folder."""
    if not path.exists():
        chosen = choose_ports(LISTENERS, avoid)
        path.write_bytes(msgspec.json.encode(chosen))
        return chosen
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
        return {name: kept[name] for name in LISTENERS}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise ClusterUnavailableError(
            f"{path}: no port in it for {' and '.join(LISTENERS)} ({error}); remove the file to "
            "start on new ports"
        ) from error
