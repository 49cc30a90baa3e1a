"""Answers of DynamoDB that neither moto nor the stand-in gives: another transaction is faster."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from runtime.domain.message import Message, Step, UseCase
from runtime.domain.plan import Plan
from runtime.store import ConflictError, Saved, Store, UnavailableError

MESSAGE = Message("id", UseCase.FALLBACK, (Step("sms", 60), Step("email", 60)), 0, 0)


def error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, "x")


def store_that_raises(raised: ClientError) -> Store:
    def refuse(**_: Any) -> None:
        raise raised

    client = SimpleNamespace(update_item=refuse, transact_write_items=refuse)
    return Store(client, "messages", "payloads")


CONFLICT = error("TransactionConflictException")
CANCELLED = error(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
)
THROTTLED = error(
    "TransactionCanceledException",
    CancellationReasons=[{"Code": "ThrottlingError"}, {"Code": "None"}],
)


def test_a_row_that_a_transaction_is_writing_is_read_again() -> None:
    with pytest.raises(ConflictError):
        store_that_raises(CONFLICT).save(MESSAGE, 1)
    with pytest.raises(ConflictError):
        store_that_raises(CANCELLED).save_and_delete_content(MESSAGE, 1)


def test_what_is_no_conflict_is_none() -> None:
    with pytest.raises(ClientError):
        store_that_raises(error("ThrottlingException")).save(MESSAGE, 1)
    with pytest.raises(ClientError):
        store_that_raises(THROTTLED).save_and_delete_content(MESSAGE, 1)
    with pytest.raises(ClientError):
        store_that_raises(error("InternalServerError")).save_and_delete_content(MESSAGE, 1)


def test_a_batch_tells_rows_to_read_again_from_those_that_failed() -> None:
    answer = {"Responses": [{"Error": {"Code": "TransactionConflict"}}]}
    client = SimpleNamespace(batch_execute_statement=lambda **_: answer)
    saved = Store(client, "messages", "payloads").save_many([MESSAGE], 1)
    assert saved == Saved(conflicts=frozenset({"id"}), failures=frozenset())


def test_keys_that_a_throttled_table_leaves_out_are_asked_for_again() -> None:
    asked: list[list[str]] = []

    def answer(RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  boto3's name
        keys = RequestItems["messages"]["Keys"]
        asked.append([key["message_id"]["S"] for key in keys])
        left = {"messages": {"Keys": keys[1:], "ConsistentRead": True}} if keys[1:] else {}
        return {"Responses": {"messages": []}, "UnprocessedKeys": left}

    client = SimpleNamespace(batch_get_item=answer)
    Store(client, "messages", "payloads").read_many(["a", "b", "c"], consistent=True)
    assert asked == [["a", "b", "c"], ["b", "c"], ["c"]]


def test_a_table_that_leaves_keys_out_again_and_again_is_unavailable(monkeypatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    def answer(RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  boto3's name
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    client = SimpleNamespace(batch_get_item=answer)
    with pytest.raises(UnavailableError):
        Store(client, "messages", "payloads").read_many(["a"], consistent=True)
    assert pauses == sorted(pauses)
    assert 1 < sum(pauses) < 3


def test_a_new_row_that_another_transaction_holds_is_no_repeat() -> None:
    cancelled = error(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}],
    )
    with pytest.raises(UnavailableError):
        store_that_raises(cancelled).create(Plan(MESSAGE, (), 0))
    with pytest.raises(UnavailableError):
        store_that_raises(THROTTLED).create(Plan(MESSAGE, (), 0))
    with pytest.raises(ClientError):
        store_that_raises(error("ThrottlingException")).create(Plan(MESSAGE, (), 0))
