"""SES v2: sending mail, and the configuration sets, event destinations and templates it needs.

Errors and limits: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import json
import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.utils import getaddresses, parseaddr
from functools import partial
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from local.simulator import ses_events
from local.simulator.clock import epoch_ms
from local.simulator.provider import ConnectionDroppedError, Operation, OutboxEntry, Provider, Site
from local.simulator.recipients import Event, for_email
from local.simulator.ses_events import Email
from local.simulator.wire import Fault, Params, ServiceError, sentence

VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."

_MAX_RECIPIENTS = 50
_MAX_EVENT_DESTINATIONS = 10
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# ASCII, one @, a domain: what SES refuses before it tries.
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_DESTINATION_KINDS = (
    "KinesisFirehoseDestination",
    "CloudWatchDestination",
    "SnsDestination",
    "EventBridgeDestination",
    "PinpointDestination",
)
# Blocks are left out: what stands in them belongs to another context, or may be missing.
_BLOCK = re.compile(r"\{\{#(\w+).*?\{\{/\1\}\}", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{\{?\s*([A-Za-z_][\w.-]*)\s*\}?\}\}")


def _bad_request(message: str) -> ServiceError:
    return ServiceError("BadRequestException", message)


class SesProvider(Provider):
    """The SES v2 operations that this project and its tests use."""

    service = "sesv2"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._sets: dict[str, Params] = {}
        self._destinations: dict[str, dict[str, Params]] = {}
        self._templates: dict[str, Params] = {}

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""
        return {
            "SendEmail": self.send_email,
            "CreateConfigurationSet": self.create_configuration_set,
            "GetConfigurationSet": self.get_configuration_set,
            "ListConfigurationSets": self.list_configuration_sets,
            "DeleteConfigurationSet": self.delete_configuration_set,
            "CreateConfigurationSetEventDestination": self.create_event_destination,
            "UpdateConfigurationSetEventDestination": self.update_event_destination,
            "GetConfigurationSetEventDestinations": self.get_event_destinations,
            "DeleteConfigurationSetEventDestination": self.delete_event_destination,
            "CreateEmailTemplate": self.create_email_template,
            "UpdateEmailTemplate": self.update_email_template,
            "GetEmailTemplate": self.get_email_template,
            "DeleteEmailTemplate": self.delete_email_template,
        }

    def invalid(self, faults: list[Fault]) -> ServiceError:
        """SES answers everything that does not fit with BadRequestException."""
        return _bad_request(sentence(faults))

    def throttled(self) -> ServiceError:
        """Make SES's error for too many requests (429)."""
        return ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.")

    def rejected(self) -> ServiceError:
        """Make SES's error for a mail that it refuses at once."""
        return ServiceError("MessageRejected", "Email address is on the suppression list.")

    # Sending ------------------------------------------------------------------------------------

    async def send_email(self, params: Params) -> Params:
        """Accept a mail, and play its recipients' scripts."""
        set_name = params.get("ConfigurationSetName")
        if set_name is not None:
            options = self._set(set_name).get("SendingOptions", {})
            if not options.get("SendingEnabled", True):
                message = f"Sending is paused for configuration set {set_name}."
                raise ServiceError("SendingPausedException", message)
        _check_tags(params.get("EmailTags", []))
        email = self._email(params)
        missing = self._missing_attribute(params["Content"].get("Template"))
        scripts = {address: for_email(parseaddr(address)[1]) for address in email.destination}
        for address, behaviour in scripts.items():
            self.admit(behaviour, (email.source, address, email.subject))
        self.site.outbox.append(
            OutboxEntry(
                provider="ses",
                provider_message_id=email.message_id,
                sender=email.source,
                recipient=", ".join(email.destination),
                content=params["Content"],
                tags=dict(email.tags),
                configuration_set=set_name,
                request=params,
                received_ms=email.accepted_ms,
            )
        )
        if missing is not None:
            failure = Event(0.2, "Rendering Failure", missing)
            self._schedule(email, email.destination[0], failure)
        else:
            for index, (address, behaviour) in enumerate(scripts.items()):
                for event in behaviour.events:
                    # One mail is sent once, to however many recipients.
                    if index == 0 or event.kind != "Send":
                        self._schedule(email, address, event)
        if any(behaviour.answer == "resets" for behaviour in scripts.values()):
            raise ConnectionDroppedError
        return {"MessageId": email.message_id}

    def _schedule(self, email: Email, recipient: str, event: Event) -> None:
        bare = parseaddr(recipient)[1]
        self.site.publisher.later(
            event.after_seconds,
            event.kind,
            email.message_id,
            partial(ses_events.BUILDERS[event.kind], email, bare, event.detail),
            partial(self._topics, email.configuration_set, ses_events.API_NAMES[event.kind]),
        )

    def _topics(self, configuration_set: str, event_type: str) -> list[str]:
        return [
            destination["SnsDestination"]["TopicArn"]
            for destination in self._destinations.get(configuration_set, {}).values()
            if "SnsDestination" in destination
            and destination.get("Enabled", False)
            and event_type in destination["MatchingEventTypes"]
        ]

    def _email(self, params: Params) -> Email:
        content = params["Content"]
        kinds = [kind for kind in ("Simple", "Raw", "Template") if kind in content]
        if len(kinds) != 1:
            raise _bad_request("Content must have exactly one of Simple, Raw and Template.")
        source, subject, headers = params.get("FromEmailAddress", ""), None, []
        to, cc, bcc = (
            list(params.get("Destination", {}).get(f"{kind}Addresses", []))
            for kind in ("To", "Cc", "Bcc")
        )
        if "Raw" in content:
            raw = message_from_bytes(content["Raw"]["Data"], policy=policy.default)
            source, subject = source or str(raw["From"] or ""), str(raw["Subject"] or "")
            if not (to or cc or bcc):
                to, cc, bcc = (_addresses(str(raw[name] or "")) for name in ("To", "Cc", "Bcc"))
        if "Simple" in content:
            simple = content["Simple"]
            subject = simple["Subject"]["Data"]
            if not simple["Body"]:
                raise _bad_request("Body must have Text or Html.")
        if subject is not None and re.search(r"[\r\n]", subject):
            raise _bad_request("Subject must not contain line breaks.")
        given = content.get("Simple", content.get("Template", {})).get("Headers", [])
        headers = [(header["Name"], header["Value"]) for header in given]
        reply_to = params.get("ReplyToAddresses", [])
        _check_addresses(source, [*to, *cc, *bcc], reply_to)
        accepted_ms = epoch_ms()
        return Email(
            message_id=f"0100{accepted_ms:012x}-{uuid4()}-000000",
            source=source,
            source_arn=self.site.arn("ses", f"identity/{parseaddr(source)[1]}"),
            account_id=self.site.account_id,
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            subject=subject,
            headers=headers,
            tags={tag["Name"]: tag["Value"] for tag in params.get("EmailTags", [])},
            configuration_set=params.get("ConfigurationSetName", ""),
            template_name=_template_name(content.get("Template", {})),
            accepted_ms=accepted_ms,
        )

    def _missing_attribute(self, template: Params | None) -> str | None:
        """Find the first attribute that a template asks for and the request's data lacks."""
        if template is None:
            return None
        sources = [k for k in ("TemplateName", "TemplateArn", "TemplateContent") if k in template]
        if len(sources) != 1:
            message = (
                "Template must have exactly one of TemplateName, TemplateArn, TemplateContent."
            )
            raise _bad_request(message)
        if "TemplateContent" in template:
            content = template["TemplateContent"]
        else:
            content = self._template(str(_template_name(template)))["TemplateContent"]
        try:
            data = json.loads(template.get("TemplateData", "{}"))
        except ValueError as error:
            raise _bad_request("TemplateData is not JSON.") from error
        if not isinstance(data, dict):
            raise _bad_request("TemplateData is not a JSON object.")
        for part in ("Subject", "Text", "Html"):
            for attribute in _PLACEHOLDER.findall(_BLOCK.sub("", content.get(part, ""))):
                if not _has(data, attribute):
                    return str(attribute)
        return None

    # Configuration sets -------------------------------------------------------------------------

    def _set(self, name: str) -> Params:
        if name not in self._sets:
            message = f"Configuration set <{name}> does not exist."
            raise ServiceError("NotFoundException", message)
        return self._sets[name]

    async def create_configuration_set(self, params: Params) -> Params:
        """Register a configuration set; its options are kept as they are given."""
        name = params["ConfigurationSetName"]
        if not _NAME.fullmatch(name):
            raise _bad_request(f"Invalid configuration set name <{name}>.")
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

    # Event destinations -------------------------------------------------------------------------

    async def create_event_destination(self, params: Params) -> Params:
        """Register an event destination; a topic gets the text that proves it works."""
        set_name, name = params["ConfigurationSetName"], params["EventDestinationName"]
        self._set(set_name)
        destinations = self._destinations[set_name]
        if not _NAME.fullmatch(name):
            raise _bad_request(f"Invalid event destination name <{name}>.")
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
            raise _bad_request("MatchingEventTypes must name at least one event type.")
        if sum(kind in destination for kind in _DESTINATION_KINDS) != 1:
            raise _bad_request("EventDestination must have exactly one kind of destination.")
        topic_arn = destination.get("SnsDestination", {}).get("TopicArn")
        if topic_arn is not None:
            try:
                await self.site.publisher.publish_now(topic_arn, VALIDATION_TEXT)
            except (BotoCoreError, ClientError) as error:
                raise _bad_request(f"Could not publish to SNS topic <{topic_arn}>.") from error
        destinations = self._destinations[params["ConfigurationSetName"]]
        destinations[params["EventDestinationName"]] = destination

    # Templates ----------------------------------------------------------------------------------

    def _template(self, name: str) -> Params:
        if name not in self._templates:
            raise ServiceError("NotFoundException", f"Template {name} does not exist.")
        return self._templates[name]

    async def create_email_template(self, params: Params) -> Params:
        """Register a template with `{{name}}` placeholders."""
        name = params["TemplateName"]
        if name in self._templates:
            raise ServiceError("AlreadyExistsException", f"Template {name} already exists.")
        self._templates[name] = params
        return {}

    async def update_email_template(self, params: Params) -> Params:
        """Replace a template."""
        self._template(params["TemplateName"])
        self._templates[params["TemplateName"]] = params
        return {}

    async def get_email_template(self, params: Params) -> Params:
        """Tell a template's content."""
        return self._template(params["TemplateName"])

    async def delete_email_template(self, params: Params) -> Params:
        """Forget a template; one that does not exist is no error, as on AWS."""
        self._templates.pop(params["TemplateName"], None)
        return {}


