"""What callers read when a request is not taken: whole problem documents, in memory."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.world import World, in_memory
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request


@pytest.fixture
def begin() -> Iterator[Callable[..., World]]:
    with in_memory() as begin:
        yield begin


@pytest.fixture
def api(begin) -> World:
    return begin()


def post(api: World, body: object, key: str | None = None) -> SimpleNamespace:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = api.raw_http("POST", "/messages", text, key)
    return SimpleNamespace(status=answer["statusCode"], body=json.loads(answer["body"]))


def problem(answer: SimpleNamespace) -> dict[str, Any]:
    """Return a problem document without what is the same in all."""
    assert answer.body.pop("status") == answer.status
    assert answer.body.pop("type") == "about:blank"
    return dict(answer.body)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (
            "{",
            (
                "the body is not JSON: line 1, column 2: "
                "Expecting property name enclosed in double quotes"
            ),
        ),
        ("", "the body is empty: it must be a JSON object"),
        ('{"a": NaN}', "the body is not JSON: JSON has no NaN"),
        ('{"a": Infinity}', "the body is not JSON: JSON has no Infinity"),
        ('{"a": -Infinity}', "the body is not JSON: JSON has no -Infinity"),
        (
            '{"a": 1e999}',
            "the body is not JSON: a number is too large, or it is nested too deep",
        ),
        (
            "[" * 100_000,
            "the body is not JSON: a number is too large, or it is nested too deep",
        ),
    ],
    ids=["cut", "empty", "nan", "infinity", "minus-infinity", "too-large", "too-deep"],
)
def test_what_is_no_json_is_told_so_and_why(api, text, detail) -> None:
    answer = post(api, text)
    assert answer.status == 400
    assert problem(answer) == {
        "title": "The request is not valid",
        "detail": "One thing is wrong; see errors.",
        "errors": [{"pointer": "", "rule": "json", "detail": detail}],
    }


def test_half_of_a_surrogate_pair_is_json_and_no_text(api) -> None:
    body = request(EMAIL | {"email": {"subject": "s", "text": "half: \ud800"}}, SMS)
    answer = post(api, body)
    assert answer.status == 400
    assert problem(answer) == {
        "title": "The request is not valid",
        "detail": "One thing is wrong; see errors.",
        "errors": [
            {
                "pointer": "/pc/email/text",
                "rule": "text",
                "detail": "has half of a surrogate pair",
            }
        ],
    }


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("NaN", "JSON has no NaN"),
        ("Infinity", "JSON has no Infinity"),
        ("-Infinity", "JSON has no -Infinity"),
        ("1e999", "a number is too large, or it is nested too deep"),
    ],
)
def test_a_wait_that_is_no_number_of_json_is_no_json(api, number, why) -> None:
    text = json.dumps(request()).replace('"fallback_seconds": 60', f'"fallback_seconds": {number}')
    assert number in text
    (fault,) = problem(post(api, text))["errors"]
    assert fault == {"pointer": "", "rule": "json", "detail": f"the body is not JSON: {why}"}


def test_a_step_without_a_wait_has_the_stacks(begin, monkeypatch) -> None:
    monkeypatch.setenv("DEFAULT_FALLBACK_SECONDS", "77")
    api = begin()
    body = request()
    del body["fallback_seconds"]
    message_id = post(api, body).body["message_id"]
    steps = api.document(message_id)["steps"]
    assert [step["fallback_seconds"] for step in steps] == [77, 77]


def test_several_faults_are_counted_and_listed() -> None:
    with in_memory() as begin:
        answer = post(begin(), {"use_case": "fallback", "pc": EMAIL})
        one = problem(answer)
        assert one["detail"] == "One thing is wrong; see errors."
        assert len(one["errors"]) == 1
        two = problem(post(begin(), {"pc": EMAIL}))
        assert two["detail"] == "2 things are wrong; see errors."
        assert len(two["errors"]) == 2


def test_a_request_may_have_so_many_bytes_and_no_more(api) -> None:
    body = json.dumps(request())
    assert post(api, body + " " * (262_144 - len(body))).status == 202
    answer = post(api, body + " " * (262_145 - len(body)))
    assert answer.status == 413
    assert problem(answer) == {
        "title": "The request is too large",
        "detail": "A request has at most 262144 bytes.",
    }


@pytest.mark.parametrize("key", ["k" * 128, "k", "order 17", "Zoë"])
def test_a_key_of_printable_characters_is_taken(api, key) -> None:
    assert post(api, request(), key).status == 202


@pytest.mark.parametrize("key", ["", "k" * 129, "a\nb", "a\x00"])
def test_a_key_that_is_none_is_told_how_keys_are(api, key) -> None:
    answer = post(api, request(), key)
    assert answer.status == 400
    assert problem(answer)["errors"] == [
        {
            "pointer": "",
            "rule": "idempotencyKey",
            "detail": "Idempotency-Key must have 1 to 128 printable characters",
        }
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"fallback_seconds": 61},
        {"on_failure": {"expired": "stop"}},
        {"use_case": "broadcast"},
        {"pc": SMS},
        {"fc": [SMS, EMAIL]},
    ],
)
def test_a_key_stands_for_one_request(api, change) -> None:
    first = post(api, request(), "key")
    assert first.status == 202
    answer = post(api, request() | change, "key")
    assert answer.status == 422
    assert problem(answer) == {
        "title": "The Idempotency-Key was used for another request",
        "detail": "Use a new key for a new request, or send the first request again unchanged.",
    }
    assert post(api, dict(reversed(request().items())), "key").body == first.body


def test_a_message_that_there_is_not_is_not_found(api) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel")):
        for id_ in ("4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10", "recipient-1", "%20"):
            answer = api.http(method, f"/messages/{id_}{path}")
            assert answer.status == 404
            assert problem(answer) == {
                "title": "There is no such message",
                "detail": "No message has this id, or it is older than is kept.",
            }


def test_an_id_in_another_spelling_is_another(api) -> None:
    message_id = api.submit(request(), None)
    assert api.http("GET", f"/messages/{message_id.replace('-', '')}").status == 404
    assert api.http("GET", f"/messages/{message_id}").status == 200


def test_a_cancel_that_comes_too_late_says_so(api) -> None:
    message_id = api.submit(request(), None)
    assert api.cancel(message_id)
    assert api.document(message_id)["status"] == "cancelled"
    other = api.submit(request(), None)
    api.run(until=api.now + 61_000)
    answer = api.http("POST", f"/messages/{other}/cancel")
    assert answer.status == 409
    assert problem(answer) == {
        "title": "There is nothing left to cancel",
        "detail": "Every step has been sent, or the message is over.",
    }


def test_a_cancel_answers_the_document_and_a_second_one_the_same(api) -> None:
    message_id = api.submit(request(), None)
    api.now += 5_000
    first = api.http("POST", f"/messages/{message_id}/cancel")
    api.now += 5_000
    second = api.http("POST", f"/messages/{message_id}/cancel")
    assert first.body == second.body == api.document(message_id)
    assert first.body["cancelled_at"] == first.body["updated_at"] == "2027-01-15T08:00:05.000Z"
    assert message_id not in api.contents()


FAR = {"recipient": "+8821234567890"}
SENDER = {"rule": "allowedSenders", "detail": "the sender is not one of the stack's allowedSenders"}
COUNTRY = {
    "rule": "allowedCountryPrefixes",
    "detail": "the country is not one of the stack's allowedCountryPrefixes",
}


@pytest.mark.parametrize(
    ("steps", "faults"),
    [
        ((EMAIL, SMS), [("/fc/sender", SENDER)]),
        ((SMS, EMAIL), [("/pc/sender", SENDER)]),
        ((EMAIL, SMS, RCS), [("/fc/0/sender", SENDER), ("/fc/1/sender", SENDER)]),
        (
            (SMS | FAR, EMAIL, WHATSAPP),
            [("/pc/sender", SENDER), ("/pc/recipient", COUNTRY), ("/fc/1/sender", SENDER)],
        ),
    ],
)
def test_what_the_stack_does_not_send_is_named_step_by_step(
    begin, monkeypatch, steps, faults
) -> None:
    monkeypatch.setenv("ALLOWED_SENDERS", '["@example.com"]')
    monkeypatch.setenv("ALLOWED_COUNTRY_PREFIXES", '["+1"]')
    # Retries of a step are no steps of the request.
    body = request(*steps, on_failure={"unreachable": "retry"})
    answer = post(begin(), body)
    assert answer.status == 403
    assert problem(answer) == {
        "title": "The request is not allowed",
        "detail": "This stack does not send that; see errors.",
        "errors": [{"pointer": pointer} | fault for pointer, fault in faults],
    }


def test_a_stack_that_serves_some_countries_still_sends_mail(begin, monkeypatch) -> None:
    monkeypatch.setenv("ALLOWED_COUNTRY_PREFIXES", '["+49", "+1"]')
    assert post(begin(), request(EMAIL, SMS)).status == 202


@pytest.mark.parametrize(
    ("allowed", "sender", "status"),
    [
        ("@example.com", "shop@example.com", 202),
        ("@Example.COM", "Shop <shop@example.com>", 202),
        ("shop@example.com", "SHOP@example.com", 202),
        ("shop@example.com", "other@example.com", 403),
        ("example.com", "shop@example.com", 403),
        ("@example.com", "shop@a.example.com", 403),
        ("shop", "shop@example.com", 403),
    ],
)
def test_an_entry_is_a_whole_sender_or_a_domain(
    begin, monkeypatch, allowed, sender, status
) -> None:
    monkeypatch.setenv("ALLOWED_SENDERS", json.dumps([allowed]))
    step = EMAIL | {"sender": sender}
    assert post(begin(), request(step, step)).status == status


def test_a_recipient_who_has_got_enough_is_told_of_with_the_number(begin, monkeypatch) -> None:
    monkeypatch.setenv("MESSAGES_PER_RECIPIENT_PER_HOUR", "2")
    api = begin()
    for _ in range(2):
        assert post(api, request()).status == 202
    answer = api.raw_http("POST", "/messages", json.dumps(request()), None)
    assert answer["statusCode"] == 429
    assert "2 messages" in json.loads(answer["body"])["detail"]
    retry_after = answer["multiValueHeaders"]["Retry-After"]
    assert 0 < int(retry_after[0] if isinstance(retry_after, list) else retry_after) <= 3600


def test_content_is_kept_as_long_as_a_dead_letter_can_be_put_back(api) -> None:
    message_id = api.submit(request(EMAIL | {"fallback_seconds": 90}, SMS), None)
    content = api.dynamodb.tables["payloads"][message_id]
    give_up_seconds = api.now // 1000 + 90 + 3600
    kept = int(content["expires_at"]["N"]) - give_up_seconds
    assert 14 * 86_400 <= kept <= 15 * 86_400


def test_a_key_names_one_message_for_its_caller_and_none_is_a_new_one_each_time(api) -> None:
    first = post(api, request(), "key").body["message_id"]
    assert post(api, request(), "key").body["message_id"] == first
    assert post(api, request(), "key2").body["message_id"] != first
    ids = {post(api, request()).body["message_id"] for _ in range(3)}
    assert len(ids) == 3
    rows = api.rows()
    assert "request_hash" in rows[first]
    assert not any("request_hash" in rows[id_] for id_ in ids)


def test_a_repeat_starts_a_message_that_was_not_started_and_no_other(api) -> None:
    message_id = post(api, request(), "key").body["message_id"]
    assert len(api.queues["intake"]) == 1
    post(api, request(), "key")
    assert [json.loads(item.body) for item in api.queues["intake"]] == [
        {"message_id": message_id}
    ] * 2
    api.run(until=api.now + 1_000)
    post(api, request(), "key")
    assert not api.queues["intake"]
