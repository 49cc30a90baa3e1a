"""Lists that providers may fill with several entries, ids of every length, and what is ours."""

import json

import pytest

from runtime.channels import CHANNELS, minimize_event, parse_event
from runtime.channels.channel import SendContext, read_echo
from runtime.channels.email import recipient_digest
from runtime.domain.plan import StepContent
from runtime.domain.status import FailureClass
from tests.support.events import ADDRESS, ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
OTHER = "00000000-3d1a-4f6c-9a57-0d2f6f1c9f10"


def as_it_is(payload):
    return payload


def minimized(payload):
    return minimize_event(json.dumps(payload))


FORMS = pytest.mark.parametrize("form", [as_it_is, minimized])


def whatsapp_failure(*codes: object) -> dict:
    payload = whatsapp("failed", wamid="wamid.A")
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    (status,) = webhook["changes"][0]["value"]["statuses"]
    status["errors"] = [{"code": code, "title": f"Title {code}"} for code in codes]
    return payload | {"whatsAppWebhookEntry": json.dumps(webhook)}


@FORMS
def test_the_first_of_several_whatsapp_errors_gives_class_and_reason(form) -> None:
    failures = {
        (131026, 130472): (FailureClass.UNREACHABLE, "131026: Message undeliverable"),
        (130472, 131026): (FailureClass.BLOCKED, "130472: User's number is part of an experiment"),
        (131047, 132000, 131026): (FailureClass.WINDOW_CLOSED, "131047: Re-engagement message"),
        ("131050", 131026): (FailureClass.OPTED_OUT, "131050: User has stopped marketing messages"),
    }
    for codes, expected in failures.items():
        (event,) = parse_event(form(whatsapp_failure(*codes)))
        assert (event.failure_class, event.reason) == expected


@FORMS
def test_the_first_status_code_of_several_bounced_recipients_is_the_reason(form) -> None:
    bounced = [
        {"emailAddress": ADDRESS, "status": "5.1.1"},
        {"emailAddress": "bob@example.org", "status": "4.2.2"},
    ]
    (event,) = parse_event(form(ses("Bounce", MESSAGE_ID, 0, bouncedRecipients=bounced)))
    assert event.reason == "Permanent/General: 5.1.1"
    bounced[0]["status"] = "no code"
    (event,) = parse_event(form(ses("Bounce", MESSAGE_ID, 0, bouncedRecipients=bounced)))
    assert event.reason == "Permanent/General: 4.2.2"


@FORMS
def test_the_first_of_several_values_of_a_tag_is_ours(form) -> None:
    payload = ses("Delivery", MESSAGE_ID, 3)
    payload["mail"]["tags"] |= {"message_id": [MESSAGE_ID, OTHER], "step": ["3", "4"]}
    (event,) = parse_event(form(payload))
    assert (event.message_id, event.step) == (MESSAGE_ID, 3)


# Where SES names the recipients that an event is about.
ABOUT = {
    "Delivery": ("delivery", "recipients"),
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
}


@FORMS
@pytest.mark.parametrize("kind", ABOUT)
def test_an_event_about_a_copy_alone_says_nothing_about_the_recipient(form, kind) -> None:
    def read(*addresses: str) -> list[str]:
        payload = ses("Delivery", MESSAGE_ID, 0) | {"eventType": kind}
        del payload["delivery"]
        name, member = ABOUT[kind]
        named = list(addresses) if kind == "Delivery" else [{"emailAddress": a} for a in addresses]
        payload[name] = {member: named, "bounceType": "Permanent"}
        payload["mail"]["tags"]["recipient"] = [recipient_digest(MESSAGE_ID, ADDRESS)]
        return [event.event_type for event in parse_event(form(payload))]

    assert read("copy@example.org") == []
    assert read("copy@example.org", "another@example.org") == []
    assert read(ADDRESS) == [kind]
    assert read("copy@example.org", ADDRESS) == [kind]


