"""What the WhatsApp Cloud API demands of an interactive message.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from collections.abc import Callable, Mapping

from local.simulator.whatsapp_rules import (
    MessageError,
    check_list,
    check_media,
    check_members,
    check_string,
)
from local.simulator.wire import Params

_MAX_BODY, _MAX_LIST_BODY, _MAX_FOOTER, _MAX_HEADER = 1024, 4096, 60, 60
_MAX_BUTTONS, _MAX_BUTTON_ID, _MAX_BUTTON_TITLE = 3, 256, 20
_MAX_ROWS, _MAX_ROW_ID, _MAX_ROW_TITLE, _MAX_ROW_DESCRIPTION = 10, 200, 24, 72
_HEADERS = ("text", "image", "video", "document")


def check_interactive(content: Params) -> None:
    """Refuse an interactive message whose type is not known, or whose action is another type's."""
    check_members(content, "interactive", ("type", "action"), ("header", "body", "footer"))
    kind = content["type"]
    if not isinstance(kind, str) or kind not in _ACTIONS:
        raise MessageError(f"interactive.type must be one of {', '.join(_ACTIONS)}")
    if not isinstance(content["action"], dict):
        raise MessageError("interactive.action must be an object")
    if kind != "product" and "body" not in content:
        raise MessageError("interactive.body: required")
    most = {"body": _MAX_LIST_BODY if kind == "list" else _MAX_BODY, "footer": _MAX_FOOTER}
    for name in most.keys() & content.keys():
        where = f"interactive.{name}"
        check_string(check_members(content[name], where, ("text",)), where, "text", most[name])
    if "header" in content:
        _check_header(content["header"], kind)
    _ACTIONS[kind](content["action"])


def _check_header(header: object, kind: str) -> None:
    where = "interactive.header"
    type_ = header.get("type") if isinstance(header, dict) else None
    known = ("text",) if kind == "list" else _HEADERS
    if not isinstance(type_, str) or type_ not in known:
        raise MessageError(f"{where}.type must be one of {', '.join(known)}")
    checked = check_members(header, where, ("type", type_))
    if type_ == "text":
        check_string(checked, where, "text", _MAX_HEADER)
    else:
        check_media(checked[type_], f"{where}.{type_}", "filename")


def _check_button(action: Params) -> None:
    where = "interactive.action"
    check_members(action, where, ("buttons",))
    buttons = check_list(action["buttons"], f"{where}.buttons", _MAX_BUTTONS)
    replies = []
    for button in buttons:
        check_members(button, f"{where}.buttons", ("type", "reply"))
        if button["type"] != "reply":
            raise MessageError(f"{where}.buttons.type must be 'reply'")
        at = f"{where}.buttons.reply"
        reply = check_members(button["reply"], at, ("id", "title"))
        check_string(reply, at, "id", _MAX_BUTTON_ID)
        check_string(reply, at, "title", _MAX_BUTTON_TITLE)
        replies.append(reply)
    for name in ("id", "title"):
        if len({reply[name] for reply in replies}) < len(replies):
            raise MessageError(f"{where}.buttons.reply.{name} must be unique")


def _check_list(action: Params) -> None:
    where = "interactive.action"
    check_members(action, where, ("button", "sections"))
    check_string(action, where, "button", _MAX_BUTTON_TITLE)
    sections = check_list(action["sections"], f"{where}.sections", _MAX_ROWS)
    rows = []
    for section in sections:
        check_members(section, f"{where}.sections", ("rows",), ("title",))
        check_string(section, f"{where}.sections", "title", _MAX_ROW_TITLE)
        if len(sections) > 1 and "title" not in section:
            raise MessageError(f"{where}.sections.title: required with several sections")
        rows += check_list(section["rows"], f"{where}.sections.rows", _MAX_ROWS)
    check_list(rows, f"{where}.sections.rows", _MAX_ROWS)
    at = f"{where}.sections.rows"
    for row in rows:
        check_members(row, at, ("id", "title"), ("description",))
        check_string(row, at, "id", _MAX_ROW_ID)
        check_string(row, at, "title", _MAX_ROW_TITLE)
        check_string(row, at, "description", _MAX_ROW_DESCRIPTION)
    if len({row["id"] for row in rows}) < len(rows):
        raise MessageError(f"{at}.id must be unique")


def _check_cta_url(action: Params) -> None:
    where = "interactive.action"
    _check_named(action, "cta_url", ("parameters",))
    at = f"{where}.parameters"
    parameters = check_members(action["parameters"], at, ("display_text", "url"))
    check_string(parameters, at, "display_text", _MAX_BUTTON_TITLE)
    check_string(parameters, at, "url")


def _check_location_request(action: Params) -> None:
    _check_named(action, "send_location", ())


def _check_flow(action: Params) -> None:
    _check_named(action, "flow", ("parameters",))


def _check_named(action: Params, name: str, required: tuple[str, ...]) -> None:
    check_members(action, "interactive.action", ("name", *required))
    if action["name"] != name:
        raise MessageError(f"interactive.action.name must be '{name}'")
    if not isinstance(action.get("parameters", {}), dict):
        raise MessageError("interactive.action.parameters must be an object")


def _check_nothing(action: Params) -> None:
    """Let an action pass: catalogues, products, calls and addresses are not looked into."""
    del action


_ACTIONS: Mapping[str, Callable[[Params], None]] = {
    "button": _check_button,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "location_request_message": _check_location_request,
    "flow": _check_flow,
    "product": _check_nothing,
    "product_list": _check_nothing,
    "catalog_message": _check_nothing,
    "carousel": _check_nothing,
    "call_permission_request": _check_nothing,
    "voice_call": _check_nothing,
    "address_message": _check_nothing,
    "order_details": _check_nothing,
    "order_status": _check_nothing,
}
