"""What every scanner does around its confined program: start it, and take what it left behind."""

import os
import shutil
import stat
import sys
import sysconfig
from pathlib import Path

import msgspec

from tidegate.domain.errors import LimitExceededError, ScannerUnavailableError
from tidegate.scan.sandbox import Confined, SandboxLimits, SandboxPaths, run_confined
from tidegate.scan.sbom import MAX_SBOM_BYTES

_PYTHON = Path(sys.executable).resolve()
_ARCHIVES = Path(__file__).parents[1] / "archives.py"


class _ArchiveList(msgspec.Struct):
    archives: list[str]
    unread_layers: int


def find_program(name: str, hint: str) -> Path:
    """Return the program `name`, from PATH or from beside this Python.

    Raises:
        ScannerUnavailableError: there is none; `hint` says how to get one.
    """
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise ScannerUnavailableError(f"no {name} on PATH or beside this Python; {hint}")
    return Path(found).resolve()


async def list_archives(layout: Path, folder: Path, limits: SandboxLimits) -> tuple[list[str], int]:
    """Return the Java archives in the image's layers, and how many layers could not be read."""
    output = folder / "archives.json"
    python = _PYTHON
    command = [str(python), "-I", "-S", str(_ARCHIVES), str(layout), str(output)]
    paths = SandboxPaths(folder, (layout, _ARCHIVES), python_files(python))
    require_success("the list of archives", await run_confined(command, paths, limits))
    try:
        listed = msgspec.json.decode(read_output(output), type=_ArchiveList)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScannerUnavailableError(f"the list of archives cannot be read: {error}") from error
    return listed.archives, listed.unread_layers


def unread_layers(count: int) -> tuple[str, ...]:
    """Return the sentence about layers whose archives are not known; nothing for none."""
    return (f"{count} layers whose Java archives could not be listed",) if count else ()


def python_files(python: Path) -> tuple[Path, ...]:
    """Return what a Python needs to run: itself, its standard library and the system's."""
    library = Path(sysconfig.get_path("stdlib"))
    system = (Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"))
    own = python.parent.parent / "lib"
    return tuple(path for path in (python, library, own, *system) if path.exists())


def require_success(what: str, confined: Confined) -> None:
    """Return when a confined program ended well.

    Raises:
        ScannerUnavailableError: it did not; with the end of what it said.
    """
    if confined.exit_code:
        last = confined.log.strip().splitlines()[-3:]
        raise ScannerUnavailableError(
            f"{what} ended with {confined.exit_code}: {' '.join(last)[:500] or 'no message'}"
        )


def read_output(path: Path) -> bytes:
    """Return what the confined program wrote; a link in its place is not followed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ScannerUnavailableError(f"the scanner left no output: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ScannerUnavailableError("the scanner's output is no regular file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            body = file.read(MAX_SBOM_BYTES + 1)
    finally:
        os.close(fd)
    if len(body) > MAX_SBOM_BYTES:
        raise LimitExceededError(f"the scanner's output is larger than {MAX_SBOM_BYTES} bytes")
    return body
