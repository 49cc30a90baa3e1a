"""What each channel asks its provider to send, parameter by parameter."""

import base64
import json
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from runtime.channels import CHANNELS
from runtime.channels.channel import SendContext
from runtime.channels.email import recipient_digest, split_sender
from runtime.channels.whatsapp import UnmappedSenderError
from runtime.domain.plan import StepContent
from runtime.domain.status import FailureClass

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"
MAIL = "ann@example.org"
NUMBER = "+14255550156"
TEXT = {"Data": "Hi", "Charset": "UTF-8"}
SUBJECT = {"Data": "Höi", "Charset": "UTF-8"}


def context(**changes: Any) -> SendContext:
    values = {
        "message_id": MESSAGE_ID,
        "step": 3,
        "time_to_live_seconds": None,
        "ses_configuration_set": "",
        "sms_configuration_set": "",
        "sms_max_price": "",
        "meta_api_version": "v20.0",
    }
    return SendContext(**values | changes)


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def built(channel: str, body: dict[str, Any], sender: str, **changes: Any) -> dict[str, Any]:
    """Build a request, hold it to botocore's model, and return its parameters."""
    recipient = MAIL if channel == "email" else NUMBER
    content = StepContent(channel, sender, recipient, body)
    request = CHANNELS[channel].build_request(content, context(**changes))
    service = model(CHANNELS[channel].service)
    name = "".join(word.capitalize() for word in request.operation.split("_"))
    name = name.replace("Whatsapp", "WhatsApp")
    report = ParamValidator().validate(
        request.parameters, service.operation_model(name).input_shape
    )
    assert not report.has_errors(), report.generate_report()
    return {"operation": request.operation} | request.parameters


def mail(body: dict[str, Any], sender: str = "shop@example.com", **changes: Any) -> dict[str, Any]:
    return built("email", {"subject": "Höi"} | body, sender, **changes)


def text(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return built("sms", body, "+12065550100", **changes)


def rcs(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return built("rcs", body, "rcs-agent", **changes)


def whatsapp(body: dict[str, Any], sender: str = "phone-number-id-1", **changes: Any) -> Any:
    parameters = built("whatsapp", body, sender, **changes)
    return parameters, json.loads(parameters["message"])


ECHO = [{"Name": "message_id", "Value": MESSAGE_ID}, {"Name": "step", "Value": "3"}]


def test_a_plain_mail_is_all_that_it_asks_for() -> None:
    assert mail({"text": "Hi"}) == {
        "operation": "send_email",
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": [MAIL]},
        "Content": {"Simple": {"Subject": SUBJECT, "Body": {"Text": TEXT}}},
        "EmailTags": ECHO,
    }


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ({"text": "Hi"}, {"Text": TEXT}),
        ({"html": "Hi"}, {"Html": TEXT}),
        ({"text": "Hi", "html": "Hi"}, {"Text": TEXT, "Html": TEXT}),
    ],
)
def test_a_mail_has_the_parts_that_it_was_given(body, parts) -> None:
    assert mail(body)["Content"]["Simple"]["Body"] == parts


def test_a_mail_with_everything() -> None:
    attachment = {
        "content": base64.b64encode(b"\x00pdf").decode(),
        "file_name": "bill.pdf",
        "content_type": "application/pdf",
        "description": "the bill",
    }
    logo = {"content": "AA==", "file_name": "logo.png", "content_id": "logo"}
    sent = mail(
        {
            "html": "Hi",
            "cc": ["cc@example.org"],
            "bcc": ["bcc@example.org"],
            "headers": {"X-Order": "17"},
            "attachments": [attachment, logo],
            "reply_to": ["help@example.com", "shop@example.com"],
            "list_management": {"contact_list_name": "news", "topic_name": "weekly"},
            "tenant": "acme",
        }
    )
    assert sent["Destination"] == {
        "ToAddresses": [MAIL],
        "CcAddresses": ["cc@example.org"],
        "BccAddresses": ["bcc@example.org"],
    }
    simple = sent["Content"]["Simple"]
    assert simple["Headers"] == [{"Name": "X-Order", "Value": "17"}]
    assert simple["Attachments"] == [
        {
            "RawContent": b"\x00pdf",
            "ContentDisposition": "ATTACHMENT",
            "ContentTransferEncoding": "BASE64",
            "FileName": "bill.pdf",
            "ContentType": "application/pdf",
            "ContentDescription": "the bill",
        },
        {
            "RawContent": b"\x00",
            "ContentDisposition": "INLINE",
            "ContentTransferEncoding": "BASE64",
            "FileName": "logo.png",
            "ContentId": "logo",
        },
    ]
    assert sent["ReplyToAddresses"] == ["help@example.com", "shop@example.com"]
    assert sent["ListManagementOptions"] == {"ContactListName": "news", "TopicName": "weekly"}
    assert sent["TenantName"] == "acme"


