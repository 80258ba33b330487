"""`python -m tidegate.scan`: the scan worker as a process."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Coroutine, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import structlog
from prometheus_client import generate_latest

from tidegate.domain.errors import (
    ConfigurationError,
    InputError,
    MissingSettingError,
    TidegateError,
)
from tidegate.evidence.trust_file import TrustFile
from tidegate.hubclient.client import HubClient
from tidegate.net.metrics_port import metrics_port
from tidegate.plugins import load_formats
from tidegate.process import announce, configure_logs
from tidegate.scan.feed import FeedOptions, FeedWriter
from tidegate.scan.feed_compact import Compactor, CompactorOptions
from tidegate.scan.feed_fill import Filler
from tidegate.scan.foreign import Borrowing
from tidegate.scan.key_source import load_signing_key, read_passphrase
from tidegate.scan.presence import Presence
from tidegate.scan.registries import ScanRegistries
from tidegate.scan.scanner import load_scanner
from tidegate.scan.settings import ScanSettings, read_settings
from tidegate.scan.watch import Watcher
from tidegate.scan.worker import Worker
from tidegate.trust.configuration import (
    EvidenceKey,
    TrustConfiguration,
)
from tidegate.trust.keys import SigningKey, fingerprint
from tidegate.trust.sealing import load_or_make_sealing_key

_log = structlog.get_logger()


def main() -> int:
    """Run the worker until SIGTERM or SIGINT; return its exit code."""
    configure_logs()
    try:
        settings = read_settings()
        with _claim(settings):
            asyncio.run(_run(settings))
    except TidegateError as error:
        _log.error("worker.not_started", error=str(error))
        return 2 if isinstance(error, ConfigurationError | InputError) else 3
    return 0


async def _run(settings: ScanSettings) -> None:
    token = _read(settings.token_file).decode(errors="replace").strip()
    key = load_signing_key(settings.key, lambda: _passphrase(settings), os.environ)
    trust = TrustFile(settings.registries_file)
    sealing_key = load_or_make_sealing_key(settings.credentials_key_file)
    formats = load_formats(settings.formats)
    database = settings.scanner_db or settings.data_dir / "scanner-db"
    scanner = load_scanner(settings.scanner, database)
    registries = ScanRegistries(trust, sealing_key, settings.certificates_dir)
    async with (
        HubClient(settings.hub_url, token) as hub,
        aclosing(registries),
        metrics_port(settings.metrics_host, settings.metrics_port, _render_metrics),
    ):
        presence = Presence(hub, settings.name, key, registries, settings.index_file)
        watcher = Watcher(hub, registries, settings.name, settings.heartbeat_s, _now)
        feed = _feed(settings, hub, key, registries)
        worker = Worker(
            hub,
            registries.client,
            scanner,
            key,
            settings,
            _now,
            keys=_named_keys(trust.current(), key, settings.name),
            borrowing=lambda: Borrowing(trust.current().sources, formats),
            on_signed=presence.note_signing,
            feed=None if feed is None else feed[0],
        )
        runs = [presence.run(), registries.follow(hub), watcher.run(), worker.run()]
        if feed is not None:
            runs.append(feed[1].run())
        task = asyncio.create_task(_run_all(runs))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        announce("scan")
        _log.info("worker.ready", name=settings.name, concurrency=settings.concurrency)
        with contextlib.suppress(asyncio.CancelledError):
            await task
    _log.info("worker.stopped")


async def _run_all(runs: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(run)


def _feed(
    settings: ScanSettings, hub: HubClient, key: SigningKey, registries: ScanRegistries
) -> tuple[FeedWriter, Compactor] | None:
    """Return what appends to the key's chain and what compacts it; None: there is to be no feed."""
    if not settings.feed_audience:
        return None
    options = FeedOptions(settings.feed_audience, settings.feed_seen_file)
    writer = FeedWriter(hub, key, options, _now)
    filler = Filler(hub, registries.client, writer, _now)
    of_worker = CompactorOptions(settings.name, settings.feed_audience, settings.feed_dir)
    return writer, Compactor(hub, key, writer, filler, of_worker, _now)


async def _render_metrics() -> bytes:
    return generate_latest()


def _now() -> datetime:
    return datetime.now(UTC)


def _passphrase(settings: ScanSettings) -> str:
    return read_passphrase(
        settings.key_passphrase_file,
        settings.key_passphrase,
        "TIDEGATE_SCAN_KEY_PASSPHRASE_FILE, or TIDEGATE_SCAN_KEY_PASSPHRASE",
    )


def _named_keys(trust: TrustConfiguration, own: SigningKey, name: str) -> tuple[EvidenceKey, ...]:
    """Return the keys of the trust file, and our own where it does not name it."""
    if any(key.fingerprint == fingerprint(own) for key in trust.keys):
        return trust.keys
    return (*trust.keys, EvidenceKey(name, own.public_key(), fingerprint(own)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingSettingError(f"{path}: cannot be read: {error.strerror}") from error


def _claim(settings: ScanSettings) -> IO[bytes]:
    """Make the work folder ours alone, as long as the file returned is open, and empty it.

    Raises:
        ConfigurationError: another worker has it.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = (settings.data_dir / "scan.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ConfigurationError(
            f"{settings.data_dir}: another scan worker uses this folder; give each its own, or "
            "raise TIDEGATE_SCAN_CONCURRENCY"
        ) from error
    shutil.rmtree(settings.work_dir, ignore_errors=True)
    settings.work_dir.mkdir(mode=0o700)
    return lock


if __name__ == "__main__":
    sys.exit(main())
