"""Every operation of the hub's OpenAPI document, asked in every way that it allows and some not.

No answer is a fault (5xx), and each is what the document promises: status, media type and schema.
Three ways of asking: each part of the document once (coverage), bodies and parameters at random from
a seed (fuzzing), and operations one after another with what the one before answered (stateful).
Each operation is asked by a caller that it answers; what it says to the others is in
tests/unit/hub/test_hub_access.py.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from support.hub_world import CLUSTER_TOKENS, TOKENS
from support.postgres import Server

pytestmark = pytest.mark.integration

CHECKS = (
    "not_a_server_error",
    "response_schema_conformance",
    "content_type_conformance",
    "status_code_conformance",
)
SEED = "20261123"
EXAMPLES = "6"
"""Of each operation, at random; some hundred requests a phase."""

OTHERS = {
    CLUSTER_TOKENS["c1"]: (
        "POST /api/v1/clusters/{name}/heartbeat",
        "POST /api/v1/clusters/{name}/inventory",
        "POST /api/v1/clusters/{name}/rejudgements",
        "POST /api/v1/events",
    ),
    TOKENS["scanner"]: (
        "POST /api/v1/jobs/{job_id}/progress",
        "POST /api/v1/jobs/{job_id}/complete",
        "POST /api/v1/jobs/{job_id}/fail",
        "PUT /api/v1/jobs/{job_id}/detail",
        "PUT /api/v1/workers/{name}",
        "GET /api/v1/feed/heads/{fingerprint}",
        "POST /api/v1/feed/batches",
        "POST /api/v1/feed/turns",
        "POST /api/v1/feed/turns/end",
        "POST /api/v1/feed/known",
        "POST /api/v1/feed/snapshots",
        "POST /api/v1/feed/snapshots/{snapshot_id}/finish",
        "GET /api/v1/feed/snapshots/{snapshot_id}",
    ),
    TOKENS["registry"]: ("POST /api/v1/registries/notifications",),
}
"""Operations that an administrator may not call, by the token of who may."""

ABOUT_C1 = (
    "GET /api/v1/clusters/{name}",
    "PUT /api/v1/clusters/{name}/gating",
    "DELETE /api/v1/clusters/{name}/alarms",
    *OTHERS[CLUSTER_TOKENS["c1"]][:3],
)
ABOUT_A_RULE = (
    "GET /api/v1/rules/{rule_id}",
    "PUT /api/v1/rules/{rule_id}",
    "POST /api/v1/rules/{rule_id}/enable",
    "POST /api/v1/rules/{rule_id}/disable",
    "POST /api/v1/rules/{rule_id}/move",
    "POST /api/v1/rules/{rule_id}/duplicate",
)
"""Operations that need something that is there; about others they say 404 and nothing else."""

ENDLESS = "events/tail|jobs/lease|/policy$|/renewals$|/feed$"
"""Operations that wait by design; other tests ask them."""


def program() -> str:
    beside = Path(sys.executable).with_name("schemathesis")
    found = str(beside) if beside.exists() else shutil.which("schemathesis")
    if not found:
        pytest.skip("schemathesis is not installed (make install): the API was NOT FUZZED")
    return found


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[str]:
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps({**TOKENS, "clusters": CLUSTER_TOKENS}))
    given = {"PORT": "0", "BOOTSTRAP_TOKENS_FILE": str(tokens), **settings}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tidegate.hub"],
            env={
                **os.environ,
                **{f"TIDEGATE_HUB_{name}": value for name, value in given.items()},
                "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
            },
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            line = b"" if process.stdout is None else process.stdout.readline()
            assert line, (folder / "log").read_text()
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.wait(10)


def configuration(url: str) -> str:
    """Return by whom each operation is asked, and about what."""
    admin = {"Authorization": f"Bearer {TOKENS['admin']}"}
    page = httpx2.get(f"{url}/api/v1/rules", headers=admin, trust_env=False).json()
    own: dict[str, list[str]] = {}
    for token, operations in OTHERS.items():
        for name in operations:
            own.setdefault(name, []).append(f'headers = {{ Authorization = "Bearer {token}" }}')
    for name in ABOUT_C1:
        own.setdefault(name, []).append('parameters = { name = "c1" }')
    for name in ABOUT_A_RULE:
        given = f'parameters = {{ rule_id = "{page["items"][0]["id"]}" }}'
        own.setdefault(name, []).append(given)
    lines = [f'headers = {{ Authorization = "Bearer {TOKENS["admin"]}" }}']
    for name, settings in own.items():
        lines += ["[[operations]]", f'include-name = "{name}"', *settings]
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_operation_fails_or_answers_what_the_document_does_not_say(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    schemathesis = program()
    settings = {"DATA_DIR": str(tmp_path / "data")}
    if database == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        settings = {"DATABASE_URL": server.url(server.create())}
    config = tmp_path / "schemathesis.toml"
    with running(tmp_path, **settings) as url:
        config.write_text(configuration(url))
        done = subprocess.run(
            [
                schemathesis, f"--config-file={config}", "run", f"{url}/api/v1/openapi.json",
                "--no-color", f"--checks={','.join(CHECKS)}", f"--exclude-path-regex={ENDLESS}",
                "--phases=coverage,fuzzing,stateful", f"--seed={SEED}",
                f"--max-examples={EXAMPLES}", "--generation-database=none",
                "--request-timeout=30", "--continue-on-failure", "--suppress-health-check=all",
            ],
            capture_output=True, text=True, cwd=tmp_path, timeout=580, check=False,
        )  # fmt: skip
    print(done.stdout[-6000:])  # noqa: T201  # shown with a failure, and by -s
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "a request failed" not in (tmp_path / "log").read_text()
