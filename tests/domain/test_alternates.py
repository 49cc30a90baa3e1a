"""Alternates: steps that are sent instead of another after failures of a class."""

from dataclasses import replace

import pytest

from runtime.domain.decision import Action, cancel, claim, decide
from runtime.domain.message import Message, Step, UseCase, apply
from runtime.domain.plan import Durations, FailureAction, plan_message
from runtime.domain.status import DeliveryEvent, FailureClass, Status
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

T0 = 1_800_000_000_000
CLOSED = FailureClass.WINDOW_CLOSED
TEXT = WHATSAPP | {"whatsapp": {"message": "hi", "template": {"name": "t", "language": "en"}}}


def split(channel, body):
    if channel == "whatsapp" and "template" in body and "message" in body:
        return {"message": body["message"]}, {CLOSED: {"template": body["template"]}}
    return body, {}


def plan(*steps, **more):
    return plan_message(
        request(*steps, **more),
        message_id="id",
        now=T0,
        durations=Durations(300, 3_600, 30),
        split_repairs=split,
    )


def send(row: Message, index: int, now: int = T0) -> Message:
    due = None
    successor = row.successor(index)
    if successor is not None and row.steps[successor].due_at is None:
        due = now + 1000 * row.steps[index].fallback_seconds
    return claim(row, index, now, holder="h", lease_ms=60_000, successor_due_at=due)


def fail(row: Message, index: int, cls: FailureClass, *, permanent: bool | None = None) -> Message:
    event = DeliveryEvent(
        row.steps[index].channel,
        Status.FAILED,
        "failed",
        step=index,
        failure_class=cls,
        permanent=permanent,
        occurred_at=T0,
    )
    return apply(row, [event])


def deliver(row: Message, index: int) -> Message:
    event = DeliveryEvent("x", Status.DELIVERED, "d", step=index, occurred_at=T0)
    return apply(row, [event])


def test_a_template_beside_a_text_is_planned_as_its_repair() -> None:
    planned = plan(TEXT, SMS)
    assert [step.after for step in planned.message.steps] == [(), (CLOSED,), ()]
    assert [step.stands_for for step in planned.message.steps] == [None, 0, None]
    assert [content.body for content in planned.contents][:2] == [
        {"message": "hi"},
        {"template": {"name": "t", "language": "en"}},
    ]
    assert planned.message.mains == [0, 2]


def test_a_closed_window_sends_the_template_before_the_chain_falls_back() -> None:
    row = fail(send(plan(TEXT, SMS).message, 0), 0, CLOSED, permanent=True)
    assert row.failed_over_to == [1]
    assert decide(row, 1, T0, T0).action is Action.SEND
    repaired = send(row, 1)
    assert repaired.steps[1].started_because == "failure"
    assert repaired.steps[2].due_at == T0 + 60_000  # counted from the text, not the template
    assert deliver(repaired, 1).status == "delivered"
    assert fail(repaired, 1, FailureClass.TEMPLATE_ERROR).failed_over_to == [2]


def test_another_failure_falls_back_past_the_template() -> None:
    row = fail(send(plan(TEXT, SMS).message, 0), 0, FailureClass.UNREACHABLE)
    assert row.failed_over_to == [2]
    assert decide(row, 1, T0, T0).reason == "not called for"


def test_silence_falls_back_past_the_template() -> None:
    row = send(plan(TEXT, SMS).message, 0)
    assert decide(row, 2, T0 + 60_000, T0 + 60_000).action is Action.SEND
    moved = send(row, 2, T0 + 60_000)
    late = fail(moved, 0, CLOSED)
    assert late.failed_over_to == []
    assert decide(late, 1, T0 + 10**6, 0).reason == "superseded"


def test_the_repair_can_be_turned_off() -> None:
    assert len(plan(TEXT, SMS, on_failure={"window_closed": "fall_back"}).message.steps) == 2


def test_a_template_alone_is_no_repair() -> None:
    only = WHATSAPP | {"whatsapp": {"template": {"name": "t", "language": "en"}}}
    assert len(plan(only, SMS).message.steps) == 2


