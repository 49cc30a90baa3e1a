"""Applies the delivery events of a Kinesis batch to the status rows."""

import base64
import hashlib
import json
from dataclasses import replace
from functools import cache
from typing import Any, Final

from runtime import clock
from runtime.batches import slices
from runtime.channels import UnparseableEventError, parse_event
from runtime.channels.channel import ParseContext
from runtime.clients import data_client
from runtime.normalizing import Normalizer, Received
from runtime.settings import NormalizerSettings
from runtime.store import Store
from runtime.telemetry import instrumented, logger, meter
from runtime.timers import Timers

_SQS_BATCH: Final = 10


@cache
def settings() -> NormalizerSettings:
    """Return the settings of this environment, read at the first invocation."""
    return NormalizerSettings.from_environment()


@cache
def normalizer() -> Normalizer:
    """Return the normalizer of this environment, made at the first invocation."""
    ours = settings()
    return Normalizer(
        store=Store(
            data_client("dynamodb"),
            ours.messages_table,
            ours.payloads_table,
            ours.provider_message_ids_table,
            concurrency=ours.write_concurrency,
        ),
        timers=Timers(
            data_client("sqs"), ours.timers_queue_url, concurrency=ours.write_concurrency
        ),
        clock=clock.now,
    )


@instrumented
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Apply a batch; report the lowest failed sequence number, from which it all comes again."""
    context = ParseContext(require_handset_receipt=settings().sms_require_handset_receipt)
    received: list[Received] = []
    quarantined: list[dict[str, Any]] = []
    for record in event["Records"]:
        kinesis = record["kinesis"]
        data = base64.b64decode(kinesis["data"])
        arrived_at = int(1000 * kinesis.get("approximateArrivalTimestamp", 0))
        try:
            found = parse_event(data, context)
        except Exception as error:  # noqa: BLE001  whatever it is, it must not hold up the shard
            known = isinstance(error, UnparseableEventError)
            reason = str(error) if known else f"parser failed: {type(error).__name__}"
            quarantined.append(_quarantine_entry(record, data, reason))
            continue
        received += [
            Received(
                kinesis["sequenceNumber"],
                item if item.occurred_at is not None else replace(item, occurred_at=arrived_at),
            )
            for item in found
        ]
    for reason, count in context.ignored.items():
        meter.count("EventsUnknown", count, reason=reason)
        logger.info("events ignored", reason=reason, count=count)
    failed = _quarantine(quarantined) | normalizer().apply_events(received)
    return {
        "batchItemFailures": [{"itemIdentifier": number} for number in sorted(failed, key=int)[:1]]
    }


def _quarantine_entry(record: dict[str, Any], data: bytes, reason: str) -> dict[str, Any]:
    """Say where the record is and what is wrong with it, without what it says."""
    kinesis = record["kinesis"]
    return {
        "reason": reason,
        "sequence_number": kinesis["sequenceNumber"],
        "partition_key": kinesis.get("partitionKey"),
        "event_id": record.get("eventID"),
        "stream": record.get("eventSourceARN"),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _quarantine(entries: list[dict[str, Any]]) -> set[str]:
    """Put records aside so that they hold up no others; return those that the queue refused."""
    refused: set[str] = set()
    for batch in slices(entries, _SQS_BATCH):
        answer = data_client("sqs").send_message_batch(
            QueueUrl=settings().quarantine_queue_url,
            Entries=[
                {"Id": str(index), "MessageBody": json.dumps(entry)}
                for index, entry in enumerate(batch)
            ],
        )
        refused |= {
            batch[int(failure["Id"])]["sequence_number"] for failure in answer.get("Failed", [])
        }
        meter.count("EventsQuarantined", len(batch) - len(answer.get("Failed", [])))
    return refused
