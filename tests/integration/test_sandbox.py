"""Attempts to leave the scanner's sandbox. Skipped, loudly, where the kernel gives no isolation."""

import asyncio
import fcntl
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from tidegate.domain.errors import ScannerUnavailableError
from tidegate.scan.sandbox import Confined, SandboxLimits, SandboxPaths, run_confined
from tidegate.scan.scanners.confined import python_files

pytestmark = pytest.mark.integration
PYTHON = Path(sys.executable).resolve()


async def attempt(
    code: str, folder: Path, limits: SandboxLimits | None = None, *, readable: tuple[Path, ...] = ()
) -> Confined:
    make(folder)
    paths = SandboxPaths(folder, readable, python_files(PYTHON))
    command = [str(PYTHON), "-I", "-S", "-c", code]
    return await run_confined(command, paths, limits or SandboxLimits(wall_s=30))


def make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    probe = await attempt("pass", tmp_path / "probe")
    assert probe.exit_code == 0, probe.log
    if probe.refused:
        pytest.skip(f"this kernel does not give all isolation: {probe.refused}")
    return tmp_path / "own"


async def test_t19_a_program_that_ends_well_is_reported_so(folder: Path) -> None:
    ended = await attempt(
        "open('out', 'w').write('x'); import sys; sys.stderr.write('hello')", folder
    )
    assert (ended.exit_code, ended.log, ended.refused) == (0, "hello", ())
    assert ended.max_rss_bytes > 2**20
    assert (folder / "out").read_text() == "x"


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
async def test_t19_there_is_no_network(folder: Path, kind: str) -> None:
    with socket.socket(socket.AF_INET, getattr(socket, kind)) as server:
        server.bind(("127.0.0.1", 0))
        if kind == "SOCK_STREAM":
            server.listen()
        server.settimeout(0)
        port = server.getsockname()[1]
        ended = await attempt(
            f"import socket\ns = socket.socket(socket.AF_INET, socket.{kind})\n"
            f"s.connect(('127.0.0.1', {port}))\ns.send(b'secret')",
            folder,
        )
        assert ended.exit_code == 1
        assert "Error" in ended.log
        with pytest.raises(BlockingIOError):
            server.accept() if kind == "SOCK_STREAM" else server.recv(10)


async def test_t19_only_loopback_of_its_own_is_there(folder: Path) -> None:
    ended = await attempt(
        "import socket, sys; sys.stderr.write(repr([n for _, n in socket.if_nameindex()]))", folder
    )
    assert ended.log == "['lo']"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("open({secret!r}).read()", id="read"),
        pytest.param("open({secret!r}, 'a')", id="append"),
        pytest.param("import os; os.listdir({parent!r})", id="list-the-folder"),
        pytest.param("import os; os.symlink({secret!r}, 'x'); open('x').read()", id="by-link"),
        pytest.param("import os; os.link({secret!r}, 'x'); open('x').read()", id="by-hard-link"),
        pytest.param("open('/etc/passwd').read()", id="passwd"),
        pytest.param("open('/proc/1/environ', 'rb').read()", id="environment-of-others"),
        pytest.param("open({parent!r} + '/new', 'w')", id="write-outside"),
        pytest.param("import os; os.execv('/bin/sh', ['sh', '-c', 'true'])", id="run-a-shell"),
    ],
)
async def test_t19_keys_and_other_files_are_out_of_reach(
    folder: Path, tmp_path: Path, code: str
) -> None:
    secret = tmp_path / "evidence.key"
    secret.write_text("-----BEGIN PRIVATE KEY-----")
    filled = code.format(secret=str(secret), parent=str(tmp_path))
    ended = await attempt(f"try:\n    {filled}\nexcept OSError:\n    raise SystemExit(7)", folder)
    assert ended.exit_code == 7, ended
    assert secret.read_text() == "-----BEGIN PRIVATE KEY-----"


async def test_t19_the_environment_holds_nothing_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_SCAN_TOKEN_FILE", "/secret")
    ended = await attempt("import os, sys; sys.stderr.write(' '.join(sorted(os.environ)))", folder)
    assert set(ended.log.split()) <= {"HOME", "TMPDIR", "LC_CTYPE"}


