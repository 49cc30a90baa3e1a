"""AWS's quotas that the simulation assumes, each with its source."""

from dataclasses import dataclass, field, fields
from typing import Any

_DOCS = "https://docs.aws.amazon.com"


def _quota(value: float, meaning: str, source: str) -> Any:  # noqa: ANN401  a dataclass field
    return field(default=value, metadata={"meaning": meaning, "source": source})


@dataclass(frozen=True)
class Quotas:
    """Defaults of a new account in us-east-1; every one is a parameter of the simulation."""

    api_requests_per_second: float = _quota(
        10_000,
        "API Gateway, requests per second of an account and Region",
        f"{_DOCS}/apigateway/latest/developerguide/limits.html",
    )
    sqs_first_invocations: float = _quota(
        5,
        "SQS mapping: batches processed at once when a queue becomes active",
        f"{_DOCS}/lambda/latest/dg/services-sqs-scaling.html",
    )
    sqs_more_invocations_per_minute: float = _quota(
        300,
        "SQS mapping: further concurrent batches per minute while there is a backlog",
        f"{_DOCS}/lambda/latest/dg/services-sqs-scaling.html",
    )
    lambda_concurrency: float = _quota(
        1_000,
        "Lambda: concurrent invocations of an account and Region",
        f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html",
    )
    sqs_in_flight: float = _quota(
        120_000,
        "SQS: received and not yet deleted messages of a standard queue (a backlog has no limit)",
        f"{_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html",
    )
    shard_records_per_second: float = _quota(
        1_000,
        "Kinesis: records per second written to a shard",
        f"{_DOCS}/streams/latest/dev/service-sizes-and-limits.html",
    )
    table_write_units_per_second: float = _quota(
        4_000,
        "DynamoDB: write units per second of a new on-demand table (later twice its last peak)",
        f"{_DOCS}/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
    )
    partition_write_units_per_second: float = _quota(
        1_000,
        "DynamoDB: write units per second of a partition; ids are random, so none is hot",
        f"{_DOCS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
    )
    ses_per_second: float = _quota(
        200,
        "SES: mails per second; 1 in the sandbox, then what the account was given: assumed",
        f"{_DOCS}/ses/latest/dg/quotas.html",
    )
    sms_parts_per_second: float = _quota(
        100,
        "SMS: parts per second of a US short code (toll-free 3, 10DLC 1 until raised)",
        f"{_DOCS}/sms-voice/latest/userguide/sms-limitations-mps.html",
    )


def rows() -> list[tuple[str, str, str]]:
    """Return value, meaning and source of each quota."""
    quotas = Quotas()
    return [
        (
            f"{getattr(quotas, quota.name):,.0f}",
            quota.metadata["meaning"],
            quota.metadata["source"],
        )
        for quota in fields(Quotas)
    ]
