"""What a decision rests on: operators read the reason in the logs, and count it."""

from dataclasses import replace

import pytest

from runtime.domain.decision import Action, cancel, claim, decide, release
from runtime.domain.message import MOST_UNCLEAR_SENDS, FallbackReason, Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

T0 = 1_800_000_000_000
LEASE = 60_000


def chain(*steps: Step, use_case: UseCase = UseCase.FALLBACK) -> Message:
    return Message(
        "id", use_case, steps or (Step("sms", 60), Step("email", 60)), created_at=T0, expires_at=0
    )


def take(row: Message, index: int, now: int = T0) -> Message:
    due = now + 1000 * row.steps[index].fallback_seconds
    return claim(row, index, now, holder="h", lease_ms=LEASE, successor_due_at=due)


def see(row: Message, index: int, status: Status, cls: FailureClass | None = None) -> Message:
    event = DeliveryEvent(
        "sms", status, status, step=index, occurred_at=T0, failure_class=cls, permanent=True
    )
    return apply(row, [event])


def cancelled(row: Message) -> Message:
    row = cancel(row, T0)
    assert row is not None
    return row


def exhausted(row: Message, index: int) -> Message:
    for _ in range(MOST_UNCLEAR_SENDS):
        row = take(row, index)
    return row


STOPPING = chain(
    Step("sms", 60, stop_on=(FailureClass.OPTED_OUT,)),
    Step("email", 60),
)
RELEASED = release(take(chain(), 0), 0, holder="h", retry_at=T0 + 4_000)
REPAIRED = chain(
    Step("whatsapp", 60),
    Step("whatsapp", 60, stands_for=0, after=(FailureClass.WINDOW_CLOSED,)),
    Step("sms", 60),
)


@pytest.mark.parametrize(
    ("row", "index", "now", "due_at", "action", "reason", "wait_until"),
    [
        (chain(), 0, T0, 0, "send", "", 0),
        (see(take(chain(), 0), 0, Status.DELIVERED), 0, T0, 0, "skip", "succeeded", 0),
        (see(take(chain(), 0), 0, Status.DELIVERED), 1, T0, 0, "skip", "succeeded", 0),
        (take(take(chain(), 0), 1), 0, T0, 0, "skip", "superseded", 0),
        (see(take(chain(), 0), 0, Status.FAILED), 0, T0, 0, "start_successor", "failed", 0),
        (see(take(take(chain(), 0), 1), 1, Status.FAILED), 1, T0, 0, "skip", "failed", 0),
        (cancelled(take(chain(), 0)), 1, T0, 0, "skip", "cancelled", 0),
        (see(take(chain(), 0), 0, Status.SENT), 0, T0, 0, "skip", "duplicate", 0),
        (
            see(take(STOPPING, 0), 0, Status.FAILED, FailureClass.OPTED_OUT),
            1,
            T0 + 60_000,
            0,
            "skip",
            "stopped",
            0,
        ),
        (take(REPAIRED, 0), 1, T0, 0, "skip", "not called for", 0),
        (take(chain(), 0), 0, T0 + LEASE, 0, "skip", "held", 0),
        (exhausted(chain(), 1), 1, T0 + LEASE, 0, "skip", "held", 0),
        (take(chain(), 1), 1, T0 + LEASE - 1, 0, "wait", "held", T0 + LEASE),
        (take(chain(), 1), 1, T0 + LEASE, 0, "send", "lease over", 0),
        (chain(), 1, T0, T0 + 1, "wait", "early", T0 + 1),
        (take(chain(), 0), 1, T0, 0, "wait", "early", T0 + 60_000),
        (take(chain(), 0), 1, T0 + 60_000, 0, "send", "", 0),
        (RELEASED, 0, T0 + 3_999, 0, "wait", "early", T0 + 4_000),
        (RELEASED, 0, T0 + 4_000, 0, "send", "", 0),
    ],
)
def test_each_decision_says_what_it_rests_on(
    row, index, now, due_at, action, reason, wait_until
) -> None:
    decision = decide(row, index, now, due_at)
    assert (decision.action, decision.reason, decision.wait_until) == (action, reason, wait_until)


def test_a_step_without_a_wait_is_sent_at_any_time() -> None:
    assert decide(chain(), 0, 0, 0).action is Action.SEND
    failed = see(take(chain(), 0), 0, Status.FAILED)
    assert decide(failed, 1, 0, 0).action is Action.SEND


def test_a_needless_step_starts_no_successor_although_the_row_has_one_to_start() -> None:
    # The first step failed and calls for the second; the third is asked about.
    row = see(take(chain(Step("sms", 60), Step("email", 60), Step("rcs", 60)), 0), 0, Status.FAILED)
    assert row.failed_over_to == [1]
    late = take(row, 1)
    assert decide(late, 0, T0, 0).action is Action.SKIP
    assert decide(cancelled(late), 2, T0, 0).action is Action.SKIP


def test_each_claim_counts_and_each_release_gives_one_back() -> None:
    row = chain()
    for count in (1, 2, 3):
        row = take(row, 1)
        assert (row.steps[1].attempt, row.steps[1].released) == (count, count - 1)
        assert row.steps[1].unclear_sends == 1
        row = release(row, 1, holder="h", retry_at=T0 + count)
        assert (row.steps[1].attempt, row.steps[1].released) == (count, count)
        assert row.steps[1].unclear_sends == 0
        assert not row.steps[1].claimed
        assert row.steps[1].due_at == T0 + count


def test_an_alternate_of_a_broadcast_says_what_led_to_it() -> None:
    row = replace(REPAIRED, use_case=UseCase.BROADCAST)
    row = see(take(row, 0), 0, Status.FAILED, FailureClass.WINDOW_CLOSED)
    assert take(row, 1).steps[1].started_because is FallbackReason.FAILURE
    assert take(row, 2).steps[2].started_because is None


def test_why_a_step_was_started_is_not_forgotten_when_it_is_claimed_again() -> None:
    # It was started by a failure; when it is claimed again that failure counts as superseded.
    row = take(see(take(chain(), 0), 0, Status.FAILED), 1)
    assert row.steps[1].started_because is FallbackReason.FAILURE
    assert (
        take(release(row, 1, holder="h", retry_at=T0), 1).steps[1].started_because
        is FallbackReason.FAILURE
    )


def test_a_claim_without_a_time_leaves_the_successors_wait_alone() -> None:
    row = take(chain(), 0)
    again = claim(row, 0, T0 + 1, holder="h", lease_ms=LEASE, successor_due_at=None)
    assert again.steps[1].due_at == row.steps[1].due_at == T0 + 60_000
