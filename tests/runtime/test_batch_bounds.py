"""Batches larger than AWS's: each call keeps the bound, and each answer meets its own entry.

AWS answers a batch by position, or by ids that count from 0 in each call. So everything here has
three calls' worth of entries, of which the service refuses some in each call.
"""

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from runtime import rows
from runtime.batches import process_records
from runtime.clients import data_client
from runtime.domain.message import Message, Step, UseCase
from runtime.handlers import normalize_events, relay_events
from runtime.store import Store
from runtime.timers import Timer, Timers
from tests.support.runtime_world import CONTEXT, sqs_event

# DynamoDB BatchExecuteStatement and BatchGetItem, SQS SendMessageBatch, Kinesis PutRecords.
STATEMENTS, GETS, ENTRIES, RECORDS = 25, 100, 10, 500


class Service:
    """The batch calls of three services, which refuse some entries and note the calls' sizes."""

    def __init__(self, refused: set[str], code: str) -> None:
        self.refused, self.code = refused, code
        self.sizes: list[int] = []
        self.left_out: set[str] = set()
        self.lock = threading.Lock()

    def batch_execute_statement(self, Statements: list[Any]) -> dict[str, Any]:  # noqa: N803
        self.sizes.append(len(Statements))
        ids = [self.refused & {v["S"] for v in one["Parameters"] if "S" in v} for one in Statements]
        return {"Responses": [{"Error": {"Code": self.code}} if id_ else {} for id_ in ids]}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Leave the refused keys out, once."""
        ((table, request),) = RequestItems.items()
        self.sizes.append(len(request["Keys"]))
        found, left = [], []
        for key in request["Keys"]:
            ((name, value),) = key.items()
            id_ = value["S"]
            if id_ in self.refused - self.left_out:
                left.append(key)
                self.left_out.add(id_)
            elif table == "messages":
                found.append(rows.encode_key(message(id_)) | rows.encode_state(message(id_)))
            else:
                found.append({name: value, "message_id": {"S": f"of {id_}"}, "step": {"N": "1"}})
        unprocessed = {table: {"Keys": left, "ConsistentRead": True}} if left else {}
        return {"Responses": {table: found[::-1]}, "UnprocessedKeys": unprocessed}

    def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: ARG002, N803
        self.sizes.append(len(Entries))
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        failed = [
            {"Id": entry["Id"], "Code": self.code, "SenderFault": False}
            for entry in Entries
            if any(str(v) == v in self.refused for v in json.loads(entry["MessageBody"]).values())
        ]
        return {"Successful": [], "Failed": failed} if failed else {"Successful": []}

    def put_records(self, StreamName: str, Records: list[Any]) -> dict[str, Any]:  # noqa: ARG002, N803
        self.sizes.append(len(Records))
        return {
            "Records": [
                {"ErrorCode": self.code} if record["PartitionKey"] in self.refused else {}
                for record in Records
            ]
        }


def message(message_id: str) -> Message:
    return Message(message_id, UseCase.FALLBACK, (Step("sms", 60), Step("email", 60)), 0, 0)


def store(service: Service, concurrency: int) -> Store:
    return Store(service, "messages", "payloads", "links", concurrency=concurrency)


def save_in_conflict(service: Service, ids: list[str], concurrency: int) -> set[str]:
    service.code = "ConditionalCheckFailed"
    saved = store(service, concurrency).save_many([message(id_) for id_ in ids], 1)
    assert not saved.failures
    return set(saved.conflicts)


def save_in_vain(service: Service, ids: list[str], concurrency: int) -> set[str]:
    saved = store(service, concurrency).save_many([message(id_) for id_ in ids], 1)
    assert not saved.conflicts
    return set(saved.failures)


def delete_contents(service: Service, ids: list[str], concurrency: int) -> set[str]:
    return store(service, concurrency).delete_contents(ids)


def read_rows(service: Service, ids: list[str], concurrency: int) -> set[str]:
    found = store(service, concurrency).read_many(ids, consistent=True)
    assert {id_: row.message_id for id_, row in found.items()} == {id_: id_ for id_ in ids}
    return service.left_out


def read_links(service: Service, ids: list[str], concurrency: int) -> set[str]:
    links, _ = store(service, concurrency).find_links(ids)
    assert links == {id_: (f"of {id_}", 1) for id_ in ids}
    return service.left_out


def arm_timers(service: Service, ids: list[str], concurrency: int) -> set[str]:
    timers = Timers(service, "timers", concurrency=concurrency)
    return {timer.message_id for timer in timers.arm_all([Timer(id_, 1, 0) for id_ in ids], 0)}


Call = Callable[[Service, list[str], int], set[str]]


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    ("call", "bound"),
    [
        (save_in_conflict, STATEMENTS),
        (save_in_vain, STATEMENTS),
        (delete_contents, STATEMENTS),
        (read_rows, GETS),
        (read_links, GETS),
        (arm_timers, ENTRIES),
    ],
)
def test_what_a_later_call_refuses_is_put_down_to_its_own_entry(
    monkeypatch, call: Call, bound: int, concurrency: int
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    ids, refused = entries(bound)
    service = Service(refused, "ThrottlingError")
    assert call(service, ids, concurrency) == refused
    assert max(service.sizes) == bound
    assert min(service.sizes) <= 3


def entries(bound: int) -> tuple[list[str], set[str]]:
    """Two full calls and one of three entries; the ids of some that are refused in each."""
    ids = [f"id-{number}" for number in range(2 * bound + 3)]
    return ids, {ids[1], ids[bound], ids[2 * bound - 1], ids[-1]}


def test_a_record_that_the_stream_refuses_in_a_later_call_goes_back(world, monkeypatch) -> None:
    # What is no event has its record's id as the partition key.
    event = sqs_event([f"no event {number}" for number in range(2 * RECORDS + 3)])
    ids = [record["messageId"] for record in event["Records"]]
    refused = [ids[1], ids[RECORDS], ids[2 * RECORDS - 1], ids[-1]]
    service = Service(set(refused), "InternalFailure")
    monkeypatch.setattr(data_client("kinesis"), "put_records", service.put_records)
    answer = relay_events.handler(event, CONTEXT)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == refused
    assert service.sizes == [RECORDS, RECORDS, 3]


@pytest.mark.parametrize("position", [0, 3, ENTRIES, ENTRIES + 3, 2 * ENTRIES + 2])
def test_a_poison_record_that_the_quarantine_refuses_comes_again(
    world, monkeypatch, position
) -> None:
    event = world.kinesis_event(*["no event"] * (2 * ENTRIES + 3))
    numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
    assert all(base64.b64decode(r["kinesis"]["data"]) == b"no event" for r in event["Records"])
    service = Service({numbers[position]}, "InternalFailure")
    monkeypatch.setattr(data_client("sqs"), "send_message_batch", service.send_message_batch)
    answer = normalize_events.handler(event, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": numbers[position]}]}
    assert service.sizes == [ENTRIES, ENTRIES, 3]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_record_that_fails_is_named_whatever_its_neighbours_do(concurrency) -> None:
    def process(record: dict[str, Any]) -> None:
        number = int(record["body"])
        # The first ones take longest, so that they end last.
        time.sleep(0.001 * (10 - number) if concurrency > 1 else 0)
        if number in {1, 4, 9}:
            raise ValueError

    answer = process_records(
        sqs_event([str(number) for number in range(10)]), process, concurrency=concurrency
    )
    failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert failed == ["record-1", "record-4", "record-9"]
