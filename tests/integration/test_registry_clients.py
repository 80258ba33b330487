"""The embedded registry as a process, driven by stock clients and by what they may run into."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Protocol

import httpx2
import pytest

from tidegate.domain.digest import digest_of

pytestmark = pytest.mark.integration

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DEADLINE_S = 20
OUR_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}


class Running(Protocol):
    url: str
    host: str
    pid: int
    root: Path


Start = Callable[..., AbstractContextManager[Running]]


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def binary(name: str) -> str:
    found = os.environ.get(f"TIDEGATE_{name.upper()}") or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: stock-client test NOT run")
    return found


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until, "did not become true in time"
        time.sleep(0.02)


def write_blob(layout: Path, body: bytes, media_type: str) -> dict[str, object]:
    digest = digest_of(body)
    path = layout / "blobs" / "sha256" / digest.partition(":")[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return {"mediaType": media_type, "digest": digest, "size": len(body)}


def write_image(layout: Path, layer: bytes) -> dict[str, object]:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": write_blob(
            layout, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"
        ),
        "layers": [write_blob(layout, layer, "application/vnd.oci.image.layer.v1.tar")],
    }
    return write_blob(layout, json.dumps(manifest).encode(), OCI_MANIFEST)


def write_layout(layout: Path, *, platforms: int = 1) -> str:
    """Write an OCI layout with one image or an index of several; return its digest."""
    images = [write_image(layout, os.urandom(2**20)) for _ in range(platforms)]
    top = images[0]
    if platforms > 1:
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": images}
        top = write_blob(layout, json.dumps(index).encode(), OCI_INDEX)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    named = top | {"annotations": {"org.opencontainers.image.ref.name": "x"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return str(top["digest"])


SKOPEO = ("skopeo", "--insecure-policy")


def test_skopeo_copies_inspects_lists_and_deletes(registry: Running, tmp_path: Path) -> None:
    digest = write_layout(tmp_path / "in")
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    image = f"docker://{registry.host}/skopeo/image:v1"
    run(*SKOPEO, "copy", "--preserve-digests", *plain, f"oci:{tmp_path}/in:x", image)
    inspected = json.loads(run(*SKOPEO, "inspect", "--tls-verify=false", image))
    assert (inspected["Digest"], inspected["RepoTags"]) == (digest, ["v1"])
    run(*SKOPEO, "copy", "--preserve-digests", *plain, image, f"oci:{tmp_path}/out:x")
    assert {p.name for p in (tmp_path / "out/blobs/sha256").iterdir()} == {
        p.name for p in (tmp_path / "in/blobs/sha256").iterdir()
    }
    # Within one registry skopeo mounts the blobs.
    run(*SKOPEO, "copy", *plain, image, f"docker://{registry.host}/skopeo/other:v1")
    run(*SKOPEO, "delete", "--tls-verify=false", image)
    listed = run(
        *SKOPEO, "list-tags", "--tls-verify=false", f"docker://{registry.host}/skopeo/image"
    )
    assert json.loads(listed)["Tags"] == []


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_skopeo_copies_every_platform_in_both_forms(
    registry: Running, tmp_path: Path, form: str
) -> None:
    write_layout(tmp_path / "in", platforms=3)
    image = f"docker://{registry.host}/multi/{form}:v1"
    run(
        *SKOPEO, "copy", "--all", "--format", form, "--dest-tls-verify=false",
        f"oci:{tmp_path}/in:x", image,
    )  # fmt: skip
    raw = json.loads(run(*SKOPEO, "inspect", "--raw", "--tls-verify=false", image))
    assert len(raw["manifests"]) == 3
    assert ("docker" in raw["mediaType"]) == (form == "v2s2")


def test_oras_attaches_and_discovers(registry: Running, tmp_path: Path) -> None:
    oras = binary("oras")
    write_layout(tmp_path / "in")
    image = f"{registry.host}/oras/image:v1"
    run(*SKOPEO, "copy", "--dest-tls-verify=false", f"oci:{tmp_path}/in:x", f"docker://{image}")
    (tmp_path / "report.json").write_text("{}")
    report = f"{tmp_path}/report.json:application/json"
    run(
        oras, "attach", "--plain-http", "--disable-path-validation",
        "--artifact-type", "application/vnd.in-toto+json", image, report,
    )  # fmt: skip
    found = json.loads(run(oras, "discover", "--plain-http", "--format", "json", image))
    listed = found.get("referrers", found.get("manifests"))
    assert [entry["artifactType"] for entry in listed] == ["application/vnd.in-toto+json"]


def test_cosign_signs_and_verifies(registry: Running, tmp_path: Path) -> None:
    cosign = binary("cosign")
    digest = write_layout(tmp_path / "in")
    image = f"{registry.host}/cosign/image"
    run(*SKOPEO, "copy", "--dest-tls-verify=false", f"oci:{tmp_path}/in:x", f"docker://{image}:v1")
    key = tmp_path / "k"
    run(cosign, "generate-key-pair", "--output-key-prefix", key, COSIGN_PASSWORD="")
    help_text = run(cosign, "sign", "--help")
    offline = ["--use-signing-config=false"] if "--use-signing-config" in help_text else []
    run(
        cosign, "sign", "--yes", "--tlog-upload=false", *offline, "--allow-http-registry",
        "--key", f"{key}.key", f"{image}@{digest}", COSIGN_PASSWORD="",
    )  # fmt: skip
    run(
        cosign, "verify", "--key", f"{key}.pub", "--insecure-ignore-tlog=true",
        "--allow-http-registry", f"{image}@{digest}",
    )  # fmt: skip


# Events


class Receiver(ThreadingHTTPServer):
    """A hub that answers with `statuses` in turn, then 202."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.statuses = list(statuses)
        self.attempts: list[int] = []
        self.accepted: list[dict[str, object]] = []
        self.tokens: set[str | None] = set()
        self.media_types: set[str | None] = set()

    def tags(self) -> list[str]:
        return [str(dict(event["target"])["tag"]) for event in self.accepted]  # type: ignore[call-overload]  # JSON

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1/registries/notifications"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 202
        self.server.attempts.append(status)
        self.server.tokens.add(self.headers["authorization"])
        self.server.media_types.add(self.headers["content-type"])
        if status == 202:
            self.server.accepted += json.loads(body)["events"]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    with Receiver(*statuses) as receiver:
        thread = Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def push_manifest(url: str, tag: str, **options: object) -> httpx2.Response:
    config = {"mediaType": "text/plain", "digest": digest_of(b"{}"), "size": 2}
    body = {"schemaVersion": 2, "config": config, "layers": [], "annotations": {"tag": tag}}
    with httpx2.Client(base_url=url, **options) as client:  # type: ignore[arg-type]  # tests' options
        client.post("/v2/a/blobs/uploads/", params={"digest": digest_of(b"{}")}, content=b"{}")
        return client.put(
            f"/v2/a/manifests/{tag}",
            content=json.dumps(body).encode(),
            headers={"Content-Type": OCI_MANIFEST},
        )


