"""What taking a message counts, logs and undoes; in memory."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from runtime import accepting
from runtime.handlers import message_api
from runtime.store import ConflictError, Store
from runtime.timers import Intake
from tests.faults.world import World, in_memory
from tests.support.requests import EMAIL, SMS, request

DOWN = EndpointConnectionError(endpoint_url="https://sqs")


@pytest.fixture
def begin() -> Iterator[Callable[..., World]]:
    with in_memory() as begin:
        yield begin


def post(world: World, body: dict[str, Any], key: str | None = None) -> int:
    return int(world.raw_http("POST", "/messages", json.dumps(body), key)["statusCode"])


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> None:
        raise error

    return fail


@pytest.fixture
def told(monkeypatch) -> list[tuple[Any, ...]]:
    """What was counted and logged."""
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(accepting.meter, "count", lambda *names: lines.append(names))
    monkeypatch.setattr(accepting.logger, "info", lambda words, **more: lines.append((words, more)))
    monkeypatch.setattr(
        accepting,
        "log_error",
        lambda words, error, **more: lines.append((words, type(error).__name__, more)),
    )
    return lines


def test_a_message_is_counted_when_it_is_taken_and_a_repeat_as_one(begin, told) -> None:
    world = begin()
    message_id = world.submit(request(), "key")
    assert world.submit(request(), "key") == message_id
    assert told == [
        ("MessagesAccepted",),
        ("message accepted", {"message_id": message_id, "repeated": False}),
        ("DuplicatesSuppressed",),
        ("message accepted", {"message_id": message_id, "repeated": True}),
    ]


def test_a_message_whose_start_is_refused_is_cancelled_without_its_content(
    begin, monkeypatch, told
) -> None:
    world = begin()
    monkeypatch.setattr(Intake, "put", raising(DOWN))
    assert post(world, request()) == 503
    (row,) = world.rows().values()
    assert row["cancelled_at"] == row["updated_at"] == {"N": str(world.now)}
    assert row["status"] == {"S": "cancelled"}
    assert world.contents() == set()
    assert ("MessagesAccepted",) in told


def test_a_message_with_a_key_waits_for_its_repeat(begin, monkeypatch) -> None:
    world = begin()
    with monkeypatch.context() as patch:
        patch.setattr(Intake, "put", raising(DOWN))
        assert post(world, request(), "key") == 503
    (row,) = world.rows().values()
    assert "cancelled_at" not in row
    assert len(world.contents()) == 1
    assert post(world, request(), "key") == 202
    assert len(world.rows()) == len(world.queues["intake"]) == 1


@pytest.mark.parametrize("error", [DOWN, ConflictError("id")])
def test_a_message_that_cannot_be_taken_back_is_logged(begin, monkeypatch, told, error) -> None:
    world = begin()
    monkeypatch.setattr(Intake, "put", raising(DOWN))
    monkeypatch.setattr(Store, "save_and_delete_content", raising(error))
    assert post(world, request()) == 503
    ((message_id, row),) = world.rows().items()
    assert "cancelled_at" not in row
    line = ("message not taken back", type(error).__name__, {"message_id": message_id})
    assert line in told


@pytest.mark.parametrize("name", ["cc", "bcc"])
@pytest.mark.parametrize("copies", [1, 40])
def test_those_who_get_a_copy_are_counted_too(begin, monkeypatch, name, copies) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "1")
    world = begin()
    addresses = [f"copy{number}@example.org" for number in range(copies)]
    mail = EMAIL | {"email": EMAIL["email"] | {name: addresses}}
    assert post(world, request(mail, SMS)) == 202
    to_copy = EMAIL | {"recipient": addresses[-1].upper()}
    assert post(world, request(to_copy, to_copy)) == 429
    other = EMAIL | {"recipient": "other@example.org"}
    assert post(world, request(other, other)) == 202


def test_a_repeat_of_what_was_taken_is_not_refused_for_its_rate(begin, monkeypatch) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "1")
    world = begin()
    assert post(world, request(), "key") == 202
    world.now += 2 * 3_600_000
    assert post(world, request(), "other") == 202
    assert post(world, request(), "key") == 202
    assert post(world, request(), "third") == 429


def test_without_a_bound_any_number_is_taken_and_counted_for_nobody(begin) -> None:
    world = begin()
    for _ in range(5):
        assert post(world, request()) == 202
    assert len(world.dynamodb.tables["messages"]) == 5


def test_only_an_id_is_looked_up(begin, monkeypatch) -> None:
    world = begin()
    monkeypatch.setattr(Store, "read", lambda *_: pytest.fail("looked up"))
    for path in ("recipient-1", "x", "4B2F6D0E-3D1A-4F6C-9A57-0D2F6F1C9F10"):
        assert world.http("GET", f"/messages/{path}").status == 404


def conflicting(monkeypatch, times: int) -> list[int]:
    tries: list[int] = []
    save = Store.save_and_delete_content

    def second(store: Store, message: Any, now: int) -> Any:
        tries.append(now)
        if len(tries) <= times:
            raise ConflictError(message.message_id)
        return save(store, message, now)

    monkeypatch.setattr(Store, "save_and_delete_content", second)
    return tries


@pytest.mark.parametrize("times", [1, 5, 9])
def test_a_cancel_that_came_second_is_tried_again(begin, monkeypatch, times) -> None:
    world = begin()
    message_id = world.submit(request(), None)
    conflicting(monkeypatch, times)
    assert world.cancel(message_id)
    assert world.document(message_id)["status"] == "cancelled"


def test_a_cancel_that_always_comes_second_is_told_to_come_again(begin, monkeypatch) -> None:
    world = begin()
    message_id = world.submit(request(), None)
    with monkeypatch.context() as patch:
        conflicting(patch, 1000)
        with pytest.raises(ConflictError, match=message_id):
            message_api.acceptor().cancel(message_id)
    tries = conflicting(monkeypatch, 1000)
    answer = world.http("POST", f"/messages/{message_id}/cancel")
    assert answer.status == 503
    assert 3 <= len(tries) <= 20


def test_callers_and_keys_are_told_apart_wherever_one_ends() -> None:
    ids = {
        accepting._message_id(client, key)
        for client, key in (("a", "bc"), ("ab", "c"), ("abc", ""), ("1:a", "b"), ("1", "a:b"))
    }
    assert len(ids) == 5
    assert accepting._message_id("a", "bc") in ids
    assert all(accepting._is_id(id_) for id_ in ids)
    # The same as yesterday: the first request of a key may have been taken before an update.
    assert accepting._message_id("caller", "key") == "977a23b9-1270-5580-918d-4e1932534912"


def test_a_request_of_before_an_update_is_known_after_it() -> None:
    first = {"use_case": "fallback", "pc": {"a": 1, "b": ["x", None]}}
    canonical = accepting._canonical(first)
    # The digest that the rows of the last release have.
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    assert digest == "b916409fb1ba3867148e494420c4904e"
    assert accepting._canonical(dict(reversed(first.items()))) == canonical
