"""A bare TLS echo to measure the gate against: uvicorn as the gate sets it up, and nothing else.

It reads the body and answers a constant. `echo.py CERTIFICATE KEY` serves until it is ended.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidegate.gate.app import Receive, Send
from tidegate.gate.tls import Certificate, TlsFiles

ANSWER = (
    b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":'
    b'"00000000-0000-0000-0000-000000000000","allowed":true}}'
)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def app(_scope: dict[str, Any], receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


class Listener(uvicorn.Server):
    """Listens with the gate's own TLS settings."""

    def __init__(self, files: TlsFiles) -> None:
        super().__init__(
            uvicorn.Config(
                app,
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
        self._context = Certificate(files).context

    async def startup(self, sockets: object = None) -> None:  # noqa: ARG002 uvicorn's signature
        def connection() -> asyncio.Protocol:
            return HttpToolsProtocol(
                config=self.config, server_state=self.server_state, app_state={}
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection, "127.0.0.1", 0, ssl=self._context)
        self.servers = [server]
        self.started = True
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"part": "echo", "url": f"https://127.0.0.1:{port}"}), flush=True)


def main() -> None:
    certificate, key = map(Path, sys.argv[1:])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Listener(TlsFiles(certificate, key)).serve())


if __name__ == "__main__":
    main()
