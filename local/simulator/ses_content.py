"""What SES demands of a mail's own headers, of its attachments, and of its size.

Sources: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html,
https://docs.aws.amazon.com/ses/latest/dg/mime-types.html and
https://docs.aws.amazon.com/ses/latest/dg/quotas.html
"""

from collections import Counter

from local.simulator.ses_configuration import bad_request
from local.simulator.wire import Params

_MAX_HEADER = 996
_MAX_MESSAGE_BYTES = 40 * 1024 * 1024
_BASE64_LINE = 76

# fmt: off
# What SES writes itself for content that is not raw, from other members of the request.
_WRITTEN_BY_SES = frozenset({
    "from", "to", "cc", "bcc", "reply-to", "subject", "return-path", "mime-version",
    "content-type", "content-transfer-encoding",
})
# Fields that may not appear more than once. SES overwrites Date and Message-ID.
_SINGLE = frozenset({
    "accept-language", "acceptlanguage", "archived-at", "auto-submitted", "bounces-to",
    "comments", "content-alternative", "content-base", "content-class", "content-description",
    "content-disposition", "content-duration", "content-id", "content-language",
    "content-length", "content-location", "content-md5", "date", "delivered-to",
    "disposition-notification-options", "disposition-notification-to", "dkim-signature",
    "domainkey-signature", "errors-to", "importance", "in-reply-to", "keywords",
    "list-archive", "list-help", "list-id", "list-owner", "list-post", "list-subscribe",
    "list-unsubscribe", "list-unsubscribe-post", "message-context", "message-id",
    "organization", "original-from", "original-message-id", "original-recipient",
    "original-subject", "precedence", "priority", "references", "return-receipt-to", "sender",
    "solicitation", "sensitivity", "thread-index", "thread-topic", "user-agent", "vbr-info",
})
_UNSUPPORTED_FILES = frozenset({
    "ade", "adp", "app", "asp", "bas", "bat", "cer", "chm", "cmd", "com", "cpl", "crt", "csh",
    "der", "exe", "fxp", "gadget", "hlp", "hta", "inf", "ins", "isp", "its", "js", "jse",
    "ksh", "lib", "lnk", "mad", "maf", "mag", "mam", "maq", "mar", "mas", "mat", "mau", "mav",
    "maw", "mda", "mdb", "mde", "mdt", "mdw", "mdz", "msc", "msh", "msh1", "msh2", "mshxml",
    "msh1xml", "msh2xml", "msi", "msp", "mst", "ops", "pcd", "pif", "plg", "prf", "prg",
    "reg", "scf", "scr", "sct", "shb", "shs", "sys", "ps1", "ps1xml", "ps2", "ps2xml", "psc1",
    "psc2", "tmp", "url", "vb", "vbe", "vbs", "vps", "vsmacros", "vss", "vst", "vsw", "vxd",
    "ws", "wsc", "wsf", "wsh", "xnk",
})
# fmt: on


def check_headers(headers: list[Params]) -> None:
    """Refuse headers that SES writes itself, that are there twice, or that are too long."""
    counts = Counter(header["Name"].lower() for header in headers)
    for header in headers:
        name = header["Name"].lower()
        if name in _WRITTEN_BY_SES:
            raise bad_request(f"Header <{header['Name']}> is not allowed.")
        if name in _SINGLE and counts[name] > 1:
            raise bad_request(f"Duplicate header <{header['Name']}>.")
        if len(name) + len(header["Value"]) > _MAX_HEADER:
            raise bad_request(f"Header <{header['Name']}> is longer than {_MAX_HEADER}.")


def check_attachments(attachments: list[Params]) -> None:
    """Refuse the file types that SES does not deliver, and names that would break a header."""
    for attachment in attachments:
        name = attachment["FileName"]
        extension = name.rpartition(".")[2].lower() if "." in name else ""
        if not name.strip() or extension in _UNSUPPORTED_FILES or not name.isprintable():
            raise bad_request(f"Illegal filename '{name}'.")


def check_size(content: Params) -> None:
    """Refuse a message that is too big once its attachments are encoded."""
    size = _size(content)
    if size > _MAX_MESSAGE_BYTES:
        demand = f"Message length is more than {_MAX_MESSAGE_BYTES} bytes long: '{size}'."
        raise bad_request(demand)


def _size(value: object) -> int:
    if isinstance(value, dict):
        raw = value.get("RawContent")
        encoded = 0
        if isinstance(raw, bytes):
            length = 4 * -(-len(raw) // 3)
            encoded = length + 2 * (length // _BASE64_LINE)
        return encoded + sum(_size(member) for key, member in value.items() if key != "RawContent")
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(value.encode()) if isinstance(value, str) else _bytes(value)


def _bytes(value: object) -> int:
    return len(value) if isinstance(value, bytes) else 0
