"""What the steps together say of a message: its status, whether it is over, until when it waits."""

from dataclasses import replace

import pytest

from runtime.domain.message import MOST_UNCLEAR_SENDS, Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

T0 = 1_800_000_000_000
CLOSED = FailureClass.WINDOW_CLOSED


def row(*steps: Step, use_case: UseCase = UseCase.FALLBACK) -> Message:
    steps = steps or (Step("sms", 60), Step("email", 90))
    return Message("id", use_case, steps, created_at=T0, expires_at=0)


def broadcast(*steps: Step) -> Message:
    return row(*steps, use_case=UseCase.BROADCAST)


def taken(step: Step, **changes: object) -> Step:
    return replace(step, **{"attempt": 1, "lease_until": T0 + 1} | changes)


def settled(step: Step, status: Status) -> Step:
    return taken(step, status=status, times={status: T0})


SMS = Step("sms", 60)
TEXT = Step("whatsapp", 60)
TEMPLATE = Step("whatsapp", 60, stands_for=0, after=(CLOSED,))


def test_a_message_that_was_not_started_is_queued() -> None:
    assert row().current == 0
    assert row().status == "queued"
    assert broadcast().status == "queued"


def test_a_step_is_held_for_any_lease() -> None:
    assert taken(SMS, lease_until=1).claimed
    assert not SMS.claimed


def test_released_claims_are_no_unclear_sends() -> None:
    assert taken(SMS, attempt=5, released=2).unclear_sends == 3


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("queued", "queued"), "queued"),
        (("sent", "accepted"), "sent"),
        (("accepted", "sent"), "sent"),
        (("delayed", "sent"), "delayed"),
        (("failed", "accepted"), "accepted"),
        (("unknown", "failed"), "unknown"),
        (("failed", "failed"), "failed"),
        (("delivered", "failed"), "delivered"),
        (("delivered", "read"), "read"),
    ],
)
def test_a_broadcast_is_as_far_as_the_step_that_got_furthest(statuses, expected) -> None:
    steps = [settled(SMS, Status(status)) for status in statuses]
    assert broadcast(*steps).status == expected


def test_an_alternate_that_nothing_calls_for_says_nothing_of_a_broadcasts_status() -> None:
    assert broadcast(settled(TEXT, Status.FAILED), TEMPLATE).status == "failed"


def test_an_alternate_that_was_sent_says_how_far_a_broadcast_is() -> None:
    failed = settled(replace(TEXT, failure_class=CLOSED), Status.FAILED)
    assert broadcast(failed, settled(TEMPLATE, Status.SENT)).status == "sent"


def test_a_chain_is_as_far_as_the_step_that_it_has_reached() -> None:
    assert row(settled(SMS, Status.SENT), SMS).status == "sent"
    assert row(settled(SMS, Status.SENT), taken(SMS)).status == "queued"
    assert row(settled(SMS, Status.DELAYED), settled(SMS, Status.ACCEPTED)).status == "accepted"


@pytest.mark.parametrize("make", [row, broadcast])
def test_a_cancelled_message_is_over_although_a_step_may_yet_fail(make) -> None:
    message = make(settled(TEXT, Status.SENT), TEMPLATE)
    assert message.may_need_alternates
    assert not message.over(T0 + 1)
    assert replace(message, cancelled_at=T0).over(T0)


@pytest.mark.parametrize("make", [row, broadcast])
def test_a_cancelled_message_sends_no_last_step_again(make) -> None:
    message = make(taken(SMS))
    assert message.to_resend == [0]
    assert replace(message, cancelled_at=T0).to_resend == []


def test_a_chain_that_succeeded_sends_no_last_step_again() -> None:
    message = row(settled(SMS, Status.DELIVERED), taken(SMS))
    assert message.to_resend == []
    assert message.over(T0)


@pytest.mark.parametrize("unclear", range(1, MOST_UNCLEAR_SENDS + 1))
def test_an_unclear_last_step_is_sent_again_so_many_times(unclear) -> None:
    message = row(taken(SMS, attempt=unclear))
    assert message.to_resend == ([] if unclear == MOST_UNCLEAR_SENDS else [0])


def test_a_broadcast_step_that_arrived_needs_neither_its_alternates_nor_a_repeat() -> None:
    arrived = settled(TEXT, Status.DELIVERED)
    other = Step("sms", 60)
    assert not broadcast(arrived, TEMPLATE).may_need_alternates
    assert broadcast(arrived, TEMPLATE).over(T0)
    # Not even one that somebody holds.
    assert broadcast(arrived, taken(TEMPLATE)).to_resend == []
    assert broadcast(arrived, taken(TEMPLATE)).over(T0)
    # The other steps are not concerned.
    assert broadcast(arrived, TEMPLATE, taken(other)).to_resend == [2]
    assert not broadcast(arrived, TEMPLATE, taken(other)).over(T0)
    assert broadcast(taken(TEXT), TEMPLATE, settled(other, Status.DELIVERED)).may_need_alternates


def test_the_failure_of_an_alternates_alternate_goes_on_with_those_of_the_first_step() -> None:
    unclear = FailureClass.UNKNOWN
    steps = (
        replace(TEXT, status=Status.FAILED, attempt=1, failure_class=unclear),
        taken(
            replace(TEXT, stands_for=0, after=(unclear,)),
            status=Status.FAILED,
            failure_class=unclear,
        ),
        taken(
            replace(TEXT, stands_for=1, after=(unclear,)),
            status=Status.FAILED,
            failure_class=CLOSED,
        ),
        replace(TEXT, stands_for=0, after=(CLOSED,)),
        SMS,
    )
    assert row(*steps).next_on_failure(2) == 3


@pytest.mark.parametrize(
    ("make", "waits"),
    [(row, 60 + 90), (broadcast, 0)],
)
def test_an_outcome_is_expected_after_all_waits_but_the_last_steps(make, waits) -> None:
    steps = (Step("sms", 60), Step("email", 90), Step("rcs", 400))
    assert make(*steps).gives_up_at(1000) == T0 + 1000 * (waits + 1000)
    assert make(SMS).gives_up_at(1000) == T0 + 1_000_000


def test_alternates_make_nothing_wait_longer() -> None:
    assert row(TEXT, TEMPLATE, SMS).gives_up_at(0) == T0 + 60_000


@pytest.mark.parametrize("step", [-1, 2, None])
def test_an_event_of_a_step_that_there_is_not_changes_nothing_and_hides_no_other(step) -> None:
    def event(index):
        return DeliveryEvent("sms", Status.SENT, "s", step=index, occurred_at=T0)

    alone = apply(row(), [event(0), event(1)])
    assert apply(row(), [event(step), event(0), event(step), event(1)]) == alone
    assert [step.status for step in alone.steps] == ["sent", "sent"]
