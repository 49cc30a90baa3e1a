"""Relays provider events from SNS (through SQS) to the Kinesis stream, in batches.

SNS cannot deliver to a data stream, and what it delivers names people: only what the normalizer
reads goes on the stream.
"""

from functools import cache
from typing import Any, Final

from runtime.batches import slices
from runtime.channels import minimize_event, parse_event
from runtime.clients import data_client
from runtime.settings import RelaySettings
from runtime.telemetry import instrumented, logger

# PutRecords' upper bound; the records are far below its 5 MiB then.
_PUT_RECORDS: Final = 500


@cache
def settings() -> RelaySettings:
    """Return the settings of this environment, read at the first invocation."""
    return RelaySettings.from_environment()


@instrumented
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Put the events of a batch on the stream; those that it refused go back to the queue."""
    failed: list[str] = []
    for batch in slices(event["Records"], _PUT_RECORDS):
        entries = [_entry(record) for record in batch]
        answer = data_client("kinesis").put_records(
            StreamName=settings().event_stream_name, Records=entries
        )
        failed += [
            record["messageId"]
            for record, result in zip(batch, answer["Records"], strict=True)
            if result.get("ErrorCode")
        ]
    if failed:
        logger.warning("records refused by the stream", count=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _entry(record: dict[str, Any]) -> dict[str, Any]:
    minimal = minimize_event(record["body"])
    return {"Data": minimal.encode(), "PartitionKey": _partition_key(minimal, record["messageId"])}


def _partition_key(minimal: str, otherwise: str) -> str:
    """Keep a message's events on one shard: by our id, else the provider's."""
    try:
        for delivery_event in parse_event(minimal):
            key = delivery_event.message_id or delivery_event.provider_message_id
            if key:
                return key
    except Exception:  # noqa: BLE001  the normalizer says what is wrong with it
        return otherwise
    return otherwise
