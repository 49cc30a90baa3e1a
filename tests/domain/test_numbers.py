"""Numbers of a request and of a plan: zero is a number, each default stands for what is missing."""

from dataclasses import replace

import pytest

from runtime.domain.decision import Action, claim, decide
from runtime.domain.document import status_document
from runtime.domain.message import Message, apply
from runtime.domain.plan import Durations, plan_message
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from tests.support.requests import EMAIL, RCS, SMS, request

T0 = 1_800_000_000_000
STACK_DEFAULT = 300
MISSING = object()


def plan(body) -> Message:
    return plan_message(
        body,
        message_id="id",
        now=T0,
        durations=Durations(STACK_DEFAULT, 3_600, 30),
        split_repairs=lambda _, content: (content, {}),
    ).message


def given(value) -> dict:
    return {} if value is MISSING else {"fallback_seconds": value}


@pytest.mark.parametrize(
    ("of_request", "of_step", "expected"),
    [
        (MISSING, MISSING, STACK_DEFAULT),
        (60, MISSING, 60),
        (60, 90, 90),
        (60, 0, 0),
        (60, "0", 0),
        (60, 0.0, 0),
        (0, MISSING, 0),
        ("0", MISSING, 0),
        (0, 90, 90),
        (MISSING, 0, 0),
        (MISSING, 0.2, 1),
        (MISSING, "0.2", 1),
        (MISSING, "90.5", 91),
        (MISSING, 86_400, 86_400),
    ],
)
def test_a_steps_own_wait_comes_first_then_the_requests_then_the_stacks(
    of_request, of_step, expected
) -> None:
    body = request(EMAIL | given(of_step), SMS)
    del body["fallback_seconds"]
    message = plan(body | given(of_request))
    assert message.steps[0].fallback_seconds == expected
    assert isinstance(message.steps[0].fallback_seconds, int)


def test_each_step_has_its_own_wait() -> None:
    steps = [EMAIL | given(10), SMS | given(0), RCS, SMS | given("40")]
    assert [step.fallback_seconds for step in plan(request(*steps)).steps] == [10, 0, 60, 40]


def test_a_wait_of_zero_lets_the_fallback_start_at_once() -> None:
    row = send(plan(request(EMAIL | given(0), SMS)), 0, T0)
    assert decide(row, 1, T0, 0).action is Action.SEND
    assert status_document(row, T0, 3600)["next_timer_at"] == "2027-01-15T08:00:00.000Z"


def test_the_wait_is_that_of_the_step_that_was_sent_and_not_of_the_one_to_come() -> None:
    row = plan(request(EMAIL | given(10), SMS | given(500), RCS | given(3000)))
    row = send(row, 0, T0)
    early = decide(row, 1, T0 + 9_999, 0)
    assert (early.action, early.wait_until) == (Action.WAIT, T0 + 10_000)
    assert decide(row, 1, T0 + 10_000, 0).action is Action.SEND
    row = send(row, 1, T0 + 10_000)
    early = decide(row, 2, T0 + 500_000, 0)
    assert (early.action, early.wait_until) == (Action.WAIT, T0 + 510_000)
    # The last step's own wait starts nothing, so it is no part of how long an outcome may take.
    assert row.gives_up_at(60) == T0 + 1000 * (10 + 500 + 60)


def send(row: Message, index: int, now: int) -> Message:
    due_at = now + 1000 * row.steps[index].fallback_seconds
    return claim(row, index, now, holder="h", lease_ms=60_000, successor_due_at=due_at)


def test_six_steps_with_retries_are_eighteen_and_an_event_finds_each() -> None:
    retried = {"throttled": "retry"}
    row = plan(request(EMAIL, *[SMS] * 5, on_failure=retried))
    assert len(row.steps) == 18
    for index in range(len(row.steps)):
        event = DeliveryEvent("x", Status.SENT, "sent", step=index, occurred_at=T0)
        changed = [step.status is Status.SENT for step in apply(row, [event]).steps]
        assert changed == [other == index for other in range(18)]
    nothing = DeliveryEvent("x", Status.SENT, "sent", step=18, occurred_at=T0)
    assert apply(row, [nothing]) == row
    assert apply(row, [replace(nothing, step=-1)]) == row


def test_retries_of_every_main_step_stand_for_their_own() -> None:
    retried = {"throttled": "retry"}
    row = plan(request(EMAIL, *[SMS] * 5, on_failure=retried))
    stands_for = [step.stands_for for step in row.steps]
    assert stands_for == [n for main in range(0, 18, 3) for n in (None, main, main)]
    last = row.mains[-1]
    failed = apply(
        row,
        [
            DeliveryEvent(
                "sms",
                Status.FAILED,
                "failed",
                step=last,
                failure_class=FailureClass.THROTTLED,
                occurred_at=T0,
            )
        ],
    )
    assert failed.next_on_failure(last) == last + 1