def test_a_single_reply_address_is_sent_as_a_list() -> None:
    assert mail({"text": "Hi", "reply_to": "a@example.com"})["ReplyToAddresses"] == [
        "a@example.com"
    ]


@pytest.mark.parametrize("copies", [{"cc": ["b@example.org"]}, {"bcc": ["b@example.org"]}])
def test_mail_with_copies_says_by_a_digest_whose_events_count(copies) -> None:
    tags = mail({"text": "Hi"} | copies)["EmailTags"]
    assert tags == [*ECHO, {"Name": "recipient", "Value": recipient_digest(MESSAGE_ID, MAIL)}]


def test_a_digest_of_a_recipient_is_of_one_message_and_knows_no_letter_case() -> None:
    digest = recipient_digest(MESSAGE_ID, "Ann@Example.org")
    assert digest == recipient_digest(MESSAGE_ID, MAIL)
    assert digest != recipient_digest(MESSAGE_ID.replace("4", "5"), MAIL)
    assert digest != recipient_digest(MESSAGE_ID, "bob@example.org")


def test_a_template_is_named_and_its_data_are_json() -> None:
    data = {"name": "Zoë"}
    content = mail({"template": "welcome", "template_data": data, "headers": {"X-A": "1"}})
    template = content["Content"]["Template"]
    assert (template["TemplateName"], json.loads(template["TemplateData"])) == ("welcome", data)
    assert "Zoë" in template["TemplateData"]
    assert template["Headers"] == [{"Name": "X-A", "Value": "1"}]
    assert list(content["Content"]) == ["Template"]
    assert mail({"template": "welcome"})["Content"]["Template"]["TemplateData"] == "{}"


@pytest.mark.parametrize(
    ("build", "setting"),
    [
        (mail, "ses_configuration_set"),
        (text, "sms_configuration_set"),
        (rcs, "sms_configuration_set"),
    ],
)
def test_a_requests_own_configuration_set_wins_over_the_stacks(build, setting) -> None:
    body = {"text": "Hi", "message": "Hi"}
    stack = {setting: "of-the-stack"}
    assert "ConfigurationSetName" not in build(body)
    assert build(body, **stack)["ConfigurationSetName"] == "of-the-stack"
    own = body | {"configuration_set": "own"}
    assert build(own, **stack)["ConfigurationSetName"] == "own"
    assert build(own)["ConfigurationSetName"] == "own"


@pytest.mark.parametrize(
    ("sender", "name", "address", "header"),
    [
        ("a@example.com", "", "a@example.com", "a@example.com"),
        ("Shop <a@example.com>", "Shop", "a@example.com", "Shop <a@example.com>"),
        ('"A, B" <a@example.com>', "A, B", "a@example.com", '"A, B" <a@example.com>'),
        ("A, B <a@example.com>", "A, B", "a@example.com", '"A, B" <a@example.com>'),
        ('"XAX" <a@example.com>', "XAX", "a@example.com", "XAX <a@example.com>"),
        ('" Shop " <a@example.com>', "Shop", "a@example.com", "Shop <a@example.com>"),
        ("x <y> <a@example.com>", "x <y>", "a@example.com", '"x <y>" <a@example.com>'),
        ("<a@example.com>", "", "a@example.com", "a@example.com"),
        ("Höi <a@example.com>", "Höi", "a@example.com", "=?utf-8?b?SMO2aQ==?= <a@example.com>"),
    ],
)
def test_a_sender_has_a_name_and_an_address(sender, name, address, header) -> None:
    assert split_sender(sender) == (name, address)
    sent = mail({"text": "Hi"}, sender)["FromEmailAddress"]
    assert sent.replace("?q?H=C3=B6i?=", "?b?SMO2aQ==?=") == header


