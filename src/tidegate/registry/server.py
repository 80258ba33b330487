"""The registry as a process: settings to a listening socket, and a clean end at SIGTERM."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

import structlog
import uvicorn
import uvloop

from tidegate.domain.errors import ConfigurationError
from tidegate.process import announce, configure_logs, listen
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
    configure_logs(settings.log_level)
    # uvicorn raises the signal again after a clean end; this keeps the exit code 0.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _signal, _frame: None)
    with (
        open_store(settings.data_dir) as store,
        closing(listen(settings.host, settings.port)) as listener,
    ):
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
    server = _Server(_config(settings, app), lambda: announce("registry", url))
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


def _base_url(settings: Settings, listener: socket.socket) -> str:
    scheme = "https" if settings.tls_cert_file else "http"
    # By this name stock clients speak plain HTTP and the demo certificate is valid.
    local = {"127.0.0.1", "::1", "0.0.0.0", "::", "localhost"}  # noqa: S104  compared, not bound
    host = "localhost" if settings.host in local else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


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
