"""The simulator's HTTP server: three AWS services on one loopback port, and a window into them."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Self

import uvicorn
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.origin_guard import OriginGuard
from local.simulator.provider import ConnectionDroppedError, Provider, Site
from local.simulator.publisher import Faults, Publisher
from local.simulator.ses import SesProvider
from local.simulator.sms import SmsProvider
from local.simulator.whatsapp import WhatsAppProvider
from local.simulator.wire import Answer, Request, ServiceError

_START_SECONDS = 10


class ProviderSimulator:
    """SES v2, SMS and WhatsApp on a free loopback port, for boto3 clients; a context manager.

    Events go to the SNS endpoint, to the topics of the event destinations created here.
    `time_scale` stretches every delay of the recipients' scripts. `faults` are for soak tests.
    `echoes_callback_data`: whether WhatsApp statuses repeat `biz_opaque_callback_data`.
    """

    def __init__(
        self,
        sns_endpoint_url: str,
        region: str = "us-east-1",
        account_id: str = "000000000000",
        *,
        time_scale: float = 1.0,
        echoes_callback_data: bool = True,
        faults: Faults | None = None,
    ) -> None:
        publisher = Publisher(
            sns_endpoint_url, region, account_id, time_scale=time_scale, faults=faults
        )
        self._site = Site(region, account_id, publisher)
        self._providers: list[Provider] = [
            SesProvider(self._site),
            SmsProvider(self._site),
            WhatsAppProvider(self._site, echoes_callback_data=echoes_callback_data),
        ]
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(
            OriginGuard(self._application, port),
            interface="asgi3",
            http=_Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        """The base URL, for the three `AWS_ENDPOINT_URL_...` variables."""
        return self._url

    def start(self) -> None:
        """Start the server; it answers when this returns."""
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("The provider simulator did not start.")

    def stop(self) -> None:
        """Stop the server and drop the events that have not happened yet."""
        self._server.should_exit = True
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        # The socket listens already: a client that comes now waits in its backlog.
        asyncio.get_running_loop().call_soon(self._ready.set)
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._site.publisher.stop()

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        try:
            response = await self._respond(http)
        except ConnectionDroppedError:
            http.state.transport.abort()
            await receive()  # until the connection is gone
            return
        await response(scope, receive, send)

    async def _respond(self, http: HttpRequest) -> Response:
        window = self._windows.get((http.method, http.url.path))
        if window is not None:
            return JSONResponse(window())
        if (http.method, http.url.path) == ("POST", "/events"):
            return await self._publish(await http.body())
        request = Request(
            method=http.method,
            path=http.scope["raw_path"].decode(),
            query=http.scope["query_string"].decode(),
            headers=dict(http.headers),
            body=await http.body(),
        )
        for provider in self._providers:
            operation = provider.wire.operation_of(request)
            if operation is None:
                continue
            if operation.name not in provider.operations:
                message = f"The simulator does not know {operation.name}."
                return JSONResponse({"__type": "NotSimulated", "message": message}, 501)
            answer = await _answer(provider, operation, request)
            return Response(answer.body, answer.status, dict(answer.headers))
        return JSONResponse({"__type": "UnknownOperationException"}, 404)

    @property
    def _windows(self) -> dict[tuple[str, str], Callable[[], Any]]:
        return {
            ("GET", "/healthz"): lambda: {"status": "ok"},
            ("GET", "/outbox"): self._outbox,
            ("DELETE", "/outbox"): self._clear_outbox,
            ("GET", "/events"): self._events,
        }

    def _outbox(self) -> dict[str, Any]:
        return {"messages": [entry.document() for entry in self._site.outbox]}

    def _clear_outbox(self) -> dict[str, Any]:
        self._site.outbox.clear()
        return self._outbox()

    def _events(self) -> dict[str, Any]:
        return {"events": [asdict(event) for event in self._site.publisher.published]}

    async def _publish(self, body: bytes) -> Response:
        """Publish an event that no send leads to, to the topics of the provider's destinations."""
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        providers = {provider.name: provider for provider in self._providers}
        if not isinstance(given, dict) or given.keys() != {"provider", "event"}:
            return JSONResponse({"message": "The body must have provider and event."}, 400)
        provider, event = providers.get(str(given["provider"])), given["event"]
        if provider is None:
            message = f"provider must be one of {', '.join(providers)}."
            return JSONResponse({"message": message}, 400)
        if not isinstance(event, dict | str):
            return JSONResponse({"message": "event must be an object or a text."}, 400)
        topics = provider.topics_for(event if isinstance(event, dict) else {})
        try:
            published = await self._site.publisher.publish_given(event, topics)
        except (BotoCoreError, ClientError) as error:
            return JSONResponse({"message": f"SNS did not take the event: {error}"}, 502)
        return JSONResponse({"topics": published})


async def _answer(provider: Provider, operation: OperationModel, request: Request) -> Answer:
    try:
        params, faults = provider.wire.read(operation, request)
        faults = [fault for fault in faults if not provider.tolerates(fault, params)]
        if faults:
            raise provider.invalid(faults)
        result = await provider.operations[operation.name](params)
    except ServiceError as error:
        return provider.wire.refuse(error)
    return provider.wire.answer(result)


class _Protocol(H11Protocol):
    """Gives the application the connection, which it must be able to drop without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
