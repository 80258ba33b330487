"""Runs one program where it can do little: the way into the scanner's sandbox.

Started as `python -I -S confine.py SPEC -- PROGRAM ARGUMENTS…`, a script of its own that imports
nothing of the project. It cuts the network and the view of other processes by namespaces, closes
the file system but for what SPEC names (Landlock), drops all capabilities and sets resource
limits; then it starts the program. To the file descriptor in SPEC it writes one JSON line with what
took effect, and at the end one with what the program used. What the kernel refuses is reported,
never hidden: the parent decides. When this process is killed, the kernel kills the program and all
that it started.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import Any

_NEW_USER, _NEW_IPC, _NEW_PID, _NEW_NET = 0x10000000, 0x08000000, 0x20000000, 0x40000000
"""linux/sched.h, CLONE_NEW…"""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
"""System calls, with the same numbers on every architecture."""

_FS_BITS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""linux/landlock.h: file accesses known from each version of the interface on."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
"""Accesses that a rule on a file, not a folder, may name."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    """Confine and run; return the program's exit code, or 128 and its signal."""
    spec: dict[str, Any] = json.loads(arguments[1])
    program = arguments[arguments.index("--") + 1 :]
    report = os.fdopen(spec["report_fd"], "w", buffering=1)
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL)
    refused = list(_cut_namespaces())
    child = os.fork()
    if child == 0:
        _start(program, spec, refused)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    used = {"cpu_s": usage.ru_utime + usage.ru_stime, "max_rss_bytes": usage.ru_maxrss * 1024}
    report.write(json.dumps({**used, "signal": max(-code, 0)}) + "\n")
    return code if code >= 0 else 128 - code


def _start(program: list[str], spec: dict[str, Any], refused: list[str]) -> None:
    try:
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL)
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        refused += _close_files(spec)
        _drop_capabilities()
        _set_limits(spec["limits"])
        os.write(spec["report_fd"], json.dumps({"refused": refused}).encode() + b"\n")
        os.set_inheritable(spec["report_fd"], False)  # noqa: FBT003 - the parameter's only form
        os.execve(program[0], program, spec["environment"])  # noqa: S606 - the program is the caller's, no shell
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error}\n")
    os._exit(127)  # the shell's code for a program that could not be started


def _cut_namespaces() -> Iterator[str]:
    """Leave the network, other processes and shared memory behind; yield what was refused.

    Without the right to do so as it is, a user namespace of its own gives it.
    """
    wanted = _NEW_NET | _NEW_PID | _NEW_IPC
    user, group = os.getuid(), os.getgid()
    try:
        _call("unshare", wanted)
    except OSError:
        try:
            _call("unshare", wanted | _NEW_USER)
            _write_map("setgroups", "deny")
            _write_map("uid_map", f"{user} {user} 1")
            _write_map("gid_map", f"{group} {group} 1")
        except OSError as error:
            yield f"network and process namespaces: {error.strerror}"


def _write_map(name: str, text: str) -> None:
    with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib is not worth its start
        file.write(text)


def _close_files(spec: dict[str, Any]) -> Iterator[str]:
    """Allow only the named files and folders, and no TCP (Landlock); yield what was refused."""
    try:
        version = _call("syscall", _LANDLOCK_CREATE, None, 0, 1)
        accesses = (1 << max(bits for since, bits in _FS_BITS if since <= version)) - 1
        tcp, scopes = (0b11 if version >= 4 else 0), (0b11 if version >= 6 else 0)
        size = 24 if version >= 6 else 16 if version >= 4 else 8
        attributes = struct.pack("QQQ", accesses, tcp, scopes)[:size]
        ruleset = _call("syscall", _LANDLOCK_CREATE, attributes, size, 0)
        readable = _READ_FILE | _READ_DIR
        _allow(ruleset, spec["readable"], readable)
        _allow(ruleset, spec["executable"], readable | _EXECUTE)
        _allow(ruleset, ["/dev/null"], (_READ_FILE | _WRITE_FILE) & accesses)
        _allow(ruleset, spec["writable"], accesses)
        _call("syscall", _LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)
    except OSError as error:
        yield f"file system (Landlock): {error.strerror}"


def _allow(ruleset: int, paths: Iterable[str], accesses: int) -> None:
    for path in paths:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = accesses if os.path.isdir(path) else accesses & _OF_FILES  # noqa: PTH112 - as above
        _call("syscall", _LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, fd), 0)
        os.close(fd)


def _drop_capabilities() -> None:
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _call("capset", header, bytes(24))


def _set_limits(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


def _call(name: str, *arguments: int | bytes | None) -> int:
    """Call libc's function `name`; raise OSError when it fails."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = getattr(_libc, name)(*passed)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv))
