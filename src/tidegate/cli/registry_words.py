"""What people read about registries: what a test said, and how looking through one goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from tidegate.cli.moments import short_moment
from tidegate.trust.configuration import TrustedRegistry
from tidegate.wire.hub_data_v1 import RegistryV1
from tidegate.wire.registries_v1 import RegistryRecordV1, RegistryTestV1

NO_API = (
    "Warning: without the referrers API, whoever may push there can hide findings; see "
    "docs/reference/registries.md"
)
_YES = {"yes": "yes", "no": "no", "": "not tried"}


def test_lines(test: RegistryTestV1) -> Iterator[str]:
    """Yield what a test found out, a line each."""
    if not test.reachable:
        yield f"does not work: {test.error}"
        return
    yield "answers and takes the credentials"
    yield f"referrers: by the {'API' if test.referrers == 'api' else 'fallback tag'}"
    yield f"repositories listed: {'yes' if test.catalogue else 'no'}"
    yield f"findings can be attached: {_YES[test.push]}"
    yield f"old reports can be deleted: {_YES[test.delete] if test.delete else 'it does not say'}"


def record_lines(record: RegistryRecordV1) -> Iterator[str]:
    """Yield all about a registry that is configured in the hub."""
    connection, polling, poll = record.connection, record.polling, record.poll
    yield f"host:         {record.host}"
    yield f"url:          {connection.url or f'https://{record.host}'}"
    yield f"private:      {'allowed' if connection.allow_private else 'refused'}"
    yield f"aliases:      {', '.join(connection.aliases) or 'none'}"
    keys = len(record.credentials_for)
    yield f"credentials:  {f'sealed for {keys} worker keys' if keys else 'none in the hub'}"
    yield f"changed:      {short_moment(record.updated_at)} by {record.updated_by}"
    if record.test is not None:
        yield f"tested:       {short_moment(record.test.checked_at)} by {record.test.worker}"
        yield from (f"              {line}" for line in test_lines(record.test))
    elif record.testing:
        yield "tested:       a worker was asked to"
    if not polling.enabled:
        yield "looked at:    no; it tells of pushes itself, or is scanned on request"
        return
    where = f"{len(polling.repositories)} repositories" if polling.repositories else "catalogue"
    yield (
        f"looked at:    {where}, every {polling.interval_s} s, at most "
        f"{polling.requests_per_minute} requests a minute"
    )
    yield f"last whole:   {short_moment(poll.last_complete_at) or 'never'}"
    yield f"now:          {f'{poll.worker} is looking' if poll.worker else 'waiting'}"
    yield f"next:         {short_moment(poll.next_at)}"
    yield f"tags:         {poll.tags}, of which new: {poll.found}"
    if poll.error:
        yield f"problem:      {poll.error} ({poll.failures} times in a row)"


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A registry as a list shows it: by the trust configuration here, and by the hub."""

    host: str
    local: TrustedRegistry | None
    known: RegistryV1 | None

    HEADER: ClassVar = (
        "HOST", "TLS", "PRIVATE ADDRESSES", "CREDENTIALS", "REFERRERS", "LOOKED AT", "PROBLEM",
    )  # fmt: skip

    def cells(self) -> tuple[str, ...]:
        """Return the row of a table."""
        return (
            self.host,
            "no" if self._plain_http else "yes",
            "allowed" if self._allow_private else "refused",
            self._credentials or "none",
            self._referrers,
            self._looked_at,
            self._problem,
        )

    def data(self) -> dict[str, Any]:
        """Return what programs read."""
        return {
            "host": self.host,
            "plainHttp": self._plain_http,
            "allowPrivate": self._allow_private,
            "credentials": bool(self._credentials),
            "local": self.local is not None,
            "hub": self.known,
        }

    @property
    def _record(self) -> RegistryRecordV1 | None:
        return self.known.configured if self.known is not None else None

    @property
    def _plain_http(self) -> bool:
        if self.local is not None:
            return self.local.plain_http
        return self._record is not None and self._record.connection.url.startswith("http://")

    @property
    def _allow_private(self) -> bool:
        if self.local is not None:
            return self.local.allow_private
        return self._record is not None and self._record.connection.allow_private

    @property
    def _credentials(self) -> str:
        if self.local is not None and (self.local.username_file or self.local.docker_config_file):
            return self.local.username_file or self.local.docker_config_file
        if self.local is not None and self.local.identity is not None:
            return "by a cloud's identity"
        return "sealed in the hub" if self._record and self._record.credentials_for else ""

    @property
    def _referrers(self) -> str:
        test = self._record.test if self._record is not None else None
        return {"api": "API", "tag": "fallback tag"}.get(test.referrers if test else "", "")

    @property
    def _looked_at(self) -> str:
        if self._record is None or not self._record.polling.enabled:
            return ""
        return short_moment(self._record.poll.last_complete_at) or "not yet"

    @property
    def _problem(self) -> str:
        record = self._record
        if record is not None and record.test is not None and not record.test.reachable:
            return "its test failed"
        if record is not None and record.poll.failures:
            return "looking through it fails"
        access = self.known.access if self.known is not None else ""
        words = {"Off": "registry access is off", "NotConfigured": "no worker may contact it"}
        return words.get(access, "")
