"""What the WhatsApp Cloud API demands of a message object.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

import json
import re
from collections.abc import Callable, Mapping

from local.simulator.wire import Params

_MAX_TEXT = 4096
_MAX_CALLBACK_DATA = 512
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180
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


class MessageError(ValueError):
    """A message object that the Cloud API would refuse; says which member and why."""


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
    callback_data = message.get("biz_opaque_callback_data", "")
    if not isinstance(callback_data, str) or len(callback_data) > _MAX_CALLBACK_DATA:
        raise MessageError(f"biz_opaque_callback_data must be at most {_MAX_CALLBACK_DATA} long")


def _members(content: Params, where: str, required: set[str], optional: set[str]) -> None:
    missing = required - content.keys()
    if missing:
        raise MessageError(f"{where}.{', '.join(sorted(missing))}: required")
    unknown = content.keys() - required - optional
    if unknown:
        raise MessageError(f"{where}.{', '.join(sorted(unknown))}: not known")


def _check_string(content: Params, where: str, name: str) -> None:
    if name in content and (not isinstance(content[name], str) or not content[name].strip()):
        raise MessageError(f"{where}.{name} must be a string that is not blank")


def _check_text(content: Params) -> None:
    _members(content, "text", {"body"}, {"preview_url"})
    _check_string(content, "text", "body")
    if len(content["body"]) > _MAX_TEXT:
        raise MessageError(f"text.body must be at most {_MAX_TEXT} long")
    if not isinstance(content.get("preview_url", False), bool):
        raise MessageError("text.preview_url must be true or false")


def _check_template(content: Params) -> None:
    _members(content, "template", {"name", "language"}, {"components", "namespace"})
    _check_string(content, "template", "name")
    language = content["language"]
    if not isinstance(language, dict):
        raise MessageError("template.language must be an object")
    _members(language, "template.language", {"code"}, {"policy"})
    _check_string(language, "template.language", "code")
    components = content.get("components", [])
    if not isinstance(components, list):
        raise MessageError("template.components must be a list")
    for component in components:
        if not isinstance(component, dict) or "type" not in component:
            raise MessageError("template.components: each must be an object with a type")


def _media(kind: str, *optional: str) -> Callable[[Params], None]:
    def check(content: Params) -> None:
        _members(content, kind, set(), {"id", "link", *optional})
        if ("id" in content) == ("link" in content):
            raise MessageError(f"{kind} must have exactly one of id and link")
        for name in ("id", "link", *optional):
            if name != "voice":
                _check_string(content, kind, name)

    return check


def _check_location(content: Params) -> None:
    _members(content, "location", {"latitude", "longitude"}, {"name", "address"})
    for name, limit in (("latitude", _MAX_LATITUDE), ("longitude", _MAX_LONGITUDE)):
        try:
            degrees = float(content[name])
        except (TypeError, ValueError) as error:
            raise MessageError(f"location.{name} must be a number") from error
        if abs(degrees) > limit:
            raise MessageError(f"location.{name} must be within {limit} degrees")


def _check_interactive(content: Params) -> None:
    _members(content, "interactive", {"type", "action"}, {"header", "body", "footer"})
    _check_string(content, "interactive", "type")
    if not isinstance(content["action"], dict):
        raise MessageError("interactive.action must be an object")


def _check_reaction(content: Params) -> None:
    _members(content, "reaction", {"message_id", "emoji"}, set())
    _check_string(content, "reaction", "message_id")


def _check_contacts(contacts: object) -> None:
    if not isinstance(contacts, list) or not contacts:
        raise MessageError("contacts must be a list that is not empty")
    for contact in contacts:
        if not isinstance(contact, dict) or "name" not in contact:
            raise MessageError("contacts: each must be an object with a name")


_CHECKS: Mapping[str, Callable[[Params], None]] = {
    "text": _check_text,
    "template": _check_template,
    "image": _media("image", "caption"),
    "video": _media("video", "caption"),
    "document": _media("document", "caption", "filename"),
    "audio": _media("audio", "voice"),
    "sticker": _media("sticker"),
    "location": _check_location,
    "interactive": _check_interactive,
    "reaction": _check_reaction,
    "contacts": lambda _: None,  # a list: checked apart
}
