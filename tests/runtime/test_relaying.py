"""The relay: what it puts on the stream, under which key, and what it gives back."""

import hashlib
import json

import pytest

from runtime.clients import data_client
from tests.support.events import ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"


@pytest.fixture
def put(world, monkeypatch):
    """Record the calls of PutRecords; `refuse` are positions that the stream does not take."""
    calls: list[list[dict]] = []
    refuse: set[int] = set()

    def put_records(StreamName, Records):  # noqa: N803
        assert StreamName == "events"
        calls.append(Records)
        results = [
            {"ErrorCode": "ProvisionedThroughputExceededException"} if index in refuse else {}
            for index in range(len(Records))
        ]
        return {"Records": results, "FailedRecordCount": len(refuse)}

    monkeypatch.setattr(data_client("kinesis"), "put_records", put_records)
    return calls, refuse


def test_events_go_out_in_calls_of_at_most_500(world, put) -> None:
    calls, _ = put
    body = json.dumps(sms("TEXT_PENDING", MESSAGE_ID, 0))
    assert world.relay(*[body] * 1001) == {"batchItemFailures": []}
    assert [len(records) for records in calls] == [500, 500, 1]


def test_only_refused_records_go_back_to_the_queue(world, put) -> None:
    _, refuse = put
    refuse |= {0, 2}
    answer = world.relay(*[json.dumps(ses("Send", MESSAGE_ID, 0))] * 4)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == [
        "record-0",
        "record-2",
    ]


def test_the_partition_key_is_our_id_else_the_providers(world, put) -> None:
    calls, _ = put
    ours = json.dumps(ses("Delivery", MESSAGE_ID, 0))
    echoed = json.dumps(whatsapp("delivered", echo=f"{MESSAGE_ID}:0", wamid="wamid.A"))
    foreign = json.dumps(whatsapp("delivered", wamid="wamid.B"))
    world.relay(ours, echoed, foreign, "no event")
    keys = [record["PartitionKey"] for record in calls[0]]
    # Of Meta's id a digest: it has the recipient's number in it.
    digest = "wamid-" + hashlib.sha256(b"wamid.B").hexdigest()[:32]
    assert keys == [MESSAGE_ID, MESSAGE_ID, digest, "record-3"]


def test_the_stream_carries_no_address_number_or_content(world, put) -> None:
    calls, _ = put
    world.relay(
        json.dumps(ses("Bounce", MESSAGE_ID, 0)),
        json.dumps(ses("Click", MESSAGE_ID, 0)),
        json.dumps(sms("TEXT_INVALID", MESSAGE_ID, 0, final=True)),
        json.dumps(whatsapp("failed", wamid="wamid.A", code=131026)),
        "My number is +14255550156, ann@example.org",
        json.dumps({"unknown": "ann@example.org"}),
    )
    stream = " ".join(record["Data"].decode() for record in calls[0])
    for private in ("example.org", "4255550156", "Your code", "192.0.2", "https://"):
        assert private not in stream


def test_an_event_that_no_parser_can_read_is_relayed_like_the_others(world, put) -> None:
    calls, _ = put
    strange = ses("Send", MESSAGE_ID, 0)
    strange["mail"]["messageId"] = "x" * 1000
    del strange["mail"]["tags"]
    world.relay(json.dumps(strange), json.dumps(ses("Send", MESSAGE_ID, 0)))
    assert [len(record["PartitionKey"]) for record in calls[0]] == [35, 36]


def test_the_relay_touches_no_table(world, put, monkeypatch) -> None:
    monkeypatch.delenv("MESSAGES_TABLE")
    assert world.relay(json.dumps(ses("Send", MESSAGE_ID, 0))) == {"batchItemFailures": []}
