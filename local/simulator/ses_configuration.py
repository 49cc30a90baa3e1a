"""SES configuration sets and their event destinations: where events go, and which.

Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSetEventDestination.html
"""

import re
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from local.simulator.provider import Operation
from local.simulator.publisher import Publisher
from local.simulator.wire import Params, ServiceError

# What SES sends to a topic when it becomes an event destination.
VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."

_MAX_EVENT_DESTINATIONS = 10
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DESTINATION_KINDS = (
    "KinesisFirehoseDestination",
    "CloudWatchDestination",
    "SnsDestination",
    "EventBridgeDestination",
    "PinpointDestination",
)


def bad_request(message: str) -> ServiceError:
    """Make the error that SES answers to whatever it finds wrong in a request."""
    return ServiceError("BadRequestException", message)


class ConfigurationSets:
    """The configuration sets of the account, by name, and their event destinations."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._sets: dict[str, Params] = {}
        self._destinations: dict[str, dict[str, Params]] = {}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations on them, by their names in the model."""
        return {
            "CreateConfigurationSet": self.create_configuration_set,
            "GetConfigurationSet": self.get_configuration_set,
            "ListConfigurationSets": self.list_configuration_sets,
            "DeleteConfigurationSet": self.delete_configuration_set,
            "CreateConfigurationSetEventDestination": self.create_event_destination,
            "UpdateConfigurationSetEventDestination": self.update_event_destination,
            "GetConfigurationSetEventDestinations": self.get_event_destinations,
            "DeleteConfigurationSetEventDestination": self.delete_event_destination,
        }

    def check_sending(self, name: str) -> None:
        """Refuse a send through a set that does not exist, or whose sending is paused."""
        if not self._set(name).get("SendingOptions", {}).get("SendingEnabled", True):
            message = f"Sending is paused for configuration set {name}."
            raise ServiceError("SendingPausedException", message)

    def topics(self, name: str | None, event_type: str | None) -> list[str]:
        """List the topics that want a set's events of a type (the API's name; None: any)."""
        return [
            destination["SnsDestination"]["TopicArn"]
            for destination in self._destinations.get(name or "", {}).values()
            if "SnsDestination" in destination
            and destination.get("Enabled", False)
            and (event_type is None or event_type in destination["MatchingEventTypes"])
        ]

    def names(self) -> list[str]:
        """List the configuration sets."""
        return list(self._sets)

    def _set(self, name: str) -> Params:
        if name not in self._sets:
            message = f"Configuration set <{name}> does not exist."
            raise ServiceError("NotFoundException", message)
        return self._sets[name]

    async def create_configuration_set(self, params: Params) -> Params:
        """Register a configuration set; its options are kept as they are given."""
        name = params["ConfigurationSetName"]
        if not _NAME.fullmatch(name):
            raise bad_request(f"Invalid configuration set name <{name}>.")
        if name in self._sets:
            message = f"Configuration set <{name}> already exists."
            raise ServiceError("AlreadyExistsException", message)
        self._sets[name] = params
        self._destinations[name] = {}
        return {}

    async def get_configuration_set(self, params: Params) -> Params:
        """Tell a configuration set's options."""
        return self._set(params["ConfigurationSetName"])

    async def list_configuration_sets(self, params: Params) -> Params:
        """List the names of all configuration sets, on one page."""
        del params
        return {"ConfigurationSets": list(self._sets)}

    async def delete_configuration_set(self, params: Params) -> Params:
        """Forget a configuration set and its event destinations."""
        self._set(params["ConfigurationSetName"])
        del self._sets[params["ConfigurationSetName"]]
        del self._destinations[params["ConfigurationSetName"]]
        return {}

    async def create_event_destination(self, params: Params) -> Params:
        """Register an event destination; a topic gets the text that proves it works."""
        set_name, name = params["ConfigurationSetName"], params["EventDestinationName"]
        self._set(set_name)
        destinations = self._destinations[set_name]
        if not _NAME.fullmatch(name):
            raise bad_request(f"Invalid event destination name <{name}>.")
        if name in destinations:
            message = f"Event destination <{name}> already exists."
            raise ServiceError("AlreadyExistsException", message)
        if len(destinations) >= _MAX_EVENT_DESTINATIONS:
            message = f"A configuration set has at most {_MAX_EVENT_DESTINATIONS} destinations."
            raise ServiceError("LimitExceededException", message)
        await self._put_event_destination(params)
        return {}

    async def update_event_destination(self, params: Params) -> Params:
        """Replace an event destination."""
        self._event_destination(params)
        await self._put_event_destination(params)
        return {}

    async def get_event_destinations(self, params: Params) -> Params:
        """List a configuration set's event destinations."""
        self._set(params["ConfigurationSetName"])
        destinations = self._destinations[params["ConfigurationSetName"]]
        return {
            "EventDestinations": [
                {"Name": name, "Enabled": False, **destination}
                for name, destination in destinations.items()
            ]
        }

    async def delete_event_destination(self, params: Params) -> Params:
        """Forget an event destination."""
        self._event_destination(params)
        del self._destinations[params["ConfigurationSetName"]][params["EventDestinationName"]]
        return {}

    def _event_destination(self, params: Params) -> Params:
        self._set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        destinations = self._destinations[params["ConfigurationSetName"]]
        if name not in destinations:
            raise ServiceError("NotFoundException", f"Event destination <{name}> does not exist.")
        return destinations[name]

    async def _put_event_destination(self, params: Params) -> None:
        destination = params["EventDestination"]
        if not destination.get("MatchingEventTypes"):
            raise bad_request("MatchingEventTypes must name at least one event type.")
        if sum(kind in destination for kind in _DESTINATION_KINDS) != 1:
            raise bad_request("EventDestination must have exactly one kind of destination.")
        topic_arn = destination.get("SnsDestination", {}).get("TopicArn")
        if topic_arn is not None:
            try:
                await self._publisher.publish_now(topic_arn, VALIDATION_TEXT)
            except (BotoCoreError, ClientError) as error:
                raise bad_request(f"Could not publish to SNS topic <{topic_arn}>.") from error
        destinations = self._destinations[params["ConfigurationSetName"]]
        destinations[params["EventDestinationName"]] = destination
