"""What gate, agent and hub write down while they are given secrets, and are sent others: lines without them.

Every secret here has `MARK` in it, wherever it goes: files, headers, bodies, addresses, objects. The
worker's log is looked at where it works (`test_scan_worker`), sign-in by OpenID in `test_oidc_sign_in`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.gate_site import Site
from support.gate_world import pod, review_of

pytestmark = pytest.mark.integration

MARK = "5ecretMark"
NOWHERE = "http://127.0.0.1:9"


def secret(word: str) -> str:
    """Return a secret of 40 characters and more, as tokens and passwords are."""
    return f"{word}-{MARK}-{'x' * 32}"


def file(folder: Path, word: str) -> Path:
    path = folder / f"{word}.secret"
    path.write_text(secret(word))
    return path


@contextmanager
def running(part: str, folder: Path, settings: dict[str, object]) -> Iterator[str]:
    """Run a part until the block ends; give its URL. All it wrote is then in `folder`/log."""
    named = {f"TIDEGATE_{part.upper()}_{name}": str(value) for name, value in settings.items()}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    kept["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", f"tidegate.{part}"],
            env=kept | named,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        try:
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.wait(10)
            (folder / "out").write_bytes(process.stdout.read())


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a log, once it was seen that none has a secret, nor standard output."""
    text = (folder / "log").read_text()
    found = [line for line in text.splitlines() if MARK in line or "PRIVATE KEY" in line]
    assert found == []
    assert MARK not in (folder / "out").read_text()
    return [json.loads(line) for line in text.splitlines()]


def knock(url: str, *paths: str, token: str, body: bytes = b"{}") -> list[int]:
    """Ask `paths` with a right token, a wrong one, one in the address, and a body that is secret."""
    said = []
    with httpx2.Client(base_url=url, verify=False, timeout=20) as client:
        for path in paths:
            for bearer in (token, secret("wrong"), f"{secret('two')} words"):
                headers = {"authorization": f"Bearer {bearer}", "cookie": f"s={secret('cookie')}"}
                for content in (body, secret("body").encode(), b'{"a": "' + secret("b").encode()):
                    answer = client.post(path, content=content, headers=headers)
                    said.append(answer.status_code)
            said.append(client.get(f"{path}?token={secret('query')}").status_code)
    return said


def test_t20_the_gates_log_holds_no_secret(tmp_path: Path) -> None:
    site = Site(tmp_path)
    registry = {
        "host": "127.0.0.1:9",
        "usernameFile": str(file(tmp_path, "username")),
        "passwordFile": str(file(tmp_path, "password")),
        "allowPrivate": True,
    }
    trust = json.loads((tmp_path / "trust.yaml").read_text()) | {"registries": [registry]}
    (tmp_path / "trust.yaml").write_text(json.dumps(trust))
    settings = {
        "TLS_CERT_FILE": site.pair.certificate,
        "TLS_KEY_FILE": site.pair.key,
        "TRUST_FILE": tmp_path / "trust.yaml",
        "POLICY_DIR": site.policies,
        "DATA_DIR": site.data,
        "AGENT_URL": NOWHERE,
        "AGENT_TOKEN_FILE": file(tmp_path, "agent"),
        "DIRECT_TOKEN_FILE": file(tmp_path, "direct"),
        "LOG_LEVEL": "debug",
    }
    workload = pod("127.0.0.1:9/team/app:1", annotations={"note": secret("annotation")})
    (container,) = workload["spec"]["containers"]
    container["env"] = [{"name": "PASSWORD", "value": secret("variable")}]
    container["command"] = ["sh", "-c", f"login {secret('argument')}"]
    review = review_of(workload)
    with running("gate", tmp_path, settings) as url:
        said = knock(url, "/admit", "/direct", token=secret("direct"), body=review)
        said += knock(url, "/rejudge", token=secret("agent"), body=review)
    assert {200, 400, 401, 405} <= set(said), "reviews were answered, others refused"
    assert len(lines_of(tmp_path)) > 3


def test_t20_the_agents_log_holds_no_secret(tmp_path: Path) -> None:
    settings = {
        "HUB_URL": NOWHERE,
        "CLUSTER": "c",
        "TOKEN_FILE": file(tmp_path, "cluster"),
        "POLICY_DIR": tmp_path / "policies",
        "GATE_TOKEN_FILE": file(tmp_path, "gate"),
        "LOG_LEVEL": "debug",
    }
    event = {
        "id": "1",
        "time": "2026-11-23T09:00:00.000000Z",
        "action": "deny",
        "kind": "Pod",
        "name": "p",
        "images": [],
    }
    batch = json.dumps({"events": [event]}).encode()
    with running("agent", tmp_path, settings) as url:
        said = knock(url, "/v1/events", "/v1/scans", token=secret("gate"), body=batch)
    assert {400, 401, 503} <= set(said), "the hub is away, others are refused"
    assert len(lines_of(tmp_path)) > 1


def test_t20_an_agent_that_cannot_enrol_writes_no_token(tmp_path: Path) -> None:
    named = {
        "HUB_URL": f"http://user:{secret('password')}@127.0.0.1:9",
        "CLUSTER": "c",
        "TOKEN_FILE": tmp_path / "none",
        "ENROL_TOKEN_FILE": file(tmp_path, "enrol"),
        "POLICY_DIR": tmp_path / "policies",
    }
    settings = {f"TIDEGATE_AGENT_{name}": str(value) for name, value in named.items()}
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.agent"],
        env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert MARK not in done.stdout + done.stderr


def test_t20_the_hubs_log_holds_no_secret(tmp_path: Path) -> None:
    roles = ("admin", "reader", "scanner", "registry")
    tokens = {role: secret(role) for role in roles} | {"clusters": {"c1": secret("cluster")}}
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    settings = {
        "DATA_DIR": tmp_path / "hub",
        "PORT": "0",
        "BOOTSTRAP_TOKENS_FILE": tmp_path / "tokens.json",
        "BOOTSTRAP_PASSWORD_FILE": file(tmp_path, "password"),
    }
    sign_in = {"username": "admin", "password": secret("password")}
    with running("hub", tmp_path, settings) as url:
        paths = ("/api/v1/session", "/api/v1/enrol", "/api/v1/events", "/api/v1/tokens")
        for role in ("admin", "cluster"):
            said = knock(url, *paths, token=secret(role), body=json.dumps(sign_in).encode())
            assert {400, 401} & set(said)
        with httpx2.Client(base_url=url, timeout=20) as client:
            for password in (secret("password"), secret("guess")):
                client.post("/api/v1/session", json={**sign_in, "password": password})
            body = {"oldPassword": secret("password"), "password": secret("next")}
            client.post("/api/v1/session/password", json=body)
            client.get(f"/{secret('path')}")
    assert all("event" in line for line in lines_of(tmp_path))


def test_t20_a_hub_whose_database_is_away_does_not_write_its_password(tmp_path: Path) -> None:
    settings = {"TIDEGATE_HUB_DATABASE_URL": f"postgresql://u:{secret('database')}@127.0.0.1:9/t"}
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.hub"],
        env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 3
    assert "database" in done.stderr
    assert MARK not in done.stdout + done.stderr
