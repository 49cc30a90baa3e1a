"""Set-aside events: listed without what they say, and read again from the stream."""

import hashlib
import json
import re

import moto
import pytest

from runtime.handlers import normalize_events
from tests.support.events import ses
from tests.support.requests import request
from tests.support.runtime_world import CONTEXT


def put(world, data: bytes) -> dict:
    """Put a record on the stream; return the place that an entry names."""
    answer = world.kinesis.put_record(StreamName="events", Data=data, PartitionKey="key")
    return {
        "reason": "not JSON",
        "sequence_number": answer["SequenceNumber"],
        "partition_key": "key",
        "event_id": f"{answer['ShardId']}:{answer['SequenceNumber']}",
        "stream": "arn:aws:kinesis:us-east-1:123456789012:stream/events",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def set_aside(world, entry: dict, queue: str = "quarantine") -> None:
    url = world.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    world.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(entry))


def on_stream(world) -> list[bytes]:
    shard = world.kinesis.list_shards(StreamName="events")["Shards"][0]["ShardId"]
    iterator = world.kinesis.get_shard_iterator(
        StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [item["Data"] for item in world.kinesis.get_records(ShardIterator=iterator)["Records"]]


def expire(world, place: dict) -> None:
    """Let the stream forget a record, as it does when its retention is over."""
    backend = moto.backends.get_backend("kinesis")[moto.core.DEFAULT_ACCOUNT_ID]["us-east-1"]
    (shard,) = backend.streams["events"].shards.values()
    del shard.records[int(place["sequence_number"])]


def failed_batch(places: list[dict]) -> dict:
    batch = {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": places[0]["sequence_number"],
        "endSequenceNumber": places[-1]["sequence_number"],
        "batchSize": len(places),
        "streamArn": places[0]["stream"],
    }
    return {"requestContext": {"condition": "RetryAttemptsExhausted"}, "KinesisBatchInfo": batch}


@pytest.fixture
def event(world) -> bytes:
    return json.dumps(ses("Delivery", world.accept(request()), 0)).encode()


def test_entries_are_listed_by_reason_and_place(world, stack, run) -> None:
    world.normalize(b"\xff\x00 ann@example.org")
    text = run("quarantine").text
    assert "shardId-000000000000" in text
    assert "set aside: 1 (1 not JSON)" in text
    assert "ann@" not in text


def test_what_the_parser_reads_now_is_put_on_the_stream_again(world, stack, run, event) -> None:
    set_aside(world, put(world, event))
    assert "records put back: 1, entries refused: 0" in run("replay").text
    assert on_stream(world) == [event, event]
    assert not world.queued("quarantine")


def test_what_is_still_unreadable_stays(world, stack, run) -> None:
    set_aside(world, put(world, b"unreadable"))
    listed = run("quarantine").text.splitlines()[0]
    answer = run("replay")
    assert answer.status == 1
    assert f"refused: {listed}: still not JSON" in answer.text
    assert len(on_stream(world)) == 1
    assert "set aside: 1" in run("quarantine").text


def test_one_record_is_named_by_one_number(world, stack, run) -> None:
    place = put(world, b"unreadable")
    set_aside(world, place)
    assert f"] {place['event_id'].replace(':', ' ')}: not JSON\n" in run("quarantine").text


def test_what_can_never_be_replayed_is_discarded_by_its_id(world, stack, run) -> None:
    for data in (b"unreadable", b"unreadable too"):
        set_aside(world, put(world, data))
    first, second = (
        re.search(r"\[(.+)\]", line)[1] for line in run("quarantine").text.splitlines()[:2]
    )
    assert run("discard", first).status == 0
    listed = run("quarantine").text
    assert second in listed
    assert "set aside: 1" in listed


def test_what_is_no_event_is_set_aside_as_not_json_and_never_replayed(world, stack, run) -> None:
    world.relay("<html>no event</html>")
    (data,) = on_stream(world)
    assert data.startswith(b"unparseable: 21 bytes")
    set_aside(world, put(world, data))
    assert ": not JSON\n" in run("quarantine").text
    assert "still not JSON" in run("replay").text


def test_a_record_that_is_not_the_one_meant_is_not_put_back(world, stack, run, event) -> None:
    set_aside(world, put(world, event) | {"sha256": "0" * 64})
    answer = run("replay")
    assert "the stream keeps it no longer" in answer.text
    assert len(on_stream(world)) == 1


def test_a_failed_batch_is_put_back_from_its_first_to_its_last_record(
    world, stack, run, event
) -> None:
    put(world, b"before")
    places = [put(world, event) for _ in range(3)]
    put(world, b"after")
    set_aside(world, failed_batch(places), "stream-failures")
    assert "RetryAttemptsExhausted, 3 records" in run("quarantine").text
    assert "records put back: 3, entries refused: 0" in run("replay").text
    assert on_stream(world)[-3:] == [event] * 3


def test_what_the_stream_still_keeps_of_a_failed_batch_is_put_back(
    world, stack, run, event
) -> None:
    places = [put(world, event) for _ in range(3)]
    put(world, b"after")
    set_aside(world, failed_batch(places), "stream-failures")
    expire(world, places[0])
    answer = run("replay")
    assert answer.status == 1
    assert answer.text.startswith("put back 2 of: stream_failures ")
    assert f"those before {places[1]['sequence_number']} are gone\n" in answer.text
    assert "records put back: 2, entries refused: 0" in answer.text
    assert on_stream(world) == [event, event, b"after", event, event]
    assert not world.queued("stream-failures")


def test_a_failed_batch_of_which_nothing_is_left_is_refused(world, stack, run, event) -> None:
    places = [put(world, event) for _ in range(2)]
    put(world, b"after")
    set_aside(world, failed_batch(places), "stream-failures")
    for place in places:
        expire(world, place)
    assert "the stream keeps it no longer" in run("replay").text
    assert on_stream(world) == [b"after"]


def test_a_quarantined_record_that_is_gone_is_not_taken_for_the_next(
    world, stack, run, event
) -> None:
    place = put(world, event)
    put(world, event)
    set_aside(world, place)
    expire(world, place)
    assert "the stream keeps it no longer" in run("replay").text
    assert on_stream(world) == [event]


def test_an_entry_that_the_normalizer_writes_is_one_that_the_commands_read(
    world, stack, run
) -> None:
    place = put(world, b"poison")
    record = {
        "eventID": place["event_id"],
        "eventSourceARN": place["stream"],
        "kinesis": {
            "partitionKey": "key",
            "sequenceNumber": place["sequence_number"],
            "data": "cG9pc29u",
            "approximateArrivalTimestamp": 1_800_000_000,
        },
    }
    normalize_events.handler({"Records": [record]}, CONTEXT)
    assert "still not JSON" in run("replay").text
