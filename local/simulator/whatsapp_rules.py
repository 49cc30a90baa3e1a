"""Checks that the parts of a WhatsApp message share, and the error that they end in."""

import re
from collections.abc import Collection
from typing import Any

from local.simulator.wire import Params

_LINK = re.compile(r"https?://[^\s/]+\S*")
_MAX_CAPTION = 1024


class MessageError(ValueError):
    """A message object that the Cloud API would refuse; says which member and why."""


def check_members(
    content: object, where: str, required: Collection[str], optional: Collection[str] = ()
) -> Params:
    """Return an object that has what it must have, and nothing that is not known."""
    if not isinstance(content, dict):
        raise MessageError(f"{where} must be an object")
    missing = set(required) - content.keys()
    if missing:
        raise MessageError(f"{where}.{', '.join(sorted(missing))}: required")
    unknown = content.keys() - set(required) - set(optional)
    if unknown:
        raise MessageError(f"{where}.{', '.join(sorted(unknown))}: not known")
    return content


def check_string(content: Params, where: str, name: str, most: int | None = None) -> None:
    """Refuse a member that is there and is no text, or blank, or too long."""
    if name not in content:
        return
    value = content[name]
    if not isinstance(value, str) or not value.strip():
        raise MessageError(f"{where}.{name} must be a string that is not blank")
    if most is not None and len(value) > most:
        raise MessageError(f"{where}.{name} must be at most {most} long")


def check_list(value: object, where: str, most: int) -> list[Any]:
    """Return a list of 1 to `most` items."""
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise MessageError(f"{where} must be a list of 1 to {most}")
    return value


def check_media(content: object, where: str, *optional: str) -> None:
    """Refuse media that are not named by either an id or a link."""
    media = check_members(content, where, (), ("id", "link", *optional))
    if ("id" in media) == ("link" in media):
        raise MessageError(f"{where} must have exactly one of id and link")
    for name in ("id", "link", "filename"):
        check_string(media, where, name)
    check_string(media, where, "caption", _MAX_CAPTION)
    if "link" in media and not _LINK.fullmatch(media["link"]):
        raise MessageError(f"{where}.link must be an http or https address")
    if not isinstance(media.get("voice", False), bool):
        raise MessageError(f"{where}.voice must be true or false")
