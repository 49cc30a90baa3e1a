"""The status document."""

from dataclasses import replace

from runtime.domain.decision import claim
from runtime.domain.document import status_document
from runtime.domain.message import Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

T0 = 1_800_000_000_000
HOUR = 3600


def row() -> Message:
    steps = (Step("email", 60, times={"queued": T0}), Step("sms", 60))
    message = Message("id", UseCase.FALLBACK, steps, created_at=T0, expires_at=0)
    return claim(message, 0, T0, holder="h", lease_ms=1, successor_due_at=T0 + 60_000)


def test_a_message_under_way_says_when_its_next_timer_is_due() -> None:
    document = status_document(row(), T0, HOUR)
    assert document["next_timer_at"] == "2027-01-15T08:01:00.000Z"
    assert document["fallback"] is None
    assert document["status"] == "queued"


def test_a_fallback_says_why_when_and_to_which_step() -> None:
    message = claim(row(), 1, T0 + 60_500, holder="h", lease_ms=1, successor_due_at=None)
    document = status_document(message, T0, HOUR)
    assert document["fallback"] == {
        "reason": "timeout",
        "at": "2027-01-15T08:01:00.500Z",
        "step": 1,
    }
    assert document["steps"][1]["due_at"] == "2027-01-15T08:01:00.000Z"


def test_a_last_step_whose_send_is_unclear_says_when_it_is_sent_again() -> None:
    message = claim(row(), 1, T0 + 60_500, holder="h", lease_ms=500, successor_due_at=None)
    assert status_document(message, T0, HOUR)["next_timer_at"] == "2027-01-15T08:01:01.000Z"


def test_a_step_that_is_not_needed_any_more_has_no_time_to_start_at() -> None:
    assert status_document(row(), T0, HOUR)["steps"][1]["due_at"] == "2027-01-15T08:01:00.000Z"
    delivered = DeliveryEvent("email", Status.DELIVERED, "x", step=0, occurred_at=T0)
    for over in (apply(row(), [delivered]), replace(row(), cancelled_at=T0)):
        assert status_document(over, T0, HOUR)["steps"][1]["due_at"] is None


def test_a_failed_step_says_class_reason_and_whether_it_is_permanent() -> None:
    event = DeliveryEvent(
        "email",
        Status.FAILED,
        "Bounce",
        step=0,
        failure_class=FailureClass.INVALID_ADDRESS,
        permanent=True,
        reason="Permanent/General: 5.1.1",
        occurred_at=T0 + 1,
    )
    step = status_document(apply(row(), [event]), T0, HOUR)["steps"][0]
    assert step["failure"] == {
        "class": "invalid_address",
        "reason": "Permanent/General: 5.1.1",
        "permanent": True,
    }
    assert step["times"]["failed"] == "2027-01-15T08:00:00.001Z"


def test_without_an_outcome_in_time_the_status_reads_unknown() -> None:
    end = T0 + 1000 * (60 + HOUR)
    assert status_document(row(), end - 1, HOUR)["status"] == "queued"
    assert status_document(row(), end, HOUR)["status"] == "unknown"


def test_an_outcome_that_comes_after_that_still_counts() -> None:
    event = DeliveryEvent("email", Status.DELIVERED, "Delivery", step=0, occurred_at=T0)
    document = status_document(apply(row(), [event]), T0 + 10**9, HOUR)
    assert document["status"] == "delivered"


def test_a_cancelled_message_stays_cancelled() -> None:
    cancelled = replace(row(), cancelled_at=T0)
    document = status_document(cancelled, T0 + 10**9, HOUR)
    assert (document["status"], document["cancelled_at"]) == (
        "cancelled",
        "2027-01-15T08:00:00.000Z",
    )
