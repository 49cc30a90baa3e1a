"""Requests for messages, as scenarios and examples make them.

Recipients choose what their provider does by their address; see local/simulator/recipients.py.
"""

from typing import Any

from local.email_templates import TABLE_READY
from local.simulator import PHONE_NUMBER_ID

Request = dict[str, Any]

# What has been damaged on the way from a request to a handset, by one system or another.
SPECIAL_TEXT = (
    "1 & 2 + 3 = 100 % ; ?a=b%20c\n"
    "çà va ? Žluťoučký kůň\r\n"
    '½ price → 🎉👩\u200d👩\u200d👧 "quoted" <b> \\n'
)
SPECIAL_SUBJECT = "Réservation & more: 50 % + 🎉"
SPECIAL_HTML = "<p>Žluťoučký &amp; 🎉<br>50&nbsp;%</p>"

# A template of SES; those of WhatsApp and of India's registry are made elsewhere.
WHATSAPP_TEMPLATE: Request = {
    "name": "table_ready",
    "language": "en_US",
    "components": [{"type": "body", "parameters": [{"type": "text", "text": "12"}]}],
}
RICH_CARD: Request = {
    "Content": {
        "RichCard": {
            "CardOrientation": "VERTICAL",
            "CardContent": {
                "Title": "Your table is ready",
                "Description": "We keep table 12 for 15 minutes.",
                "Media": {"FileUrl": "s3://booking-media/table.png", "Height": "MEDIUM"},
                "Suggestions": [{"Reply": {"Text": "On my way", "PostbackData": "coming"}}],
            },
        }
    }
}

INVALID_REQUEST = {
    "use_case": "fallback",
    "fallback_seconds": 100_000,
    "pc": {
        "channel": "email",
        "sender": "booking@example.com",
        "recipient": "not an address",
        "email": {"subject": "two\nlines", "text": "x"},
    },
    "fc": {
        "channel": "SMS",
        "sender": "BOOKING",
        "recipient": "+14254147755",
        "colour": "red",
        "sms": {"message": " "},
    },
}


def email(recipient: str, **content: Any) -> Request:  # noqa: ANN401 -- any JSON
    """Return an email step."""
    return {
        "channel": "email",
        "sender": "Booking <booking@example.com>",
        "recipient": recipient,
        "email": {"subject": "Your table", "text": "Your table is ready.", **content},
    }


def templated_email(recipient: str, **values: str) -> Request:
    """Return an email step that names the template and brings its values."""
    content = {"template": TABLE_READY["TemplateName"], "template_data": values}
    return {**email(recipient), "email": content}


def sms(recipient: str, message: str = "Your table is ready.", **content: Any) -> Request:  # noqa: ANN401 -- any JSON
    """Return an SMS step, with the channel spelled as in the documented payload."""
    # MMS has no message type.
    kind = {} if "media_urls" in content else {"message_type": "TRANSACTIONAL"}
    return {
        "channel": "SMS",
        "sender": "BOOKING",
        "recipient": recipient,
        "sms": {"message": message, **kind, **content},
    }


def whatsapp(recipient: str, message: str = "Your table is ready.") -> Request:
    """Return a WhatsApp step with a free text."""
    return whatsapp_with(recipient, message=message)


def whatsapp_with(recipient: str, **content: Any) -> Request:  # noqa: ANN401 -- any JSON
    """Return a WhatsApp step with any content."""
    return {
        "channel": "WhatsApp",
        "sender": PHONE_NUMBER_ID,
        "recipient": recipient,
        "whatsapp": content,
    }


def rcs(recipient: str, **content: Any) -> Request:  # noqa: ANN401 -- any JSON
    """Return an RCS step."""
    return {
        "channel": "RCS",
        "sender": "rcs-0123456789abcdef0123456789abcdef",
        "recipient": recipient,
        "rcs": content or {"message": "Your table is ready."},
    }


def chain(first: Request, *others: Request, wait: int | str) -> Request:
    """Return a fallback request; with one fallback step in the documented form."""
    fallback = others[0] if len(others) == 1 else list(others)
    return {"use_case": "fallback", "fallback_seconds": wait, "pc": first, "fc": fallback}