def _addresses(header: str) -> list[str]:
    return [address for _, address in getaddresses([header]) if address]


def _check_addresses(source: str, recipients: list[str], reply_to: list[str]) -> None:
    if not recipients:
        raise _bad_request("There must be at least one recipient.")
    if len(recipients) > _MAX_RECIPIENTS:
        raise _bad_request(f"Recipient count exceeds {_MAX_RECIPIENTS}.")
    for address in [source, *recipients, *reply_to]:
        if re.search(r"[\r\n]", address) or not _ADDRESS.fullmatch(parseaddr(address)[1]):
            raise _bad_request("Illegal address: it must have the form local@domain, in ASCII.")


def _check_tags(tags: list[Params]) -> None:
    for tag in tags:
        for text in (tag["Name"], tag["Value"]):
            if not _TAG.fullmatch(text):
                message = f"Invalid tag <{text}>: 1 to 256 of A-Z, a-z, 0-9, _ and - are allowed."
                raise _bad_request(message)


def _template_name(template: Params) -> str | None:
    name = template.get("TemplateName")
    if name is None and "TemplateArn" in template:
        return str(template["TemplateArn"]).rpartition("/")[2]
    return name


def _has(data: Params, attribute: str) -> bool:
    value: object = data
    for part in attribute.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True
