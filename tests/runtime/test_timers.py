"""The queues that start steps: what their messages say, and when they are delivered."""

import json
import threading
import time
from typing import Any

import pytest

from runtime.domain.message import Message, Step, UseCase
from runtime.domain.status import FailureClass, Status
from runtime.timers import Intake, Timer, Timers, timers_after_failures

NOW = 1_800_000_000_000
URL = "https://sqs/queue"


class Queue:
    """SQS that takes everything but the steps in `refuses`."""

    def __init__(self, *refuses: int) -> None:
        self.refuses = refuses
        self.calls: list[dict[str, Any]] = []

    def send_message(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        return {}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        steps = {
            entry["Id"]: json.loads(entry["MessageBody"])["step"] for entry in request["Entries"]
        }
        failed = [{"Id": id_} for id_, step in steps.items() if step in self.refuses]
        return {"Failed": failed} if failed else {}


def test_the_intake_says_which_message_to_start() -> None:
    queue = Queue()
    Intake(queue, URL).put("id")
    (call,) = queue.calls
    assert call["QueueUrl"] == URL
    assert json.loads(call["MessageBody"]) == {"message_id": "id"}


def test_a_timer_says_which_step_and_when() -> None:
    queue = Queue()
    Timers(queue, URL).arm(Timer("id", 2, NOW + 60_000), NOW)
    (call,) = queue.calls
    assert (call["QueueUrl"], call["DelaySeconds"]) == (URL, 60)
    assert json.loads(call["MessageBody"]) == {
        "message_id": "id",
        "step": 2,
        "due_at": NOW + 60_000,
    }


@pytest.mark.parametrize(
    ("milliseconds", "delay"),
    [
        (-1000, 0),
        (-1, 0),
        (0, 0),
        (1, 1),
        (999, 1),
        (1000, 1),
        (1001, 2),
        (899_000, 899),
        (899_001, 900),
        (900_000, 900),
        (900_001, 900),
        (10**9, 900),
    ],
)
def test_a_timer_is_never_early_but_for_the_longest_delay_that_sqs_has(milliseconds, delay) -> None:
    queue = Queue()
    Timers(queue, URL).arm(Timer("id", 0, NOW + milliseconds), NOW)
    assert queue.calls[0]["DelaySeconds"] == delay


def timers(count: int) -> list[Timer]:
    return [Timer(f"id-{step}", step, NOW + 1000 * step) for step in range(count)]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_timers_are_armed_ten_a_call(concurrency) -> None:
    queue = Queue()
    assert Timers(queue, URL, concurrency).arm_all(timers(23), NOW) == []
    assert sorted(len(call["Entries"]) for call in queue.calls) == [3, 10, 10]
    assert {call["QueueUrl"] for call in queue.calls} == {URL}
    for call in queue.calls:
        assert len({entry["Id"] for entry in call["Entries"]}) == len(call["Entries"])
    entries = [entry for call in queue.calls for entry in call["Entries"]]
    armed = {json.loads(entry["MessageBody"])["step"]: entry["DelaySeconds"] for entry in entries}
    assert armed == {step: step for step in range(23)}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_timers_that_sqs_refused_are_named_in_whichever_call_they_were(concurrency) -> None:
    queue = Queue(1, 12, 19, 22)
    refused = Timers(queue, URL, concurrency).arm_all(timers(23), NOW)
    assert [timer.message_id for timer in refused] == ["id-1", "id-12", "id-19", "id-22"]


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_no_more_calls_run_at_once_than_the_function_may_make(concurrency) -> None:
    active: set[int] = set()
    most: list[int] = []

    class Slow(Queue):
        def send_message_batch(self, **request: Any) -> dict[str, Any]:
            thread = threading.get_ident()
            active.add(thread)
            most.append(len(active))
            time.sleep(0.02)
            active.discard(thread)
            return super().send_message_batch(**request)

    Timers(Slow(), URL, concurrency).arm_all(timers(60), NOW)
    assert max(most) <= concurrency


def test_no_timers_are_no_call() -> None:
    queue = Queue()
    assert Timers(queue, URL).arm_all([], NOW) == []
    assert queue.calls == []


def test_what_a_failure_calls_for_starts_after_its_own_delay() -> None:
    failed = Step("sms", 60, status=Status.FAILED, attempt=1, failure_class=FailureClass.EXPIRED)
    retry = Step("sms", 60, stands_for=0, after=(FailureClass.EXPIRED,), delay_seconds=5)

    def after(*steps: Step, use_case: UseCase = UseCase.FALLBACK) -> list[Timer]:
        return timers_after_failures(Message("id", use_case, steps, NOW, 0), NOW)

    assert after(failed, retry, Step("email", 60)) == [Timer("id", 1, NOW + 5000)]
    assert after(failed, Step("email", 60)) == [Timer("id", 1, NOW)]
    assert after(failed) == []
    both = after(failed, retry, failed, Step("sms", 60, stands_for=2), use_case=UseCase.BROADCAST)
    assert both == [Timer("id", 1, NOW + 5000)]
