"""Failures of one rank: which of them is told must not depend on which came first."""

from dataclasses import replace
from itertools import product

import pytest

from runtime.domain.message import Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

FAILURES = [
    DeliveryEvent(
        "sms",
        Status.FAILED,
        "failed",
        step=0,
        failure_class=failure_class,
        permanent=permanent,
        reason=reason,
        occurred_at=1,
    )
    for failure_class, reason, permanent in product(
        (None, FailureClass.BLOCKED, FailureClass.UNKNOWN), (None, "a", "b"), (None, True, False)
    )
]
NO_STOP: tuple[FailureClass, ...] = ()


@pytest.mark.parametrize("stop_on", [NO_STOP, (FailureClass.BLOCKED,)])
def test_of_two_failures_the_same_one_is_told_in_both_orders(stop_on) -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 60, stop_on=stop_on),), 0, 0)
    for one, other in product(FAILURES, FAILURES):
        both = apply(row, [one, other])
        assert both == apply(row, [other, one])
        (step,) = both.steps
        told = (step.failure_class, step.failure_reason, step.permanent)
        # One of the two, and not parts of both.
        assert told in [(it.failure_class, it.reason, it.permanent) for it in (one, other)]


def test_a_failure_that_ends_the_chain_is_told_before_any_other() -> None:
    step = Step("sms", 60, stop_on=(FailureClass.BLOCKED,))
    row = Message("id", UseCase.FALLBACK, (step,), 0, 0)
    ending = next(event for event in FAILURES if event.failure_class is FailureClass.BLOCKED)
    for other in FAILURES:
        told = apply(row, [ending, other]).steps[0]
        assert told.failure_class is FailureClass.BLOCKED


def test_an_event_takes_a_step_further_only_by_its_rank() -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 60),), 0, 0)
    delivered = DeliveryEvent("sms", Status.DELIVERED, "d", step=0, occurred_at=1)
    for failure in FAILURES:
        (step,) = apply(row, [failure, delivered]).steps
        assert (step.status, step.failure_class, step.failure_reason) == ("delivered", None, None)
        assert step.permanent is None
        assert step.times == {"failed": 1, "delivered": 1}


@pytest.mark.parametrize("status", [Status.DELAYED, Status.SENT, Status.DELIVERED])
def test_what_is_no_failure_leaves_no_class_and_no_reason_in_the_row(status) -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 60),), 0, 0)
    delayed = DeliveryEvent(
        "sms",
        status,
        "d",
        step=0,
        failure_class=FailureClass.UNREACHABLE,
        permanent=False,
        reason="MailboxFull",
    )
    (step,) = apply(row, [delayed]).steps
    assert (step.status, step.failure_class, step.failure_reason) == (status, None, None)
    assert step.permanent is None


@pytest.mark.parametrize("reason", ["131026: Undeliverable", "Permanent/General", "TEXT_BLOCKED"])
def test_a_failure_that_says_why_is_told_before_one_that_does_not(reason) -> None:
    row = Message("id", UseCase.FALLBACK, (Step("sms", 60),), 0, 0)
    silent = DeliveryEvent("sms", Status.FAILED, "f", step=0, failure_class=FailureClass.BLOCKED)
    told = replace(silent, reason=reason)
    for events in ((silent, told), (told, silent)):
        assert apply(row, events).steps[0].failure_reason == reason
