"""The decision about a due step, and the rows that claims, releases and cancels lead to."""

from dataclasses import replace

import pytest

from runtime.domain.decision import Action, cancel, claim, decide, release
from runtime.domain.message import MOST_UNCLEAR_SENDS, FallbackReason, Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, Status

T0 = 1_800_000_000_000
LEASE = 60_000


def chain(*waits: int, use_case: UseCase = UseCase.FALLBACK) -> Message:
    steps = tuple(Step("sms", wait) for wait in waits or (60, 60))
    return Message("id", use_case, steps, created_at=T0, expires_at=0)


def take(row: Message, index: int, now: int = T0) -> Message:
    due = now + 1000 * row.steps[index].fallback_seconds
    return claim(row, index, now, holder="h", lease_ms=LEASE, successor_due_at=due)


def see(row: Message, index: int, status: Status) -> Message:
    event = DeliveryEvent("sms", status, status, step=index, occurred_at=T0)
    return apply(row, [event])


def test_a_new_message_is_sent() -> None:
    assert decide(chain(), 0, T0, 0).action is Action.SEND


def test_a_claim_counts_the_attempt_and_notes_when_the_successor_is_due() -> None:
    row = take(chain(90, 60), 0)
    assert (row.steps[0].attempt, row.steps[0].lease_until) == (1, T0 + LEASE)
    assert row.steps[1].due_at == T0 + 90_000


def test_a_held_step_with_a_successor_is_never_sent_again() -> None:
    row = take(chain(), 0)
    for now in (T0, T0 + LEASE, T0 + 100 * LEASE):
        assert decide(row, 0, now, 0).action is Action.SKIP


def test_a_held_last_step_is_sent_again_only_after_its_lease() -> None:
    row = take(take(chain(), 0), 1)
    early = decide(row, 1, T0 + LEASE - 1, 0)
    assert (early.action, early.wait_until) == (Action.WAIT, T0 + LEASE)
    assert decide(row, 1, T0 + LEASE, 0).action is Action.SEND


def test_a_held_last_step_is_not_sent_for_ever() -> None:
    row = take(chain(), 0)
    for _ in range(MOST_UNCLEAR_SENDS):
        assert decide(row, 1, T0 + 10**7, 0).action is Action.SEND
        assert not row.over(T0 + LEASE)
        row = take(row, 1)
    assert decide(row, 1, T0 + 10**7, 0).action is Action.SKIP


def test_content_is_kept_while_a_sender_holds_the_last_step_and_no_longer() -> None:
    row = take(chain(), 0)
    for _ in range(MOST_UNCLEAR_SENDS):
        row = take(row, 1)
    # The holder may yet give it back, and then it is sent again.
    assert not row.over(T0 + LEASE - 1)
    assert row.over(T0 + LEASE)
    given_back = release(row, 1, holder="h", retry_at=T0 + 4_000)
    assert not given_back.over(T0 + LEASE)
    assert decide(given_back, 1, T0 + 4_000, 0).action is Action.SEND


def test_a_last_step_that_has_shown_a_sign_of_life_is_not_sent_again() -> None:
    row = see(take(take(chain(), 0), 1), 1, Status.SENT)
    assert decide(row, 1, T0 + 10 * LEASE, 0).action is Action.SKIP


def test_a_released_step_may_be_sent_again() -> None:
    row = release(take(chain(), 0), 0, holder="h", retry_at=T0 + 1_000)
    assert decide(row, 0, T0 + 1_000, 0).action is Action.SEND
    assert row.steps[0].attempt == 1


@pytest.mark.parametrize("failed_before", [False, True])
def test_every_timer_waits_until_a_released_step_may_be_tried_again(failed_before) -> None:
    row = take(take(chain(3600, 60, 60), 0), 1, T0 + 2_000)
    row = see(row, 0, Status.FAILED) if failed_before else row
    row = release(row, 1, holder="h", retry_at=T0 + 3_000)
    for due_at in (0, T0, T0 + 2_000):
        early = decide(row, 1, T0 + 2_999, due_at)
        assert (early.action, early.wait_until) == (Action.WAIT, T0 + 3_000)
        assert decide(row, 1, T0 + 3_000, due_at).action is Action.SEND


