"""SMS configuration sets and their event destinations: where events go, and which.

Source: https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_CreateEventDestination.html
"""

from collections.abc import Mapping

from local.simulator.clock import epoch_ms
from local.simulator.provider import Operation, Site
from local.simulator.sms_errors import conflict, not_found, validation
from local.simulator.wire import Params, ServiceError

_MAX_EVENT_DESTINATIONS = 5
_DESTINATION_KINDS = ("CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination")


class ConfigurationSets:
    """The configuration sets of the account, each as DescribeConfigurationSets tells it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sets: dict[str, Params] = {}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations on them, by their names in the model."""
        return {
            "CreateConfigurationSet": self.create_configuration_set,
            "DescribeConfigurationSets": self.describe_configuration_sets,
            "DeleteConfigurationSet": self.delete_configuration_set,
            "CreateEventDestination": self.create_event_destination,
            "UpdateEventDestination": self.update_event_destination,
            "DeleteEventDestination": self.delete_event_destination,
        }

    def check(self, name_or_arn: str) -> None:
        """Refuse a set that does not exist."""
        self._set(name_or_arn)

    def topics(self, set_name: str | None, type_: str | None) -> list[str]:
        """List the topics that want events of a type (None: any) of a set's messages."""
        if set_name is None or last_part(set_name) not in self._sets:
            return []
        wanted = {type_, f"{(type_ or '').partition('_')[0]}_ALL", "ALL"}
        return [
            destination["SnsDestination"]["TopicArn"]
            for destination in self._set(set_name)["EventDestinations"]
            if "SnsDestination" in destination
            and destination["Enabled"]
            and (type_ is None or wanted.intersection(destination["MatchingEventTypes"]))
        ]

    def names(self) -> list[str]:
        """List the configuration sets."""
        return list(self._sets)

    def _set(self, name_or_arn: str) -> Params:
        name = last_part(name_or_arn)
        if name not in self._sets:
            raise not_found("configuration-set", name)
        return self._sets[name]

    async def create_configuration_set(self, params: Params) -> Params:
        """Register a configuration set."""
        name = params["ConfigurationSetName"]
        if name in self._sets:
            message = "Configuration set already exists."
            raise conflict(message, "RESOURCE_ALREADY_EXISTS", "configuration-set", name)
        self._sets[name] = {
            "ConfigurationSetArn": self._site.arn("sms-voice", f"configuration-set/{name}"),
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

    async def create_event_destination(self, params: Params) -> Params:
        """Register an event destination, which is enabled from the start."""
        owner = self._set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        destinations = owner["EventDestinations"]
        if any(d["EventDestinationName"] == name for d in destinations):
            message = "Event destination already exists."
            raise conflict(message, "RESOURCE_ALREADY_EXISTS", "event-destination", name)
        if len(destinations) >= _MAX_EVENT_DESTINATIONS:
            raise ServiceError(
                "ServiceQuotaExceededException",
                f"A configuration set has at most {_MAX_EVENT_DESTINATIONS} event destinations.",
                Reason="EVENT_DESTINATIONS_PER_CONFIGURATION_SET",
            )
        kinds = _kinds(params)
        if not kinds:
            raise validation("A destination is missing.", "MISSING_PARAMETER")
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
        raise validation(message, "PARAMETERS_CANNOT_BE_USED_TOGETHER")
    return kinds


def _event_destination(owner: Params, name: str) -> Params:
    for destination in owner["EventDestinations"]:
        if destination["EventDestinationName"] == name:
            found: Params = destination
            return found
    raise not_found("event-destination", name)


def _destination_answer(owner: Params, destination: Params) -> Params:
    return {
        "ConfigurationSetArn": owner["ConfigurationSetArn"],
        "ConfigurationSetName": owner["ConfigurationSetName"],
        "EventDestination": destination,
    }


def last_part(name_or_arn: str) -> str:
    """Tell the name of a resource that is given by name or by ARN."""
    return name_or_arn.rpartition("/")[2]
