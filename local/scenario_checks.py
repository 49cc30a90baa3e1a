"""Plays of more than one request, and checks that an Expectation has no words for."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from local.api_client import Answer, ApiClient
from local.expectation import Observation, seconds_between
from local.requests import (
    SPECIAL_HTML,
    SPECIAL_SUBJECT,
    SPECIAL_TEXT,
    Request,
    chain,
    email,
    sms,
)

INVALID, UNPROCESSABLE = 400, 422


def post(request: Request) -> Callable[[ApiClient], list[Answer]]:
    """Return a play of one request."""
    return lambda api: [api.post(request)]


def post_twice_and_once_differently(api: ApiClient) -> list[Answer]:
    """Repeat a request under its Idempotency-Key, then use the key for another request."""
    key = f"table-{time.time_ns()}"
    request = chain(
        email("success+idempotent@simulator.amazonses.com"), sms("+14254147755"), wait=60
    )
    other = chain(email("success+other@simulator.amazonses.com"), sms("+14254147755"), wait=60)
    return [api.post(request, key), api.post(request, key), api.post(other, key)]


def post_and_cancel(api: ApiClient) -> list[Answer]:
    """Cancel a message when its first step is out and its timer is running."""
    posted = api.post(chain(email("silent+cancelled@example.com"), sms("+14254147755"), wait=8))
    message_id = posted.document.get("message_id", "")
    deadline = time.monotonic() + 7
    while time.monotonic() < deadline:
        steps = api.status(message_id).document.get("steps")
        if steps and steps[0]["status"] == "sent":
            break
        time.sleep(0.3)
    return [posted, api.cancel(message_id), api.cancel(message_id)]


def one_message_for_the_key(seen: Observation) -> Iterator[str]:
    """Check the answers to a repeated and to a changed request."""
    first, again, changed = seen.answers
    if (again.status, again.document) != (first.status, first.document):
        yield f"the repeated request was answered {again.status}: {again.document}"
    if changed.status != UNPROCESSABLE:
        yield f"the key with another body was answered {changed.status} instead of 422"


def cancelled_twice(seen: Observation) -> Iterator[str]:
    """Check that cancelling is answered, and that cancelling again does no harm."""
    for answer in seen.answers[1:]:
        if answer.status >= INVALID:
            yield f"cancel was answered {answer.status}: {answer.document}"
    if not seen.document.get("cancelled_at"):
        yield "cancelled_at is missing"


def texts_are_unchanged(seen: Observation) -> Iterator[str]:
    """Check that every provider got the very characters of the request."""
    by_provider = {send["provider"]: send["content"] for send in seen.sends}
    simple = by_provider["ses"]["Simple"]
    received = {
        "email subject": (simple["Subject"]["Data"], SPECIAL_SUBJECT),
        "email text": (simple["Body"]["Text"]["Data"], SPECIAL_TEXT),
        "email HTML": (simple["Body"]["Html"]["Data"], SPECIAL_HTML),
        "SMS": (by_provider["sms"]["MessageBody"], SPECIAL_TEXT),
        "WhatsApp": (by_provider["whatsapp"]["text"]["body"], SPECIAL_TEXT),
    }
    for what, (actual, expected) in received.items():
        if actual != expected:
            yield f"{what}: {actual!r} instead of {expected!r}"


def every_fault_is_named(seen: Observation) -> Iterator[str]:
    """Check the problem document of a request with five faults."""
    answer = seen.answers[0]
    if answer.status != INVALID or "application/problem+json" not in answer.content_type:
        yield f"answered {answer.status} {answer.content_type}: {answer.document}"
        return
    pointers = {fault["pointer"] for fault in answer.document["errors"]}
    expected = {
        "/fallback_seconds",
        "/pc/recipient",
        "/pc/email/subject",
        "/fc/colour",
        "/fc/sms/message",
    }
    if pointers != expected:
        yield f"faults at {sorted(pointers)} instead of {sorted(expected)}"
    if "not an address" in str(answer.document):
        yield "the problem document repeats a value of the request"


def failure_is_explained(seen: Observation) -> Iterator[str]:
    """Check that the failed first step says why."""
    failure = seen.document["steps"][0]["failure"] or {}
    if not failure.get("class") or failure.get("permanent") is not True:
        yield f"the failure of the first step reads {failure}"


def content_is(**expected: Any) -> Callable[[Observation], Iterator[str]]:  # noqa: ANN401 -- JSON
    """Return a check of what the provider got in the first send, as far as it is named."""

    def check(seen: Observation) -> Iterator[str]:
        content = seen.sends[0]["content"]
        for name, value in expected.items():
            if content.get(name) != value:
                yield f"{name}: {content.get(name)!r} instead of {value!r}"

    return check


def repaired_by_template(seen: Observation) -> Iterator[str]:
    """Check that the template went out for the text, on its own channel, and for what reason."""
    text, template = (send["content"] for send in seen.sends)
    if (text["type"], template["type"]) != ("text", "template"):
        yield f"sent a {text['type']} and then a {template['type']}"
    failed, repair = seen.document["steps"][:2]
    if failed["failure"]["class"] != "window_closed":
        yield f"the failure of the text reads {failed['failure']}"
    if repair["only_after"] != ["window_closed"]:
        yield f"the repair is for {repair['only_after']}"


def same_again_after_5_seconds(seen: Observation) -> Iterator[str]:
    """Check that a step was repeated unchanged, and not at once."""
    first, again = seen.sends
    if first["content"] != again["content"]:
        yield "the repetition has another content"
    waited = seconds_between(first["received_at"], again["received_at"])
    if not 5 <= waited <= 12:  # noqa: PLR2004 -- the first delay, the bounce and a late timer
        yield f"repeated after {waited:.1f} s instead of 5 s after the failure"


def read_before_delivered(seen: Observation) -> Iterator[str]:
    """Check that the order of the events was the wrong one."""
    times = seen.document["steps"][0]["times"]
    if "delivered" not in times or not times["read"] < times["delivered"]:
        yield f"the times are {times}"


def second_attempt_took_a_moment(seen: Observation) -> Iterator[str]:
    """Check that a throttled send was tried again later, not at once."""
    waited = seconds_between(seen.document["created_at"], seen.sends[0]["received_at"])
    if waited < 1:
        yield f"accepted after {waited:.1f} s although the provider was throttling"
