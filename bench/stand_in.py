"""AWS in this process: botocore's own clients, answered before anything would be sent.

So everything that costs the functions CPU is real (parameters checked, requests built, signed,
answers parsed) but the socket, TLS and the wait: each call waits a fixed time instead. The
stand-in's own CPU is counted apart and taken off the figures.
"""

import io
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bench.dynamodb import ServiceError, Tables, encode

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

AWS_SECONDS = 0.010
PROVIDER_SECONDS = 0.050

_PROVIDERS = ("sesv2", "pinpoint-sms-voice-v2", "socialmessaging")
# Where an answer to a send has the provider's message id.
_ANSWER_KEYS = {
    "SendEmail": "MessageId",
    "SendTextMessage": "MessageId",
    "SendWhatsAppMessage": "messageId",
}


class StandIn:
    """Answers every call of every botocore client made after `install`."""

    def __init__(
        self, aws_seconds: float = AWS_SECONDS, provider_seconds: float = PROVIDER_SECONDS
    ) -> None:
        self.aws_seconds = aws_seconds
        self.provider_seconds = provider_seconds
        self.tables = Tables()
        self.calls: Counter[str] = Counter()
        self.cpu_seconds = 0.0
        # What queue messages were sent, by the last part of the queue's URL.
        self.queued: Counter[str] = Counter()
        self.stream_bytes = 0
        self.stream_records = 0
        self._sends = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        """Answer all clients of this process from now on."""
        # Here and not above: a cold start is measured without what the stand-in needs.
        from botocore import handlers  # noqa: PLC0415

        handlers.BUILTIN_HANDLERS.append(("before-send", self._answer))

    def use(self, tables: Tables) -> None:
        """Exchange the tables, and count from zero."""
        self.tables = tables
        self.calls = Counter()
        self.queued = Counter()
        self.cpu_seconds = 0.0
        self.stream_bytes = self.stream_records = 0

    def _answer(self, request: "AWSPreparedRequest", event_name: str, **_: object) -> "AWSResponse":
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415

        service, operation = event_name.removeprefix("before-send.").split(".")
        latency = self.provider_seconds if service in _PROVIDERS else self.aws_seconds
        due, started = time.perf_counter() + latency, time.thread_time()
        status = 200
        with self._lock:
            self.calls[f"{service}.{operation}"] += 1
            try:
                content = encode(self._carry_out(service, operation, request))
            except ServiceError as error:
                status = 400
                content = encode({"__type": error.code, "message": error.code, **error.more})
            self.cpu_seconds += time.thread_time() - started
        headers = {"x-amzn-requestid": "0", "content-length": str(len(content))}
        response = AWSResponse(request.url, status, headers, _Raw(content))  # type: ignore[arg-type]
        # What the stand-in took is part of the time that the call takes.
        time.sleep(max(0.0, due - time.perf_counter()))
        return response

    def _carry_out(
        self, service: str, operation: str, request: "AWSPreparedRequest"
    ) -> dict[str, Any]:
        if service == "dynamodb":
            return self.tables.answer(operation, _body(request))
        if service in _PROVIDERS:
            self._sends += 1
            return {_ANSWER_KEYS[operation]: f"{service}-{self._sends:09}"}
        handler: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{operation}")
        return handler(_body(request))

    def _SendMessage(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  AWS's name
        self.queued[body["QueueUrl"].rpartition("/")[2]] += 1
        return {"MessageId": "0"}

    def _SendMessageBatch(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  AWS's name
        self.queued[body["QueueUrl"].rpartition("/")[2]] += len(body["Entries"])
        return {
            "Successful": [{"Id": entry["Id"], "MessageId": "0"} for entry in body["Entries"]],
            "Failed": [],
        }

    def _PutRecords(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  AWS's name
        self.stream_records += len(body["Records"])
        # Base64 on the wire, bytes on the stream.
        self.stream_bytes += sum(len(record["Data"]) * 3 // 4 for record in body["Records"])
        return {
            "FailedRecordCount": 0,
            "Records": [{"SequenceNumber": "1", "ShardId": "0"} for _ in body["Records"]],
        }


def _body(request: "AWSPreparedRequest") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.body)  # type: ignore[arg-type]
    return body


class _Raw(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield everything at once."""
        yield self.getvalue()
