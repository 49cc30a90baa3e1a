"""`apply` over events: order, repeats, ranks, and what is derived from the steps."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.domain.message import FallbackReason, Message, Step, UseCase, apply
from runtime.domain.status import RANKS, DeliveryEvent, FailureClass, Status

CHANNELS = ("email", "sms", "whatsapp")
T0 = 1_800_000_000_000


def message(*channels: str, use_case: UseCase = UseCase.FALLBACK, **changes: object) -> Message:
    steps = tuple(Step(channel, 60) for channel in channels or ("email", "sms"))
    return Message("id", use_case, steps, created_at=T0, expires_at=T0 // 1000, **changes)


def event(status: Status, step: int = 0, at: int = 1, **changes: object) -> DeliveryEvent:
    values = {"channel": "email", "status": status, "event_type": status, "step": step}
    return DeliveryEvent(**values | {"occurred_at": T0 + at} | changes)


@st.composite
def events(draw: st.DrawFn) -> DeliveryEvent:
    status = draw(st.sampled_from(Status))
    failed = status is Status.FAILED
    return DeliveryEvent(
        channel=draw(st.sampled_from(CHANNELS)),
        status=status,
        event_type=status,
        step=draw(st.integers(-1, 3)),
        occurred_at=draw(st.none() | st.integers(T0, T0 + 5)),
        provider_message_id=draw(st.sampled_from([None, "a", "b", "wamid.c"])),
        related_message_id=draw(st.sampled_from([None, "a", "d"])),
        failure_class=draw(st.none() | st.sampled_from(FailureClass)) if failed else None,
        permanent=draw(st.sampled_from([None, True, False])) if failed else None,
        reason=draw(st.sampled_from([None, "x", "y"])) if failed else None,
    )


@given(st.lists(events(), max_size=8), st.randoms(use_true_random=False))
def test_the_row_is_the_same_for_every_order_of_events(batch, random) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)
    row = message(*CHANNELS)
    assert apply(row, batch) == apply(row, shuffled)


@given(st.lists(events(), max_size=6))
def test_events_that_come_twice_change_nothing_more(batch) -> None:
    once = apply(message(*CHANNELS), batch)
    assert apply(once, batch) == once
    assert apply(message(*CHANNELS), batch + batch[::-1]) == once


@given(st.lists(events(), max_size=8), st.integers(0, 8))
def test_batches_may_be_cut_anywhere(batch, cut) -> None:
    row = message(*CHANNELS)
    assert apply(apply(row, batch[:cut]), batch[cut:]) == apply(row, batch)


@given(st.lists(events(), max_size=8), events())
def test_a_rank_never_falls(batch, one_more) -> None:
    before = apply(message(*CHANNELS), batch)
    after = apply(before, [one_more])
    for old, new in zip(before.steps, after.steps, strict=True):
        assert new.rank >= old.rank
        assert old.times.keys() <= new.times.keys()
        assert old.succeeded <= new.succeeded


@given(st.lists(events(), max_size=8))
def test_events_for_one_step_leave_the_others_alone(batch) -> None:
    row = message(*CHANNELS)
    after = apply(row, [replace(item, step=1) for item in batch])
    assert (after.steps[0], after.steps[2]) == (row.steps[0], row.steps[2])


def test_the_statuses_rise_in_the_documented_order() -> None:
    order = "queued < accepted < sent < delayed < unknown < failed < delivered < read < complained"
    assert " < ".join(sorted(RANKS, key=RANKS.__getitem__)) == order


@pytest.mark.parametrize("lower", [s for s in Status if s not in (Status.READ, Status.COMPLAINED)])
def test_read_without_delivered_is_kept_whatever_else_comes(lower) -> None:
    for order in permutations([event(Status.READ), event(lower)]):
        assert apply(message(), order).steps[0].status is Status.READ


def test_an_asynchronous_permanent_bounce_outranks_delivered() -> None:
    bounce = event(Status.FAILED, permanent=True, failure_class=FailureClass.INVALID_ADDRESS)
    for order in permutations([event(Status.DELIVERED), bounce]):
        step = apply(message(), order).steps[0]
        assert (step.status, step.failure_class) == (Status.FAILED, "invalid_address")


def test_an_out_of_office_bounce_does_not_undo_a_delivery() -> None:
    bounce = event(Status.FAILED, permanent=False, failure_class=FailureClass.UNREACHABLE)
    for order in permutations([event(Status.DELIVERED), bounce]):
        step = apply(message(), order).steps[0]
        assert (step.status, step.failure_class) == (Status.DELIVERED, None)


def test_a_permanent_failure_of_a_text_does_not_outrank_its_delivery() -> None:
    failure = event(Status.FAILED, step=1, permanent=True)
    row = apply(message("email", "sms"), [failure, event(Status.DELIVERED, step=1)])
    assert row.steps[1].status is Status.DELIVERED


def test_the_earliest_time_of_each_status_is_kept() -> None:
    row = apply(message(), [event(Status.SENT, at=5), event(Status.SENT, at=3)])
    assert row.steps[0].times == {"sent": T0 + 3}


def test_aws_id_of_a_whatsapp_message_wins_over_metas() -> None:
    both = event(Status.SENT, provider_message_id="wamid.A", related_message_id="6d69f07a")
    only = event(Status.DELIVERED, provider_message_id="wamid.A")
    for order in permutations([both, only]):
        assert apply(message("whatsapp"), order).steps[0].provider_message_id == "6d69f07a"


def test_a_success_stays_one_after_a_later_failure() -> None:
    row = message()
    row = row.with_step(0, replace(row.steps[0], success_status=Status.SENT))
    for order in permutations([event(Status.SENT), event(Status.FAILED)]):
        assert apply(row, order).steps[0].succeeded


def test_delivered_is_no_success_for_a_step_that_waits_for_read() -> None:
    row = message()
    row = row.with_step(0, replace(row.steps[0], success_status=Status.READ))
    delivered = apply(row, [event(Status.DELIVERED)])
    assert not delivered.succeeded
    assert apply(delivered, [event(Status.READ)]).succeeded


def test_unknown_and_delayed_are_no_success_even_for_sent() -> None:
    row = message()
    row = row.with_step(0, replace(row.steps[0], success_status=Status.SENT))
    assert not apply(row, [event(Status.DELAYED), event(Status.UNKNOWN)]).succeeded


def claimed(row: Message, *indexes: int) -> Message:
    for index in indexes:
        step = replace(row.steps[index], attempt=1, lease_until=T0)
        row = row.with_step(index, step)
    return row


def test_a_delivery_after_the_fallback_is_late_and_overwrites_nothing() -> None:
    row = claimed(message(), 0, 1)
    row = apply(row, [event(Status.ACCEPTED, step=1), event(Status.DELIVERED, step=0)])
    assert row.delivered_late
    assert not row.delivered_twice
    assert [step.status for step in row.steps] == ["delivered", "accepted"]
    assert row.status == "delivered"


def test_two_deliveries_of_one_chain_are_delivered_twice() -> None:
    row = claimed(message(), 0, 1)
    row = apply(row, [event(Status.DELIVERED, step=1), event(Status.DELIVERED, step=0)])
    assert row.delivered_late
    assert row.delivered_twice


def test_a_broadcast_that_arrives_everywhere_is_not_delivered_twice() -> None:
    row = claimed(message(use_case=UseCase.BROADCAST), 0, 1)
    row = apply(row, [event(Status.DELIVERED, step=1), event(Status.DELIVERED, step=0)])
    assert not row.delivered_twice
    assert not row.delivered_late


def test_a_failed_step_hands_over_to_its_unclaimed_successor() -> None:
    row = apply(claimed(message(), 0), [event(Status.FAILED)])
    assert row.failed_over_to == [1]
    assert row.status == "queued"
    assert not row.over(T0)


def test_a_failed_step_hands_over_to_nobody_once_its_successor_is_claimed() -> None:
    assert apply(claimed(message(), 0, 1), [event(Status.FAILED)]).failed_over_to == []


def test_a_failed_step_of_a_broadcast_hands_over_to_nobody() -> None:
    row = apply(message(use_case=UseCase.BROADCAST), [event(Status.FAILED)])
    assert row.failed_over_to == []


def test_a_chain_whose_last_step_failed_has_failed() -> None:
    row = apply(claimed(message(), 0, 1), [event(Status.SENT), event(Status.FAILED, step=1)])
    assert row.status == "failed"
    assert row.over(T0)


def test_a_broadcast_fails_only_when_all_its_steps_failed() -> None:
    row = claimed(message(use_case=UseCase.BROADCAST), 0, 1)
    row = apply(row, [event(Status.FAILED, step=0), event(Status.SENT, step=1)])
    assert row.status == "sent"
    assert apply(row, [event(Status.FAILED, step=1)]).status == "failed"


def test_a_cancelled_message_that_arrives_all_the_same_is_delivered() -> None:
    row = claimed(message(cancelled_at=T0), 0)
    assert row.status == "cancelled"
    assert apply(row, [event(Status.DELIVERED)]).status == "delivered"


def test_content_is_needed_while_the_last_step_may_have_to_be_sent_again() -> None:
    row = claimed(message(), 0, 1)
    assert not row.over(T0)
    assert apply(row, [event(Status.ACCEPTED, step=1)]).over(T0)


def test_a_reason_keeps_the_fallbacks_own_cause() -> None:
    step = replace(message().steps[1], started_because=FallbackReason.TIMEOUT)
    row = apply(message().with_step(1, step), [event(Status.FAILED, step=0)])
    assert row.steps[1].started_because is FallbackReason.TIMEOUT