async def test_t19_other_processes_cannot_be_reached(folder: Path) -> None:
    ended = await attempt(
        f"import os\ntry:\n    os.kill({os.getpid()}, 0)\nexcept OSError:\n    raise SystemExit(7)",
        folder,
    )
    assert ended.exit_code == 7
    # A namespace of its own, whatever else keeps signals in: it is the first process there.
    alone = await attempt("import os, sys; sys.stderr.write(str(os.getpid()))", folder)
    assert alone.log == "1"


async def test_t19_no_capability_is_left(folder: Path) -> None:
    ended = await attempt(
        "import socket\ntry:\n    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\n"
        "except PermissionError:\n    raise SystemExit(7)",
        folder,
    )
    assert ended.exit_code == 7


@pytest.mark.parametrize(
    ("code", "limits", "said"),
    [
        pytest.param(
            "x = bytearray(300 * 2**20)",
            SandboxLimits(wall_s=30, max_data_bytes=200 * 2**20),
            "MemoryError",
            id="memory",
        ),
        pytest.param(
            "f = open('big', 'wb'); f.write(bytes(2**20))",
            SandboxLimits(wall_s=30, max_file_bytes=2**19),
            "File too large",
            id="output",
        ),
        pytest.param(
            "kept = [open('f', 'w') for _ in range(100)]",
            SandboxLimits(wall_s=30, max_open_files=32),
            "Too many open files",
            id="open-files",
        ),
    ],
)
async def test_t19_use_beyond_a_limit_fails(
    folder: Path, code: str, limits: SandboxLimits, said: str
) -> None:
    ended = await attempt(code, folder, limits)
    assert ended.exit_code != 0
    assert said in ended.log


async def test_t19_a_program_that_spins_is_killed_by_its_processor_time(folder: Path) -> None:
    ended = await attempt("while True: pass", folder, SandboxLimits(wall_s=30, cpu_s=1))
    assert ended.exit_code == 128 + 9
    assert 0.9 < ended.cpu_s < 5


async def test_t19_a_program_that_waits_is_stopped_with_all_it_started(folder: Path) -> None:
    """A grandchild in a session of its own holds a lock; when it is gone, the lock is free."""
    code = (
        "import fcntl, os, time\n"
        "held = open('lock', 'w')\nfcntl.flock(held, fcntl.LOCK_EX)\n"
        "if os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n"
        "held.close()\nopen('ready', 'w')\ntime.sleep(600)"
    )
    with pytest.raises(ScannerUnavailableError, match=r"not finished within 1\.5 s"):
        await attempt(code, folder, SandboxLimits(wall_s=1.5))
    assert (folder / "ready").exists()
    with (folder / "lock").open() as lock:
        deadline = time.monotonic() + 10
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                assert time.monotonic() < deadline, "a process outlived the sandbox"
                await asyncio.sleep(0.02)


async def test_t19_a_cancelled_scan_leaves_no_process(folder: Path) -> None:
    code = (
        "import fcntl, time\nheld = open('lock', 'w')\nfcntl.flock(held, fcntl.LOCK_EX)\n"
        "open('ready', 'w')\ntime.sleep(600)"
    )
    task = asyncio.create_task(attempt(code, folder))
    deadline = time.monotonic() + 20
    while not (folder / "ready").exists():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with (folder / "lock").open() as lock:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(0.02)
            else:
                return
    pytest.fail("the program outlived its scan")


async def test_t19_a_flood_of_messages_is_cut(folder: Path) -> None:
    ended = await attempt("import sys; sys.stderr.write('x' * 10_000_000 + 'end')", folder)
    assert len(ended.log) <= SandboxLimits().max_log_bytes
    assert ended.log.endswith("end")


async def test_a_program_that_is_not_there_is_said(folder: Path) -> None:
    make(folder)
    paths = SandboxPaths(folder, (), python_files(PYTHON))
    ended = await run_confined(["/no/such/program"], paths)
    assert ended.exit_code == 127
    assert "/no/such/program" in ended.log
