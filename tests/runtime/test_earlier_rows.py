"""Stored rows: what is written is read, and rows of earlier releases mean what they meant."""

from dataclasses import replace

import pytest

from runtime import rows
from runtime.domain.message import Message, Step, UseCase
from runtime.domain.status import FailureClass, Status

FAILED = Step(
    "sms",
    60,
    status=Status.FAILED,
    failure_class=FailureClass.OPTED_OUT,
    stop_on=(FailureClass.OPTED_OUT, FailureClass.BLOCKED),
)


def stored(step: Step) -> dict:
    row = Message("id", UseCase.FALLBACK, (step, Step("email", 60)), 1, 2)
    return rows.encode_key(row) | rows.encode_state(row)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_stop_is_read_as_it_was_written(stopped) -> None:
    delivered = replace(FAILED, status=Status.DELIVERED, failure_class=None, stopped=stopped)
    assert rows.decode_message(stored(delivered)).steps[0] == delivered


@pytest.mark.parametrize(
    ("failure_class", "stops"), [(FailureClass.OPTED_OUT, True), (FailureClass.UNKNOWN, False)]
)
def test_a_row_from_before_the_flag_says_by_its_failure_that_a_stop_has_come(
    failure_class, stops
) -> None:
    item = stored(replace(FAILED, failure_class=failure_class))
    assert "stopped" not in item["steps"]["L"][0]["M"]
    assert rows.decode_message(item).stopped is stops
