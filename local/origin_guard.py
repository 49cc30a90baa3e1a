"""Keeps web pages away from the servers of `make local`, which ask nobody for credentials."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FORBIDDEN = 403
_ANSWER_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class OriginGuard:
    """An ASGI application that refuses with 403 what a web page may have sent.

    A page of any origin can make a browser of this machine call a loopback port, and the emulator
    runs the code that it is given. Refused is a request

    - with an `Origin`, which browsers send with every preflight, `fetch` and form post to another
      origin (https://fetch.spec.whatwg.org/#origin-header);
    - with a `Sec-Fetch-Site` that says that a page has led to it: images, scripts and links carry
      no Origin (https://www.w3.org/TR/fetch-metadata/). "none" is an address that a person typed;
    - for another `Host` than 127.0.0.1 and this port: with DNS rebinding a page's own host name
      leads here, and to the browser that is the page's own origin.

    No answer has a CORS header, whatever the application sets. With `serves_pages`, the pages that
    this very server has served may call it.
    """

    def __init__(self, application: ASGIApp, port: int, *, serves_pages: bool = False) -> None:
        self._application = application
        self._host = f"127.0.0.1:{port}"
        self._origins = [f"http://{self._host}"] if serves_pages else []
        self._sites = ["none", "same-origin"] if serves_pages else ["none"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
        elif self._is_allowed(scope["headers"]):
            await self._application(scope, receive, _without_cors(send))
        elif scope["type"] == "websocket":
            # Before it is accepted: the servers make a 403 of it.
            await send({"type": "websocket.close"})
        else:
            await self._refuse(send)

    def _is_allowed(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        def values(name: bytes) -> list[str]:
            return [value.decode("latin-1") for key, value in headers if key.lower() == name]

        return (
            values(b"host") == [self._host]
            and all(origin in self._origins for origin in values(b"origin"))
            and all(site in self._sites for site in values(b"sec-fetch-site"))
        )

    async def _refuse(self, send: Send) -> None:
        text = f"Only programs of this machine may call http://{self._host}, and no web page.\n"
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": _FORBIDDEN, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})


def _without_cors(send: Send) -> Send:
    async def send_without(message: Message) -> None:
        if message["type"] in _ANSWER_STARTS:
            headers = [
                (name, value)
                for name, value in message.get("headers", [])
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return send_without
