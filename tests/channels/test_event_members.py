"""What an event says beside its status: its own name, its time, and why it failed."""

import json

import pytest

from runtime.channels import minimize_event, parse_event
from runtime.channels.channel import ParseContext
from runtime.domain.status import FailureClass, Status
from tests.support.events import ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
AT = "2027-01-15T08:00:05.000Z"
T5 = 1_800_000_005_000


def one(payload):
    (event,) = parse_event(payload)
    return event


@pytest.mark.parametrize(
    "name", ["Send", "DeliveryDelay", "Delivery", "Open", "Click", "Reject", "Bounce", "Complaint"]
)
def test_a_mails_event_keeps_its_name_and_says_why_only_where_it_failed(name) -> None:
    event = one(ses("Send", MESSAGE_ID, 0) | {"eventType": name})
    assert (event.event_type, event.channel) == (name, "email")
    assert (event.message_id, event.step) == (MESSAGE_ID, 0)
    if event.status is not Status.FAILED:
        assert event.failure_class is None
        assert event.permanent is None
    if event.status in (Status.SENT, Status.DELIVERED, Status.READ, Status.COMPLAINED):
        assert event.reason is None


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("Delivery", "delivery"),
        ("Bounce", "bounce"),
        ("Complaint", "complaint"),
        ("DeliveryDelay", "deliveryDelay"),
        ("Open", "open"),
        ("Click", "click"),
    ],
)
@pytest.mark.parametrize("minimized", [False, True])
def test_a_mails_event_is_of_its_own_time_and_not_of_the_sends(name, member, minimized) -> None:
    payload = ses("Send", MESSAGE_ID, 0) | {"eventType": name, member: {"timestamp": AT}}
    form = minimize_event(json.dumps(payload)) if minimized else payload
    assert one(form).occurred_at == T5
    assert one(payload | {member: {}}).occurred_at == T5 - 5000


@pytest.mark.parametrize("minimized", [False, True])
@pytest.mark.parametrize("step", [0, 1, 10])
def test_every_step_is_known_by_its_echo(step, minimized) -> None:
    for payload in (
        ses("Delivery", MESSAGE_ID, step),
        sms("TEXT_DELIVERED", MESSAGE_ID, step),
        sms("RCS_DELIVERED", MESSAGE_ID, step),
        whatsapp("delivered", wamid="wamid.A", echo=f"{MESSAGE_ID}:{step}"),
    ):
        form = minimize_event(json.dumps(payload)) if minimized else payload
        assert (one(form).message_id, one(form).step) == (MESSAGE_ID, step)


@pytest.mark.parametrize("name", ["TEXT_TELEPORTED", "TEXT_HALF_SUCCESSFUL", "RCS_TELEPORTED"])
def test_an_event_of_a_text_that_is_not_known_is_counted(name) -> None:
    context = ParseContext()
    assert parse_event(sms(name, MESSAGE_ID, 0), context) == []
    assert context.ignored == {"unknown_event_type": 1}


@pytest.mark.parametrize(
    "payload",
    [
        sms("TEXT_QUEUED", MESSAGE_ID, 0),
        sms("TEXT_DELIVERED", MESSAGE_ID, 0),
        sms("RCS_READ", MESSAGE_ID, 0),
    ],
)
def test_a_text_that_has_not_failed_says_no_why(payload) -> None:
    event = one(payload)
    assert event.event_type == payload["eventType"]
    assert event.failure_class is event.permanent is event.reason is None


@pytest.mark.parametrize("status", ["accepted", "sent", "delivered", "read", "played"])
def test_a_whatsapp_message_that_has_not_failed_says_no_why(status) -> None:
    event = one(whatsapp(status, wamid="wamid.A"))
    assert event.event_type == status
    assert event.failure_class is event.permanent is event.reason is None


def failed_as(error: object, *, minimized: bool) -> tuple:
    payload = whatsapp("failed", wamid="wamid.A")
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    webhook["changes"][0]["value"]["statuses"][0]["errors"] = error
    payload |= {"whatsAppWebhookEntry": json.dumps(webhook)}
    event = one(minimize_event(json.dumps(payload)) if minimized else payload)
    return event.failure_class, event.permanent, event.reason


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (
            [{"code": 131026, "title": "Undeliverable"}, {"code": 131047, "title": "Closed"}],
            (FailureClass.UNREACHABLE, True, "131026: Message undeliverable"),
        ),
        ([{"code": 131026}], (FailureClass.UNREACHABLE, True, "131026: Message undeliverable")),
        (
            [{"code": 131026, "title": ""}],
            (FailureClass.UNREACHABLE, True, "131026: Message undeliverable"),
        ),
        ([{"code": "131047"}], (FailureClass.WINDOW_CLOSED, True, "131047: Re-engagement message")),
        ([{"code": 0}], (FailureClass.ACCOUNT, True, "0: Authentication failed")),
        ([{"code": 999_999, "title": "LAX"}], (FailureClass.UNKNOWN, None, "999999")),
        # It may be the recipient's number.
        ([{"code": 1_000_000}], (FailureClass.UNKNOWN, None, "failed without a code")),
        ([{}], (FailureClass.UNKNOWN, None, "failed without a code")),
        ([], (FailureClass.UNKNOWN, None, "failed without a code")),
    ],
)
@pytest.mark.parametrize("minimized", [False, True])
def test_a_whatsapp_failure_is_that_of_its_first_errors_code(errors, expected, minimized) -> None:
    assert failed_as(errors, minimized=minimized) == expected
