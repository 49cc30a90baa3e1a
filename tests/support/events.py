"""Provider events, whole as they come, by factory."""

import json
from typing import Any

ADDRESS = "ann@example.org"
NUMBER = "+14255550156"
_DETAILS: dict[str, dict[str, Any]] = {
    "Send": {"send": {}},
    "Delivery": {
        "delivery": {
            "timestamp": "2027-01-15T08:00:05.000Z",
            "processingTimeMillis": 940,
            "recipients": [ADDRESS],
            "smtpResponse": "250 2.6.0 Message received",
            "remoteMtaIp": "192.0.2.25",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        }
    },
    "Bounce": {
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": ADDRESS,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": f"smtp; 550 5.1.1 <{ADDRESS}> user unknown",
                }
            ],
            "timestamp": "2027-01-15T08:00:05.000Z",
            "feedbackId": "0100-1",
        }
    },
    "Click": {
        "click": {
            "ipAddress": "192.0.2.1",
            "timestamp": "2027-01-15T08:00:05.000Z",
            "userAgent": "Mozilla/5.0",
            "link": "https://shop.example.com/reset?token=1",
            "linkTags": None,
        }
    },
}


def ses(event_type: str, message_id: str, step: int, **detail: Any) -> dict[str, Any]:
    """An SES event with our tags; `detail` replaces members of the event's own object."""
    event: dict[str, Any] = {
        "eventType": event_type,
        "mail": {
            "timestamp": "2027-01-15T08:00:00.000Z",
            "source": "Shop <shop@example.com>",
            "sendingAccountId": "123456789012",
            "messageId": "email-1",
            "destination": [ADDRESS],
            "headersTruncated": False,
            "headers": [
                {"name": "To", "value": ADDRESS},
                {"name": "Subject", "value": "Your code"},
            ],
            "commonHeaders": {"to": [ADDRESS], "subject": "Your code"},
            "tags": {
                "ses:configuration-set": ["ses-set"],
                "ses:source-ip": ["192.0.2.1"],
                "message_id": [message_id],
                "step": [str(step)],
            },
        },
    }
    for name, members in _DETAILS[event_type].items():
        event[name] = members | detail
    return event


def sms(event_type: str, message_id: str, step: int, *, final: bool = False) -> dict[str, Any]:
    """An SMS event with our context."""
    return {
        "eventType": event_type,
        "eventVersion": "1.0",
        "eventTimestamp": 1_800_000_005_000,
        "isFinal": final,
        "originationPhoneNumber": "+12065550100",
        "destinationPhoneNumber": NUMBER,
        "isoCountryCode": "US",
        "messageId": "sms-1",
        "messageRequestTimestamp": 1_800_000_000_000,
        "messageEncoding": "GSM",
        "messageType": "TRANSACTIONAL",
        "messageStatus": event_type.partition("_")[2],
        "messageStatusDescription": "As the carrier says",
        "context": {"message_id": message_id, "step": str(step)},
        "totalMessageParts": 1,
        "totalMessagePrice": 0.00581,
    }


def whatsapp(
    status: str,
    *,
    wamid: str | None = None,
    aws_id: str | None = None,
    echo: str | None = None,
    code: int | None = None,
) -> dict[str, Any]:
    """A WhatsApp status as SNS carries it; the outer message id only where `aws_id` is given."""
    entry: dict[str, Any] = {"status": status, "timestamp": "1800000005"}
    entry["recipient_id"] = NUMBER.removeprefix("+")
    if wamid is not None:
        entry["id"] = wamid
    if echo is not None:
        entry["biz_opaque_callback_data"] = echo
    if code is not None:
        entry["errors"] = [{"code": code, "title": "Message undeliverable"}]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12065550100", "phone_number_id": "4627"},
        "statuses": [entry],
    }
    webhook = {"id": "5031", "changes": [{"value": value, "field": "messages"}]}
    event: dict[str, Any] = {
        "context": {
            "MetaWabaIds": [{"wabaId": "5031", "arn": "arn:aws:social-messaging:::waba/1"}]
        },
        "whatsAppWebhookEntry": json.dumps(webhook),
        "aws_account_id": "123456789012",
        "message_timestamp": "2027-01-15T08:00:05.271279391Z",
    }
    if aws_id is not None:
        event["messageId"] = aws_id
    return event
