"""Request bodies."""

from typing import Any

EMAIL = {
    "channel": "email",
    "sender": "shop@example.com",
    "recipient": "ann@example.org",
    "email": {"subject": "Your code", "text": "The code is 123456."},
}
SMS = {
    "channel": "sms",
    "sender": "+12065550100",
    "recipient": "+14255550156",
    "sms": {"message": "The code is 123456.", "message_type": "TRANSACTIONAL"},
}
RCS = {
    "channel": "rcs",
    "sender": "rcs-0123456789abcdef0123456789abcdef",
    "recipient": "+14255550158",
    "rcs": {"message": "The code is 123456."},
}
WHATSAPP = {
    "channel": "whatsapp",
    "sender": "phone-number-id-0123456789abcdef0123456789abcdef",
    "recipient": "+14255550157",
    "whatsapp": {"message": "The code is 123456."},
}


def request(*steps: dict[str, Any], use_case: str = "fallback", **more: Any) -> dict[str, Any]:
    """A request of these steps; email, then SMS, when none are given."""
    first, *further = steps or (EMAIL, SMS)
    fc: Any = further[0] if len(further) == 1 else further
    return {"use_case": use_case, "fallback_seconds": 60, "pc": first, "fc": fc} | more
