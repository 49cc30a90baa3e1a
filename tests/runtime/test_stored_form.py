"""Rows, contents and waiting events as they are stored, and read again."""

import json
import zlib
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.domain.message import FallbackReason, Message, Step, UseCase
from runtime.domain.plan import StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from runtime.rows import (
    decode_contents,
    decode_event,
    decode_message,
    encode_contents,
    encode_event,
    encode_key,
    encode_state,
)

T0 = 1_800_000_000_000

NUMBERS = st.integers(0, T0)
SOME_TEXT = st.none() | st.text(min_size=1, max_size=5)
CLASSES = st.lists(st.sampled_from(FailureClass), max_size=3).map(tuple)


@st.composite
def steps(draw: st.DrawFn, index: int) -> Step:
    failure_class = draw(st.none() | st.sampled_from(FailureClass))
    stop_on = draw(CLASSES)
    return Step(
        channel=draw(st.sampled_from(["email", "sms"])),
        fallback_seconds=draw(NUMBERS),
        success_status=draw(st.sampled_from(Status)),
        status=draw(st.sampled_from(Status)),
        failure_class=failure_class,
        failure_reason=draw(SOME_TEXT),
        permanent=draw(st.sampled_from([None, True, False])),
        provider_message_id=draw(SOME_TEXT),
        times=draw(st.dictionaries(st.sampled_from(Status), NUMBERS, max_size=3)),
        attempt=draw(NUMBERS),
        released=draw(NUMBERS),
        holder=draw(SOME_TEXT),
        lease_until=draw(NUMBERS),
        due_at=draw(st.none() | st.integers(1, T0)),
        started_because=draw(st.none() | st.sampled_from(FallbackReason)),
        # An alternate stands for an earlier step, so that the first one is a main step.
        stands_for=draw(st.none() | st.integers(0, index - 1)) if index else None,
        after=draw(CLASSES),
        delay_seconds=draw(NUMBERS),
        stop_on=stop_on,
        # A failure that ends its chain has always left this behind.
        stopped=failure_class in stop_on or draw(st.booleans()),
    )


@st.composite
def messages(draw: st.DrawFn) -> Message:
    count = draw(st.integers(1, 3))
    return Message(
        message_id=draw(st.text(max_size=5)),
        use_case=draw(st.sampled_from(UseCase)),
        steps=tuple(draw(steps(index)) for index in range(count)),
        created_at=draw(NUMBERS),
        expires_at=draw(NUMBERS),
        updated_at=draw(NUMBERS),
        version=draw(NUMBERS),
        cancelled_at=draw(st.none() | NUMBERS),
        request_hash=draw(st.none() | st.text(max_size=5)),
    )


@given(messages())
def test_a_row_is_read_as_it_was_written(message) -> None:
    assert decode_message(encode_key(message) | encode_state(message)) == message


def test_a_fresh_row_stores_what_it_needs_and_no_default() -> None:
    steps = (Step("sms", 60, times={Status.QUEUED: T0}), Step("email", 90))
    message = Message("id", UseCase.FALLBACK, steps, created_at=T0, expires_at=7, version=1)
    assert encode_key(message) == {
        "message_id": {"S": "id"},
        "use_case": {"S": "fallback"},
        "created_at": {"N": str(T0)},
        "expires_at": {"N": "7"},
    }
    step = {"status": {"S": "queued"}, "success_status": {"S": "delivered"}}
    first = {"channel": {"S": "sms"}, "fallback_seconds": {"N": "60"}}
    second = {"channel": {"S": "email"}, "fallback_seconds": {"N": "90"}}
    assert encode_state(message) == {
        "status": {"S": "queued"},
        "steps": {
            "L": [
                {"M": step | first | {"times": {"M": {"queued": {"N": str(T0)}}}}},
                {"M": step | second | {"times": {"M": {}}}},
            ]
        },
        "updated_at": {"N": "0"},
        "version": {"N": "1"},
    }