def test_a_retry_sends_the_same_again_after_a_delay_and_then_later() -> None:
    planned = plan(SMS, EMAIL, on_failure={"unreachable": "retry"})
    assert [step.delay_seconds for step in planned.message.steps] == [0, 5, 30, 0, 5, 30]
    assert planned.contents[0] is planned.contents[1]
    row = fail(send(planned.message, 0), 0, FailureClass.UNREACHABLE, permanent=False)
    assert row.failed_over_to == [1]
    again = fail(send(row, 1, T0 + 5000), 1, FailureClass.UNREACHABLE, permanent=False)
    assert again.failed_over_to == [2]
    spent = fail(send(again, 2, T0 + 35_000), 2, FailureClass.UNREACHABLE, permanent=False)
    assert spent.failed_over_to == [3]


def test_a_text_that_was_retried_is_still_repaired() -> None:
    planned = plan(TEXT, SMS, on_failure={"unknown": "retry"})
    kinds = [content.body.get("template") is not None for content in planned.contents]
    assert kinds == [False, False, False, True, True, True, False, False, False]
    row = fail(send(planned.message, 0), 0, FailureClass.UNKNOWN)
    assert row.failed_over_to == [1]
    retried = fail(send(row, 1), 1, CLOSED, permanent=True)
    assert retried.failed_over_to == [3]


def test_a_template_is_retried_as_a_template() -> None:
    row = send(plan(TEXT, SMS, on_failure={"throttled": "retry"}).message, 0)
    repaired = send(fail(row, 0, CLOSED, permanent=True), 3)
    assert fail(repaired, 3, FailureClass.THROTTLED).failed_over_to == [4]


def test_a_text_whose_retries_are_spent_falls_back_past_the_template() -> None:
    row = send(plan(TEXT, SMS, on_failure={"throttled": "retry"}).message, 0)
    for index in (0, 1, 2):
        row = fail(send(row, index) if index else row, index, FailureClass.THROTTLED)
    assert row.failed_over_to == [6]


def test_the_wait_ends_the_retries() -> None:
    row = send(plan(SMS, EMAIL, on_failure={"unreachable": "retry"}).message, 0)
    row = fail(row, 0, FailureClass.UNREACHABLE, permanent=False)
    moved = send(row, 3, T0 + 60_000)
    assert decide(moved, 1, T0 + 60_000, 0).reason == "superseded"


def test_a_permanent_failure_is_not_retried() -> None:
    row = send(plan(SMS, EMAIL, on_failure={"blocked": "retry"}).message, 0)
    assert fail(row, 0, FailureClass.BLOCKED, permanent=True).failed_over_to == [3]


def test_stop_ends_the_chain() -> None:
    row = send(plan(SMS, EMAIL, on_failure={"opted_out": "stop"}).message, 0)
    stopped = fail(row, 0, FailureClass.OPTED_OUT, permanent=True)
    assert stopped.failed_over_to == []
    assert (stopped.status, stopped.over(T0)) == ("failed", True)
    assert decide(stopped, 1, T0 + 60_000, T0 + 60_000).action is Action.SKIP
    assert cancel(stopped, T0) is None
    assert fail(row, 0, FailureClass.UNREACHABLE).failed_over_to == [1]


def test_a_stopped_chain_that_arrives_all_the_same_is_delivered() -> None:
    row = send(plan(SMS, EMAIL, on_failure={"expired": "stop"}).message, 0)
    assert deliver(fail(row, 0, FailureClass.EXPIRED), 0).status == "delivered"


def test_a_failure_that_ended_the_chain_is_not_undone_by_another() -> None:
    row = send(plan(SMS, EMAIL, on_failure={"blocked": "stop"}).message, 0)
    assert fail(fail(row, 0, FailureClass.BLOCKED), 0, FailureClass.UNKNOWN).stopped
    assert fail(fail(row, 0, FailureClass.UNKNOWN), 0, FailureClass.BLOCKED).stopped


READ = {"success_status": "read"}


@pytest.mark.parametrize("delivered_first", [False, True])
def test_a_stop_stays_whatever_comes_later_and_whatever_came_before(delivered_first) -> None:
    row = send(plan(EMAIL | READ, SMS, on_failure={"unreachable": "stop"}).message, 0)
    row = deliver(row, 0) if delivered_first else row
    row = fail(row, 0, FailureClass.UNREACHABLE, permanent=False)
    row = row if delivered_first else deliver(row, 0)
    assert row.steps[0].status == "delivered"
    assert row.over(T0)
    assert decide(row, 1, T0 + 60_000, T0 + 60_000).reason == "stopped"
    assert (row.unclaimed, row.failed_over_to) == ([], [])


