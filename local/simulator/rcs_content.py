"""What SendRcsMessage demands beyond its model: words that the model leaves open, and fallbacks.

Source: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendRcsMessage.html
"""

from collections.abc import Mapping

from local.simulator.sms_errors import validation
from local.simulator.wire import Fault, Params

# By the member's name: the words that are documented. Height differs in carousels.
_WORDS: Mapping[str, frozenset[str]] = {
    "CardOrientation": frozenset({"HORIZONTAL", "VERTICAL"}),
    "ThumbnailImageAlignment": frozenset({"LEFT", "RIGHT"}),
    "Height": frozenset({"SHORT", "MEDIUM", "TALL"}),
    "CardWidth": frozenset({"SMALL", "MEDIUM"}),
    "Application": frozenset({"BROWSER", "WEBVIEW"}),
    "WebviewViewMode": frozenset({"FULL", "HALF", "TALL"}),
    "MessageTrafficType": frozenset(
        {"AUTHENTICATION", "TRANSACTION", "PROMOTION", "SERVICE_REQUEST", "ACKNOWLEDGEMENT"}
    ),
}
_CAROUSEL_HEIGHTS = frozenset({"SHORT", "MEDIUM"})


def check_rcs(params: Params) -> None:
    """Refuse a request whose words or fallback are not as documented."""
    faults: list[Fault] = []
    _check_words(params, "", faults, in_carousel=False)
    if faults:
        raise validation("Parameters are invalid.", "FIELD_VALIDATION_FAILED", faults)
    fallback = params.get("FallbackConfiguration")
    if fallback is None:
        return
    has_text, has_media = "MessageBody" in fallback, "MediaUrls" in fallback
    if fallback["Channel"] == "SMS" and has_media:
        message = "MediaUrls are for a fallback to MMS."
        raise validation(message, "PARAMETERS_CANNOT_BE_USED_TOGETHER")
    if not has_text and not has_media:
        raise validation("The fallback has no content.", "MISSING_PARAMETER")


def _check_words(value: object, path: str, faults: list[Fault], *, in_carousel: bool) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check_words(item, f"{path}.{index + 1}", faults, in_carousel=in_carousel)
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        at = f"{path}.{name}" if path else name
        words = _WORDS.get(name)
        if name == "Height" and in_carousel:
            words = _CAROUSEL_HEIGHTS
        if words is not None and member not in words:
            faults.append(Fault(at, f"Member must be one of {sorted(words)}"))
        if name != "Context":  # a sender's own words
            is_carousel = in_carousel or name == "Carousel"
            _check_words(member, at, faults, in_carousel=is_carousel)
    is_vertical = value.get("CardOrientation") == "VERTICAL"
    if is_vertical and "ThumbnailImageAlignment" in value:
        faults.append(Fault(f"{path}.ThumbnailImageAlignment", "Only for HORIZONTAL cards"))
    if "WebviewViewMode" in value and value.get("Application") != "WEBVIEW":
        faults.append(Fault(f"{path}.WebviewViewMode", "Only for the Application WEBVIEW"))
