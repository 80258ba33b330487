"""The feed as the cluster's agent hands it on: pages by long poll, bodies of snapshots as octets.

`GET /v1/feed?after=&wait=` and `GET /v1/feed/snapshots/{id}`. Sizes are capped here; who signed
what is looked at by `feed`.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from tidegate.domain.errors import HubUnavailableError
from tidegate.wire.feed_http_v1 import (
    MAX_ANSWER_CHARS,
    MAX_ENVELOPE_CHARS,
    MAX_WAIT_S,
    FeedPageV1,
)

if TYPE_CHECKING:
    import httpx2

MAX_PAGE_BYTES = MAX_ANSWER_CHARS + 2 * MAX_ENVELOPE_CHARS
"""Envelopes of a full answer and one that is alone longer; quotes in JSON count twice."""

READ_TIMEOUT_S = 15.0
"""For the next bytes of an answer, beyond the time that the agent was told to wait."""


def _held_bytes(target: Path, size: int) -> int:
    """Return how much of a body is here; what is larger than it can be is none of it."""
    if target.is_file() and target.stat().st_size <= size:
        return target.stat().st_size
    target.unlink(missing_ok=True)
    return 0


_PAGES = msgspec.json.Decoder(FeedPageV1)


class FeedLink:
    """The agent at `url`; the token is read at each request, so it may be replaced."""

    def __init__(self, url: str, token_file: Path | None) -> None:
        self._base = f"{url.rstrip('/')}/v1/feed"
        self._token_file = token_file
        self._client: httpx2.AsyncClient | None = None

    async def page(self, after: str, wait_s: float = MAX_WAIT_S) -> FeedPageV1:
        """Return what came after the cursor `after`, at the latest after `wait_s` seconds.

        Raises:
            HubUnavailableError: the agent did not answer, or not with a page.
        """
        import httpx2  # noqa: PLC0415 12 MiB that a gate without an agent does not need

        answer = bytearray()
        try:
            async with self._connected().stream(
                "GET",
                self._base,
                params={"after": after, "wait": f"{wait_s:g}"},
                headers=self._headers(),
                timeout=httpx2.Timeout(READ_TIMEOUT_S, read=wait_s + READ_TIMEOUT_S),
            ) as response:
                async for chunk in response.aiter_raw():
                    answer += chunk
                    if len(answer) > MAX_PAGE_BYTES:
                        raise HubUnavailableError(
                            f"agent at {self._base}: more than {MAX_PAGE_BYTES} bytes"
                        )
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailableError(f"agent at {self._base}: {error!r}") from error
        if response.status_code != 200:
            raise HubUnavailableError(f"agent at {self._base}: {response.status_code}, want 200")
        try:
            return _PAGES.decode(answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise HubUnavailableError(f"agent at {self._base}: no page: {error}") from error

    async def fetch(self, snapshot: str, target: Path, size: int) -> None:
        """Write the body of a snapshot to `target`, which may hold its begin already.

        Raises:
            HubUnavailableError: it did not come whole, or is larger than `size` bytes.
            OSError: the disk.
        """
        import httpx2  # noqa: PLC0415 as above

        url = f"{self._base}/snapshots/{quote(snapshot, safe='')}"
        begin = await asyncio.to_thread(_held_bytes, target, size)
        if begin == size:
            return
        headers = self._headers() | ({"range": f"bytes={begin}-"} if begin else {})
        try:
            async with self._connected().stream(
                "GET", url, headers=headers, timeout=READ_TIMEOUT_S
            ) as response:
                if response.status_code not in (200, 206):
                    raise HubUnavailableError(
                        f"agent at {url}: {response.status_code}, want 200 or 206"
                    )
                at = begin if response.status_code == 206 else 0
                with await asyncio.to_thread(target.open, "ab") as file:
                    await asyncio.to_thread(file.truncate, at)
                    async for chunk in response.aiter_raw():
                        at += len(chunk)
                        if at > size:
                            raise HubUnavailableError(f"agent at {url}: more than {size} bytes")
                        await asyncio.to_thread(file.write, chunk)
        except httpx2.HTTPError as error:
            raise HubUnavailableError(f"agent at {url}: {error!r}") from error
        if at < size:
            raise HubUnavailableError(f"agent at {url}: ended after {at} of {size} bytes")

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> "httpx2.AsyncClient":
        import httpx2  # noqa: PLC0415 as above

        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False)
        return self._client

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            token = self._token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise HubUnavailableError(f"the agent token cannot be read: {error!r}") from error
        return {"authorization": f"Bearer {token}"}
