import json
from collections.abc import Callable

import pytest

RecordMaker = Callable[..., bytes]


@pytest.fixture
def record() -> RecordMaker:
    def make(identifier: str = "GHSA-aaaa-bbbb-cccc", **fields: object) -> bytes:
        body: dict[str, object] = {
            "id": identifier,
            "modified": "2024-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "example"},
                    "ranges": [
                        {
                            "type": "ECOSYSTEM",
                            "events": [{"introduced": "0"}, {"fixed": "2.0"}],
                        }
                    ],
                }
            ],
        }
        return json.dumps({**body, **fields}).encode()

    return make
