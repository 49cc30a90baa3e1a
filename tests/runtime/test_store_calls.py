"""The store's calls one by one: what is asked of DynamoDB, and what is made of its answers."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from runtime import store as store_module
from runtime.domain.message import Message, Step, UseCase
from runtime.domain.plan import Plan, StepContent
from runtime.domain.status import DeliveryEvent, Status
from runtime.rows import decode_contents, decode_message, encode_key, encode_state
from runtime.store import ConflictError, Store, UnavailableError, link_all
from tests.faults.stand_in import DynamoDb

NOW = 1_800_000_000_000
DAY_SECONDS = 86_400
TABLES = ("messages", "payloads", "provider-message-ids")


def message(number: int = 0) -> Message:
    steps = (Step("whatsapp", 60), Step("sms", 60))
    return Message(f"id-{number}", UseCase.FALLBACK, steps, created_at=NOW, expires_at=NOW // 1000)


CONTENTS = (StepContent("whatsapp", "a", "b", {"message": "Hi"}),)
PLAN = Plan(message(), CONTENTS, NOW // 1000 + 5)


class Recorder:
    """A client that keeps each call and answers by a function of it, or raises."""

    exceptions = DynamoDb.exceptions

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append({"operation": operation} | request)
            answer = self.answer(request) if callable(self.answer) else self.answer
            if isinstance(answer, Exception):
                raise answer
            return answer or {}

        return call


def recording(answer: Any = None, **options: Any) -> tuple[Store, list[dict[str, Any]]]:
    client = Recorder(answer)
    return Store(client, *TABLES, **options), client.calls


def in_memory() -> Store:
    return Store(DynamoDb(lambda *_: None), *TABLES)


def error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code}, **more}, "x")


def cancelled(*codes: str | None, **first: Any) -> ClientError:
    reasons = [{"Code": code} if code else {} for code in codes]
    reasons[0] |= first
    return error("TransactionCanceledException", CancellationReasons=reasons)


def test_row_and_content_are_made_in_one_transaction() -> None:
    store, calls = recording()
    assert store.create(PLAN) is None
    (call,) = calls
    assert call["operation"] == "transact_write_items"
    row, content = (item["Put"] for item in call["TransactItems"])
    assert (row["TableName"], content["TableName"]) == ("messages", "payloads")
    assert decode_message(row["Item"]) == message()
    assert row["ConditionExpression"] == "attribute_not_exists(message_id)"
    assert row["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert content["Item"]["message_id"] == {"S": "id-0"}
    assert decode_contents(content["Item"]["content"]["B"]) == CONTENTS
    assert content["Item"]["expires_at"] == {"N": str(NOW // 1000 + 5)}


def test_a_row_that_is_there_already_is_returned_by_the_create() -> None:
    there = replace(message(), version=7)
    row = encode_key(there) | encode_state(there)
    refused = cancelled("ConditionalCheckFailed", "None", Item=row)
    assert recording(refused)[0].create(PLAN) == there


@pytest.mark.parametrize(
    "codes",
    [
        ("TransactionConflict", "None"),
        ("None", "TransactionConflict"),
        ("ThrottlingError",),
        (None,),
    ],
)
def test_a_create_that_another_transaction_is_in_the_way_of_is_unavailable(codes) -> None:
    with pytest.raises(UnavailableError) as raised:
        recording(cancelled(*codes))[0].create(PLAN)
    assert str(raised.value) == str(list(codes))


@pytest.mark.parametrize(
    "refused", [error("InternalServerError"), error("x", CancellationReasons=[])]
)
def test_a_create_that_fails_otherwise_is_an_error_of_dynamodb(refused) -> None:
    with pytest.raises(ClientError):
        recording(refused)[0].create(PLAN)


def test_rows_contents_and_links_are_read_as_they_are_now() -> None:
    for read in ("read", "read_contents"):
        store, calls = recording()
        assert getattr(store, read)("id") is None
        (call,) = calls
        assert call["ConsistentRead"] is True
        assert call["Key"] == {"message_id": {"S": "id"}}
        assert call["TableName"] == {"read": "messages", "read_contents": "payloads"}[read]
    store, calls = recording({"Responses": {}})
    store.find_links(["p"])
    (call,) = calls
    assert call["RequestItems"] == {
        "provider-message-ids": {
            "Keys": [{"provider_message_id": {"S": "p"}}],
            "ConsistentRead": True,
        }
    }


@pytest.mark.parametrize("consistent", [True, False])
def test_many_rows_are_read_a_hundred_a_call(consistent) -> None:
    rows = {item.message_id: item for item in (message(number) for number in range(0, 250, 2))}

    def answer(request: Any) -> Any:
        asked = request["RequestItems"]["messages"]
        assert asked["ConsistentRead"] is consistent
        ids = [key["message_id"]["S"] for key in asked["Keys"]]
        found = [rows[id_] for id_ in ids if id_ in rows]
        return {"Responses": {"messages": [encode_key(row) | encode_state(row) for row in found]}}

    store, calls = recording(answer)
    assert store.read_many([f"id-{n}" for n in range(250)], consistent=consistent) == rows
    counts = [len(call["RequestItems"]["messages"]["Keys"]) for call in calls]
    assert counts == [100, 100, 50]


def test_keys_are_asked_for_again_with_growing_pauses_and_then_given_up(monkeypatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(store_module, "time", SimpleNamespace(sleep=pauses.append))
    left = {"messages": {"Keys": [{"message_id": {"S": "id"}}], "ConsistentRead": False}}
    store, calls = recording({"Responses": {}, "UnprocessedKeys": left})
    with pytest.raises(UnavailableError, match="messages"):
        store.read_many(["id"], consistent=False)
    assert len(calls) == len(pauses) + 1 > 3
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] < pauses[-1]
    # The function has to end well before its timeout.
    assert sum(pauses) < 5
    assert all(call["RequestItems"] == left for call in calls[1:])


def test_what_several_answers_hold_is_put_together(monkeypatch) -> None:
    monkeypatch.setattr(store_module, "time", SimpleNamespace(sleep=lambda _: None))
    rows = [encode_key(item) | encode_state(item) for item in (message(0), message(1))]
    left = {"messages": {"Keys": [{"message_id": {"S": "id-1"}}]}}
    first = {"Responses": {"messages": rows[:1]}, "UnprocessedKeys": left}
    second = {"Responses": {"messages": rows[1:]}, "UnprocessedKeys": {}}
    answers = iter((first, second))
    store, _ = recording(lambda _: next(answers))
    assert store.read_many(["id-0", "id-1"], consistent=True).keys() == {"id-0", "id-1"}


CHANGED = replace(message(), cancelled_at=NOW)


def test_a_row_is_written_with_the_version_that_was_read_as_its_condition() -> None:
    store, calls = recording()
    saved = store.save(replace(CHANGED, version=4), NOW + 1)
    assert (saved.version, saved.updated_at) == (5, NOW + 1)
    (call,) = calls
    assert call["operation"] == "update_item"
    assert call["TableName"] == "messages"
    assert call["Key"] == {"message_id": {"S": "id-0"}}
    names, values = call["ExpressionAttributeNames"], call["ExpressionAttributeValues"]
    assert names[call["ConditionExpression"].split(" = ")[0]] == "version"
    assert values[call["ConditionExpression"].split(" = ")[1]] == {"N": "4"}
    assert call["UpdateExpression"].startswith("SET ")
    parts = dict(part.split(" = ") for part in call["UpdateExpression"][4:].split(", "))
    written = {names[name]: values[value] for name, value in parts.items()}
    assert written == encode_state(saved)


@pytest.mark.parametrize(
    "code",
    [
        "ConditionalCheckFailedException",
        "ConditionalCheckFailed",
        "TransactionConflictException",
    ],
)
def test_a_write_that_came_second_is_a_conflict_of_that_message(code) -> None:
    with pytest.raises(ConflictError, match="id-0"):
        recording(error(code))[0].save(message(), NOW)


@pytest.mark.parametrize(
    "codes", [("ConditionalCheckFailed", "None"), ("None", "TransactionConflict")]
)
def test_a_cancel_that_came_second_is_a_conflict_of_that_message(codes) -> None:
    with pytest.raises(ConflictError, match="id-0"):
        recording(cancelled(*codes))[0].save_and_delete_content(message(), NOW)


@pytest.mark.parametrize(
    "refused", [error("InternalServerError"), cancelled("None", "ThrottlingError")]
)
def test_a_cancel_that_fails_otherwise_is_an_error_of_dynamodb(refused) -> None:
    with pytest.raises(ClientError):
        recording(refused)[0].save_and_delete_content(message(), NOW)


def test_a_cancel_writes_the_row_and_deletes_the_content_in_one_transaction() -> None:
    store, calls = recording()
    saved = store.save_and_delete_content(replace(CHANGED, version=4), NOW + 1)
    assert (saved.version, saved.updated_at) == (5, NOW + 1)
    (call,) = calls
    update, delete = call["TransactItems"]
    assert update["Update"]["ExpressionAttributeValues"][":version"] == {"N": "5"}
    assert delete == {"Delete": {"TableName": "payloads", "Key": {"message_id": {"S": "id-0"}}}}


def by_position(errors: dict[str, str]) -> Any:
    """Answer each statement by the message that it is about."""

    def answer(request: Any) -> Any:
        ids = [
            next(
                value["S"]
                for value in statement["Parameters"]
                if value.get("S", "").startswith("id-")
            )
            for statement in request["Statements"]
        ]
        return {"Responses": [{"Error": {"Code": errors[i]}} if i in errors else {} for i in ids]}

    return answer


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_rows_that_were_not_written_are_named_in_whichever_call_they_were(concurrency) -> None:
    errors = {
        "id-3": "ConditionalCheckFailed",
        "id-30": "TransactionConflict",
        "id-49": "ConditionalCheckFailed",
        "id-24": "ThrottlingError",
        "id-50": "InternalServerError",
    }
    store, calls = recording(by_position(errors), concurrency=concurrency)
    saved = store.save_many([message(number) for number in range(60)], NOW)
    assert saved.conflicts == {"id-3", "id-30", "id-49"}
    assert saved.failures == {"id-24", "id-50"}
    assert sorted(len(call["Statements"]) for call in calls) == [10, 25, 25]
    assert {call["operation"] for call in calls} == {"batch_execute_statement"}


def test_a_row_of_many_is_written_like_one_alone() -> None:
    store, calls = recording(by_position({}))
    store.save_many([replace(CHANGED, version=4)], NOW + 1)
    (statement,) = calls[0]["Statements"]
    saved = replace(CHANGED, version=5, updated_at=NOW + 1)
    state = encode_state(saved)
    sets = " ".join(f'SET "{name}" = ?' for name in state)
    assert statement["Statement"] == (
        f'UPDATE "messages" {sets} WHERE "message_id" = ? AND "version" = ?'
    )
    assert statement["Parameters"] == [*state.values(), {"S": "id-0"}, {"N": "4"}]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_contents_that_were_not_deleted_are_named_in_whichever_call_they_were(
    concurrency,
) -> None:
    errors = {
        "id-2": "ConditionalCheckFailed",  # it was gone before
        "id-24": "ThrottlingError",
        "id-26": "TransactionConflict",
        "id-50": "InternalServerError",
    }
    store, calls = recording(by_position(errors), concurrency=concurrency)
    failed = store.delete_contents([f"id-{number}" for number in range(60)])
    assert failed == {"id-24", "id-26", "id-50"}
    assert sorted(len(call["Statements"]) for call in calls) == [10, 25, 25]
    statement = calls[0]["Statements"][0]
    assert statement["Statement"] == 'DELETE FROM "payloads" WHERE "message_id" = ?'
    assert len(statement["Parameters"]) == 1


def test_a_row_that_could_not_be_written_is_logged_with_the_code(monkeypatch) -> None:
    logged: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        store_module.logger, "warning", lambda words, **more: logged.append((words, more))
    )
    errors = {"id-0": "ConditionalCheckFailed", "id-1": "ThrottlingError"}
    recording(by_position(errors))[0].save_many([message(0), message(1)], NOW)
    assert logged == [("row not written", {"message_id": "id-1", "code": "ThrottlingError"})]


def test_an_answer_that_leaves_a_statement_out_is_no_success() -> None:
    store, _ = recording({"Responses": [{}]})
    with pytest.raises(ValueError, match="shorter"):
        store.save_many([message(0), message(1)], NOW)
    with pytest.raises(ValueError, match="shorter"):
        store.delete_contents(["id-0", "id-1"])


def test_one_content_is_deleted_by_its_key() -> None:
    store, calls = recording()
    store.delete_content("id")
    assert calls == [
        {
            "operation": "delete_item",
            "TableName": "payloads",
            "Key": {"message_id": {"S": "id"}},
        }
    ]


EVENT = DeliveryEvent("whatsapp", Status.SENT, "sent", provider_message_id="w", occurred_at=1)


def expiry(store: Store, table: str, key: str) -> int:
    return int(store.dynamodb.tables[table][key]["expires_at"]["N"])


def test_what_waits_and_what_is_linked_is_kept_for_days_and_not_for_ever() -> None:
    store = in_memory()
    store.park("parked", EVENT, NOW)
    store.link("linked", "m", 1, NOW)
    for key in ("parked", "linked"):
        kept = expiry(store, "provider-message-ids", key) - NOW // 1000
        assert 3 * DAY_SECONDS <= kept <= 366 * DAY_SECONDS


def test_an_event_that_was_waited_for_is_found_by_each_of_its_ids() -> None:
    store = in_memory()
    accepted = replace(EVENT, provider_message_id="meta", related_message_id="aws")
    read = replace(EVENT, status=Status.READ, provider_message_id="meta")
    later = replace(EVENT, status=Status.DELIVERED, provider_message_id="other")
    assert store.park("aws", accepted, NOW) is None
    assert store.park("meta", read, NOW) is None
    assert store.park("meta", replace(later, related_message_id="meta"), NOW) is None
    assert store.park("other", later, NOW) is None
    found = link_all(store, ["aws"], "m", 2, NOW)
    assert {(event.message_id, event.step) for event in found} == {("m", 2)}
    assert sorted(event.status for event in found) == ["delivered", "delivered", "read", "sent"]
    linked = store.find_links(["aws", "meta", "other", "unknown"])[0]
    assert linked == dict.fromkeys(("aws", "meta", "other"), ("m", 2))


def test_several_ids_are_linked_each_with_those_that_its_events_name() -> None:
    store = in_memory()
    for known, further in (("a", "c"), ("b", "d")):
        event = replace(EVENT, provider_message_id=known, related_message_id=further)
        store.park(known, event, NOW)
    assert len(link_all(store, ["a", "b"], "m", 0, NOW)) == 2
    linked = store.find_links(["a", "b", "c", "d"])[0]
    assert linked == dict.fromkeys("abcd", ("m", 0))


def test_no_ids_are_linked_by_no_call() -> None:
    store, calls = recording()
    assert link_all(store, [], "m", 0, NOW) == []
    assert calls == []


def test_an_event_without_further_ids_links_none() -> None:
    store = in_memory()
    store.park("p", replace(EVENT, provider_message_id=None), NOW)
    assert len(link_all(store, ["p"], "m", 0, NOW)) == 1
    assert set(store.dynamodb.tables["provider-message-ids"]) == {"p"}


def test_an_id_that_events_wait_for_is_no_link_yet() -> None:
    store = in_memory()
    store.park("p", EVENT, NOW)
    assert store.find_links(["p"]) == ({}, {})


@pytest.mark.parametrize("concurrency", [1, 3])
def test_work_in_parallel_keeps_its_order(concurrency) -> None:
    store, _ = recording(concurrency=concurrency)
    assert store.in_parallel(lambda number: number * 2, range(20)) == list(range(0, 40, 2))


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_no_more_calls_run_at_once_than_the_function_may_make(concurrency) -> None:
    active: set[int] = set()
    most: list[int] = []

    def call(_: int) -> None:
        active.add(threading.get_ident())
        most.append(len(active))
        time.sleep(0.02)
        active.discard(threading.get_ident())

    recording(concurrency=concurrency)[0].in_parallel(call, range(12))
    assert max(most) <= concurrency