NUMBERS = {
    "DestinationPhoneNumber": NUMBER,
    "Context": {"message_id": MESSAGE_ID, "step": "3"},
}


def test_a_text_is_transactional_unless_it_says_otherwise() -> None:
    assert text({"message": "Hi"}) == NUMBERS | {
        "operation": "send_text_message",
        "OriginationIdentity": "+12065550100",
        "MessageBody": "Hi",
        "MessageType": "TRANSACTIONAL",
    }
    assert text({"message": "Hi", "message_type": "PROMOTIONAL"})["MessageType"] == "PROMOTIONAL"


def test_a_text_with_everything() -> None:
    sent = text(
        {
            "message": "Hi",
            "country_parameters": {"entity_id": "E", "template_id": "T"},
            "max_price": "0.05",
            "protect_configuration_id": "protect-1",
        },
        sms_max_price="0.50",
    )
    assert sent["DestinationCountryParameters"] == {"IN_ENTITY_ID": "E", "IN_TEMPLATE_ID": "T"}
    assert sent["MaxPrice"] == "0.05"
    assert sent["ProtectConfigurationId"] == "protect-1"


def test_the_stacks_price_is_the_most_that_a_text_may_cost() -> None:
    assert text({"message": "Hi"}, sms_max_price="0.50")["MaxPrice"] == "0.50"
    assert rcs({"message": "Hi"}, sms_max_price="0.50")["MaxPrice"] == "0.50"


def test_media_go_out_by_their_own_operation_with_or_without_a_text() -> None:
    urls = ["s3://bucket/a.png"]
    sent = text({"media_urls": urls, "message": "Hi"})
    assert sent == NUMBERS | {
        "operation": "send_media_message",
        "OriginationIdentity": "+12065550100",
        "MessageBody": "Hi",
        "MediaUrls": urls,
    }
    assert "MessageBody" not in text({"media_urls": urls})


@pytest.mark.parametrize(
    ("build", "given", "sent"),
    [
        (text, 4, 5),
        (text, 5, 5),
        (text, 6, 6),
        (text, 60, 60),
        (text, 259_199, 259_199),
        (text, 259_201, 259_200),
        (text, -10, 5),
        (rcs, 0, 1),
        (rcs, 1, 1),
        (rcs, 2, 2),
        (rcs, 172_799, 172_799),
        (rcs, 172_801, 172_800),
    ],
)
def test_a_time_to_live_is_brought_within_the_providers_bounds(build, given, sent) -> None:
    assert build({"message": "Hi"}, time_to_live_seconds=given)["TimeToLive"] == sent
    assert build({"message": "Hi", "time_to_live_seconds": given})["TimeToLive"] == sent


def test_a_requests_own_time_to_live_wins_and_without_one_there_is_none() -> None:
    own = {"message": "Hi", "time_to_live_seconds": 30}
    assert text(own, time_to_live_seconds=60)["TimeToLive"] == 30
    assert "TimeToLive" not in text({"message": "Hi"})


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"message": "Hi"}, {"Content": {"TextMessage": {"Body": "Hi"}}}),
        (
            {
                "file": {
                    "url": "https://example.com/a.png",
                    "thumbnail_url": "https://example.com/t",
                }
            },
            {
                "Content": {
                    "FileMessage": {
                        "FileUrl": "https://example.com/a.png",
                        "ThumbnailUrl": "https://example.com/t",
                    }
                }
            },
        ),
        (
            {"content": {"Content": {"TextMessage": {"Body": "as it is"}}}, "message": "no"},
            {"Content": {"TextMessage": {"Body": "as it is"}}},
        ),
    ],
)
def test_rcs_takes_a_text_a_file_or_the_providers_own_object(body, content) -> None:
    assert rcs(body) == NUMBERS | {
        "operation": "send_rcs_message",
        "OriginationIdentity": "rcs-agent",
        "RcsMessageContent": content,
    }