def test_only_the_holder_can_release_a_step() -> None:
    row = take(chain(), 0)
    assert release(row, 0, holder="another sender", retry_at=T0) == row
    accepted = see(row, 0, Status.ACCEPTED)
    assert release(accepted, 0, holder="h", retry_at=T0).steps[0].claimed


def test_a_timer_that_comes_early_waits() -> None:
    row = take(chain(), 0)
    decision = decide(row, 1, T0 + 10, T0 + 60_000)
    assert (decision.action, decision.wait_until) == (Action.WAIT, T0 + 60_000)


def test_the_row_overrules_an_earlier_timer() -> None:
    row = take(chain(), 0, now=T0 + 5_000)
    assert decide(row, 1, T0 + 60_000, T0 + 60_000).wait_until == T0 + 65_000


def test_a_failure_lifts_the_wait() -> None:
    row = see(take(chain(), 0), 0, Status.FAILED)
    assert decide(row, 1, T0 + 1, T0).action is Action.SEND


def test_a_due_step_goes_out_although_the_one_before_was_never_claimed() -> None:
    assert decide(chain(), 1, T0 + 60_000, T0 + 60_000).action is Action.SEND


def test_a_step_is_not_sent_once_the_chain_has_moved_past_it() -> None:
    assert decide(take(chain(), 1), 0, T0, 0).reason == "superseded"


def test_a_recorded_failure_starts_its_successor_again_after_a_crash() -> None:
    row = see(take(chain(), 0), 0, Status.FAILED)
    assert decide(row, 0, T0, 0).action is Action.START_SUCCESSOR


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.READ, Status.COMPLAINED])
def test_nothing_is_sent_after_a_success(status) -> None:
    row = see(take(chain(60, 60, 60), 0), 0, status)
    for index in range(3):
        assert decide(row, index, T0 + 10**9, 0).action is Action.SKIP


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.SENT, Status.DELAYED, Status.UNKNOWN])
def test_silence_after_anything_less_than_success_falls_back_when_due(status) -> None:
    row = see(take(chain(), 0), 0, status)
    assert decide(row, 1, T0 + 60_000, T0 + 60_000).action is Action.SEND


def test_nothing_is_sent_after_a_cancel() -> None:
    row = cancel(take(chain(), 0), T0)
    assert row is not None
    assert decide(row, 1, T0 + 10**9, 0).reason == "cancelled"


def test_a_broadcast_sends_each_step_whatever_the_others_did() -> None:
    row = see(take(chain(use_case=UseCase.BROADCAST), 0), 0, Status.DELIVERED)
    assert decide(row, 1, T0, 0).action is Action.SEND
    assert (
        claim(row, 1, T0, holder="h", lease_ms=1, successor_due_at=None).steps[1].started_because
        is None
    )


def test_a_broadcast_step_without_a_sign_of_life_is_sent_again_after_its_lease() -> None:
    row = take(chain(use_case=UseCase.BROADCAST), 0)
    assert decide(row, 0, T0 + LEASE, 0).action is Action.SEND


def test_the_reason_of_a_fallback_is_what_led_to_it() -> None:
    first = take(chain(), 0)
    assert take(first, 1).steps[1].started_because is FallbackReason.TIMEOUT
    failed = see(first, 0, Status.FAILED)
    assert take(failed, 1).steps[1].started_because is FallbackReason.FAILURE


def test_the_reason_stays_when_the_claim_is_repeated() -> None:
    row = take(take(chain(), 0), 1)
    again = take(release(see(row, 0, Status.FAILED), 1, holder="h", retry_at=T0), 1)
    assert again.steps[1].started_because is FallbackReason.TIMEOUT
    assert again.steps[1].times["queued"] == T0


def test_a_second_cancel_changes_nothing() -> None:
    row = cancel(chain(), T0)
    assert row is not None
    assert cancel(row, T0 + 1) == row


def test_a_chain_with_nothing_left_to_send_cannot_be_cancelled() -> None:
    assert cancel(take(take(chain(), 0), 1), T0) is None
    assert cancel(see(take(chain(), 0), 0, Status.DELIVERED), T0) is None


def test_a_throttled_step_can_be_cancelled() -> None:
    row = release(take(chain(60), 0), 0, holder="h", retry_at=T0)
    assert cancel(row, T0) == replace(row, cancelled_at=T0)
