"""Request bodies: one unambiguous JSON text, of exactly the type that its handler takes.

The framework would take the last of two equal keys, and `"5"` for 5: then the hub and whoever
checked the body before it could have read two different things (THREATS row 17).
"""

import asyncio
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from tidegate.wire.strict_json import NotStrictError, require_strict_json

LARGE_BODY_BYTES = 256 * 1024
"""From this size on a body is read in a thread: it takes longer than about 5 ms."""


class StrictRequest(Request[Any, Any, Any]):
    """The framework's request, with another reading of JSON."""

    async def json(self) -> Any:  # noqa: ANN401  # the type that the handler's `data` has
        """Return the body as the handler's type.

        Raises:
            ValidationException: no strict JSON, or not of that type; says where.
        """
        body = await self.body()
        field = self.route_handler.parsed_data_field
        wanted = Any if field is None else field.annotation
        if len(body) < LARGE_BODY_BYTES:
            return _read(body, wanted)
        return await asyncio.to_thread(_read, body, wanted)


def _read(body: bytes, wanted: Any) -> Any:  # noqa: ANN401  # as above
    try:
        require_strict_json(body)
        return _decoder(wanted).decode(body)
    except (NotStrictError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValidationException(extra=[{"message": str(error)}]) from error


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401  # as above
    return msgspec.json.Decoder(wanted)
