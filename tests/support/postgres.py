"""A PostgreSQL server of the tests' own: Debian's programs, a folder that goes, no durability."""

import contextlib
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

START_S = 30
"""A server on a loaded machine; ordinarily 0.5 s."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",  # the folder is thrown away
    "full_page_writes": "off",
    "log_min_messages": "warning",
}


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest; None: not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3])
    )
    return found[-1].parent if found else None


@dataclass
class Server:
    """A running server."""

    port: int
    folder: Path
    bin: Path
    names: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql://tidegate@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"db{os.getpid()}_{next(self.names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return name

    def drop(self, name: str) -> None:
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def cut(self, name: str) -> None:
        """End all connections to a database, as a restart of the server does."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        self.sql(f"{ended} '{name}'")

    def sql(self, statement: str, database: str = "postgres") -> str:
        command = ["psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(
            [*command, "-c", statement], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextlib.contextmanager
def running_postgres(bin_folder: Path, **settings: str) -> Iterator[Server]:
    """Run a server until the end of the block; root lends it the account of Debian's package."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="tidegate-pg-"))
    os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    options = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
    initdb = [bin_folder / "initdb", "-D", data, "-U", "tidegate", "-A", "trust", "-N"]
    try:
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C.UTF-8"],
            check=True, capture_output=True, timeout=120, cwd=folder, **options,
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        given = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder), **settings}
        flags = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, *flags],
                stdout=log, stderr=log, cwd=folder, **options,
            )  # fmt: skip
        server = Server(port, folder, bin_folder)
        try:
            _wait(server, process)
            yield server
        finally:
            process.send_signal(2)  # fast shutdown: postgres(1)
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(START_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    ready = [server.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    deadline = time.monotonic() + START_S
    while subprocess.run(ready, check=False, timeout=10).returncode != 0:
        log = (server.folder / "log").read_text()
        assert process.poll() is None, f"PostgreSQL ended: {log}"
        assert time.monotonic() < deadline, f"PostgreSQL is not ready: {log}"
        time.sleep(0.05)