# Six steps with two retries each, of the text and of the template in reserve, are 36.
@FORMS
@pytest.mark.parametrize("step", [0, 9, 10, 11, 35, 99])
def test_an_event_finds_its_step_whatever_its_number(form, step) -> None:
    payloads = [
        ses("Delivery", MESSAGE_ID, step),
        sms("TEXT_DELIVERED", MESSAGE_ID, step),
        sms("RCS_DELIVERED", MESSAGE_ID, step),
        whatsapp("delivered", wamid="wamid.A", echo=f"{MESSAGE_ID}:{step}"),
    ]
    for payload in payloads:
        (event,) = parse_event(form(payload))
        assert (event.message_id, event.step) == (MESSAGE_ID, step)


@pytest.mark.parametrize("step", ["", "-1", "1.0", " 1", "1e1", "0x1", "½", "100", None, 1, [1]])
def test_what_is_no_number_of_a_step_is_not_ours(step) -> None:
    assert read_echo(MESSAGE_ID, step) == (None, None)


CONTENTS = {
    "email": [{"subject": "Hi", "text": "Hi"}],
    "sms": [{"message": "Hi"}, {"message": "Hi", "media_urls": ["s3://bucket/file"]}],
    "rcs": [{"message": "Hi"}],
    "whatsapp": [
        {"message": "Hi"},
        {"template": {"name": "code", "language": "en"}},
        {"raw": {"type": "text", "text": {"body": "Hi"}}},
    ],
}


@pytest.mark.parametrize("step", [0, 7, 10, 35])
@pytest.mark.parametrize(
    ("channel", "body"),
    [(channel, body) for channel, bodies in CONTENTS.items() for body in bodies],
)
def test_a_request_names_its_message_and_step_as_the_events_will(channel, body, step) -> None:
    content = StepContent(channel, "sender", "+14255550156", body)
    parameters = CHANNELS[channel].build_request(content, send_context(step)).parameters
    if channel == "email":
        tags = {tag["Name"]: tag["Value"] for tag in parameters["EmailTags"]}
        assert tags == {"message_id": MESSAGE_ID, "step": str(step)}
    elif channel == "whatsapp":
        echo = json.loads(parameters["message"])["biz_opaque_callback_data"]
        assert echo == f"{MESSAGE_ID}:{step}"
    else:
        assert parameters["Context"] == {"message_id": MESSAGE_ID, "step": str(step)}


def send_context(step: int, **more) -> SendContext:
    settings = {
        "time_to_live_seconds": None,
        "ses_configuration_set": "",
        "sms_configuration_set": "",
        "sms_max_price": "",
        "meta_api_version": "v24.0",
    }
    return SendContext(message_id=MESSAGE_ID, step=step, **settings | more)


@pytest.mark.parametrize(
    ("member", "foreign"),
    [
        ("to", "+14255550199"),
        ("recipient_type", "group"),
        ("biz_opaque_callback_data", f"{OTHER}:0"),
        ("messaging_product", "another"),
    ],
)
def test_a_raw_whatsapp_object_cannot_change_whom_it_goes_to_or_which_step_it_is(
    member, foreign
) -> None:
    raw = {"type": "text", "text": {"body": "Hi"}, member: foreign}
    content = StepContent("whatsapp", "phone-number-id-1", "+14255550156", {"raw": raw})
    request = CHANNELS["whatsapp"].build_request(content, send_context(2))
    assert json.loads(request.parameters["message"]) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+14255550156",
        "biz_opaque_callback_data": f"{MESSAGE_ID}:2",
        "type": "text",
        "text": {"body": "Hi"},
    }


# SendTextMessage and SendMediaMessage take 5 s to 72 h, SendRcsMessage 1 s to 48 h.
@pytest.mark.parametrize(
    ("channel", "given", "sent"),
    [
        ("sms", None, None),
        ("sms", 0, 5),
        ("sms", -3, 5),
        ("sms", 60, 60),
        ("sms", 300_000, 259_200),
        ("rcs", 0, 1),
        ("rcs", 60, 60),
        ("rcs", 300_000, 172_800),
    ],
)
def test_a_time_to_live_is_in_seconds_and_within_the_providers_bounds(channel, given, sent) -> None:
    content = StepContent(channel, "sender", "+14255550156", {"message": "Hi"})
    context = send_context(0, time_to_live_seconds=given)
    request = CHANNELS[channel].build_request(content, context)
    assert request.parameters.get("TimeToLive") == sent
