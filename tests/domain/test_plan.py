"""From a request to its steps: waits, goals, addresses, and how long the row is kept."""

from dataclasses import replace

import pytest

from runtime.domain.message import UseCase
from runtime.domain.plan import Durations, Plan, plan_message
from runtime.domain.status import FailureClass, Status
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request

T0 = 1_800_000_000_999
DAY_SECONDS = 86_400


def split(channel, body):
    repairs = {FailureClass.WINDOW_CLOSED: {"template": "t"}} if channel == "whatsapp" else {}
    return body, repairs


def plan(body: dict, **options: object) -> Plan:
    values = {
        "message_id": "id",
        "now": T0,
        "durations": Durations(300, 3_600, 30),
        "split_repairs": split,
    }
    return plan_message(body, **values | options)


def test_a_row_starts_with_what_is_known_of_it() -> None:
    message = plan(request(), request_hash="digest").message
    assert message.message_id == "id"
    assert message.use_case is UseCase.FALLBACK
    assert message.created_at == T0
    assert message.expires_at == 1_800_000_000 + 30 * DAY_SECONDS
    assert isinstance(message.expires_at, int)
    assert message.request_hash == "digest"
    assert plan(request()).message.request_hash is None


NOWS = pytest.mark.parametrize(
    ("now", "second"),
    [(999, 0), (1_800_000_000_000, 1_800_000_000), (1_800_000_500_500, 1_800_000_500)],
)


@NOWS
def test_the_table_keeps_a_row_for_the_days_of_the_stack_in_whole_seconds(now, second) -> None:
    for days in (15, 30):
        message = plan(request(), now=now, durations=Durations(300, 3_600, days)).message
        assert message.expires_at == second + days * DAY_SECONDS
        assert isinstance(message.expires_at, int)


@NOWS
@pytest.mark.parametrize(
    ("body", "outcome_wait", "wait"),
    [
        (request(), 3_600, 60 + 3_600),
        (request(SMS, EMAIL, RCS), 7_200, 60 + 60 + 7_200),
        (request(use_case="broadcast"), 3_600, 3_600),
    ],
)
def test_row_and_content_are_kept_14_days_after_the_last_outcome_is_expected(
    now, second, body, outcome_wait, wait
) -> None:
    end = second + wait + 14 * DAY_SECONDS
    short = plan(body, now=now, durations=Durations(300, outcome_wait, 7))
    assert (short.message.expires_at, short.content_expires_at) == (end, end)
    assert isinstance(short.content_expires_at, int)
    # The days of the stack lengthen how long the row is kept, and not how long the content is.
    long = plan(body, now=now, durations=Durations(300, outcome_wait, 30))
    assert long.message.expires_at == second + 30 * DAY_SECONDS
    assert long.content_expires_at == end


def test_a_broadcast_is_planned_as_one() -> None:
    assert plan(request(use_case="broadcast")).message.use_case is UseCase.BROADCAST


@pytest.mark.parametrize("fc", [SMS, [SMS]])
def test_one_further_step_may_stand_alone_or_in_a_list(fc) -> None:
    planned = plan(request() | {"fc": fc})
    assert [step.channel for step in planned.message.steps] == ["email", "sms"]


def test_steps_keep_the_order_of_the_request_and_their_own_addresses() -> None:
    planned = plan(request(EMAIL, SMS, RCS))
    assert [step.channel for step in planned.message.steps] == ["email", "sms", "rcs"]
    for content, entry in zip(planned.contents, (EMAIL, SMS, RCS), strict=True):
        assert content.channel == entry["channel"]
        assert (content.sender, content.recipient) == (entry["sender"], entry["recipient"])
        assert content.body == entry[entry["channel"]]


def test_channels_may_be_named_in_capitals() -> None:
    planned = plan(request(EMAIL | {"channel": "EMAIL"}, SMS | {"channel": "Sms"}))
    assert [step.channel for step in planned.message.steps] == ["email", "sms"]
    assert [content.channel for content in planned.contents] == ["email", "sms"]


@pytest.mark.parametrize(
    ("of_request", "of_step", "waits"),
    [
        ({}, {}, [300, 300]),
        ({"fallback_seconds": 90}, {}, [90, 90]),
        ({}, {"fallback_seconds": 45}, [45, 300]),
        ({"fallback_seconds": 90}, {"fallback_seconds": 45}, [45, 90]),
        ({"fallback_seconds": 90}, {"fallback_seconds": 0}, [0, 90]),
        ({"fallback_seconds": 0}, {}, [0, 0]),
        ({"fallback_seconds": "90"}, {"fallback_seconds": "0.5"}, [1, 90]),
        ({"fallback_seconds": 60.001}, {}, [61, 61]),
    ],
)
def test_a_steps_own_wait_wins_over_the_requests_and_that_over_the_stacks(
    of_request, of_step, waits
) -> None:
    body = request(EMAIL | of_step, SMS)
    del body["fallback_seconds"]
    steps = plan(body | of_request).message.steps
    assert [step.fallback_seconds for step in steps] == waits
    assert all(isinstance(step.fallback_seconds, int) for step in steps)


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ])
def test_a_step_waits_for_the_status_that_it_names(status) -> None:
    body = request(EMAIL | {"success_status": status.value}, SMS)
    assert [step.success_status for step in plan(body).message.steps] == [status, "delivered"]


def test_only_the_first_step_is_queued_when_a_message_is_accepted() -> None:
    chosen = {"on_failure": {"unreachable": "retry"}}
    for body in (request(WHATSAPP, SMS), request(WHATSAPP, SMS, **chosen)):
        first, *others = plan(body).message.steps
        assert first.times == {"queued": T0}
        assert len(others) > 1
        assert all(step.times == {} for step in others)


def test_members_that_are_left_blank_are_not_sent() -> None:
    blank = EMAIL | {"email": EMAIL["email"] | {"html": "", "template": "XXXX", "cc": []}}
    (first, _) = plan(request(blank, SMS)).contents
    assert first.body == EMAIL["email"] | {"template": "XXXX", "cc": []}


def test_alternates_have_the_goal_and_the_wait_of_the_step_that_they_stand_for() -> None:
    whatsapp = WHATSAPP | {"success_status": "read", "fallback_seconds": 45}
    planned = plan(request(SMS, whatsapp, on_failure={"throttled": "retry", "blocked": "stop"}))
    steps = planned.message.steps
    main = steps[3]
    assert main.stands_for is None
    for alternate in steps[4:]:
        kept = replace(alternate, stands_for=None, after=(), delay_seconds=0, stop_on=main.stop_on)
        assert kept == main
    assert {content.recipient for content in planned.contents[3:]} == {WHATSAPP["recipient"]}


def test_each_class_does_what_was_chosen_for_it_and_nothing_else() -> None:
    chosen = {
        "unreachable": "retry",
        "blocked": "stop",
        "expired": "fall_back",
        "opted_out": "stop",
    }
    first, *alternates = plan(request(SMS, EMAIL, on_failure=chosen)).message.steps[:3]
    assert set(first.stop_on) == {FailureClass.BLOCKED, FailureClass.OPTED_OUT}
    assert [step.after for step in alternates] == [(FailureClass.UNREACHABLE,)] * 2
    assert [step.stands_for for step in alternates] == [0, 0]
