"""Bare TLS echoes to measure the gate against: they read a body and answer a constant.

`echo.py gate CERTIFICATE KEY`: the gate's own HTTP, and nothing behind it; the quickest that this
process model has. `echo.py uvicorn CERTIFICATE KEY`: uvicorn, as the gate used it before, and as
most webhooks in Python do. Both have uvloop, httptools and the gate's TLS settings.
"""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidegate.gate.tls import Certificate, TlsFiles
from tidegate.net.bodies import Bodies
from tidegate.net.connections import Connections
from tidegate.net.http1 import Connection
from tidegate.net.limits import ConnectionLimits
from tidegate.net.messages import Request, Response

ANSWER = (
    b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":'
    b'"00000000-0000-0000-0000-000000000000","allowed":true}}'
)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
RESPONSE = Response(200, ANSWER, b"application/json")
MAX_BODY_BYTES = 8 * 2**20


class App:
    """Answers the gate's own HTTP."""

    def refuse(self, _request: Request) -> None:
        return None

    def answer(self, _request: Request) -> Response:
        return RESPONSE


async def asgi_app(_scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


class Listener(uvicorn.Server):
    """Listens with the gate's own TLS settings."""

    def __init__(self, files: TlsFiles) -> None:
        super().__init__(
            uvicorn.Config(
                asgi_app,
                interface="asgi3",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
        self._files = files

    async def startup(self, sockets: object = None) -> None:  # noqa: ARG002 uvicorn's signature
        def connection() -> asyncio.Protocol:
            return HttpToolsProtocol(
                config=self.config, server_state=self.server_state, app_state={}
            )

        self.servers = [await listen(connection, self._files)]
        self.started = True


async def listen(connection: Any, files: TlsFiles) -> Any:  # noqa: ANN401 uvloop's own types
    context = Certificate(files).context
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context, backlog=2048)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"part": "echo", "url": f"https://127.0.0.1:{port}"}), flush=True)
    return server


async def serve(files: TlsFiles) -> None:
    shared = Connections(App(), ConnectionLimits(), Bodies(MAX_BODY_BYTES))
    await listen(partial(Connection, shared), files)
    await asyncio.Event().wait()


def main() -> None:
    kind, *paths = sys.argv[1:]
    files = TlsFiles(*map(Path, paths))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(files) if kind == "gate" else Listener(files).serve())


if __name__ == "__main__":
    main()
