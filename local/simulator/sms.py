"""AWS End User Messaging SMS: texts, MMS and RCS, configuration sets, event destinations.

Errors and limits: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal
from uuid import uuid4

from local.simulator.clock import epoch_ms
from local.simulator.provider import ConnectionDroppedError, Operation, OutboxEntry, Provider, Site
from local.simulator.recipients import Event, for_sms
from local.simulator.sms_events import Message, event_type, message_event
from local.simulator.wire import Fault, Params, ServiceError, sentence

_MAX_EVENT_DESTINATIONS = 5
_DESTINATION_KINDS = ("CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination")
# The number that a pool sends from.
_POOL_NUMBER = "+12065550100"
_ADDRESSING = (
    "DestinationPhoneNumber",
    "OriginationIdentity",
    "ConfigurationSetName",
    "Context",
    "DryRun",
)

Family = Literal["TEXT", "MEDIA", "RCS"]


def _validation(message: str, reason: str, fields: list[Fault] | None = None) -> ServiceError:
    named = [{"Name": fault.path, "Message": str(fault)} for fault in fields or []]
    return ServiceError("ValidationException", message, Reason=reason, Fields=named)


def _conflict(message: str, reason: str, resource_type: str, resource_id: str) -> ServiceError:
    return ServiceError(
        "ConflictException",
        message,
        Reason=reason,
        ResourceType=resource_type,
        ResourceId=resource_id,
    )


def _not_found(resource_type: str, resource_id: str) -> ServiceError:
    message = f"Resource not found: {resource_type}/{resource_id}"
    return ServiceError(
        "ResourceNotFoundException", message, ResourceType=resource_type, ResourceId=resource_id
    )


class SmsProvider(Provider):
    """The operations of pinpoint-sms-voice-v2 that this project and its tests use."""

    service = "pinpoint-sms-voice-v2"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        # Each set as DescribeConfigurationSets tells it.
        self._sets: dict[str, Params] = {}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""
        return {
            "SendTextMessage": partial(self.send, "TEXT"),
            "SendMediaMessage": partial(self.send, "MEDIA"),
            "SendRcsMessage": partial(self.send, "RCS"),
            "CreateConfigurationSet": self.create_configuration_set,
            "DescribeConfigurationSets": self.describe_configuration_sets,
            "DeleteConfigurationSet": self.delete_configuration_set,
            "CreateEventDestination": self.create_event_destination,
            "UpdateEventDestination": self.update_event_destination,
            "DeleteEventDestination": self.delete_event_destination,
        }

    def invalid(self, faults: list[Fault]) -> ServiceError:
        """Make the error of a request that does not fit, which lists its fields."""
        return _validation(sentence(faults), "FIELD_VALIDATION_FAILED", faults)

    def throttled(self) -> ServiceError:
        """Make the error for too many requests (400, as the protocol has it)."""
        return ServiceError("ThrottlingException", "Rate exceeded.")

    def rejected(self) -> ServiceError:
        """Make the error for a recipient who has opted out."""
        return _conflict(
            "Destination phone number has opted out.",
            "DESTINATION_PHONE_NUMBER_OPTED_OUT",
            "opted-out-number",
            "default",
        )

    # Sending ------------------------------------------------------------------------------------

    async def send(self, family: Family, params: Params) -> Params:
        """Accept a text, an MMS or an RCS message, and play its recipient's script."""
        set_name = params.get("ConfigurationSetName")
        if set_name is not None:
            self._set(set_name)
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
            accepted_ms=epoch_ms(),
        )
        if params.get("DryRun", False):
            return {"MessageId": message.message_id}
        behaviour = for_sms(recipient)
        self.admit(behaviour, (sender, recipient, body))
        self.site.outbox.append(
            OutboxEntry(
                provider="sms",
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
        for event in behaviour.events:
            self._schedule(message, event, set_name)
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
                partial(self._topics, set_name, type_),
            )

    def _topics(self, set_name: str | None, type_: str) -> list[str]:
        if set_name is None or _last_part(set_name) not in self._sets:
            return []
        wanted = {type_, f"{type_.partition('_')[0]}_ALL", "ALL"}
        return [
            destination["SnsDestination"]["TopicArn"]
            for destination in self._set(set_name)["EventDestinations"]
            if "SnsDestination" in destination
            and destination["Enabled"]
            and wanted.intersection(destination["MatchingEventTypes"])
        ]

    # Configuration sets -------------------------------------------------------------------------

    def _set(self, name_or_arn: str) -> Params:
        name = _last_part(name_or_arn)
        if name not in self._sets:
            raise _not_found("configuration-set", name)
        return self._sets[name]

    async def create_configuration_set(self, params: Params) -> Params:
        """Register a configuration set."""
        name = params["ConfigurationSetName"]
        if name in self._sets:
            message = "Configuration set already exists."
            raise _conflict(message, "RESOURCE_ALREADY_EXISTS", "configuration-set", name)
        self._sets[name] = {
            "ConfigurationSetArn": self.site.arn("sms-voice", f"configuration-set/{name}"),
            "ConfigurationSetName": name,
            "EventDestinations": [],
            "CreatedTimestamp": epoch_ms() / 1000,
        }
        answer = {k: v for k, v in self._sets[name].items() if k != "EventDestinations"}
        return answer | {"Tags": params.get("Tags", [])}

    async def describe_configuration_sets(self, params: Params) -> Params:
        """Describe the named configuration sets, or all of them, on one page; no filters."""
        names = params.get("ConfigurationSetNames", list(self._sets))
        return {"ConfigurationSets": [self._set(name) for name in names]}

    async def delete_configuration_set(self, params: Params) -> Params:
        """Forget a configuration set and its event destinations."""
        deleted = self._set(params["ConfigurationSetName"])
        return self._sets.pop(deleted["ConfigurationSetName"])

    # Event destinations -------------------------------------------------------------------------

    async def create_event_destination(self, params: Params) -> Params:
        """Register an event destination, which is enabled from the start."""
        owner = self._set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        destinations = owner["EventDestinations"]
        if any(d["EventDestinationName"] == name for d in destinations):
            message = "Event destination already exists."
            raise _conflict(message, "RESOURCE_ALREADY_EXISTS", "event-destination", name)
        if len(destinations) >= _MAX_EVENT_DESTINATIONS:
            raise ServiceError(
                "ServiceQuotaExceededException",
                f"A configuration set has at most {_MAX_EVENT_DESTINATIONS} event destinations.",
                Reason="EVENT_DESTINATIONS_PER_CONFIGURATION_SET",
            )
        kinds = _kinds(params)
        if not kinds:
            raise _validation("A destination is missing.", "MISSING_PARAMETER")
        destination = {
            "EventDestinationName": name,
            "Enabled": True,
            "MatchingEventTypes": params["MatchingEventTypes"],
            **kinds,
        }
        destinations.append(destination)
        return _destination_answer(owner, destination)

    async def update_event_destination(self, params: Params) -> Params:
        """Change those parts of an event destination that the request names."""
        owner = self._set(params["ConfigurationSetName"])
        destination = _event_destination(owner, params["EventDestinationName"])
        kinds = _kinds(params)
        if kinds:
            for kind in _DESTINATION_KINDS:
                destination.pop(kind, None)
        named = ("Enabled", "MatchingEventTypes")
        destination |= kinds | {k: params[k] for k in named if k in params}
        return _destination_answer(owner, destination)

    async def delete_event_destination(self, params: Params) -> Params:
        """Forget an event destination."""
        owner = self._set(params["ConfigurationSetName"])
        destination = _event_destination(owner, params["EventDestinationName"])
        owner["EventDestinations"].remove(destination)
        return _destination_answer(owner, destination)


def _kinds(params: Params) -> Params:
    kinds = {kind: params[kind] for kind in _DESTINATION_KINDS if kind in params}
    if len(kinds) > 1:
        message = "An event destination has one kind of destination."
        raise _validation(message, "PARAMETERS_CANNOT_BE_USED_TOGETHER")
    return kinds


def _event_destination(owner: Params, name: str) -> Params:
    for destination in owner["EventDestinations"]:
        if destination["EventDestinationName"] == name:
            found: Params = destination
            return found
    raise _not_found("event-destination", name)


def _destination_answer(owner: Params, destination: Params) -> Params:
    return {
        "ConfigurationSetArn": owner["ConfigurationSetArn"],
        "ConfigurationSetName": owner["ConfigurationSetName"],
        "EventDestination": destination,
    }


def _last_part(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _origination(sender: str) -> str:
    """Tell what the handset shows for a sender: itself, or a number for pools and ids."""
    name = _last_part(sender)
    is_resource = name.startswith(("pool-", "phone-")) or not name
    return _POOL_NUMBER if is_resource else name


def _body(family: Family, params: Params) -> str:
    """Find the text of a message; raises for a message without content."""
    if family == "RCS":
        content = params.get("RcsMessageContent", {}).get("Content")
        if content is None:
            raise _validation("RcsMessageContent is missing.", "MISSING_PARAMETER")
        return str(content.get("TextMessage", {}).get("Body", ""))
    body = params.get("MessageBody", "")
    if not body and (family == "TEXT" or "MediaUrls" not in params):
        raise _validation("MessageBody is missing.", "MISSING_PARAMETER")
    return str(body)
