"""AWS End User Messaging SMS: sending texts, MMS and RCS messages.

Errors and limits: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal
from uuid import uuid4

from local.simulator.clock import epoch_ms
from local.simulator.provider import ConnectionDroppedError, Operation, OutboxEntry, Provider, Site
from local.simulator.rcs_content import check_rcs
from local.simulator.recipients import Event, for_sms
from local.simulator.sms_configuration import ConfigurationSets, last_part
from local.simulator.sms_errors import conflict, validation
from local.simulator.sms_events import Message, event_type, message_event
from local.simulator.wire import Fault, Params, ServiceError, sentence

# The number that a pool sends from.
_POOL_NUMBER = "+12065550100"
# The protect configuration that stands for the account's default one.
_PROTECTION = "protect-0123456789abcdef0123456789abcdef"
_ADDRESSING = (
    "DestinationPhoneNumber",
    "OriginationIdentity",
    "ConfigurationSetName",
    "Context",
    "DryRun",
)

Family = Literal["TEXT", "MEDIA", "RCS"]


class SmsProvider(Provider):
    """The operations of pinpoint-sms-voice-v2 that this project and its tests use."""

    name = "sms"
    service = "pinpoint-sms-voice-v2"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._sets = ConfigurationSets(site)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""
        return {
            "SendTextMessage": partial(self.send, "TEXT"),
            "SendMediaMessage": partial(self.send, "MEDIA"),
            "SendRcsMessage": partial(self.send, "RCS"),
            **self._sets.operations,
        }

    def invalid(self, faults: list[Fault]) -> ServiceError:
        """Make the error of a request that does not fit, which lists its fields."""
        return validation(sentence(faults), "FIELD_VALIDATION_FAILED", faults)

    def throttled(self) -> ServiceError:
        """Make the error for too many requests (400, as the protocol has it)."""
        return ServiceError("ThrottlingException", "Rate exceeded.")

    def rejected(self) -> ServiceError:
        """Make the error for a recipient who has opted out."""
        return conflict(
            "Destination phone number has opted out.",
            "DESTINATION_PHONE_NUMBER_OPTED_OUT",
            "opted-out-number",
            "default",
        )

    def topics_for(self, event: Params) -> list[str]:
        """List the topics of all configuration sets that want an event.

        Inbound messages have no type and come to a topic of the number's own; here to all.
        """
        named = event.get("eventType")
        type_ = None if named is None else str(named)
        return [topic for name in self._sets.names() for topic in self._sets.topics(name, type_)]

    # Sending ------------------------------------------------------------------------------------

    async def send(self, family: Family, params: Params) -> Params:
        """Accept a text, an MMS or an RCS message, and play its recipient's script."""
        set_name = params.get("ConfigurationSetName")
        if set_name is not None:
            self._sets.check(set_name)
        body = _body(family, params)
        recipient, sender = params["DestinationPhoneNumber"], params.get("OriginationIdentity", "")
        message = Message(
            family=family,
            message_id=str(uuid4()),
            origination=_origination(sender),
            destination=f"+{recipient.lstrip('+')}",
            body=body,
            message_type=params.get("MessageType", "TRANSACTIONAL"),
            context=params.get("Context", {}),
            protect_configuration=last_part(params.get("ProtectConfigurationId", _PROTECTION)),
            accepted_ms=epoch_ms(),
        )
        if params.get("DryRun", False):
            return {"MessageId": message.message_id}
        behaviour = for_sms(recipient)
        self.admit(behaviour, (sender, recipient, body))
        self.site.outbox.append(
            OutboxEntry(
                provider=self.name,
                provider_message_id=message.message_id,
                sender=sender,
                recipient=recipient,
                content={k: v for k, v in params.items() if k not in _ADDRESSING},
                tags=dict(message.context),
                configuration_set=set_name,
                request=params,
                received_ms=message.accepted_ms,
            )
        )
        for event in self.script(behaviour, (sender, recipient, body)):
            self._schedule(message, event, set_name)
            if family == "RCS" and event.kind == "FALLEN_BACK_TO_SMS":
                # From here on it is a text or an MMS, with the events of one.
                message = replace(message, family=_fallback_family(params))
        if behaviour.answer == "resets":
            raise ConnectionDroppedError
        return {"MessageId": message.message_id}

    def _schedule(self, message: Message, event: Event, set_name: str | None) -> None:
        type_ = event_type(message.family, event.kind)
        if type_ is not None:
            self.site.publisher.later(
                event.after_seconds,
                type_,
                message.message_id,
                partial(message_event, message, type_, final=event.final),
                partial(self._sets.topics, set_name, type_),
            )


def _origination(sender: str) -> str:
    """Tell what the handset shows for a sender: itself, or a number for pools and ids."""
    name = last_part(sender)
    is_resource = name.startswith(("pool-", "phone-")) or not name
    return _POOL_NUMBER if is_resource else name


def _fallback_family(params: Params) -> Family:
    return "MEDIA" if params.get("FallbackConfiguration", {}).get("Channel") == "MMS" else "TEXT"


def _body(family: Family, params: Params) -> str:
    """Find the text of a message; raises for a message without content."""
    if family == "RCS":
        content = params.get("RcsMessageContent", {}).get("Content")
        if content is None:
            raise validation("RcsMessageContent is missing.", "MISSING_PARAMETER")
        check_rcs(params)
        return str(content.get("TextMessage", {}).get("Body", ""))
    body = params.get("MessageBody", "")
    if not body and (family == "TEXT" or "MediaUrls" not in params):
        raise validation("MessageBody is missing.", "MISSING_PARAMETER")
    return str(body)
