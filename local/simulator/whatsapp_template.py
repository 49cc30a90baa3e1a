"""What the WhatsApp Cloud API demands of a template message.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages
"""

import re

from local.simulator.whatsapp_rules import (
    MessageError,
    check_list,
    check_media,
    check_members,
    check_string,
)
from local.simulator.wire import Params

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_COMPONENTS = (
    "header",
    "body",
    "footer",
    "button",
    "carousel",
    "limited_time_offer",
    "order_status",
)
_BUTTONS = (
    "quick_reply",
    "url",
    "copy_code",
    "flow",
    "catalog",
    "mpm",
    "order_details",
    "voice_call",
)
_MEDIA = ("image", "video", "document")
_PARAMETERS = (
    *_MEDIA,
    "text",
    "currency",
    "date_time",
    "location",
    "payload",
    "coupon_code",
    "action",
    "limited_time_offer",
    "order_status",
    "product",
)
_MAX_CARDS = 10
_BUTTON_INDEX = re.compile(r"[0-9]")


def check_template(content: Params) -> None:
    """Refuse a template that is not named as templates are, or whose components are not known."""
    check_members(content, "template", ("name", "language"), ("components", "namespace"))
    name = content["name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MessageError("template.name must be 1 to 512 of a-z, 0-9 and _")
    language = check_members(content["language"], "template.language", ("code",), ("policy",))
    code = language["code"]
    if not isinstance(code, str) or not _LANGUAGE.fullmatch(code):
        raise MessageError("template.language.code must be a code like en or en_US")
    if language.get("policy", "deterministic") != "deterministic":
        raise MessageError("template.language.policy must be 'deterministic'")
    _check_components(content.get("components", []), "template.components")


def _check_components(components: object, where: str) -> None:
    if not isinstance(components, list):
        raise MessageError(f"{where} must be a list")
    for component in components:
        given = component if isinstance(component, dict) else {}
        kind = given.get("type")
        if not isinstance(kind, str) or kind.lower() not in _COMPONENTS:
            known = ", ".join(_COMPONENTS)
            raise MessageError(f"{where}: each must be an object with a type of {known}")
        _check_component(given, kind.lower(), f"{where}.{kind.lower()}")


def _check_component(component: Params, kind: str, where: str) -> None:
    if kind == "carousel":
        check_members(component, where, ("type", "cards"))
        for given in check_list(component["cards"], f"{where}.cards", _MAX_CARDS):
            card = check_members(given, f"{where}.cards", ("card_index", "components"))
            _check_components(card["components"], f"{where}.cards.components")
        return
    if kind == "button":
        check_members(component, where, ("type", "sub_type", "index"), ("parameters",))
        if str(component["sub_type"]).lower() not in _BUTTONS:
            raise MessageError(f"{where}.sub_type must be one of {', '.join(_BUTTONS)}")
        if not _BUTTON_INDEX.fullmatch(str(component["index"])):
            raise MessageError(f"{where}.index must be 0 to 9")
    else:
        check_members(component, where, ("type",), ("parameters",))
    parameters = component.get("parameters", [])
    if not isinstance(parameters, list):
        raise MessageError(f"{where}.parameters must be a list")
    for parameter in parameters:
        _check_parameter(parameter, f"{where}.parameters")


def _check_parameter(parameter: object, where: str) -> None:
    given = parameter if isinstance(parameter, dict) else {}
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in _PARAMETERS:
        known = ", ".join(_PARAMETERS)
        raise MessageError(f"{where}: each must be an object with a type of {known}")
    checked = check_members(given, where, ("type", kind), ("parameter_name",))
    check_string(checked, where, "parameter_name")
    if kind in ("text", "payload", "coupon_code"):
        check_string(checked, where, kind)
    elif kind in _MEDIA:
        check_media(checked[kind], f"{where}.{kind}", "caption", "filename")
    elif not isinstance(checked[kind], dict):
        raise MessageError(f"{where}.{kind} must be an object")
