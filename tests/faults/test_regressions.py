"""Defects that the sweep and the state machine have found, each as the shortest way to it."""

import pytest

from runtime import sending
from runtime.handlers import normalize_events
from tests.faults.faults import CRASHES, Fault
from tests.faults.invariants import check_end
from tests.faults.providers import EARLY, LOST, THROTTLE, TIMEOUT, Script
from tests.faults.scenarios import SCENARIOS, chain
from tests.faults.sweep import play
from tests.faults.world import in_memory


@pytest.fixture(scope="module")
def begin():
    with in_memory() as begin:
        yield begin


def scenario(name: str):
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def call_of(begin, name: str, call: str, which: int = -1) -> int:
    """Return the number of a call in the world without faults."""
    world = play(begin(), scenario(name))
    names = world.calls.names[: world.calls_of_scenario]
    return [number for number, made in enumerate(names) if made == call][which]


def test_content_is_gone_though_a_sender_dies_before_its_delete_and_a_success_comes_first(
    begin,
) -> None:
    name = "silence, then the fallback is delivered"
    delete = call_of(begin, name, "dynamodb.delete_item")
    play(begin(faults={delete: Fault.CRASH_BEFORE}), scenario(name))


@pytest.mark.parametrize("fault", CRASHES)
def test_a_cancel_that_dies_deletes_the_content_or_changes_nothing(begin, fault) -> None:
    world = begin()
    message_id = world.submit(
        chain("email", "sms", use_case="broadcast", on_failure={"unreachable": "retry"}), "key"
    )
    # Both are accepted and may yet fail; no timer is left that could make up for a cancel.
    world.run()
    assert message_id in world.contents()
    for number in range(2):
        world.calls.faults = {len(world.calls.names) + number: fault}
        assert not world.cancel(message_id)
        is_cancelled = "cancelled_at" in world.rows()[message_id]
        assert is_cancelled == (message_id not in world.contents())
    assert is_cancelled == (fault is Fault.CRASH_AFTER)


@pytest.mark.parametrize("call", range(5))
def test_content_is_gone_though_events_come_again_together_with_new_ones(begin, call) -> None:
    world = begin()
    world.scripts["0000"] = {0: Script(events=((1_000, "delivered"), (1_200, "read")))}
    message_id = world.submit(chain("email", "sms"), "key")
    world.run(until=world.now + 999)
    # An invocation dies at one of its calls; its record comes again together with the next one.
    world.calls.faults = {len(world.calls.names) + call: Fault.CRASH_AFTER}
    world.run()
    assert len(world.calls.happened) == 1
    assert message_id not in world.contents()


def test_content_is_gone_though_its_delete_is_refused_and_new_events_come(begin) -> None:
    name = "whatsapp without our id"
    world = play(begin(), scenario(name))
    for number in range(world.calls_of_scenario):
        play(begin(faults={number: Fault.REFUSED}), scenario(name))


def test_a_join_whose_sender_died_is_made_up_for_after_the_fallback(begin, monkeypatch) -> None:
    world = begin()
    world.scripts["0000"] = {
        0: Script(events=((500, "delivered"), (900, "accepted")), echoes=False)
    }
    message_id = world.submit(chain("whatsapp", "sms"), "key")

    def die(*_arguments: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(sending, "link_all", die)
        world.run(until=world.now + 100)
    world.run()
    assert message_id is not None
    step = world.document(message_id)["steps"][0]
    assert step["status"] == "delivered"


def test_an_event_that_waited_is_not_lost_with_the_process_that_linked_it(begin) -> None:
    world = begin()
    world.scripts["0000"] = {
        0: Script((EARLY,), ((0, "delivered"), (500, "accepted")), echoes=False)
    }
    message_id = world.submit(chain("whatsapp", "sms"), "key")
    world.run(until=world.now + 499)
    write = normalize_events.normalizer().store.__class__.save_many
    died = []

    def die_once(store, messages, now):
        if not died:
            died.append(True)
            raise RuntimeError
        return write(store, messages, now)

    normalize_events.normalizer().store.__class__.save_many = die_once
    try:
        world.calls.happened.append(("the process dies after the link", Fault.CRASH_AFTER))
        world.run()
    finally:
        normalize_events.normalizer().store.__class__.save_many = write
    assert message_id is not None
    assert world.document(message_id)["steps"][0]["status"] == "delivered"


@pytest.mark.parametrize("answer", [LOST, TIMEOUT])
def test_a_throttled_try_is_no_unclear_one(begin, answer) -> None:
    world = begin()
    world.scripts["0000"] = {1: Script((THROTTLE, THROTTLE, answer))}
    world.submit(chain("email", "sms"), "key")
    world.run()
    check_end(world)
    assert [send.step for send in world.providers.sends][:2] == [0, 1]


@pytest.mark.parametrize("answer", [THROTTLE, TIMEOUT])
def test_a_broadcast_tries_nothing_again_that_was_delivered_after_all(begin, answer) -> None:
    world = begin()
    world.scripts["0000"] = {
        0: Script(events=((1_000, "failed for now"), (6_500, "delivered"))),
        1: Script((answer,)),
    }
    world.submit(
        chain("sms", "email", use_case="broadcast", on_failure={"unreachable": "retry"}), "key"
    )
    world.run()
    check_end(world)
    assert sorted((send.step, send.channel) for send in world.providers.sends) == [
        (0, "sms"),
        (3, "email"),
    ]


def test_a_released_step_whose_first_send_went_out_is_not_open_any_more(begin) -> None:
    world = begin()
    # Taken at 60 s without an answer; throttled at 120 s; its event comes before the next try.
    world.scripts["0000"] = {1: Script((LOST, THROTTLE), ((61_500, "sent"),))}
    message_id = world.submit(chain("email", "sms"), "key")
    world.run()
    assert message_id is not None
    assert not world.cancel(message_id)
    check_end(world)
