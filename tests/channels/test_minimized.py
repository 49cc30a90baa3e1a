"""What of each provider's event goes onto the stream, member by member."""

import hashlib
import json
import re
from typing import Any

import pytest

from runtime.channels import UnparseableEventError, minimize_event, parse_event
from runtime.channels.channel import ParseContext
from runtime.channels.email import recipient_digest
from runtime.domain.status import Status
from tests.support.events import ADDRESS, ses, sms, whatsapp

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
TAGS = {"message_id": [MESSAGE_ID], "step": ["3"]}
MAIL = {"messageId": "email-1", "timestamp": "2027-01-15T08:00:00.000Z", "tags": TAGS}
AT = "2027-01-15T08:00:05.000Z"


def minimal(payload: object) -> Any:
    return json.loads(minimize_event(json.dumps(payload)))


def only(payload: object) -> Any:
    (event,) = parse_event(payload if isinstance(payload, str) else json.dumps(payload))
    return event


def test_of_a_delivery_its_time_and_our_tags_are_left() -> None:
    assert minimal(ses("Delivery", MESSAGE_ID, 3)) == {
        "eventType": "Delivery",
        "mail": MAIL,
        "delivery": {"timestamp": AT},
    }


def test_of_a_bounce_its_types_and_the_first_readable_status_are_left() -> None:
    bounced = [{"status": "550 no"}, {"emailAddress": ADDRESS, "status": "5.2.2"}]
    assert minimal(ses("Bounce", MESSAGE_ID, 3, bouncedRecipients=bounced)) == {
        "eventType": "Bounce",
        "mail": MAIL,
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": AT,
            "bouncedRecipients": [{"status": "5.2.2"}],
        },
    }


@pytest.mark.parametrize(
    "status", ["3.1.1", "5.1", "5.1.1234", "5.1.1 no such user", "x5.1.1", None]
)
def test_a_status_that_is_none_of_smtp_is_left_out(status) -> None:
    payload = ses("Bounce", MESSAGE_ID, 3, bouncedRecipients=[{"status": status}])
    assert "bouncedRecipients" not in minimal(payload)["bounce"]
    assert only(payload).reason == "Permanent/General"


@pytest.mark.parametrize(
    ("event_type", "name", "detail", "left"),
    [
        (
            "Complaint",
            "complaint",
            {
                "complaintFeedbackType": "abuse",
                "complaintSubType": None,
                "userAgent": "x",
                "complainedRecipients": [{"emailAddress": ADDRESS}],
                "timestamp": AT,
            },
            {"complaintFeedbackType": "abuse", "timestamp": AT},
        ),
        (
            "Complaint",
            "complaint",
            {"complaintSubType": "OnAccountSuppressionList", "timestamp": AT},
            {"complaintSubType": "OnAccountSuppressionList", "timestamp": AT},
        ),
        (
            "Complaint",
            "complaint",
            {"complaintFeedbackType": "by Jane", "complaintSubType": "of Jane"},
            {},
        ),
        (
            "DeliveryDelay",
            "deliveryDelay",
            {"delayType": "MailboxFull", "timestamp": AT, "expirationTime": AT},
            {"delayType": "MailboxFull", "timestamp": AT},
        ),
        ("DeliveryDelay", "deliveryDelay", {"delayType": "Jane is away"}, {}),
        ("Reject", "reject", {"reason": "Bad content"}, {"reason": "Bad content"}),
        ("Reject", "reject", {"reason": "Bad content of Jane"}, {}),
        (
            "Rendering Failure",
            "failure",
            {
                "errorMessage": "Attribute 'jane' is not present in the rendering data.",
                "templateName": "t",
            },
            {"errorMessage": "an attribute is not present in the rendering data"},
        ),
        (
            "Rendering Failure",
            "failure",
            {"errorMessage": f"no value for {ADDRESS}", "templateName": "t"},
            {},
        ),
        (
            "Bounce",
            "bounce",
            {"bounceType": "Permanent", "bounceSubType": "Jane", "timestamp": AT},
            {"bounceType": "Permanent", "bounceSubType": "other", "timestamp": AT},
        ),
        (
            "Bounce",
            "bounce",
            {"bounceType": "Jane", "bounceSubType": "MailboxFull"},
            {"bounceType": "other", "bounceSubType": "MailboxFull"},
        ),
        ("Open", "open", {"timestamp": "by Jane"}, {}),
        (
            "Open",
            "open",
            {"ipAddress": "192.0.2.1", "userAgent": "x", "timestamp": AT},
            {"timestamp": AT},
        ),
        (
            "Click",
            "click",
            {"link": "https://example.com/?token=1", "ipAddress": "192.0.2.1", "timestamp": AT},
            {"timestamp": AT},
        ),
    ],
)
def test_of_each_ses_event_the_documented_words_and_the_time_are_left(
    event_type, name, detail, left
) -> None:
    payload = ses("Send", MESSAGE_ID, 3) | {"eventType": event_type, name: detail}
    del payload["send"]
    assert minimal(payload) == {"eventType": event_type, "mail": MAIL, name: left}


