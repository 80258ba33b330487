from collections.abc import AsyncIterator

import pytest

from tidegate.testing.evidence_world import EvidenceWorld
from tidegate.testing.memory_registry import MemoryRegistry


@pytest.fixture(params=["api", "tag"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[EvidenceWorld]:
    """A world on a registry with the referrers API, and on one with the fallback tag."""
    world = EvidenceWorld(MemoryRegistry(has_referrers_api=request.param == "api"))
    yield world
    await world.gatherer.aclose()
