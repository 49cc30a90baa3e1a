"""The deployed functions in a world of queues, a stream, providers, a clock, and faults.

Time is virtual. Queues redeliver what a crashed invocation has not finished after the visibility
timeout, and give up on it after five receives; the stream delivers again from its checkpoint.
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from runtime import accepting, batches, clients, clock, sending, store
from runtime.handlers import (
    _sender,
    message_api,
    normalize_events,
    relay_events,
    send_fallback,
    send_primary,
)
from runtime.telemetry import Meter, logger
from tests.faults.faults import Calls, Fault
from tests.faults.invariants import Watch
from tests.faults.providers import Emitted, Providers, Script
from tests.faults.stand_in import DynamoDb, Kinesis, Sqs
from tests.support.runtime_world import CONTEXT, ENVIRONMENT, STREAM_ARN

START = 1_800_000_000_000
VISIBILITY_MS = 180_000
MOST_RECEIVES = 5
LEASE_MS = 60_000
OUTCOME_WAIT_MS = 3_600_000
STREAM_RETRY_MS = 1_000
QUEUE_PREFIX = "https://sqs.us-east-1.amazonaws.com/123456789012/"
_NOBODY = Script()
HANDLERS = {
    "intake": send_primary.handler,
    "timers": send_fallback.handler,
    "events": relay_events.handler,
}


class EndlessError(AssertionError):
    """The world does not come to rest."""


@dataclass
class Queued:
    """A message on a queue, and when it can be received."""

    number: int
    body: str
    visible_at: int
    receives: int = 0


class Watched:
    """A client whose calls are counted and can fail; memory's stand-ins and providers use it."""

    def __init__(self, service: str, client: Any, calls: Calls) -> None:
        self._service = service
        self._client = client
        self._calls = calls

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._client, operation)
        if operation == "exceptions":
            return method
        name = f"{self._service}.{operation}"
        return lambda **arguments: self._calls.make(name, method, arguments)


