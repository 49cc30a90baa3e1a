"""Requests for messages, as scenarios and examples make them.

Recipients choose what their provider does by their address; see local/simulator/recipients.py.
"""

from typing import Any

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


def email(recipient: str, **content: str) -> Request:
    """Return an email step."""
    return {
        "channel": "email",
        "sender": "Booking <booking@example.com>",
        "recipient": recipient,
        "email": {"subject": "Your table", "text": "Your table is ready.", **content},
    }


def sms(recipient: str, message: str = "Your table is ready.") -> Request:
    """Return an SMS step, with the channel spelled as in the documented payload."""
    return {
        "channel": "SMS",
        "sender": "BOOKING",
        "recipient": recipient,
        "sms": {"message": message, "message_type": "TRANSACTIONAL"},
    }


def whatsapp(recipient: str, message: str = "Your table is ready.") -> Request:
    """Return a WhatsApp step."""
    return {
        "channel": "WhatsApp",
        "sender": PHONE_NUMBER_ID,
        "recipient": recipient,
        "whatsapp": {"message": message},
    }


def chain(first: Request, *others: Request, wait: int | str) -> Request:
    """Return a fallback request; with one fallback step in the documented form."""
    fallback = others[0] if len(others) == 1 else list(others)
    return {"use_case": "fallback", "fallback_seconds": wait, "pc": first, "fc": fallback}