def test_of_a_send_and_of_what_is_not_known_the_mail_is_left() -> None:
    assert minimal(ses("Send", MESSAGE_ID, 3)) == {"eventType": "Send", "mail": MAIL}
    unknown = ses("Send", MESSAGE_ID, 3) | {"eventType": "Levitation"}
    assert minimal(unknown) == {"eventType": "other", "mail": MAIL}
    for form in (json.dumps(unknown), minimize_event(json.dumps(unknown))):
        context = ParseContext()
        assert parse_event(form, context) == []
        assert context.ignored == {"unknown_event_type": 1}


def test_the_older_feedback_form_keeps_its_name() -> None:
    payload = ses("Delivery", MESSAGE_ID, 3)
    payload["notificationType"] = payload.pop("eventType")
    assert minimal(payload)["notificationType"] == "Delivery"
    assert only(minimize_event(json.dumps(payload))).status is Status.DELIVERED


@pytest.mark.parametrize(
    ("event_type", "name", "member", "recipients"),
    [
        ("Delivery", "delivery", "recipients", [ADDRESS, "b@example.org"]),
        ("Bounce", "bounce", "bouncedRecipients", None),
        ("Complaint", "complaint", "complainedRecipients", None),
        ("DeliveryDelay", "deliveryDelay", "delayedRecipients", None),
    ],
)
def test_of_mail_with_copies_the_digests_of_the_recipients_are_left(
    event_type, name, member, recipients
) -> None:
    named = recipients or [{"emailAddress": ADDRESS}, {}, {"emailAddress": "b@example.org"}]
    payload = ses("Send", MESSAGE_ID, 3) | {"eventType": event_type, name: {member: named}}
    payload["mail"]["tags"]["recipient"] = ["0123456789abcdef"]
    left = minimal(payload)
    digests = [recipient_digest(MESSAGE_ID, to) for to in (ADDRESS, "b@example.org")]
    assert left[name]["bouncedRecipients"] == [{"digest": digest} for digest in digests]
    assert left["mail"]["tags"] == TAGS | {"recipient": "0123456789abcdef"}
    # Once more it stays the same: what is replayed from the quarantine has been minimized before.
    assert minimal(left) == left


@pytest.mark.parametrize("recipient", ["Jane", "0123456789abcde", "0123456789ABCDEF", 7, None])
def test_a_recipients_tag_that_is_no_digest_is_left_out(recipient) -> None:
    payload = ses("Bounce", MESSAGE_ID, 3)
    payload["mail"]["tags"]["recipient"] = [recipient]
    assert minimal(payload)["mail"]["tags"] == TAGS


def test_a_bounce_of_mail_with_copies_keeps_the_status_beside_the_digests() -> None:
    payload = ses("Bounce", MESSAGE_ID, 3)
    payload["mail"]["tags"]["recipient"] = ["r"]
    assert minimal(payload)["bounce"]["bouncedRecipients"] == [
        {"status": "5.1.1"},
        {"digest": recipient_digest(MESSAGE_ID, ADDRESS)},
    ]


def test_of_another_applications_mail_no_tag_is_left() -> None:
    payload = ses("Delivery", "order-17", 3)
    payload["mail"]["tags"]["recipient"] = ["Jane"]
    left = minimal(payload)
    assert "tags" not in left["mail"]
    assert left["delivery"] == {"timestamp": AT}