def test_a_push_is_told_of_within_a_second(start_registry: Start, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-token\n")
    with (
        receiving() as hub,
        start_registry(notify_url=hub.url, notify_token_file=str(tmp_path / "token")) as registry,
    ):
        started = time.monotonic()
        assert push_manifest(registry.url, "v1").status_code == 201
        eventually(lambda: bool(hub.accepted))
        assert time.monotonic() - started < 1
        target = hub.accepted[0]["target"]
        assert isinstance(target, dict)
        assert target["url"] == f"{registry.url}/v2/a/manifests/{target['digest']}"
        assert hub.tokens == {"Bearer secret-token"}
        assert hub.media_types == {"application/vnd.docker.distribution.events.v1+json"}
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "secret-token" not in logs


def test_events_wait_for_the_receiver_in_order_and_through_a_restart(
    start_registry: Start,
) -> None:
    with receiving(500, 401) as hub:
        with start_registry(notify_url="http://127.0.0.1:9/nobody") as registry:  # port "discard"
            for tag in ("v1", "v2", "v3"):
                assert push_manifest(registry.url, tag).status_code == 201
        with start_registry(notify_url=hub.url):
            eventually(lambda: len(hub.accepted) == 3)
        assert hub.tags() == ["v1", "v2", "v3"]
        assert hub.attempts == [500, 401, 202]
        with start_registry(notify_url=hub.url) as registry:
            push_manifest(registry.url, "v4")
            eventually(lambda: len(hub.accepted) == 4)  # and the first three are not repeated
        assert hub.tags() == ["v1", "v2", "v3", "v4"]


def test_an_event_that_is_refused_for_good_holds_up_no_other(start_registry: Start) -> None:
    with receiving(400, 400) as hub:  # the batch, then its first event alone
        with start_registry(notify_url="http://127.0.0.1:9/nobody") as registry:
            for tag in ("bad", "good", "better"):
                push_manifest(registry.url, tag)
        with start_registry(notify_url=hub.url):
            eventually(lambda: len(hub.accepted) == 2)
        assert hub.tags() == ["good", "better"]


# Passwords and TLS


def make_user(user: str, password: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.registry", "hash-password", user],
        input=password,
        env=OUR_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def make_certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "tls.crt", folder / "tls.key"
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost",
    )  # fmt: skip
    return cert, key


def test_skopeo_pushes_with_a_password_over_tls_and_anybody_pulls(
    start_registry: Start, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(make_user("ada", "right"))
    cert, key = make_certificate(tmp_path)
    trusted = tmp_path / "certs"
    trusted.mkdir()
    shutil.copy(cert, trusted / "ca.crt")
    write_layout(tmp_path / "in")
    with start_registry(
        users_file=str(users), tls_cert_file=str(cert), tls_key_file=str(key)
    ) as registry:
        assert registry.url.startswith("https://")
        image = f"docker://{registry.host}/a/b:v1"
        copy = (*SKOPEO, "copy", "--dest-cert-dir", trusted, f"oci:{tmp_path}/in:x", image)
        run(*copy, "--dest-creds", "ada:right")
        run(*SKOPEO, "inspect", "--no-creds", "--cert-dir", trusted, image)
        for wrong in (("--dest-no-creds",), ("--dest-creds", "ada:wrong")):
            with pytest.raises(AssertionError, match=r"(?i)unauthorized|authentication|password"):
                run(*copy, *wrong)


def test_nobody_reads_without_a_password_when_pulls_are_protected(
    start_registry: Start, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(make_user("ada", "right"))
    with start_registry(users_file=str(users), anonymous_pull="false") as registry:
        login = {"Authorization": "Basic " + base64.b64encode(b"ada:right").decode()}
        assert push_manifest(registry.url, "v1").status_code == 401
        assert push_manifest(registry.url, "v1", headers=login).status_code == 201
        for path in ("/v2/", "/v2/a/manifests/v1", "/v2/_catalog", "/v2/a/tags/list"):
            assert httpx2.get(registry.url + path).status_code == 401
            assert httpx2.get(registry.url + path, headers=login).status_code == 200
        assert httpx2.get(registry.url + "/healthz").status_code == 200


# The process


def test_sigterm_ends_it_cleanly_while_a_push_is_under_way(start_registry: Start) -> None:
    with start_registry() as registry, httpx2.Client(base_url=registry.url) as client:
        location = client.post("/v2/a/blobs/uploads/").headers["location"]

        def endless() -> Iterator[bytes]:
            yield b"x" * 1000
            os.kill(registry.pid, signal.SIGTERM)
            started = time.monotonic()
            while time.monotonic() - started < DEADLINE_S:
                time.sleep(0.05)
                yield b"x"

        started = time.monotonic()
        with pytest.raises(httpx2.HTTPError):
            client.patch(location, content=endless()).raise_for_status()
        assert time.monotonic() - started < 5


def start_and_fail(root: Path, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.registry"],
        env=OUR_ENVIRONMENT
        | {"TIDEGATE_REGISTRY_DATA_DIR": str(root), "TIDEGATE_REGISTRY_PORT": "0"}
        | {f"TIDEGATE_REGISTRY_{k.upper()}": v for k, v in settings.items()},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_second_registry_on_the_same_folder_is_refused(start_registry: Start) -> None:
    with start_registry() as registry:
        assert "another registry runs" in start_and_fail(registry.root)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        pytest.param({"users_file": "/nowhere"}, "/nowhere", id="users-file"),
        pytest.param(
            {"notify_url": "http://x", "notify_token_file": "/nowhere"}, "/nowhere", id="token"
        ),
        pytest.param({"notify_url": "http://x", "notify_ca_file": "/nowhere"}, "CA", id="ca"),
        pytest.param({"tls_cert_file": "/a", "tls_key_file": "/b"}, "/a", id="tls"),
        pytest.param({"host": "192.0.2.1"}, "cannot listen", id="address"),
    ],
)
def test_a_setting_that_cannot_work_ends_the_start_with_a_sentence(
    tmp_path: Path, settings: dict[str, str], word: str
) -> None:
    message = start_and_fail(tmp_path / "data", **settings)
    assert word in message
    assert "Traceback" not in message


def test_uploads_abandoned_for_longer_than_the_limit_are_removed_at_start(
    start_registry: Start,
) -> None:
    with start_registry() as registry, httpx2.Client(base_url=registry.url) as client:
        for _ in range(2):
            client.post("/v2/a/blobs/uploads/")
        abandoned, recent = (registry.root / "uploads").iterdir()
    day_ago = time.time() - 24 * 3600 - 1
    os.utime(abandoned, (day_ago, day_ago))
    with start_registry() as registry:
        assert list((registry.root / "uploads").iterdir()) == [recent]


def test_log_lines_are_json_and_tell_of_each_request(start_registry: Start, tmp_path: Path) -> None:
    with start_registry() as registry:
        httpx2.get(registry.url + "/v2/a%1B[31m/tags/list", headers={"User-Agent": "test/1"})
    (log,) = tmp_path.glob("*.log")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = (line for line in lines if line["event"] == "request")
    assert (line["method"], line["path"], line["status"]) == (
        "GET",
        "/v2/a\x1b[31m/tags/list",
        400,
    )
    assert (line["level"], line["user_agent"]) == ("info", "test/1")
    assert "\x1b" not in log.read_text()
