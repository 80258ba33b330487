"""Real registries as subprocesses, each on a loopback port and with a folder of its own.

Three that differ where it matters: the embedded one has the referrers API, Debian's docker-registry
2.8 has not, and zot 1.4 has it as it was before the specification was settled.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

START_S = 20.0
"""A registry that has not started by then will not; a loaded machine takes a second."""

STOP_S = 5.0
"""A part ends within this time after SIGTERM."""

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:([0-9]+)")

_DOCKER_CONFIG = """\
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:0"}}
"""


def has_docker_registry() -> bool:
    """Whether docker-registry is installed."""
    return shutil.which("docker-registry") is not None


@contextmanager
def docker_registry(folder: Path, extra: str = "") -> Iterator[str]:
    """Run docker-registry on `folder`; yield `localhost:PORT`. `extra`: more of its settings."""
    config = folder / "registry.yml"
    config.write_text(_DOCKER_CONFIG.format(root=folder / "content") + extra)
    log = folder / "registry.log"  # a file: a pipe that nobody reads would stop a talkative server
    with log.open("w") as stream:
        command = ["docker-registry", "serve", str(config)]
        with _running(command, stdout=stream, stderr=stream) as process:
            yield f"localhost:{_logged_port(log, process)}"


@contextmanager
def zot(folder: Path, program: Path) -> Iterator[str]:
    """Run the zot at `program` on `folder`; yield `localhost:PORT`."""
    with socket.socket() as free:  # zot does not say which port it took, so it is given one
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "distSpecVersion": "1.1.0-dev",
        "storage": {"rootDirectory": str(folder / "content"), "gc": False},
        "http": {"address": "127.0.0.1", "port": str(port)},
    }
    config = folder / "zot.json"
    config.write_text(json.dumps(settings))
    log = folder / "registry.log"
    with log.open("w") as stream:
        command = [str(program), "serve", str(config)]
        with _running(command, stdout=stream, stderr=stream) as process:
            _wait_until_listening(port, log, process)
            yield f"localhost:{port}"


@contextmanager
def embedded_registry(folder: Path, *settings: str) -> Iterator[str]:
    """Run the embedded registry on `folder`; yield `localhost:PORT`.

    `settings` are further environment variables, `TIDEGATE_REGISTRY_…=…`.
    """
    variables = ["TIDEGATE_REGISTRY_PORT=0", f"TIDEGATE_REGISTRY_DATA_DIR={folder}", *settings]
    command = ["env", *variables, sys.executable, "-m", "tidegate.registry"]
    with _running(command, stdout=subprocess.PIPE, stderr=None) as process:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise RuntimeError("the embedded registry ended before it was ready; see its log above")
        ready = json.loads(line)
        yield f"localhost:{ready['url'].rpartition(':')[2]}"


@contextmanager
def _running(
    command: Sequence[str], stdout: IO[str] | int, stderr: IO[str] | None
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - our own words, no shell
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _logged_port(log: Path, process: subprocess.Popen[str]) -> str:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        found = _LISTENING.search(log.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not start:\n{log.read_text()[-2000:]}")


def _wait_until_listening(port: int, log: Path, process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=START_S).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"a registry did not start:\n{log.read_text()[-2000:]}")