class ProviderClient:
    """Any provider's client: each operation goes to the providers."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    def __getattr__(self, operation: str) -> Callable[..., dict[str, str]]:
        return lambda **request: self._providers.send(operation, request)


@dataclass
class World:
    """One world; `faults` by the number of the call. `duplicates` delivers every timer twice."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    duplicates: bool = False
    now: int = START

    def __post_init__(self) -> None:
        self.calls = Calls(self.faults)
        self.watch = Watch(self)
        self.providers = Providers(
            self.script_of,
            lambda: self.now,
            lambda event, at: self.put("events", event.body, at),
            self._deliver_now,
            self.watch.sent,
        )
        self.scripts: dict[str, dict[int, Script]] = {}
        self.queues: dict[str, list[Queued]] = {
            name: [] for name in ("intake", "timers", "events", "quarantine")
        }
        self.dead_letters: list[tuple[str, str]] = []
        self.relayed: set[str] = set()
        self.copied: set[str] = set()
        self.cancelled: set[str] = set()
        self.answered: dict[str, dict[str, Any]] = {}
        self.checkpoint = 0
        self.at_work: list[tuple[str, str]] = []
        self.calls.rival = self._rival
        self.calls_of_scenario = 0
        self.stream_ready_at = 0
        # Until when faults, or deliveries at odd times, may have put things off.
        self.disturbed_at = -1
        self._numbers = count()
        self.provider_client = Watched("provider", ProviderClient(self.providers), self.calls)
        self.begin()

    # What differs between memory and moto.

    def begin(self) -> None:
        self.dynamodb = DynamoDb(self.watch.wrote)
        self.kinesis = Kinesis()
        sqs = Sqs(lambda queue, body, delay: self.put(queue, body, self.now + 1000 * delay))
        self._clients = {
            "dynamodb": Watched("dynamodb", self.dynamodb, self.calls),
            "sqs": Watched("sqs", sqs, self.calls),
            "kinesis": Watched("kinesis", self.kinesis, self.calls),
        }

    def end(self) -> None:
        """Let go of what outlives a world; memory has nothing of the kind."""

    def client(self, service: str) -> Any:
        return self._clients[service]

    def rows(self) -> dict[str, dict[str, Any]]:
        return {
            key: item for key, item in self.dynamodb.tables["messages"].items() if "steps" in item
        }

    def contents(self) -> set[str]:
        return set(self.dynamodb.tables["payloads"])

    def stream(self) -> list[dict[str, Any]]:
        return self.kinesis.records

    def collect(self) -> None:
        """Take over what an invocation has put on queues; memory's queues are the world's own."""

    def draw(self) -> int:
        """Return what stands for a random number: the next one."""
        return next(self._numbers)

    # Scripts and queues.

    def script_of(self, recipient: str, step: int) -> Script:
        return self.scripts.get(_label(recipient), {}).get(step, _NOBODY)

    def put(self, queue: str, body: str, visible_at: int) -> None:
        self.queues[queue].append(Queued(next(self._numbers), body, visible_at))

    # Callers.

    def http(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> SimpleNamespace | None:
        """Call the API once; None if the invocation crashed."""
        text = None if body is None else json.dumps(body)
        answer = self.raw_http(method, path, text, key)
        if answer is None:
            return None
        return SimpleNamespace(status=answer["statusCode"], body=json.loads(answer["body"]))

    def raw_http(self, method: str, path: str, body: str | None, key: str | None) -> Any:
        """Call the API once with any text; return what the function answers to API Gateway."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        event = {
            "httpMethod": method,
            "path": path,
            "resource": path,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "requestContext": {
                "path": f"/dev{path}",
                "domainName": "abc.execute-api.us-east-1.amazonaws.com",
                "httpMethod": method,
                "identity": {"apiKeyId": "caller"},
            },
            "body": body,
            "isBase64Encoded": False,
        }
        return self.invoke(message_api.handler, event)

    def submit(self, request: dict[str, Any], key: str | None, tries: int = 4) -> str | None:
        """Hand in a message as a client does that tries again after 5xx and silence."""
        for _ in range(tries):
            answer = self.http("POST", "/messages", request, key)
            if answer is not None and answer.status == 202:
                message_id = str(answer.body["message_id"])
                self.answered[message_id] = request
                return message_id
            assert answer is None or answer.status == 503, answer
            if key is None:
                return None
        return None

    def cancel(self, message_id: str, tries: int = 1) -> bool:
        for _ in range(tries):
            answer = self.http("POST", f"/messages/{message_id}/cancel")
            if answer is not None and answer.status != 503:
                assert answer.status in (200, 409), answer
                if answer.status == 200:
                    self.cancelled.add(message_id)
                return answer.status == 200
        return False

    def document(self, message_id: str) -> dict[str, Any]:
        answer = self.http("GET", f"/messages/{message_id}")
        assert answer is not None
        assert answer.status == 200, answer
        return dict(answer.body)

    # Deliveries.

    def deliver(self, queue: str, messages: list[Queued]) -> None:
        """Deliver a batch of a queue to its function, as an event source mapping does."""
        for message in messages:
            message.receives += 1
            message.visible_at = self.now + VISIBILITY_MS
        records = [
            {
                "messageId": str(message.number),
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
            }
            for message in messages
        ]
        self.at_work.append((queue, messages[0].body))
        answer = self.invoke(HANDLERS[queue], {"Records": records})
        self.at_work.pop()
        if answer is None:
            failed = {record["messageId"] for record in records}
        else:
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if str(message.number) not in failed:
                self.queues[queue].remove(message)
                if queue == "events":
                    self.relayed.add(message.body)
                if self.duplicates and queue != "events" and message.body not in self.copied:
                    # Once: an early timer is armed anew, and its copies' copies would be many.
                    self.copied.add(message.body)
                    self.put(queue, message.body, self.now + 1)
            elif message.receives >= MOST_RECEIVES:
                self.queues[queue].remove(message)
                self.dead_letters.append((queue, message.body))

    def deliver_stream(self, most: int = 100) -> None:
        """Deliver what is behind the checkpoint to the normalizer, and move the checkpoint."""
        records = self.stream()[self.checkpoint : self.checkpoint + most]
        event = {"Records": [self.stream_record(record) for record in records]}
        answer = self.invoke(normalize_events.handler, event)
        numbers = [record["SequenceNumber"] for record in records]
        if answer is None:
            self.stream_ready_at = self.now + STREAM_RETRY_MS
        elif answer["batchItemFailures"]:
            (failure,) = answer["batchItemFailures"]
            self.checkpoint += numbers.index(failure["itemIdentifier"])
            self.stream_ready_at = self.now + STREAM_RETRY_MS
        else:
            self.checkpoint += len(records)

    def stream_record(self, record: dict[str, Any]) -> dict[str, Any]:
        return {
            "eventID": f"shardId-000000000000:{record['SequenceNumber']}",
            "eventSourceARN": STREAM_ARN,
            "kinesis": {
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": self.now / 1000,
            },
        }

    def _rival(self) -> None:
        """Have another worker handle what is being handled: a standard queue may deliver twice."""
        queue, body = self.at_work[-1] if self.at_work else ("", "")
        if queue in ("intake", "timers"):
            self.put(queue, body, self.now)
            self.deliver(queue, [self.queues[queue][-1]])
            return
        due = [
            (queue, message)
            for queue in ("intake", "timers")
            for message in self.queues[queue]
            if message.visible_at <= self.now
        ]
        for queue, message in due[:1]:
            self.deliver(queue, [message])

    def _deliver_now(self, event: Emitted) -> None:
        """Bring an event all the way to the row while its send is still waiting for the answer."""
        self.put("events", event.body, self.now)
        self.deliver("events", [self.queues["events"][-1]])
        if self.stream_pending:
            self.deliver_stream()

    def invoke(self, handler: Callable[[dict[str, Any], Any], Any], event: Any) -> Any:
        happened = len(self.calls.happened)
        try:
            return self.calls.invoke(handler, event, CONTEXT)
        except Exception:
            # Lambda sees an error where a handler of events lets one out: a fault may bring that
            # about. The API has to answer whatever happens.
            if not self.calls.happened or handler is message_api.handler:
                raise
            return None
        finally:
            if len(self.calls.happened) > happened:
                self.disturbed_at = self.now
            self.collect()
            if self.watch.violations:
                raise self.watch.violations[0]

    @property
    def stream_pending(self) -> bool:
        return self.checkpoint < len(self.stream())

    # Time.

    def next_at(self) -> tuple[int, str, Queued | None] | None:
        """Return what happens next: when, on which queue, which message."""
        due = [
            (max(message.visible_at, self.now), message.number, queue, message)
            for queue in HANDLERS
            for message in self.queues[queue]
        ]
        first = min(due, key=lambda item: item[:2], default=None)
        if self.stream_pending:
            at = max(self.now, self.stream_ready_at)
            if first is None or at <= first[0]:
                return at, "stream", None
        return None if first is None else (first[0], first[2], first[3])

    def run(self, until: int | None = None, most: int = 3_000) -> None:
        """Let everything happen in the order of time, up to a moment or until all is quiet."""
        for _ in range(most):
            upcoming = self.next_at()
            if upcoming is None or (until is not None and upcoming[0] > until):
                self.now = max(self.now, until or 0)
                return
            at, queue, message = upcoming
            self.now = at
            if message is None:
                self.deliver_stream()
            else:
                self.deliver(queue, [message])
        raise EndlessError

    def redrive(self) -> None:
        """Put dead letters back, as an operator does once the trouble is over."""
        letters, self.dead_letters = self.dead_letters, []
        for queue, body in letters:
            self.put(queue, body, self.now)


def _label(recipient: str) -> str:
    """Return what is the same in all recipients of a request, address or number: its digits."""
    return "".join(filter(str.isdigit, recipient))[-4:]


class OneThread:
    """A pool that works at once, in the caller's thread."""

    def submit(self, work: Callable[[Any], Any], item: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(work(item))
        except Exception as error:  # noqa: BLE001  as a pool does; a crash is none
            future.set_exception(error)
        return future


@contextmanager
def runtime_in(make: Callable[[], World]) -> Iterator[Callable[..., World]]:
    """Put the runtime into worlds: yields a function that makes a new one, the current one.

    Logs and metrics are off: they cost more than all the rest.
    """
    current: list[World] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for queue in ("intake", "timers", "quarantine"):
            patch.setenv(f"{queue.upper()}_QUEUE_URL", QUEUE_PREFIX + queue)
        patch.setenv("CLAIM_LEASE_SECONDS", str(LEASE_MS // 1000))
        patch.setenv("OUTCOME_WAIT_SECONDS", str(OUTCOME_WAIT_MS // 1000))
        # A throttled table is waited for, elsewhere.
        patch.setattr(store, "_PAUSES_SECONDS", (0, 0, 0, 0, 0))
        # One thread, so that the calls have one order and a world can be repeated.
        patch.setattr(batches, "_threads", lambda *_: OneThread())
        patch.setattr(clients, "_client", lambda service, _: current[-1].client(service))
        patch.setattr(clock, "now", lambda: current[-1].now)
        # Chance would make a failing example fail differently the next time.
        drawn = SimpleNamespace(UUID=uuid.UUID, uuid4=lambda: uuid.UUID(int=current[-1].draw()))
        patch.setattr(accepting, "uuid", drawn)
        holders = SimpleNamespace(token_hex=lambda size: f"{current[-1].draw():0{2 * size}x}")
        patch.setattr(sending, "secrets", holders)
        patch.setattr(_sender, "send_client", lambda _: current[-1].provider_client)
        patch.setattr(Meter, "flush", lambda meter: (meter._counts.clear(), meter._times.clear()))
        level = logger.log_level
        logger.setLevel("CRITICAL")
        forget_clients()

        def begin(**options: Any) -> World:
            for cached in (message_api.acceptor, _sender.sender, normalize_events.normalizer):
                cached.cache_clear()
            current.append(make(**options))
            del current[:-1]
            return current[-1]

        yield begin
        logger.setLevel(level)
    forget_clients()


def forget_clients() -> None:
    """Drop what the handlers keep between invocations."""
    for cached in (
        message_api.acceptor,
        _sender.sender,
        relay_events.settings,
        normalize_events.settings,
        normalize_events.normalizer,
    ):
        cached.cache_clear()


def in_memory() -> Any:
    return runtime_in(World)
