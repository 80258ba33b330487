"""The registry as a process: settings to a listening socket, and a clean end at SIGTERM."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
import uvicorn
import uvloop

from tidegate.domain.errors import ConfigurationError
from tidegate.registry.app import Pages, Parts, Registry
from tidegate.registry.auth import Users
from tidegate.registry.notify import Notifier, Receiver
from tidegate.registry.push import PushRules
from tidegate.registry.settings import Settings
from tidegate.registry.store import Store, open_store

_SWEEP_EVERY_S = 3600
_GRACE_S = 3
"""For requests under way at SIGTERM; the whole end takes less than 5 s."""

_log = structlog.get_logger("tidegate.registry")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the settings cannot work.
    """
    _configure_logs(settings.log_level)
    # uvicorn raises the signal again after a clean end; this keeps the exit code 0.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _signal, _frame: None)
    with open_store(settings.data_dir) as store, closing(_listen(settings)) as listener:
        uvloop.run(_serve(settings, store, listener))


async def _serve(settings: Settings, store: Store, listener: socket.socket) -> None:
    url = _base_url(settings, listener)
    _sweep(store, settings.upload_ttl_s)
    orphans = store.remove_orphans()
    notifier = _notifier(settings, store)
    users = (
        Users(settings.users_file, anonymous_pull=settings.anonymous_pull)
        if settings.users_file is not None
        else None
    )
    rules = PushRules(
        settings.max_blob_bytes,
        settings.max_manifest_bytes,
        notifies=notifier is not None,
        public_url=settings.public_url or url,
    )
    pages = Pages(settings.referrers_page, settings.list_page)
    app = Registry(Parts(store, rules, pages, _now, users, notifier))
    server = _Server(_config(settings, app), lambda: _announce(url))
    _log.info("starting", url=url, data_dir=str(settings.data_dir), orphans_removed=orphans)
    async with _background(settings, store, notifier):
        await server.serve([listener])


class _Server(uvicorn.Server):
    """uvicorn's server that says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def _config(settings: Settings, app: Registry) -> uvicorn.Config:
    try:
        config = uvicorn.Config(
            app,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ssl_certfile=settings.tls_cert_file,
            ssl_keyfile=settings.tls_key_file,
            timeout_graceful_shutdown=_GRACE_S,
        )
        config.load()
    except OSError as error:  # also ssl.SSLError
        raise ConfigurationError(
            f"{settings.tls_cert_file} with {settings.tls_key_file}: no usable pair: {error}"
        ) from error
    return config


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(
            f"{settings.host}:{settings.port}: cannot listen there: {error}"
        ) from error


def _base_url(settings: Settings, listener: socket.socket) -> str:
    scheme = "https" if settings.tls_cert_file else "http"
    # By this name stock clients speak plain HTTP and the demo certificate is valid.
    local = {"127.0.0.1", "::1", "0.0.0.0", "::", "localhost"}  # noqa: S104  compared, not bound
    host = "localhost" if settings.host in local else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _announce(url: str) -> None:
    sys.stdout.write(msgspec.json.encode({"part": "registry", "url": url}).decode() + "\n")
    sys.stdout.flush()


def _notifier(settings: Settings, store: Store) -> Notifier | None:
    if not settings.notify_url:
        return None
    receiver = Receiver(settings.notify_url, settings.notify_token_file, settings.notify_ca_file)
    return Notifier(store, receiver)


@asynccontextmanager
async def _background(
    settings: Settings, store: Store, notifier: Notifier | None
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_sweep_hourly(store, settings.upload_ttl_s))]
        if notifier is not None:
            tasks.append(group.create_task(notifier.run()))
        yield
        for task in tasks:
            task.cancel()


async def _sweep_hourly(store: Store, upload_ttl_s: int) -> None:
    while True:
        await asyncio.sleep(_SWEEP_EVERY_S)
        _sweep(store, upload_ttl_s)


def _sweep(store: Store, upload_ttl_s: int) -> None:
    removed = store.uploads.remove_older_than(
        (_now() - timedelta(seconds=upload_ttl_s)).timestamp()
    )
    if removed:
        _log.info("abandoned uploads removed", count=removed)


def _now() -> datetime:
    return datetime.now(UTC)


def _configure_logs(level: str) -> None:
    """Send every log line, uvicorn's too, as JSON to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("uvicorn", "httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
