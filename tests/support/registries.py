"""Real registries by name, for fixtures that run a test on each; those that are missing are skipped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tidegate.testing.real_registries import (
    docker_registry,
    embedded_registry,
    has_docker_registry,
    zot,
)

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tidegate"
"""Where `make registries` puts what it builds."""

REGISTRIES = ("embedded", "docker-registry", "zot")


@contextmanager
def started(name: str, folder: Path) -> Iterator[str]:
    """Run one of `REGISTRIES` on `folder`; yield `localhost:PORT`."""
    if name == "docker-registry" and not has_docker_registry():
        pytest.skip("docker-registry is not installed: apt packages of hack/apt.txt")
    if name == "zot":
        program = built("zot")
        if program is None:
            pytest.skip("zot is not installed: make registries (needs Go)")
        with zot(folder, program) as authority:
            yield authority
    else:
        run = {"embedded": embedded_registry, "docker-registry": docker_registry}[name]
        with run(folder) as authority:
            yield authority


def built(name: str) -> Path | None:
    """Return the program `name` that `make registries` built, None where it did not."""
    program = CACHE / name / "current" / name
    return program if program.exists() else None
