"""SES v2: sending mail.

Errors and limits: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.utils import getaddresses, parseaddr
from functools import partial
from uuid import uuid4

from local.simulator import ses_events
from local.simulator.clock import epoch_ms
from local.simulator.provider import ConnectionDroppedError, Operation, OutboxEntry, Provider, Site
from local.simulator.recipients import Behaviour, Event, for_email
from local.simulator.ses_configuration import ConfigurationSets, bad_request
from local.simulator.ses_content import check_attachments, check_headers, check_size
from local.simulator.ses_events import Email
from local.simulator.ses_templates import Templates, template_name
from local.simulator.wire import Fault, Params, ServiceError, sentence

_MAX_RECIPIENTS = 50
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
# ASCII, one @, a domain: what SES refuses before it tries.
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class SesProvider(Provider):
    """The SES v2 operations that this project and its tests use."""

    name = "ses"
    service = "sesv2"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._sets = ConfigurationSets(site.publisher)
        self._templates = Templates()

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""
        return {
            "SendEmail": self.send_email,
            **self._sets.operations,
            **self._templates.operations,
        }

    def invalid(self, faults: list[Fault]) -> ServiceError:
        """SES answers everything that does not fit with BadRequestException."""
        return bad_request(sentence(faults))

    def throttled(self) -> ServiceError:
        """Make SES's error for too many requests (429)."""
        return ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.")

    def rejected(self) -> ServiceError:
        """Make SES's error for a mail that it refuses at once."""
        return ServiceError("MessageRejected", "Email address is on the suppression list.")

    def topics_for(self, event: Params) -> list[str]:
        """List the topics that want an event: of the configuration set it names, or of all sets."""
        mail = event.get("mail")
        tags = mail.get("tags") if isinstance(mail, dict) else None
        named = tags.get("ses:configuration-set") if isinstance(tags, dict) else None
        names = named if isinstance(named, list) else self._sets.names()
        # What is no event of a type, as a text or the older feedback form, goes to all.
        type_ = ses_events.API_NAMES.get(str(event.get("eventType")))
        return [topic for name in names for topic in self._sets.topics(str(name), type_)]

    # Sending ------------------------------------------------------------------------------------

    async def send_email(self, params: Params) -> Params:
        """Accept a mail, and play its recipients' scripts."""
        set_name = params.get("ConfigurationSetName")
        if set_name is not None:
            self._sets.check_sending(set_name)
        _check_tags(params.get("EmailTags", []))
        email = self._email(params)
        template = params["Content"].get("Template")
        missing = None if template is None else self._templates.missing_attribute(template)
        scripts = {address: for_email(parseaddr(address)[1]) for address in email.destination}
        for address, behaviour in scripts.items():
            self.admit(behaviour, (email.source, address, email.subject))
        self.site.outbox.append(
            OutboxEntry(
                provider=self.name,
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
            self._play(email, scripts)
        if any(behaviour.answer == "resets" for behaviour in scripts.values()):
            raise ConnectionDroppedError
        return {"MessageId": email.message_id}

    def _play(self, email: Email, scripts: Mapping[str, Behaviour]) -> None:
        for index, (address, behaviour) in enumerate(scripts.items()):
            for event in self.script(behaviour, (email.source, address, email.subject)):
                # One mail is sent once, and has an outcome for each of its recipients.
                if index == 0 or event.kind != "Send":
                    self._schedule(email, address, event)

    def _schedule(self, email: Email, recipient: str, event: Event) -> None:
        bare = parseaddr(recipient)[1]
        self.site.publisher.later(
            event.after_seconds,
            event.kind,
            email.message_id,
            partial(ses_events.BUILDERS[event.kind], email, bare, event.detail),
            partial(self._sets.topics, email.configuration_set, ses_events.API_NAMES[event.kind]),
        )

    def _email(self, params: Params) -> Email:
        content = params["Content"]
        kinds = [kind for kind in ("Simple", "Raw", "Template") if kind in content]
        if len(kinds) != 1:
            raise bad_request("Content must have exactly one of Simple, Raw and Template.")
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
                raise bad_request("Body must have Text or Html.")
        if subject is not None and re.search(r"[\r\n]", subject):
            raise bad_request("Subject must not contain line breaks.")
        message = content.get("Simple", content.get("Template", {}))
        check_headers(message.get("Headers", []))
        check_attachments(message.get("Attachments", []))
        check_size(content)
        headers = [(header["Name"], header["Value"]) for header in message.get("Headers", [])]
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
            template_name=template_name(content.get("Template", {})),
            accepted_ms=accepted_ms,
        )


def _addresses(header: str) -> list[str]:
    return [address for _, address in getaddresses([header]) if address]


def _check_addresses(source: str, recipients: list[str], reply_to: list[str]) -> None:
    if not recipients:
        raise bad_request("There must be at least one recipient.")
    if len(recipients) > _MAX_RECIPIENTS:
        raise bad_request(f"Recipient count exceeds {_MAX_RECIPIENTS}.")
    for address in [source, *recipients, *reply_to]:
        if re.search(r"[\r\n]", address) or not _ADDRESS.fullmatch(parseaddr(address)[1]):
            raise bad_request("Illegal address: it must have the form local@domain, in ASCII.")


def _check_tags(tags: list[Params]) -> None:
    for tag in tags:
        for text in (tag["Name"], tag["Value"]):
            if not _TAG.fullmatch(text):
                message = f"Invalid tag <{text}>: 1 to 256 of A-Z, a-z, 0-9, _ and - are allowed."
                raise bad_request(message)
