"""What the gate loads, and what it weighs: a budget that a new import breaks loudly."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp", "fastapi", "jinja2", "kubernetes", "lightkube", "litestar", "pydantic", "requests",
    "sqlalchemy", "starlette", "typer", "univers", "yaml",
}  # fmt: skip
LAZY = {"httpx2", "cryptography"}
"""Loaded by a gate that needs them, when it needs them."""

PROBE = """
import json, sys
import {module}
with open("/proc/self/status") as status:
    resident = int(status.read().split("VmRSS:")[1].split()[0])
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print(json.dumps([resident, loaded]))
"""


def probed(module: str) -> tuple[int, set[str]]:
    """Return the resident KiB and top-level packages of a process that imports `module`."""
    script = PROBE.format(module=module)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    resident, loaded = json.loads(ran.stdout)
    return resident, set(loaded)


@pytest.mark.parametrize(
    ("module", "kib"),
    [("tidegate.gate.review", 40), ("tidegate.gate.server", 50), ("tidegate.gate.journal", 40)],
)
def test_the_review_path_loads_no_client_and_no_framework(module: str, kib: int) -> None:
    resident, loaded = probed(module)
    assert loaded & (HEAVY | LAZY) == set()
    assert resident < kib * 1024


def test_a_whole_gate_without_a_cluster_loads_no_kubernetes_client() -> None:
    resident, loaded = probed("tidegate.gate.run, tidegate.gate.policy_files")
    assert loaded & (HEAVY - {"yaml"}) == set()
    assert resident < 80 * 1024
