"""The handlers on moto, with providers that record what they are asked to send."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import moto
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.session import Session

from runtime import clock
from runtime.channels import CHANNELS
from runtime.clients import _client
from runtime.handlers import (
    _sender,
    message_api,
    normalize_events,
    relay_events,
    send_fallback,
    send_primary,
)

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "MESSAGES_TABLE": "messages",
    "PAYLOADS_TABLE": "payloads",
    "PROVIDER_MESSAGE_IDS_TABLE": "provider-message-ids",
    "EVENT_STREAM_NAME": "events",
    "DIGEST_KEY": "the-secret-of-the-stack",
    "SES_CONFIGURATION_SET": "ses-set",
    "SMS_CONFIGURATION_SET": "sms-set",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "FallbackMessaging",
    "STACK_NAME": "test",
}
CONTEXT = SimpleNamespace(
    function_name="test",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:test",
    aws_request_id="request",
)
# Reading the services' models anew for each test would be half of the tests' time.
one_loader = cache(botocore.session.create_loader)
STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/events"


# What each provider's client can do, and where its answers have the message id. RCS is sent by the
# client of SMS.
OPERATIONS = {
    "email": {"send_email": "MessageId"},
    "sms": dict.fromkeys(
        ("send_text_message", "send_media_message", "send_rcs_message"), "MessageId"
    ),
    "whatsapp": {"send_whatsapp_message": "messageId"},
}


def client_error(
    code: str, status: int = 400, operation: str = "Send", **extra: str
) -> ClientError:
    metadata = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata, **extra}, operation)


@dataclass
class Provider:
    """A provider's client: takes everything, except where `answers` says otherwise."""

    name: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Exception | Callable[[], None]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __getattr__(self, operation: str) -> Callable[..., dict[str, str]]:
        answer_key = OPERATIONS[self.name].get(operation)
        if answer_key is None:
            raise AttributeError(operation)

        def send(**request: Any) -> dict[str, str]:
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            self.requests.append(request)
            if answer is not None:
                answer()
            number = next(self.ids)
            # AWS names WhatsApp messages by UUID, which sorts before Meta's "wamid...".
            is_uuid = self.name == "whatsapp"
            return {answer_key: f"{number:08}" if is_uuid else f"{self.name}-{number}"}

        return send


@dataclass
class World:
    """The deployed functions, as their callers and queues see them."""

    providers: dict[str, Provider]
    now: int = 1_800_000_000_000

    def __post_init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb")
        self.sqs = boto3.client("sqs")
        self.kinesis = boto3.client("kinesis")
        self.queues: dict[str, str] = {}
        self.sequence = count(1)

    def call(  # noqa: PLR0913  what a caller can vary
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        client: str = "client-a",
        arn: str | None = None,
        raw: str | None = None,
        is_base64: bool = False,
    ) -> SimpleNamespace:
        event = {
            "httpMethod": method,
            "path": path,
            "resource": path,
            "headers": headers or {},
            "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "requestContext": {
                "path": f"/dev{path}",
                "domainName": "abc.execute-api.us-east-1.amazonaws.com",
                "httpMethod": method,
                "identity": {"apiKeyId": client, "userArn": arn},
            },
            "body": raw if raw is not None else None if body is None else json.dumps(body),
            "isBase64Encoded": is_base64,
        }
        answer = message_api.handler(event, CONTEXT)
        headers = {
            name: values[0] if isinstance(values, list) else values
            for name, values in answer["multiValueHeaders"].items()
        }
        return SimpleNamespace(
            status=answer["statusCode"], headers=headers, body=json.loads(answer["body"])
        )

    def post(self, body: object, key: str | None = None, **options: Any) -> SimpleNamespace:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.call("POST", "/messages", body, headers=headers, **options)

    def accept(self, body: object, **options: Any) -> str:
        answer = self.post(body, **options)
        assert answer.status == 202, answer.body
        return str(answer.body["message_id"])

    def document(self, message_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/messages/{message_id}")
        assert answer.status == 200, answer.body
        return dict(answer.body)

    def cancel(self, message_id: str) -> SimpleNamespace:
        return self.call("POST", f"/messages/{message_id}/cancel")

    def row(self, message_id: str) -> dict[str, Any]:
        key = {"message_id": {"S": message_id}}
        return dict(self.dynamodb.get_item(TableName="messages", Key=key)["Item"])

    def has_content(self, message_id: str) -> bool:
        key = {"message_id": {"S": message_id}}
        return "Item" in self.dynamodb.get_item(TableName="payloads", Key=key)

    def queued(self, name: str) -> list[dict[str, Any]]:
        """Take everything off a queue, delayed messages too."""
        backend = moto.backends.get_backend("sqs")[moto.core.DEFAULT_ACCOUNT_ID]["us-east-1"]
        queue = backend.queues[name]
        bodies = [
            {
                "body": json.loads(message.body),
                "delay": max(0, message.delayed_until - message.sent_timestamp),
            }
            for message in queue._messages
        ]
        queue._messages.clear()
        return bodies

    def start(self, *message_ids: str) -> dict[str, Any]:
        return dict(
            send_primary.handler(sqs_event({"message_id": id_} for id_ in message_ids), CONTEXT)
        )

    def start_all(self, message_id: str) -> None:
        """Start a message, and fire the timers that are due at once."""
        self.start(message_id)
        self.fire(*[timer["body"] for timer in self.queued("timers") if not timer["delay"]])

    def fire(self, *timers: dict[str, Any]) -> dict[str, Any]:
        return dict(send_fallback.handler(sqs_event(timers), CONTEXT))

    def relay(self, *bodies: str) -> dict[str, Any]:
        return dict(relay_events.handler(sqs_event(bodies), CONTEXT))

    def normalize(self, *events: object) -> dict[str, Any]:
        """Deliver events as one Kinesis batch; strings and bytes as they are."""
        return dict(normalize_events.handler(self.kinesis_event(*events), CONTEXT))

    def kinesis_event(self, *events: object) -> dict[str, Any]:
        records = []
        for event in events:
            text = event if isinstance(event, str | bytes) else json.dumps(event)
            data = text.encode() if isinstance(text, str) else text
            records.append(
                {
                    "eventID": f"shardId-000000000000:{next(self.sequence)}",
                    "eventSourceARN": STREAM_ARN,
                    "kinesis": {
                        "partitionKey": "key",
                        "sequenceNumber": str(next(self.sequence)),
                        "data": base64.b64encode(data).decode(),
                        "approximateArrivalTimestamp": self.now / 1000,
                    },
                }
            )
        return {"Records": records}


def sqs_event(bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"record-{index}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for index, body in enumerate(bodies)
        ]
    }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world_on_moto(monkeypatch) as world:
        yield world


