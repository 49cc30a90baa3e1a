"""The small profile of bad input; the full one is `make faults`."""

from tests.faults import fuzzing


def test_every_request_gets_2xx_or_a_problem_document() -> None:
    assert fuzzing.requests(600) >= 600


def test_every_event_is_applied_counted_or_set_aside_and_holds_up_no_other() -> None:
    assert fuzzing.events(400) >= 400
