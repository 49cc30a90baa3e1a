"""The small profile of the crash-point sweep, and that the scenarios go as they should."""

from collections.abc import Iterator

import pytest

from tests.faults.faults import Fault
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.sweep import (
    count_calls,
    double_crashes,
    outcome,
    play,
    single_faults,
    sweep,
)
from tests.faults.world import in_memory

# Of all pairs of crashes, every so manieth: another remainder for each scenario.
_STRIDE = 97


@pytest.fixture(scope="module")
def begin() -> Iterator:
    with in_memory() as begin:
        yield begin


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request) -> Scenario:
    return request.param


def test_without_faults_each_scenario_goes_as_it_should(begin, scenario) -> None:
    world = play(begin(), scenario)
    assert outcome(world) == (list(scenario.statuses), list(scenario.sends))


def test_with_every_message_twice_the_same_steps_are_sent(begin, scenario) -> None:
    # Not at the same moments: the copy of a timer is another try of a throttled step.
    statuses, sends = outcome(play(begin(duplicates=True), scenario))
    assert statuses == list(scenario.statuses)
    assert [step for step, _ in sends] == [step for step, _ in scenario.sends]


def test_no_single_fault_breaks_an_invariant(begin, scenario) -> None:
    duplicates = SCENARIOS.index(scenario) % 2 == 1
    calls = count_calls(begin, scenario, duplicates=duplicates)
    assert sweep(begin, scenario, single_faults(calls), duplicates=duplicates) == len(Fault) * calls


def test_no_two_crashes_break_an_invariant(begin, scenario) -> None:
    calls = count_calls(begin, scenario, duplicates=True)
    pairs = list(double_crashes(calls, most_apart=calls))
    chosen = pairs[SCENARIOS.index(scenario) :: _STRIDE]
    assert sweep(begin, scenario, chosen, duplicates=True) > 0


def test_every_kind_of_call_is_hit(begin) -> None:
    """The sweep is worth what it reaches: all calls of the store, the queues and the stream."""
    made = set()
    for each in SCENARIOS:
        made |= set(play(begin(), each).calls.names)
    assert made == {
        "dynamodb.transact_write_items",
        "dynamodb.get_item",
        "dynamodb.batch_get_item",
        "dynamodb.update_item",
        "dynamodb.delete_item",
        "dynamodb.batch_execute_statement",
        "sqs.send_message",
        "sqs.send_message_batch",
        "kinesis.put_records",
        "provider.send_email",
        "provider.send_text_message",
        "provider.send_whatsapp_message",
    }
