"""What the stack's parameters forbid: senders, countries, prices, and where events go."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from .channels.email import split_sender
from .domain.message import Step
from .domain.plan import Plan, StepContent
from .domain.status import Status
from .problems import ProblemError
from .request_schema import Fault
from .settings import ApiSettings


def check_guards(plan: Plan, places: Mapping[int, str], settings: ApiSettings) -> None:
    """Raise ProblemError with a reason for every step that may not be sent, or cannot be.

    403 for what the stack does not allow, 400 for what it is not set up for: a WhatsApp number that
    it has no id for, mails that are to be read where SES reports none. `places` has the pointer of
    each main step: its alternates send the same, or what the step itself names.
    """
    impossible = [
        fault
        for index, place in places.items()
        for fault in _impossible(plan.contents[index], plan.message.steps[index], place, settings)
    ]
    if impossible:
        raise ProblemError(400, "This stack is not set up for that; see errors.", impossible)
    faults = [
        fault
        for index, place in places.items()
        for fault in _forbidden(plan.contents[index], place, settings)
    ]
    if faults:
        raise ProblemError(403, "This stack does not send that; see errors.", faults)


def _impossible(
    content: StepContent, step: Step, pointer: str, settings: ApiSettings
) -> Iterator[Fault]:
    """Yield what this stack has not been set up for."""
    sender = content.sender
    is_number = content.channel == "whatsapp" and sender.startswith("+")
    if is_number and sender not in settings.whatsapp_phone_numbers:
        detail = "the number is not one of the stack's whatsAppPhoneNumbers, and is no id"
        yield Fault(f"{pointer}/sender", "whatsAppPhoneNumbers", detail)
    is_mail_to_be_read = content.channel == "email" and step.success_status is Status.READ
    # A configuration set that the request names may report it all the same.
    if (
        is_mail_to_be_read
        and not settings.mail_may_be_read
        and not content.body.get("configuration_set")
    ):
        detail = "must be sent or delivered: this stack does not have mails tracked"
        place = f"{pointer}/success_status"
        yield Fault(place, "sesEngagementEvents", f"{detail} (sesEngagementEvents)")


def _forbidden(content: StepContent, pointer: str, settings: ApiSettings) -> Iterator[Fault]:
    if settings.allowed_senders and not _is_allowed(content, settings.allowed_senders):
        detail = "the sender is not one of the stack's allowedSenders"
        yield Fault(f"{pointer}/sender", "allowedSenders", detail)
    prefixes = settings.allowed_country_prefixes
    is_number = content.recipient.startswith("+")
    if prefixes and is_number and not content.recipient.startswith(prefixes):
        detail = "the country is not one of the stack's allowedCountryPrefixes"
        yield Fault(f"{pointer}/recipient", "allowedCountryPrefixes", detail)
    yield from _forbidden_options(content, f"{pointer}/{content.channel}", settings)


def _forbidden_options(
    content: StepContent, pointer: str, settings: ApiSettings
) -> Iterator[Fault]:
    """Yield the options that would lead events elsewhere, switch protection off, or cost more."""
    is_mail = content.channel == "email"
    own = settings.ses_configuration_set if is_mail else settings.sms_configuration_set
    named = content.body.get("configuration_set")
    if named and named not in (own, *settings.allowed_configuration_sets):
        detail = "is neither the stack's own configuration set nor one of allowedConfigurationSets"
        yield Fault(f"{pointer}/configuration_set", "allowedConfigurationSets", detail)
    protection = content.body.get("protect_configuration_id")
    if protection and protection not in settings.allowed_protect_configurations:
        detail = "is not one of the stack's allowedProtectConfigurations"
        yield Fault(f"{pointer}/protect_configuration_id", "allowedProtectConfigurations", detail)
    price, most = content.body.get("max_price"), settings.sms_max_price
    if price and most and Decimal(price) > Decimal(most):
        detail = f"is above the stack's smsMaxPrice, {most}"
        yield Fault(f"{pointer}/max_price", "smsMaxPrice", detail)


def _is_allowed(content: StepContent, allowed: tuple[str, ...]) -> bool:
    """Compare a sender with entries that are whole senders or, as "@example.com", domains."""
    entries = {entry.lower() for entry in allowed}
    if content.channel != "email":
        return content.sender.lower() in entries
    address = split_sender(content.sender)[1].lower()
    return not entries.isdisjoint((address, "@" + address.rpartition("@")[2]))
