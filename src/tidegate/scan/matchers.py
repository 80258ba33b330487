"""Many packages matched on all cores: comparing versions is work for a CPU, not waiting."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.opinions import KeptAdvisories, opinion_of
from tidegate.advisories.package import Package
from tidegate.wire.rematch_v1 import DistinctPackageV1, SaidV1

MIN_SHARE = 500
"""Packages below which another process costs more than it saves."""


def judge_packages(index_file: Path, packages: Sequence[DistinctPackageV1]) -> list[SaidV1]:
    """Return what the advisories in a file say of each package.

    Raises:
        InvalidAdvisoryError: the file is no index.
    """
    with AdvisoryIndex.open(index_file) as index:
        kept = KeptAdvisories(with_demo_set(index))
        return [SaidV1(each.id, opinion_of(_package(each), kept)) for each in packages]


_log = structlog.get_logger()


class Matchers:
    """Processes that match; started when first needed, ended with the block."""

    def __init__(self, index_file: Path, count: int) -> None:
        self._index_file, self._count = index_file, count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def judge(self, packages: Sequence[DistinctPackageV1]) -> list[SaidV1]:
        """Return what advisories say of each package.

        Raises:
            InvalidAdvisoryError: the file is no index.
        """
        shares = min(self._count, len(packages) // MIN_SHARE)
        if shares < 2:
            return judge_packages(self._index_file, packages)
        if self._pool is None:
            # A fresh interpreter: threads of this one may hold locks that a fork would copy.
            self._pool = ProcessPoolExecutor(self._count, mp_context=get_context("spawn"))
        # Neighbours have one name, whose advisories are read once.
        size = -(-len(packages) // shares)
        parts = [packages[start : start + size] for start in range(0, len(packages), size)]
        try:
            futures = [self._pool.submit(judge_packages, self._index_file, part) for part in parts]
            return [said for future in futures for said in future.result()]
        except BrokenProcessPool:
            # One was killed, most likely for memory: slower, but it gets done.
            _log.warning("matchers.killed", count=self._count)
            self._pool, self._count = None, 1
            return judge_packages(self._index_file, packages)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _package(distinct: DistinctPackageV1) -> Package:
    return Package(
        ecosystem=distinct.ecosystem,
        name=distinct.name,
        version=distinct.version,
        purl="",
        module=distinct.module,
    )