@contextmanager
def world_on_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Put the handlers on new tables, queues and a stream of moto."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(botocore.session, "create_loader", one_loader)
    providers = {name: Provider(name) for name in OPERATIONS}
    by_service = {CHANNELS[name].service: provider for name, provider in providers.items()}
    with moto.mock_aws():
        world = World(providers)
        for table, key in (
            ("messages", "message_id"),
            ("payloads", "message_id"),
            ("provider-message-ids", "provider_message_id"),
        ):
            world.dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        for queue in ("intake", "timers", "quarantine"):
            url = world.sqs.create_queue(QueueName=queue)["QueueUrl"]
            world.queues[queue] = url
            monkeypatch.setenv(f"{queue.upper()}_QUEUE_URL", url)
        world.kinesis.create_stream(StreamName="events", ShardCount=1)
        caches = (
            _client,
            message_api.acceptor,
            _sender.sender,
            relay_events.settings,
            normalize_events.settings,
            normalize_events.normalizer,
        )
        for cache in caches:
            cache.cache_clear()
        monkeypatch.setattr(clock, "now", lambda: world.now)
        make_moto_atomic(monkeypatch)
        monkeypatch.setattr(_sender, "send_client", by_service.__getitem__)
        add_statements(monkeypatch)
        yield world
        for cache in caches:
            cache.cache_clear()


def make_moto_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one call at a time through: moto checks a condition and writes in two unguarded steps."""
    lock = threading.RLock()
    call = BaseClient._make_api_call

    def one_at_a_time(*arguments: Any) -> Any:
        with lock:
            return call(*arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", one_at_a_time)


_UPDATE = re.compile(
    r'UPDATE "(?P<table>[^"]+)" (?P<sets>(SET "\w+" = \? )+)'
    r'WHERE "(?P<key>\w+)" = \? AND "(?P<guard>\w+)" = \?'
)
_DELETE = re.compile(r'DELETE FROM "(?P<table>[^"]+)" WHERE "(?P<key>\w+)" = \?')


def add_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give moto the two statements that the store batches: moto ignores their conditions.

    The end-to-end tests run the same statements on an emulator that has them.
    """
    make = Session.create_client

    def client(self: Session, service: str, *arguments: Any, **options: Any) -> Any:
        made = make(self, service, *arguments, **options)
        if service == "dynamodb":

            def batch(Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
                assert len(Statements) <= 25
                return {"Responses": [_execute(made, statement) for statement in Statements]}

            made.batch_execute_statement = batch
        return made

    monkeypatch.setattr(Session, "create_client", client)


def _execute(dynamodb: Any, statement: dict[str, Any]) -> dict[str, Any]:
    text, values = statement["Statement"], list(statement["Parameters"])
    if delete := _DELETE.fullmatch(text):
        dynamodb.delete_item(TableName=delete["table"], Key={delete["key"]: values[0]})
        return {}
    update = _UPDATE.fullmatch(text)
    assert update, text
    names = re.findall(r'SET "(\w+)"', update["sets"])
    try:
        dynamodb.update_item(
            TableName=update["table"],
            Key={update["key"]: values[-2]},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in names),
            ConditionExpression="#guard = :guard",
            ExpressionAttributeNames={f"#{name}": name for name in names}
            | {"#guard": update["guard"]},
            ExpressionAttributeValues={
                f":{name}": value for name, value in zip(names, values[:-2], strict=True)
            }
            | {":guard": values[-1]},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return {"Error": {"Code": "ConditionalCheckFailed"}}
    return {}
