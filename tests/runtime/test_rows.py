"""What is stored comes back: every member, with a value that no default has."""

from dataclasses import fields, replace

import pytest

from runtime import rows
from runtime.domain.message import FallbackReason, Message, Step, UseCase
from runtime.domain.plan import StepContent
from runtime.domain.status import DeliveryEvent, FailureClass, Status

STEP = Step(
    channel="sms",
    fallback_seconds=90,
    success_status=Status.READ,
    status=Status.FAILED,
    failure_class=FailureClass.BLOCKED,
    failure_reason="131049: blocked",
    permanent=False,
    provider_message_id="sms-1",
    times={"queued": 1, "failed": 2},
    attempt=12,
    released=11,
    holder="holder",
    lease_until=3,
    due_at=4,
    started_because=FallbackReason.FAILURE,
    stands_for=0,
    after=(FailureClass.THROTTLED, FailureClass.UNREACHABLE),
    delay_seconds=30,
    stop_on=(FailureClass.OPTED_OUT, FailureClass.SUPPRESSED),
    stopped=True,
)
MESSAGE = Message(
    message_id="id",
    use_case=UseCase.BROADCAST,
    steps=(STEP, Step("email", 0)),
    created_at=1_800_000_000_000,
    expires_at=1_900_000_000,
    updated_at=1_800_000_000_001,
    version=7,
    cancelled_at=1_800_000_000_002,
    request_hash="hash",
)
EVENT = DeliveryEvent(
    channel="whatsapp",
    status=Status.FAILED,
    event_type="failed",
    final=True,
    provider_message_id="wamid-1",
    related_message_id="00000001",
    failure_class=FailureClass.UNREACHABLE,
    permanent=True,
    reason="131026: Message undeliverable",
    occurred_at=1_800_000_000_000,
)


def stored(message: Message) -> Message:
    return rows.decode_message(rows.encode_key(message) | rows.encode_state(message))


@pytest.mark.parametrize("name", [field.name for field in fields(Step)])
def test_every_member_of_a_step_is_stored(name) -> None:
    plain = Step("email", 0)
    assert getattr(STEP, name) != getattr(plain, name), "the sample has a default here"
    step = replace(plain, **{name: getattr(STEP, name)})
    assert stored(replace(MESSAGE, steps=(step,))).steps == (step,)


def test_a_message_is_stored_whole() -> None:
    assert stored(MESSAGE) == MESSAGE
    plain = Message("another", UseCase.FALLBACK, (Step("email", 0),), 1, 2)
    assert stored(plain) == plain
    for field in fields(Message):
        sample, default = getattr(MESSAGE, field.name), getattr(plain, field.name)
        assert sample != default, f"the sample has a default in {field.name}"


@pytest.mark.parametrize("permanent", [True, False, None])
def test_whether_a_failure_is_permanent_is_stored_as_it_is(permanent) -> None:
    step = replace(STEP, permanent=permanent)
    assert stored(replace(MESSAGE, steps=(step,))).steps[0].permanent is permanent
    event = replace(EVENT, permanent=permanent)
    assert rows.decode_event(rows.encode_event(event)).permanent is permanent


# Ours are not known yet while an event waits.
@pytest.mark.parametrize(
    "name", sorted({f.name for f in fields(DeliveryEvent)} - {"message_id", "step"})
)
def test_every_member_of_an_event_that_waits_is_kept(name) -> None:
    plain = DeliveryEvent("sms", Status.SENT, "sent")
    event = replace(plain, **{name: getattr(EVENT, name)})
    assert rows.decode_event(rows.encode_event(event)) == event
    assert event != plain, "the sample has a default here"


def test_contents_are_stored_in_the_order_of_their_steps() -> None:
    contents = [
        StepContent("sms", "from", f"to-{n % 7}", {"message": f"½ {n % 5}"})
        for n in (*range(36), 3, 0)
    ]
    assert rows.decode_contents(rows.encode_contents(contents)) == tuple(contents)
