"""Every member of the status document, for messages at each stage of their way."""

from dataclasses import replace
from typing import Any

from runtime.domain.decision import claim
from runtime.domain.document import status_document
from runtime.domain.message import FallbackReason, Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

T0 = 1_800_000_000_000  # 2027-01-15T08:00:00Z
HOUR = 3600


def accepted() -> Message:
    text = Step("whatsapp", 60, success_status=Status.READ, times={"queued": T0})
    template = replace(text, times={}, stands_for=0, after=(FailureClass.WINDOW_CLOSED,))
    last = Step("sms", 90, stop_on=(FailureClass.OPTED_OUT,))
    return Message("id", UseCase.FALLBACK, (text, template, last), created_at=T0, expires_at=0)


def sent(row: Message, index: int, now: int, **options: Any) -> Message:
    options = {"holder": "h", "lease_ms": 1000, "successor_due_at": None} | options
    return claim(row, index, now, **options)


def event(status: Status, step: int, at: int, **values: Any) -> DeliveryEvent:
    return DeliveryEvent("whatsapp", status, status, step=step, occurred_at=at, **values)


def document(row: Message, now: int = T0) -> dict[str, Any]:
    return status_document(row, now, HOUR)


def shows(actual: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether a document has these members; it may have more."""
    return actual | expected == actual


def test_a_message_that_was_just_accepted() -> None:
    whole = document(accepted())
    steps = whole.pop("steps")
    assert shows(
        whole,
        {
            "message_id": "id",
            "use_case": "fallback",
            "status": "queued",
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:00.000Z",
            "fallback": None,
            "next_timer_at": None,
            "cancelled_at": None,
            "outcome": {"delivered_late": False, "delivered_twice": False},
        },
    )
    untouched = {
        "status": "queued",
        "provider_message_id": None,
        "failure": None,
        "due_at": None,
        "started_because": None,
    }
    first = untouched | {
        "channel": "whatsapp",
        "times": {"queued": "2027-01-15T08:00:00.000Z"},
        "fallback_seconds": 60,
        "success_status": "read",
        "stands_for": None,
        "only_after": [],
    }
    template = first | {"times": {}, "stands_for": 0, "only_after": ["window_closed"]}
    last = first | {
        "channel": "sms",
        "times": {},
        "fallback_seconds": 90,
        "success_status": "delivered",
    }
    assert len(steps) == 3
    for step, expected in zip(steps, (first, template, last), strict=True):
        assert shows(step, expected)


def test_a_message_that_fell_back_and_arrived_by_both_channels() -> None:
    row = sent(accepted(), 0, T0 + 5, successor_due_at=T0 + 60_000)
    row = sent(row, 2, T0 + 60_000)
    row = apply(
        row,
        [
            event(Status.SENT, 0, T0 + 2000, provider_message_id="wamid.A"),
            event(Status.READ, 0, T0 + 70_000),
            event(Status.DELIVERED, 0, T0 + 69_000),
            event(Status.DELIVERED, 2, T0 + 61_000, provider_message_id="sms-1"),
        ],
    )
    whole = document(replace(row, updated_at=T0 + 71_000))
    assert shows(
        whole,
        {
            "status": "read",
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:01:11.000Z",
            "fallback": {"reason": "timeout", "at": "2027-01-15T08:01:00.000Z", "step": 2},
            "outcome": {"delivered_late": True, "delivered_twice": True},
        },
    )
    first, _, last = whole["steps"]
    # In the order of time, whatever the names of the statuses.
    assert list(first["times"]) == ["queued", "sent", "delivered", "read"]
    assert first["provider_message_id"] == "wamid.A"
    assert first["started_because"] is None
    assert shows(
        last,
        {
            "status": "delivered",
            "provider_message_id": "sms-1",
            "started_because": "timeout",
            "due_at": "2027-01-15T08:01:00.000Z",
        },
    )


def test_a_failure_without_a_class_has_none() -> None:
    row = apply(sent(accepted(), 0, T0), [event(Status.FAILED, 0, T0 + 1)])
    assert document(row)["steps"][0]["failure"] == {
        "class": None,
        "reason": None,
        "permanent": None,
    }


def test_the_latest_fallback_is_told() -> None:
    steps = (Step("sms", 60), Step("email", 60), Step("rcs", 60))
    row = Message("id", UseCase.FALLBACK, steps, created_at=T0, expires_at=0)
    for index, now in enumerate((T0, T0 + 60_000, T0 + 120_000)):
        row = sent(row, index, now, successor_due_at=now + 60_000)
    assert document(row)["fallback"] == {
        "reason": "timeout",
        "at": "2027-01-15T08:02:00.000Z",
        "step": 2,
    }


def test_a_broadcast_has_no_fallback_even_where_a_step_was_started_by_a_failure() -> None:
    started = Step("sms", 60, attempt=1, started_because=FallbackReason.FAILURE)
    row = Message("id", UseCase.BROADCAST, (started,), created_at=T0, expires_at=0)
    assert document(row)["fallback"] is None


def test_the_next_timer_is_the_earliest_of_those_that_are_left() -> None:
    row = sent(accepted(), 0, T0, successor_due_at=T0 + 60_000)
    assert document(row)["next_timer_at"] == "2027-01-15T08:01:00.000Z"
    # The last step is held until its lease is over.
    last = sent(row, 2, T0 + 60_000, lease_ms=7000)
    assert document(last)["next_timer_at"] == "2027-01-15T08:01:07.000Z"
    assert document(apply(last, [event(Status.SENT, 2, T0)]))["next_timer_at"] is None


def test_a_step_that_was_sent_keeps_the_time_at_which_it_was_due() -> None:
    row = sent(accepted(), 0, T0, successor_due_at=T0 + 60_000)
    row = apply(sent(row, 2, T0 + 60_000), [event(Status.DELIVERED, 2, T0)])
    assert document(row)["steps"][2]["due_at"] == "2027-01-15T08:01:00.000Z"


def test_silence_reads_unknown_whatever_was_seen_before_it() -> None:
    end = T0 + 1000 * (60 + HOUR)
    row = sent(accepted(), 0, T0)
    for status in (Status.ACCEPTED, Status.SENT, Status.DELAYED):
        silent = apply(row, [event(status, 0, T0)])
        assert document(silent, end - 1)["status"] == status
        assert document(silent, end)["status"] == "unknown"
    failed = apply(sent(row, 2, T0), [event(Status.FAILED, 2, T0)])
    assert document(failed, end)["status"] == "failed"


def test_a_broadcast_waits_for_no_fallback_before_it_reads_unknown() -> None:
    row = replace(accepted(), use_case=UseCase.BROADCAST)
    assert document(row, T0 + 1000 * HOUR - 1)["status"] == "queued"
    assert document(row, T0 + 1000 * HOUR)["status"] == "unknown"


def test_a_message_of_a_single_step_has_a_document() -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 60),), created_at=T0, expires_at=0)
    assert document(row)["fallback"] is None
    assert len(document(row)["steps"]) == 1
