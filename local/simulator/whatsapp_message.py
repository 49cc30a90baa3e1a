"""What the WhatsApp Cloud API demands of a message object.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

import json
import re
from collections.abc import Callable, Mapping

from local.simulator.whatsapp_interactive import check_interactive
from local.simulator.whatsapp_rules import (
    MessageError,
    check_media,
    check_members,
    check_string,
)
from local.simulator.whatsapp_template import check_template
from local.simulator.wire import Params

_MAX_TEXT = 4096
_MAX_CALLBACK_DATA = 512
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180
_NAME_PARTS = ("first_name", "last_name", "middle_name", "prefix", "suffix")
_RECIPIENT = re.compile(r"\+?[1-9][0-9]{6,14}")
_COMMON = frozenset(
    {
        "messaging_product",
        "recipient_type",
        "to",
        "type",
        "context",
        "biz_opaque_callback_data",
    }
)


def read_message(blob: bytes) -> Params:
    """Read the blob of SendWhatsAppMessage into a checked message object; raises MessageError."""
    try:
        message = json.loads(blob)
    except ValueError as error:
        raise MessageError("message is not JSON") from error
    if not isinstance(message, dict):
        raise MessageError("message is not a JSON object")
    _check_envelope(message)
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _CHECKS:
        raise MessageError(f"type must be one of {', '.join(_CHECKS)}")
    unknown = message.keys() - _COMMON - {kind}
    if unknown:
        raise MessageError(f"{', '.join(sorted(unknown))}: not known in a message of type {kind}")
    content = message.get(kind)
    if kind == "contacts":
        _check_contacts(content)
    elif isinstance(content, dict):
        _CHECKS[kind](content)
    else:
        raise MessageError(f"{kind} must be an object")
    return message


def _check_envelope(message: Params) -> None:
    if message.get("messaging_product") != "whatsapp":
        raise MessageError("messaging_product must be 'whatsapp'")
    if message.get("recipient_type", "individual") != "individual":
        raise MessageError("recipient_type must be 'individual'")
    to = message.get("to")
    if not isinstance(to, str) or not _RECIPIENT.fullmatch(to):
        raise MessageError("to must be a phone number with its country code")
    if "context" in message:
        context = check_members(message["context"], "context", {"message_id"})
        check_string(context, "context", "message_id")
    callback_data = message.get("biz_opaque_callback_data", "")
    if not isinstance(callback_data, str) or len(callback_data) > _MAX_CALLBACK_DATA:
        raise MessageError(f"biz_opaque_callback_data must be at most {_MAX_CALLBACK_DATA} long")


def _check_text(content: Params) -> None:
    check_members(content, "text", {"body"}, {"preview_url"})
    check_string(content, "text", "body", _MAX_TEXT)
    if not isinstance(content.get("preview_url", False), bool):
        raise MessageError("text.preview_url must be true or false")


def _media(kind: str, *optional: str) -> Callable[[Params], None]:
    return lambda content: check_media(content, kind, *optional)


def _check_location(content: Params) -> None:
    check_members(content, "location", {"latitude", "longitude"}, {"name", "address"})
    for name, limit in (("latitude", _MAX_LATITUDE), ("longitude", _MAX_LONGITUDE)):
        try:
            degrees = float(content[name])
        except (TypeError, ValueError) as error:
            raise MessageError(f"location.{name} must be a number") from error
        if abs(degrees) > limit:
            raise MessageError(f"location.{name} must be within {limit} degrees")


def _check_reaction(content: Params) -> None:
    check_members(content, "reaction", {"message_id", "emoji"})
    check_string(content, "reaction", "message_id")


def _check_contacts(contacts: object) -> None:
    if not isinstance(contacts, list) or not contacts:
        raise MessageError("contacts must be a list that is not empty")
    for contact in contacts:
        name = contact.get("name") if isinstance(contact, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise MessageError("contacts: each must be an object with a name.formatted_name")
        # Meta wants the name to be known in parts as well.
        if not any(name.get(part) for part in _NAME_PARTS):
            raise MessageError(f"contacts.name must have one of {', '.join(_NAME_PARTS)} too")


_CHECKS: Mapping[str, Callable[[Params], None]] = {
    "text": _check_text,
    "template": check_template,
    "image": _media("image", "caption"),
    "video": _media("video", "caption"),
    "document": _media("document", "caption", "filename"),
    "audio": _media("audio", "voice"),
    "sticker": _media("sticker"),
    "location": _check_location,
    "interactive": check_interactive,
    "reaction": _check_reaction,
    "contacts": lambda _: None,  # a list: checked apart
}
