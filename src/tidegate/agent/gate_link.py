"""The agent's questions to the gate: what would be decided now about a workload that runs."""

import ssl
from pathlib import Path

import httpx2
import msgspec

from tidegate.domain.errors import InputError, UnavailableError
from tidegate.wire.event_v1 import AdmissionEventV1

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 * 2**20
"""An event is cut to 1 MiB by the gate."""

_ANSWER: msgspec.json.Decoder[AdmissionEventV1 | None] = msgspec.json.Decoder(
    AdmissionEventV1 | None
)


class GateLink:
    """The gates behind `url`; token and authority are read anew for each connection that fails."""

    def __init__(self, url: str, ca_file: Path | None, token_file: Path) -> None:
        self._url = f"{url.rstrip('/')}/rejudge?timeout={TIMEOUT_S:g}s"
        self._ca_file = ca_file
        self._token_file = token_file
        self._client: httpx2.AsyncClient | None = None

    async def rejudge(self, review: bytes) -> AdmissionEventV1 | None:
        """Return the verdict about the workload in `review` as an event; None: not judged.

        Raises:
            InputError: the gate refuses this review for good.
            UnavailableError: it did not answer, or could not decide.
        """
        try:
            client = self._client = self._client or self._connect()
            token = self._token_file.read_text("utf-8").strip()
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            async with client.stream("POST", self._url, content=review, headers=headers) as answer:
                body = await _read(answer)
        except (httpx2.HTTPError, OSError, UnicodeDecodeError) as error:
            await self.aclose()
            raise UnavailableError(f"gate at {self._url}: {error!r}") from error
        said = body[:500].decode(errors="replace").strip()
        if answer.status_code in (400, 413):
            raise InputError(f"gate at {self._url}: {answer.status_code}: {said}")
        if answer.status_code != httpx2.codes.OK:
            raise UnavailableError(f"gate at {self._url}: {answer.status_code}: {said}")
        try:
            return _ANSWER.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UnavailableError(f"gate at {self._url}: no verdict: {error}") from error

    async def aclose(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connect(self) -> httpx2.AsyncClient:
        context = ssl.create_default_context(cafile=self._ca_file)
        return httpx2.AsyncClient(verify=context, timeout=TIMEOUT_S, trust_env=False)


async def _read(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise UnavailableError(f"gate: an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)
