"""Prometheus' own parser on our expressions."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest


class Read(NamedTuple):
    """What one expression asks for."""

    error: str
    series: dict[str, list[str]]
    """Labels that are matched, by the name of the series."""
    labels: list[str]
    """Labels that are grouped or joined by."""


def find_promql(environ: Mapping[str, str] = os.environ) -> Path:
    """Return `TIDEGATE_PROMQL`, or what `make promql` built; skips loudly without one."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = Path(environ.get("TIDEGATE_PROMQL") or cache / "tidegate/promql/current/promql")
    if not os.access(program, os.X_OK):
        pytest.skip("NO PROMQL: Prometheus' parser is not built; run `make promql` once")
    return program


def read_expressions(expressions: Sequence[str]) -> list[Read]:
    """Return what each of `expressions` asks for."""
    done = subprocess.run(
        [find_promql(), "expressions"],
        input=json.dumps(list(expressions)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [
        Read(each["error"], {k: v or [] for k, v in each["series"].items()}, each["labels"])
        for each in json.loads(done.stdout)
    ]


def wrong_with_rules(file: Path) -> str:
    """Return what Prometheus would say about a file of rules; empty: nothing."""
    done = subprocess.run(
        [find_promql(), "rules", file], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr
