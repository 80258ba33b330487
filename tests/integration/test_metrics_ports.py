"""Each part's own port for Prometheus: what it gives, and that it gives nothing else."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tidegate.domain.errors import ConfigurationError
from tidegate.net.metrics_port import LIMITS, metrics_port
from tidegate.trust.keys import generate_key, private_pem

pytestmark = pytest.mark.integration

NOWHERE = "http://127.0.0.1:9"
"""A hub that does not answer: the discard port, which nobody has."""


class Counted:
    """Renders as often as it is asked, each time when it may."""

    def __init__(self) -> None:
        self.times = 0
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self) -> bytes:
        self.times += 1
        number = self.times
        await self.may.wait()
        return b"times %d\n" % number


async def test_it_gives_metrics_and_health_and_nothing_else() -> None:
    async with metrics_port("127.0.0.1", 0, Counted()) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            metrics, health = await client.get("/metrics?x=1"), await client.get("/healthz")
            assert (metrics.status_code, metrics.text) == (200, "times 1\n")
            assert metrics.headers["content-type"].startswith("text/plain; version=")
            assert (health.status_code, health.text) == (200, "ok\n")
            for path in ("/", "/readyz", "/v1/events", "/api/v1/rules", "//metrics"):
                assert (await client.get(path)).status_code == 404
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                answer = await client.request(method, "/metrics", content=b"x" * 100_000)
                assert answer.status_code == 405
        with pytest.raises(httpx2.ConnectError):
            await httpx2.AsyncClient().get(url.replace("127.0.0.1", "127.0.0.2"))


async def test_a_body_is_refused_and_a_long_header_cut() -> None:
    async with metrics_port("127.0.0.1", 0, Counted()) as url, httpx2.AsyncClient() as client:
        answer = await client.request("GET", f"{url}/metrics", content=b"x")
        assert answer.status_code == 413
        long = {"x": "y" * LIMITS.max_header_bytes}
        with pytest.raises(httpx2.TransportError):
            await client.get(f"{url}/metrics", headers=long)


async def test_who_asks_meanwhile_gets_the_same_answer_and_who_asks_later_a_new_one() -> None:
    counted = Counted()
    counted.may.clear()
    async with metrics_port("127.0.0.1", 0, counted) as url, httpx2.AsyncClient() as client:
        asking = [asyncio.create_task(client.get(f"{url}/metrics")) for _ in range(8)]
        while not counted.times:
            await asyncio.sleep(0)
        asking[0].cancel()  # who asked first may leave
        async with httpx2.AsyncClient() as other:
            assert (await other.get(f"{url}/healthz")).text == "ok\n"
        counted.may.set()
        told = [answer.text for answer in await asyncio.gather(*asking[1:])]
        assert counted.times <= 2, "all that asked meanwhile share one"
        assert set(told) <= {"times 1\n", "times 2\n"}
        before = counted.times
        assert (await client.get(f"{url}/metrics")).text == f"times {before + 1}\n"


async def test_what_cannot_be_rendered_is_an_error_and_the_next_is_tried_again() -> None:
    fails = True

    async def render() -> bytes:
        if fails:
            raise ValueError("of this test")
        return b"a 1\n"

    async with metrics_port("127.0.0.1", 0, render) as url, httpx2.AsyncClient() as client:
        answer = await client.get(f"{url}/metrics")
        assert answer.status_code == 500
        assert "of this test" not in answer.text
        fails = False
        assert (await client.get(f"{url}/metrics")).text == "a 1\n"


async def test_a_port_that_is_taken_is_told_and_none_is_none() -> None:
    async with metrics_port("127.0.0.1", 0, Counted()) as url:
        taken = int(url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{taken}: cannot serve metrics"):
            async with metrics_port("127.0.0.1", taken, Counted()):
                pass
    async with metrics_port("127.0.0.1", None, Counted()) as nothing:
        assert nothing == ""


# The parts as processes


def hub(folder: Path) -> dict[str, str]:
    return {"DATA_DIR": str(folder / "hub"), "PORT": "0"}


def agent(folder: Path) -> dict[str, str]:
    (folder / "token").write_text("cluster-token-of-this-test")
    return {
        "HUB_URL": NOWHERE,
        "CLUSTER": "c",
        "TOKEN_FILE": str(folder / "token"),
        "POLICY_DIR": str(folder / "policy"),
        "PORT": "0",
    }


def scan(folder: Path) -> dict[str, str]:
    (folder / "token").write_text("scanner-token-of-this-test")
    (folder / "evidence.key").write_bytes(private_pem(generate_key()))
    (folder / "registries.yaml").write_text("registries: []\n")
    return {
        "HUB_URL": NOWHERE,
        "TOKEN_FILE": str(folder / "token"),
        "KEY": str(folder / "evidence.key"),
        "DATA_DIR": str(folder / "scan"),
        "REGISTRIES": str(folder / "registries.yaml"),
    }


@pytest.fixture(params=[hub, agent, scan], ids=lambda part: part.__name__)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """Give a part's name, the URL of its metrics and its log."""
    part = request.param.__name__
    settings = {f"TIDEGATE_{part.upper()}_{k}": v for k, v in request.param(tmp_path).items()}
    settings[f"TIDEGATE_{part.upper()}_METRICS_PORT"] = "0"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    kept |= settings | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", f"tidegate.{part}"],
            env=kept,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), log.read_text()
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            (url,) = [line["url"] for line in lines if line["event"] == "metrics"]
            yield part, url, log
        finally:
            process.terminate()
            process.wait(10)
    assert process.returncode == 0, log.read_text()


def test_a_part_tells_its_own_metrics_there_without_a_token(
    served: tuple[str, str, Path],
) -> None:
    part, url, log = served
    answer = httpx2.get(f"{url}/metrics")
    assert answer.status_code == 200
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert any(name.startswith(f"tidegate_{part}_") for name in names)
    foreign = {name.split("_")[1] for name in names if name.startswith("tidegate_")} - {part}
    assert foreign == set()
    assert httpx2.get(f"{url}/api/v1/rules").status_code == 404
    assert "of-this-test" not in answer.text + log.read_text()