def test_of_a_text_the_type_the_times_and_our_context_are_left() -> None:
    payload = sms("TEXT_UNREACHABLE", MESSAGE_ID, 3, final=True)
    payload["messageStatusDescription"] = "Phone is currently unreachable/unavailable"
    assert minimal(payload) == {
        "eventType": "TEXT_UNREACHABLE",
        "isFinal": True,
        "messageId": "sms-1",
        "eventTimestamp": 1_800_000_005_000,
        "messageRequestTimestamp": 1_800_000_000_000,
        "messageStatusDescription": "Phone is currently unreachable/unavailable",
        "context": {"message_id": MESSAGE_ID, "step": "3"},
    }


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "to +14255550156",
        "Phone is currently unreachable/unavailable: +14255550156",
        ["x"],
    ],
)
def test_a_description_that_is_none_of_the_documented_ones_is_left_out(description) -> None:
    payload = sms("TEXT_UNREACHABLE", MESSAGE_ID, 3) | {"messageStatusDescription": description}
    assert "messageStatusDescription" not in minimal(payload)
    assert only(payload).reason == "TEXT_UNREACHABLE"


@pytest.mark.parametrize(
    ("event_type", "left"),
    [
        ("TEXT_SUCCESSFUL", "TEXT_SUCCESSFUL"),
        ("RCS_FALLEN_BACK_TO_SMS", "RCS_FALLEN_BACK_TO_SMS"),
        ("RCS_READ", "RCS_READ"),
        ("MEDIA_FILE_SIZE_EXCEEDED", "MEDIA_FILE_SIZE_EXCEEDED"),
        ("VOICE_NO_ANSWER", "VOICE_NO_ANSWER"),
        ("TEXT_JANE", "TEXT_OTHER"),
        ("RCS_READ_BY_JANE", "RCS_OTHER"),
        ("VOICE_", "VOICE_OTHER"),
    ],
)
def test_of_the_type_of_a_text_its_prefix_and_a_known_name_are_left(event_type, left) -> None:
    assert minimal(sms(event_type, MESSAGE_ID, 3))["eventType"] == left


def status_of(payload: Any) -> Any:
    (change,) = json.loads(payload["whatsAppWebhookEntry"])["changes"]
    (status,) = change["value"]["statuses"]
    return status


def test_of_a_whatsapp_status_ids_times_and_codes_are_left() -> None:
    payload = whatsapp(
        "failed", wamid="wamid.A", aws_id="6d69", echo=f"{MESSAGE_ID}:3", code=131026
    )
    left = minimal(payload)
    assert left.keys() == {"messageId", "whatsAppWebhookEntry"}
    assert left["messageId"] == "6d69"
    webhook = json.loads(left["whatsAppWebhookEntry"])
    assert webhook == {"changes": [{"field": "messages", "value": webhook["changes"][0]["value"]}]}
    assert webhook["changes"][0]["value"].keys() == {"statuses"}
    status = status_of(left)
    # Meta's id has the recipient's number in it: a digest stands for it.
    assert re.fullmatch("wamid-[0-9a-f]{32}", status.pop("id"))
    assert status == {
        "status": "failed",
        "timestamp": "1800000005",
        "biz_opaque_callback_data": f"{MESSAGE_ID}:3",
        "errors": [{"code": 131026}],
    }
    assert ": " not in minimize_event(json.dumps(payload)).replace(f"{MESSAGE_ID}:3", "")


def test_equal_ids_of_meta_have_equal_digests_and_others_have_others() -> None:
    def digest(wamid: str) -> str:
        return str(status_of(minimal(whatsapp("sent", wamid=wamid)))["id"])

    assert digest("wamid.A") == digest("wamid.A") != digest("wamid.B")


def test_the_echo_of_another_application_is_known_for_one() -> None:
    left = minimal(whatsapp("sent", wamid="wamid.A", echo="Jane"))
    assert status_of(left)["biz_opaque_callback_data"] == "of-another"
    assert "biz_opaque_callback_data" not in status_of(minimal(whatsapp("sent", wamid="wamid.A")))
    # It has an id of its own in place of ours: so it is one event, and none of ours.
    assert only(minimize_event(json.dumps(whatsapp("sent", echo="Jane")))).message_id is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("messages", {"messages": [{"text": "hi"}], "contacts": ["Jane"]}, "inbound_message"),
        ("messages", {"errors": [{"code": 1}]}, "value_errors"),
        ("messages", {}, "empty_change"),
        ("messages", None, "empty_change"),
        ("account_update", {"event": "x"}, "account_notice"),
        (None, {}, "account_notice"),
    ],
)
def test_of_what_is_no_status_only_its_kind_is_left(field, value, reason) -> None:
    change = {"value": value} | ({} if field is None else {"field": field})
    payload = whatsapp("sent") | {"whatsAppWebhookEntry": json.dumps({"changes": [change]})}
    text = minimize_event(json.dumps(payload))
    assert "Jane" not in text
    assert "hi" not in text.replace("whatsApp", "")
    for form in (json.dumps(payload), text):
        context = ParseContext()
        assert parse_event(form, context) == []
        assert context.ignored == {reason: 1}


