"""Chains whose steps have different waits: each timer is due after the wait of the step before."""

import pytest

from tests.support.events import ses, sms
from tests.support.requests import EMAIL, RCS, SMS, request


def test_each_timer_is_due_after_the_wait_of_the_step_that_was_just_sent(world) -> None:
    waits = [100, 2_000, 30, 7]
    steps = [
        step | {"fallback_seconds": s}
        for step, s in zip((EMAIL, SMS, RCS, SMS), waits, strict=True)
    ]
    message_id = world.accept(request(*steps))
    world.start(message_id)
    for index, wait in enumerate(waits[:-1], start=1):
        (timer,) = world.queued("timers")
        due_at = world.now + 1000 * wait
        assert timer["body"] == {"message_id": message_id, "step": index, "due_at": due_at}
        world.now = due_at - 1
        world.fire(timer["body"])
        (again,) = world.queued("timers")
        assert again["body"] == timer["body"]
        world.now = due_at
        world.fire(again["body"])
    assert len(world.providers["email"].requests) == 1
    assert len(world.providers["sms"].requests) == 3
    assert not world.queued("timers")


def test_a_text_lives_as_long_as_its_own_wait(world) -> None:
    first, second = SMS | {"fallback_seconds": 50}, RCS | {"fallback_seconds": 4_000}
    message_id = world.accept(request(first, second, EMAIL))
    world.start(message_id)
    world.now += 50_000
    world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    lives = [sent["TimeToLive"] for sent in world.providers["sms"].requests]
    assert lives == [50, 4_000]


@pytest.mark.parametrize(
    ("waits", "outcome_at"),
    [([100, 2_000], 100 + 3_600), ([2_000, 100], 2_000 + 3_600), ([0, 0], 3_600)],
)
def test_a_message_without_an_outcome_is_unknown_after_the_waits_that_start_something(
    world, waits, outcome_at
) -> None:
    steps = [
        step | {"fallback_seconds": wait} for step, wait in zip((EMAIL, SMS), waits, strict=True)
    ]
    message_id = world.accept(request(*steps))
    world.start(message_id)
    began = world.now
    world.now = began + 1000 * outcome_at - 1
    assert world.document(message_id)["status"] == "accepted"
    world.now += 1
    assert world.document(message_id)["status"] == "unknown"


def test_a_success_ends_a_longer_wait_and_a_failure_shortens_it(world) -> None:
    steps = [EMAIL | {"fallback_seconds": 3_600}, SMS | {"fallback_seconds": 10}, RCS]
    message_id = world.accept(request(*steps))
    world.start(message_id)
    world.queued("timers")
    world.normalize(ses("Bounce", message_id, 0))
    (timer,) = world.queued("timers")
    assert (timer["body"]["step"], timer["delay"]) == (1, 0)
    world.fire(timer["body"])
    (timer,) = world.queued("timers")
    assert timer["body"] == {"message_id": message_id, "step": 2, "due_at": world.now + 10_000}
    world.normalize(sms("TEXT_DELIVERED", message_id, 1, final=True))
    world.now += 10_000
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1
