"""Events that were set aside: unreadable records, and batches that failed to the end.

Neither queue has the events themselves. They are read again from the stream, for as long as it
keeps them, and put on it again as new records.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.stack import Letter, Stack
from operations.verdict import judge_event


@dataclass(frozen=True)
class Place:
    """Where records are on the stream: a shard, and the first and last sequence number."""

    shard: str
    first: str
    last: str
    # Of the one record, where the entry is about one.
    sha256: str | None = None

    def __str__(self) -> str:
        end = f" to {self.last}" if self.last != self.first else ""
        return f"{self.shard} {self.first}{end}"


@dataclass(frozen=True)
class Entry:
    """A message of the quarantine or of the stream's failures."""

    queue: str
    letter: Letter
    reason: str
    place: Place | None

    def __str__(self) -> str:
        return f"{self.queue:15} {self.letter} {self.place or 'nowhere'}: {self.reason}"


def entries(stack: Stack) -> Iterator[Entry]:
    """Receive every entry of both queues."""
    for queue, read in (("quarantine", _quarantined), ("stream_failures", _failed_batch)):
        for letter in stack.letters(stack.queue_url(queue)):
            try:
                reason, place = read(json.loads(letter.body))
            except (ValueError, KeyError, TypeError, AttributeError):
                reason, place = "not a valid queue entry", None
            yield Entry(queue, letter, reason, place)


def _quarantined(entry: dict[str, Any]) -> tuple[str, Place]:
    shard = str(entry["event_id"]).split(":", 1)[0]
    number = str(entry["sequence_number"])
    return str(entry["reason"]), Place(shard, number, number, str(entry["sha256"]))


def _failed_batch(entry: dict[str, Any]) -> tuple[str, Place]:
    """Read what Lambda writes about a batch that it has given up on."""
    batch = entry["KinesisBatchInfo"]
    condition = entry.get("requestContext", {}).get("condition", "failed")
    place = Place(
        str(batch["shardId"]),
        str(batch["startSequenceNumber"]),
        str(batch["endSequenceNumber"]),
    )
    return f"{condition}, {batch['batchSize']} records", place


@dataclass(frozen=True)
class Replayed:
    """How many records were put back, and why the rest were not.

    An entry with a refusal is kept. One of which a part is gone is deleted with what was put back.
    """

    records: int
    refusal: str = ""
    gone: str = ""


def replay(stack: Stack, entry: Entry) -> Replayed:
    """Put the records of an entry on the stream again, if today's parser can read them.

    The entry is deleted last; a crash before leaves events twice, which change nothing.
    """
    queue_url = stack.queue_url(entry.queue)
    records = _read(stack, entry.place) if entry.place else []
    refusal = "" if records else "the stream keeps it no longer"
    for record in records:
        verdict = judge_event(record["Data"])
        if not verdict.is_safe and entry.queue == "quarantine":
            refusal = f"still {verdict.reason}"
    if refusal:
        stack.show_again(queue_url, entry.letter)
        return Replayed(0, refusal)
    for record in records:
        stack.kinesis.put_record(
            StreamName=stack.output("events_stream"),
            Data=record["Data"],
            PartitionKey=record["PartitionKey"],
        )
    stack.delete(queue_url, entry.letter)
    oldest = records[0]["SequenceNumber"]
    is_whole = entry.place is None or oldest == entry.place.first
    return Replayed(len(records), gone="" if is_whole else f"those before {oldest} are gone")


def _read(stack: Stack, place: Place) -> list[dict[str, Any]]:
    """Read the records from the first to the last number that the stream still keeps."""
    try:
        iterator = stack.kinesis.get_shard_iterator(
            StreamName=stack.output("events_stream"),
            ShardId=place.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=place.first,
        )["ShardIterator"]
    except (
        stack.kinesis.exceptions.InvalidArgumentException,
        stack.kinesis.exceptions.ResourceNotFoundException,
    ):
        return []
    records: list[dict[str, Any]] = []
    while iterator:
        answer = stack.kinesis.get_records(ShardIterator=iterator, Limit=1_000)
        for record in answer["Records"]:
            if int(record["SequenceNumber"]) > int(place.last):
                return _verified(records, place)
            records.append(record)
        if not answer["Records"] and not answer.get("MillisBehindLatest"):
            break
        iterator = answer.get("NextShardIterator")
    return _verified(records, place)


def _verified(records: list[dict[str, Any]], place: Place) -> list[dict[str, Any]]:
    """Return those records that are meant: an expired one is answered by a later one."""
    if place.sha256 is None:
        return [item for item in records if int(item["SequenceNumber"]) >= int(place.first)]
    return [
        item
        for item in records
        if item["SequenceNumber"] == place.first
        and hashlib.sha256(item["Data"]).hexdigest() == place.sha256
    ]