def test_a_stopped_step_of_a_broadcast_is_not_tried_again_after_another_failure() -> None:
    actions = {"unreachable": "stop", "invalid_address": "retry"}
    row = plan(EMAIL | READ, SMS, use_case="broadcast", on_failure=actions).message
    row = deliver(fail(send(row, 0), 0, FailureClass.UNREACHABLE, permanent=False), 0)
    assert not row.may_need_alternates
    again = fail(row, 0, FailureClass.INVALID_ADDRESS, permanent=None)
    assert again.failed_over_to == []


@pytest.mark.parametrize(
    ("wait", "outcome_wait", "retention_days", "days"),
    [(60, 3_600, 30, 30), (60, 3_600, 7, 14), (86_400, 259_200, 7, 18), (86_400, 259_200, 30, 30)],
)
def test_a_row_lives_at_least_as_long_as_a_dead_letter_can_act_on_it(
    wait, outcome_wait, retention_days, days
) -> None:
    planned = plan_message(
        request(EMAIL, SMS, fallback_seconds=wait),
        message_id="id",
        now=T0,
        durations=Durations(300, outcome_wait, retention_days),
        split_repairs=split,
    )
    end = T0 // 1000 + wait + outcome_wait
    assert planned.content_expires_at == end + 14 * 86_400
    assert planned.message.expires_at >= planned.content_expires_at
    assert (planned.message.expires_at - T0 // 1000) // 86_400 == days


def test_a_steps_own_word_wins_over_the_requests() -> None:
    own = SMS | {"on_failure": {"opted_out": "fall_back"}}
    row = send(plan(own, EMAIL, on_failure={"opted_out": "stop"}).message, 0)
    assert fail(row, 0, FailureClass.OPTED_OUT).failed_over_to == [1]


def test_a_broadcast_repairs_each_step_on_its_own() -> None:
    row = plan(TEXT, SMS, use_case="broadcast").message
    row = send(send(row, 0), 2)
    failed = fail(row, 0, CLOSED)
    assert failed.failed_over_to == [1]
    assert failed.status == "queued"
    assert deliver(send(failed, 1), 1).status == "delivered"
    assert fail(send(failed, 1), 1, FailureClass.TEMPLATE_ERROR).failed_over_to == []


def test_content_is_kept_while_the_template_may_be_needed() -> None:
    row = send(plan(SMS, TEXT).message, 1)
    accepted = apply(row, [DeliveryEvent("x", Status.SENT, "s", step=1, occurred_at=T0)])
    assert not accepted.over(T0)
    assert deliver(accepted, 1).over(T0)
    assert fail(accepted, 1, FailureClass.UNREACHABLE).over(T0)
    assert not fail(accepted, 1, CLOSED).over(T0)


def test_a_message_with_a_template_in_reserve_can_be_cancelled() -> None:
    row = send(plan(SMS, TEXT).message, 1)
    accepted = apply(row, [DeliveryEvent("x", Status.SENT, "s", step=1, occurred_at=T0)])
    cancelled = cancel(accepted, T0)
    assert cancelled is not None
    assert fail(cancelled, 1, CLOSED).failed_over_to == []


def test_a_failed_step_starts_its_alternate_again_after_a_crash() -> None:
    row = fail(send(plan(TEXT, SMS).message, 0), 0, CLOSED)
    assert decide(row, 0, T0, 0).action is Action.START_SUCCESSOR


@pytest.mark.parametrize("action", FailureAction)
def test_every_action_has_its_effect(action) -> None:
    planned = plan(TEXT, SMS, on_failure={"window_closed": action.value})
    row = fail(send(planned.message, 0), 0, CLOSED)
    steps = {"fall_back": [1], "retry": [1], "repair": [1], "stop": []}
    assert row.failed_over_to == steps[action]
    bodies = {"fall_back": "sms", "retry": "whatsapp", "repair": "whatsapp"}
    if action is not FailureAction.STOP:
        assert planned.contents[1].channel == bodies[action]


def test_a_row_without_failures_has_nothing_to_start() -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 1),), created_at=T0, expires_at=0)
    assert row.failed_over_to == []
    assert replace(row, use_case=UseCase.BROADCAST).failed_over_to == []
