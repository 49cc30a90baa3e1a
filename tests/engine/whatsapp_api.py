"""The two services that the dynamic provider calls: STS, and event destinations of WhatsApp."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.engine.account import ACCOUNT_ID

__all__ = ["WhatsAppApi", "served"]

_IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT_ID}:user/deployer</Arn><UserId>deployer</UserId>
<Account>{ACCOUNT_ID}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class WhatsAppApi(ThreadingHTTPServer):
    """One linked WhatsApp Business Account; `destinations` are its event destinations."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.destinations: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: WhatsAppApi

    def do_POST(self) -> None:
        self._body()
        self._answer(_IDENTITY, "text/xml")

    def do_GET(self) -> None:
        destinations = [{"eventDestinationArn": arn} for arn in self.server.destinations]
        self._answer(json.dumps({"account": {"eventDestinations": destinations}}))

    def do_PUT(self) -> None:
        given = json.loads(self._body())["eventDestinations"]
        self.server.destinations = [each["eventDestinationArn"] for each in given]
        self._answer("{}")

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at `destinations`."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, text: str, content_type: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def served() -> Iterator[WhatsAppApi]:
    """Serve the two on a port of the loopback."""
    api = WhatsAppApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()