def test_an_event_of_eventbridge_keeps_what_it_is_known_by() -> None:
    detail = {
        "wabaId": "waba-1",
        "originationPhoneNumberId": "phone-1",
        "messageId": "6d69",
        "status": "DELIVERED",
        "eventTimestamp": "2027-01-15T08:00:05Z",
        "recipientPhoneNumber": "+14255550156",
    }
    left = minimal({"detail-type": "x", "detail": detail})
    # That the account and the sender are there says whose event it is; which ones, nothing reads.
    assert left == {
        "wabaId": "",
        "originationPhoneNumberId": "",
        "messageId": "6d69",
        "status": "delivered",
        "eventTimestamp": "2027-01-15T08:00:05Z",
    }
    event = only(left)
    assert (event.status, event.occurred_at) == (Status.DELIVERED, 1_800_000_005_000)
    assert event == only(detail)


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("delivered", "delivered"),
        ("Played", "played"),
        ("deleted", "deleted"),
        ("warning", "warning"),
        ("Message retries exhausted: to +14255550156", "message retries exhausted"),
        ("of Jane", "other"),
        (None, "other"),
    ],
)
def test_of_the_status_of_a_whatsapp_message_a_documented_word_is_left(status, left) -> None:
    assert status_of(minimal(whatsapp(status, wamid="wamid.A")))["status"] == left


@pytest.mark.parametrize(
    ("codes", "left"),
    [
        ([131047, "131026"], [131047, 131026]),
        (["to +14255550156", 14255550156, 999_999], [None, None, 999_999]),
    ],
)
def test_of_the_errors_of_a_whatsapp_message_the_codes_are_left(codes, left) -> None:
    payload = whatsapp("failed", wamid="wamid.A")
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    (status,) = webhook["changes"][0]["value"]["statuses"]
    status["errors"] = [{"code": code, "title": "Jane", "message": "Jane"} for code in codes]
    payload |= {"whatsAppWebhookEntry": json.dumps(webhook)}
    assert status_of(minimal(payload))["errors"] == [{"code": code} for code in left]


def test_the_statuses_of_a_change_that_names_no_field_are_left() -> None:
    payload = whatsapp("delivered", wamid="wamid.A", aws_id="6d69", echo=f"{MESSAGE_ID}:3")
    webhook = json.loads(payload["whatsAppWebhookEntry"])
    del webhook["changes"][0]["field"]
    payload |= {"whatsAppWebhookEntry": json.dumps(webhook)}
    event = only(minimize_event(json.dumps(payload)))
    assert (event.message_id, event.step, event.status) == (MESSAGE_ID, 3, Status.DELIVERED)


def test_of_another_fields_name_nothing_is_left() -> None:
    changes = [{"field": "Jane", "value": {}}]
    left = minimal(whatsapp("sent") | {"whatsAppWebhookEntry": json.dumps({"changes": changes})})
    assert json.loads(left["whatsAppWebhookEntry"]) == {
        "changes": [{"field": "other", "value": {}}]
    }


def test_many_records_stay_many() -> None:
    records = [{"Sns": {"Message": json.dumps(ses("Send", MESSAGE_ID, n))}} for n in range(2)]
    left = minimal({"Records": records})
    assert [one["mail"]["tags"]["step"] for one in left["Records"]] == [["0"], ["1"]]
    assert minimal({"Records": records[:1]})["mail"]["tags"]["step"] == ["0"]
    assert minimal({"Records": []}) == {"Records": []}
    assert ", " not in minimize_event(json.dumps({"Records": records}))


def test_of_what_nobody_knows_nothing_is_left() -> None:
    assert minimal({"name": "Jane"}) == {}
    assert minimal(["Jane"]) == {}
    topic = "Successfully validated SNS topic for Jane"
    assert minimize_event(topic) == minimize_event(f"  {topic}") == topic.removesuffix(" for Jane")


def test_of_what_is_no_json_the_size_and_the_digest_are_left() -> None:
    text = "call Jünn \ud83d"
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).hexdigest()
    assert minimize_event(text) == f"unparseable: {len(data)} bytes, sha256 {digest}"
    with pytest.raises(UnparseableEventError):
        parse_event(minimize_event(text))
