"""What the stack's parameters forbid: unknown senders, and countries that are not served."""

from collections.abc import Iterator

from .channels.email import split_sender
from .domain.plan import Plan, StepContent
from .problems import ProblemError
from .request_schema import Fault
from .settings import ApiSettings


def check_guards(plan: Plan, settings: ApiSettings) -> None:
    """Raise ProblemError 403 with a reason for every step that may not be sent."""
    faults = [
        fault
        for index, content in enumerate(plan.contents)
        if plan.message.steps[index].stands_for is None
        for fault in _faults(content, _pointer(plan, index), settings)
    ]
    if faults:
        raise ProblemError(403, "This stack does not send that; see errors.", faults)


def _faults(content: StepContent, pointer: str, settings: ApiSettings) -> Iterator[Fault]:
    if settings.allowed_senders and not _is_allowed(content.sender, settings.allowed_senders):
        detail = "the sender is not one of the stack's allowedSenders"
        yield Fault(f"{pointer}/sender", "allowedSenders", detail)
    prefixes = settings.allowed_country_prefixes
    is_number = content.recipient.startswith("+")
    if prefixes and is_number and not content.recipient.startswith(prefixes):
        detail = "the country is not one of the stack's allowedCountryPrefixes"
        yield Fault(f"{pointer}/recipient", "allowedCountryPrefixes", detail)


def _is_allowed(sender: str, allowed: tuple[str, ...]) -> bool:
    """Compare a sender with entries that are whole senders or, as "@example.com", domains."""
    address = split_sender(sender)[1].lower()
    domain = "@" + address.rpartition("@")[2]
    return any(entry.lower() in (address, domain) for entry in allowed)


def _pointer(plan: Plan, index: int) -> str:
    """Return where a main step stands in the request."""
    position = plan.message.mains.index(index)
    if position == 0:
        return "/pc"
    return "/fc" if len(plan.message.mains) == 2 else f"/fc/{position - 1}"  # noqa: PLR2004
