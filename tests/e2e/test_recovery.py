"""Rows of the recovery matrix that are cheap enough for every run; `make recovery` plays all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from recovery import rows
from recovery.world import World, installed_world, new_world
from support.helm import find_helm
from support.postgres import Server
from tidegate.local.kubernetes import KubePrograms

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    programs: KubePrograms,
    postgres: Server,  # noqa: ARG001 skips loudly without one
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    find_helm()
    async with installed_world(tmp_path_factory.mktemp("recovery"), programs) as made:
        yield made


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("gates", "agent", "hub", "API server"), id="API server last"),
        pytest.param(("API server", "hub", "agent", "gates"), id="gates last"),
    ],
)
async def test_from_nothing_the_cluster_comes_up_in_any_order(
    world: World, order: tuple[str, ...]
) -> None:
    assert (await rows.start_in_order(world, order)).let_in == 0


async def test_all_gates_come_back_without_agent_and_hub(world: World) -> None:
    assert (await rows.lose(world, "gates agent hub")).let_in == 0


async def test_with_no_gate_what_nodes_and_tidegate_need_passes(world: World) -> None:
    assert (await rows.needed_without_gates(world)).let_in == 0


async def test_a_control_plane_that_crashes_finds_its_gates_again(world: World) -> None:
    assert (await rows.control_plane_crashes(world)).let_in == 0


async def test_t13_a_rolling_update_fails_no_review(world: World) -> None:
    def roll() -> object:
        return world.install("--set-string", "gate.podAnnotations.rolled=once")

    assert (await rows.upgrade(world, "rolled", roll)).refused == 0


async def test_kinds_that_come_late_are_waited_for(
    programs: KubePrograms,
    postgres: Server,  # noqa: ARG001 skips loudly without one
    tmp_path: Path,
) -> None:
    find_helm()
    async with new_world(tmp_path, programs) as made:
        outcome = await rows.kinds_come_late(made)
    assert outcome.let_in == 0, outcome.note
    assert outcome.note.startswith("0 containers ended meanwhile")
