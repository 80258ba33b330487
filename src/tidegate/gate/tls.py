"""The serving certificate: loaded, checked, replaced without dropping a call.

A pair that does not fit breaks the context that it is loaded into, so every pair is tried in a
context of its own first (seen with OpenSSL 3). Kubelet replaces mounted secrets by swapping a
symbolic link: files are compared by what the paths resolve to.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from tidegate.domain.errors import ConfigurationError

SOON = timedelta(days=7)
"""Left of a certificate when it is time to warn: who renews at two thirds is late by then."""

RELOAD_INTERVAL_S = 1.0
"""How often the files are compared; a stat of two files."""

log = structlog.get_logger(__name__)

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of what TLS needs."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """Certificate authority of the API server's client certificate; None: callers need none."""


class Certificate:
    """The context that the server uses, kept up to date with its files."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamp = self._read_stamp()
        self.begins_at, self.expires_at = _load_pair(_new_context(), files)
        self.context = _new_context()
        _load_pair(self.context, files)
        if files.client_ca is not None:
            self._trust_clients_of(files.client_ca)

    def reload_if_changed(self) -> bool:
        """Load new files into the live context; False where nothing changed or they do not fit.

        Connections that are open go on; the next handshake has the new certificate.
        """
        try:
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return False
            self.begins_at, self.expires_at = _load_pair(_new_context(), self._files)
            _load_pair(self.context, self._files)
        except ConfigurationError as error:
            log.warning(
                "the new certificate is not used, the last good one stays", error=str(error)
            )
            return False
        self._stamp = stamp
        log.info("serving a new certificate", expires_at=self.expires_at.isoformat())
        return True

    def problems(self, now: datetime) -> tuple[str, ...]:
        """Return why callers will not trust the certificate at `now`; empty where they will."""
        if now >= self.expires_at:
            return (f"the serving certificate ended at {self.expires_at.isoformat()}; renew it",)
        return ()

    def warnings(self, now: datetime) -> tuple[str, ...]:
        """Return what of the certificate will be wrong soon, or may be for callers."""
        if now < self.begins_at:
            begins = self.begins_at.isoformat()
            return (f"the serving certificate begins at {begins}, by this gate's clock later",)
        left = self.expires_at - now
        if timedelta() < left < SOON:
            when = self.expires_at.isoformat()
            return (f"the serving certificate ends at {when}, in {left.days} days; renew it",)
        return ()

    def _trust_clients_of(self, authority: Path) -> None:
        """Ask for a client certificate; probes have none, so the app requires it for reviews."""
        try:
            self.context.load_verify_locations(cafile=authority)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"TIDEGATE_GATE_CLIENT_CA_FILE {authority}: {error}; want PEM certificates"
            ) from error
        self.context.verify_mode = ssl.CERT_OPTIONAL

    def _read_stamp(self) -> _Stamp:
        stamps = []
        for path in (self._files.certificate, self._files.key):
            try:
                real = path.resolve(strict=True)
                stat = real.stat()
            except OSError as error:
                raise ConfigurationError(f"TLS file {path}: {error}; want a PEM file") from error
            stamps.append((str(real), stat.st_mtime_ns, stat.st_ino, stat.st_size))
        return tuple(stamps)


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_pair(context: ssl.SSLContext, files: TlsFiles) -> tuple[datetime, datetime]:
    """Load certificate and key into `context`; return when it begins and when it ends, UTC."""
    from cryptography import x509  # noqa: PLC0415 8 MiB that only a server with TLS needs

    try:
        context.load_cert_chain(files.certificate, files.key)
        leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"certificate {files.certificate} with key {files.key}: {error}; want a PEM "
            "certificate chain and the private key of its first certificate"
        ) from error
    return leaf.not_valid_before_utc, leaf.not_valid_after_utc
