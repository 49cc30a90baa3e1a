"""The real functions in this process: their environment, their handlers, their events."""

import base64
import itertools
import json
import os
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "MESSAGES_TABLE": "messages",
    "PAYLOADS_TABLE": "payloads",
    "PROVIDER_MESSAGE_IDS_TABLE": "provider-message-ids",
    "EVENT_STREAM_NAME": "events",
    "DIGEST_KEY": "bench",
    "INTAKE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/intake",
    "TIMERS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/timers",
    "QUARANTINE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/quarantine",
    "SES_CONFIGURATION_SET": "ses-set",
    "SMS_CONFIGURATION_SET": "sms-set",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "FallbackMessaging",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "STACK_NAME": "bench",
}
# The memory of the functions that is not the default, in MB (infra/event_functions.py).
DEFAULT_MEMORY_MB = 512
RELAY_MEMORY_MB = 256

CONTEXT = SimpleNamespace(
    function_name="bench",
    memory_limit_in_mb=DEFAULT_MEMORY_MB,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:bench",
    aws_request_id="00000000-0000-0000-0000-000000000000",
)

_numbers = itertools.count(1)


def set_environment() -> None:
    """Set what the functions read; before one of them is imported."""
    os.environ.update(ENVIRONMENT)


def sqs_event(bodies: Iterable[str]) -> dict[str, Any]:
    """Return what Lambda hands over from a queue."""
    return {
        "Records": [
            {
                "messageId": f"record-{next(_numbers)}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for body in bodies
        ]
    }


def kinesis_event(records: Iterable[str]) -> dict[str, Any]:
    """Return what Lambda hands over from the stream."""
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/events",
                "kinesis": {
                    "partitionKey": "key",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(data.encode()).decode(),
                    "approximateArrivalTimestamp": 1_800_000_000.0,
                },
            }
            for number, data in zip(_numbers, records, strict=False)
        ]
    }


def api_event(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what API Gateway hands over."""
    return {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "path": f"/dev{path}",
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"apiKeyId": "bench"},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