FULL = Step(
    "sms",
    60,
    success_status=Status.READ,
    status=Status.FAILED,
    failure_class=FailureClass.EXPIRED,
    failure_reason="why",
    permanent=False,
    provider_message_id="p",
    times={Status.FAILED: 5},
    attempt=2,
    released=1,
    holder="h",
    lease_until=8,
    due_at=9,
    started_because=FallbackReason.TIMEOUT,
    stands_for=0,
    after=(FailureClass.UNREACHABLE, FailureClass.BLOCKED),
    delay_seconds=30,
    stop_on=(FailureClass.OPTED_OUT,),
    stopped=True,
)
# One of each stored attribute, as rows of a stack that runs have it: a new name loses the old.
STORED = {
    "channel": {"S": "sms"},
    "fallback_seconds": {"N": "60"},
    "success_status": {"S": "read"},
    "status": {"S": "failed"},
    "failure_class": {"S": "expired"},
    "failure_reason": {"S": "why"},
    "permanent": {"BOOL": False},
    "provider_message_id": {"S": "p"},
    "times": {"M": {"failed": {"N": "5"}}},
    "attempt": {"N": "2"},
    "released": {"N": "1"},
    "holder": {"S": "h"},
    "lease_until": {"N": "8"},
    "due_at": {"N": "9"},
    "started_because": {"S": "timeout"},
    "stands_for": {"N": "0"},
    "after": {"S": "unreachable blocked"},
    "delay_seconds": {"N": "30"},
    "stop_on": {"S": "opted_out"},
    "stopped": {"BOOL": True},
}


def test_each_attribute_of_a_step_is_stored_under_its_name() -> None:
    message = Message(
        "id", UseCase.BROADCAST, (Step("sms", 60), FULL), 1, 2, cancelled_at=3, request_hash="r"
    )
    state = encode_state(message)
    stored = state["steps"]["L"][1]["M"]
    assert {name: stored.get(name) for name in STORED} == STORED
    assert state["cancelled_at"] == {"N": "3"}
    assert encode_key(message)["request_hash"] == {"S": "r"}
    row = encode_key(message) | state
    assert decode_message(row) == message
    row["steps"]["L"][1] = {"M": STORED}
    # What rows that are stored do not have keeps its default.
    known = {name: getattr(FULL, name) for name in STORED}
    assert {name: getattr(decode_message(row).steps[1], name) for name in STORED} == known


CONTENT = StepContent("email", "a@example.com", "b@example.org", {"text": "Zoë", "list": [1]})


def test_contents_are_read_as_they_were_written_and_repeats_are_stored_once() -> None:
    other = replace(CONTENT, channel="sms", body={})
    contents = (CONTENT, other, CONTENT, CONTENT)
    packed = encode_contents(contents)
    unpacked = decode_contents(packed)
    assert unpacked == contents
    assert unpacked[0] is unpacked[2] is unpacked[3]
    stored = json.loads(zlib.decompress(packed))
    assert stored["steps"] == [0, 1, 0, 0]
    assert len(stored["contents"]) == 2


def test_contents_that_wait_in_a_stack_that_runs_are_still_read() -> None:
    stored = {
        "contents": [
            {"channel": "sms", "sender": "s", "recipient": "r", "body": {"message": "Hi"}},
        ],
        "steps": [0, 0],
    }
    content = StepContent("sms", "s", "r", {"message": "Hi"})
    assert decode_contents(zlib.compress(json.dumps(stored).encode())) == (content, content)


def test_text_is_stored_in_utf_8_and_not_in_escapes() -> None:
    assert "Zoë".encode() in zlib.decompress(encode_contents((CONTENT,)))


EVENT = DeliveryEvent(
    "whatsapp",
    Status.FAILED,
    "failed",
    final=True,
    provider_message_id="p",
    related_message_id="r",
    failure_class=FailureClass.BLOCKED,
    permanent=False,
    reason="131049",
    occurred_at=T0,
)


@pytest.mark.parametrize(
    "event", [EVENT, DeliveryEvent("whatsapp", Status.SENT, "sent"), replace(EVENT, permanent=True)]
)
def test_an_event_that_waits_is_read_as_it_was_written(event) -> None:
    read = decode_event(encode_event(event))
    assert read == event
    assert isinstance(read.status, Status)
    assert read.failure_class is None or isinstance(read.failure_class, FailureClass)


def test_an_event_that_waits_has_every_member_but_those_that_its_message_gives_it() -> None:
    names = {field.name for field in fields(DeliveryEvent)} - {"message_id", "step"}
    assert json.loads(encode_event(EVENT)).keys() == names