def test_rcs_says_what_kind_of_traffic_it_is() -> None:
    sent = rcs({"message": "Hi", "message_traffic_type": "PROMOTION"})
    assert sent["MessageTrafficType"] == "PROMOTION"


OURS = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": NUMBER,
    "biz_opaque_callback_data": f"{MESSAGE_ID}:3",
}


def test_a_whatsapp_text_is_metas_object_with_our_ids() -> None:
    parameters, message = whatsapp({"message": "Zoë"})
    assert message == OURS | {"type": "text", "text": {"body": "Zoë"}}
    assert "Zoë".encode() in parameters["message"]
    assert parameters["operation"] == "send_whatsapp_message"
    assert parameters["originationPhoneNumberId"] == "phone-number-id-1"
    assert parameters["metaApiVersion"] == "v20.0"


@pytest.mark.parametrize("preview", [True, False])
def test_a_whatsapp_text_shows_a_link_as_it_was_asked_to(preview) -> None:
    _, message = whatsapp({"message": "Hi", "preview_url": preview})
    assert message["text"] == {"body": "Hi", "preview_url": preview}


@pytest.mark.parametrize(
    "name",
    [
        "image",
        "document",
        "video",
        "audio",
        "sticker",
        "location",
        "contacts",
        "interactive",
    ],
)
def test_metas_other_objects_go_out_as_they_are(name) -> None:
    given = {"anything": ["of", "Meta's"], "language": "en"}
    _, message = whatsapp({name: given})
    assert message == OURS | {"type": name, name: given}


@pytest.mark.parametrize("language", ["en", {"code": "en"}, {"code": "en", "policy": "x"}])
def test_the_language_of_a_template_may_be_its_name_alone(language) -> None:
    template = {"name": "code", "language": language, "components": []}
    _, message = whatsapp({"template": template})
    expected = {"code": "en"} if language == "en" else language
    assert message == OURS | {"type": "template", "template": template | {"language": expected}}


def test_a_template_without_a_language_is_left_as_it_is() -> None:
    _, message = whatsapp({"template": {"name": "code"}})
    assert message["template"] == {"name": "code"}


def test_a_raw_whatsapp_object_goes_to_our_recipient_with_our_ids() -> None:
    raw = {
        "type": "reaction",
        "reaction": {"emoji": "x"},
        "to": "+19995550100",
        "recipient_type": "group",
        "messaging_product": "other",
        "biz_opaque_callback_data": "theirs",
    }
    _, message = whatsapp({"raw": raw, "message": "not this"})
    assert message == OURS | {"type": "reaction", "reaction": {"emoji": "x"}}


def test_a_whatsapp_number_stands_for_the_id_that_the_stack_has_for_it() -> None:
    numbers = {"+12065550100": "phone-number-id-2"}
    parameters, _ = whatsapp({"message": "Hi"}, "+12065550100", whatsapp_phone_numbers=numbers)
    assert parameters["originationPhoneNumberId"] == "phone-number-id-2"
    with pytest.raises(UnmappedSenderError):
        whatsapp({"message": "Hi"}, "+12065550101", whatsapp_phone_numbers=numbers)


@pytest.mark.parametrize(
    "body", [{"message": "Hi"}, {"template": {"name": "t"}}, {"image": {"id": "1"}}]
)
def test_whatsapp_content_of_one_kind_has_no_repair(body) -> None:
    assert CHANNELS["whatsapp"].split_repairs(body) == (body, {})


def test_a_template_beside_a_text_is_what_a_closed_window_calls_for() -> None:
    body = {"message": "Hi", "preview_url": True, "template": {"name": "t"}}
    assert CHANNELS["whatsapp"].split_repairs(body) == (
        {"message": "Hi", "preview_url": True},
        {FailureClass.WINDOW_CLOSED: {"template": {"name": "t"}}},
    )
