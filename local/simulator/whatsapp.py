"""AWS End User Messaging Social: WhatsApp messages, and the one account with its destination.

Errors: https://docs.aws.amazon.com/social-messaging/latest/APIReference/API_SendWhatsAppMessage.html
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from secrets import token_bytes
from uuid import uuid4

from local.simulator.clock import epoch_ms
from local.simulator.provider import ConnectionDroppedError, Operation, OutboxEntry, Provider, Site
from local.simulator.recipients import WHATSAPP_DELIVERED, Event, for_whatsapp
from local.simulator.whatsapp_events import Account, WhatsAppMessage, status_event
from local.simulator.whatsapp_message import read_message
from local.simulator.whatsapp_rules import MessageError
from local.simulator.wire import Fault, Params, ServiceError, sentence

# The account that is always linked, and its number, as AWS names them.
WABA_ID = "waba-0123456789abcdef0123456789abcdef"
PHONE_NUMBER_ID = "phone-number-id-0123456789abcdef0123456789abcdef"

_META_WABA_ID = "503131219500000"
_META_PHONE_NUMBER_ID = "462716690000000"
_DISPLAY_PHONE_NUMBER = "12065550100"
_LINKED_AT = 1767225600  # 2026-01-01
_LEAST_API_VERSION = 20
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class WhatsAppProvider(Provider):
    """The operations of socialmessaging that this project and its tests use."""

    name = "whatsapp"
    service = "socialmessaging"

    def __init__(self, site: Site, *, echoes_callback_data: bool = True) -> None:
        super().__init__(site)
        self._echoes = echoes_callback_data
        self._event_destinations: list[Params] = []

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that are simulated, by their names in the model."""
        return {
            "SendWhatsAppMessage": self.send_whatsapp_message,
            "ListLinkedWhatsAppBusinessAccounts": self.list_accounts,
            "GetLinkedWhatsAppBusinessAccount": self.get_account,
            "PutWhatsAppBusinessAccountEventDestinations": self.put_event_destinations,
        }

    def invalid(self, faults: list[Fault]) -> ServiceError:
        """Make the error of a request that does not fit its model."""
        return ServiceError("ValidationException", sentence(faults))

    def throttled(self) -> ServiceError:
        """Make the error for too many requests (429)."""
        return ServiceError("ThrottledRequestException", "Rate exceeded.")

    def rejected(self) -> ServiceError:
        """Make the error for a message that is refused at once."""
        return ServiceError("InvalidParametersException", "Parameter 'to' is invalid.")

    def tolerates(self, fault: Fault, params: Params) -> bool:
        """Let an E.164 number pass for the id of a phone number: senders need no set-up here."""
        sender = str(params.get(fault.path, ""))
        return fault.path == "originationPhoneNumberId" and bool(_E164.fullmatch(sender))

    def topics_for(self, event: Params) -> list[str]:
        """List the account's topics: it gets whatever there is."""
        del event
        return self._topics()

    # Sending ------------------------------------------------------------------------------------

    async def send_whatsapp_message(self, params: Params) -> Params:
        """Accept a message, and play its recipient's script."""
        version = re.fullmatch(r"v([0-9]+)\.[0-9]+", params["metaApiVersion"])
        if not version or int(version[1]) < _LEAST_API_VERSION:
            demand = f"metaApiVersion must be v{_LEAST_API_VERSION}.0 or later."
            raise ServiceError("InvalidParametersException", demand)
        try:
            content = read_message(params["message"])
        except MessageError as error:
            raise ServiceError("InvalidParametersException", f"{error}.") from error
        sender, recipient = params["originationPhoneNumberId"], content["to"]
        behaviour = for_whatsapp(recipient)
        if behaviour.window_closed and content["type"] == "template":
            behaviour = replace(behaviour, events=WHATSAPP_DELIVERED.events)
        self.admit(behaviour, (sender, recipient, params["message"]))
        callback_data = content.get("biz_opaque_callback_data")
        echoes = self._echoes and behaviour.echoes
        message = WhatsAppMessage(
            message_id=str(uuid4()),
            wamid=f"wamid.{base64.b64encode(token_bytes(42)).decode()}",
            display_phone_number=(
                sender.lstrip("+") if _E164.fullmatch(sender) else _DISPLAY_PHONE_NUMBER
            ),
            recipient=recipient,
            category="utility" if content["type"] == "template" else "service",
            callback_data=callback_data if echoes else None,
        )
        self.site.outbox.append(
            OutboxEntry(
                provider=self.name,
                provider_message_id=message.message_id,
                sender=sender,
                recipient=recipient,
                content=content,
                tags=_tags(callback_data),
                configuration_set=None,
                request=params,
                received_ms=epoch_ms(),
            )
        )
        ours = {k: v for k, v in content.items() if k != "biz_opaque_callback_data"}
        for event in self.script(behaviour, (sender, recipient, json.dumps(ours))):
            self._schedule(message, event, sender)
        if behaviour.answer == "resets":
            raise ConnectionDroppedError
        return {"messageId": message.message_id}

    def _schedule(self, message: WhatsAppMessage, event: Event, sender: str) -> None:
        self.site.publisher.later(
            event.after_seconds,
            event.kind,
            message.message_id,
            partial(status_event, self._account(sender), message, event.kind, event.detail),
            self._topics,
        )

    def _topics(self) -> list[str]:
        return [destination["eventDestinationArn"] for destination in self._event_destinations]

    def _account(self, sender: str) -> Account:
        number = sender if sender.startswith("phone-number-id-") else PHONE_NUMBER_ID
        resource = f"phone-number-id/{number.removeprefix('phone-number-id-')}"
        return Account(
            waba_arn=self._waba_arn,
            meta_waba_id=_META_WABA_ID,
            phone_number_arn=(
                sender if sender.startswith("arn:") else self.site.arn("social-messaging", resource)
            ),
            meta_phone_number_id=_META_PHONE_NUMBER_ID,
            aws_account_id=self.site.account_id,
        )

    # The account --------------------------------------------------------------------------------

    @property
    def _waba_arn(self) -> str:
        return self.site.arn("social-messaging", f"waba/{WABA_ID.removeprefix('waba-')}")

    def _summary(self) -> Params:
        return {
            "arn": self._waba_arn,
            "id": WABA_ID,
            "wabaId": _META_WABA_ID,
            "registrationStatus": "COMPLETE",
            "linkDate": _LINKED_AT,
            "wabaName": "Simulated account",
            "eventDestinations": self._event_destinations,
        }

    async def list_accounts(self, params: Params) -> Params:
        """List the linked accounts: the one."""
        del params
        return {"linkedAccounts": [self._summary()]}

    async def get_account(self, params: Params) -> Params:
        """Describe the account, its destination and its number."""
        self._check_account(params["id"])
        number = {
            "arn": self._account("").phone_number_arn,
            "phoneNumber": _DISPLAY_PHONE_NUMBER,
            "phoneNumberId": PHONE_NUMBER_ID,
            "metaPhoneNumberId": _META_PHONE_NUMBER_ID,
            "displayPhoneNumberName": "Simulated account",
            "displayPhoneNumber": f"+{_DISPLAY_PHONE_NUMBER}",
            "qualityRating": "GREEN",
        }
        return {"account": {**self._summary(), "phoneNumbers": [number]}}

    async def put_event_destinations(self, params: Params) -> Params:
        """Replace the account's event destination, of which there is at most one."""
        self._check_account(params["id"])
        self._event_destinations = params["eventDestinations"]
        return {}

    def _check_account(self, id_or_arn: str) -> None:
        if id_or_arn not in {WABA_ID, self._waba_arn}:
            message = f"WhatsApp Business Account {id_or_arn} was not found."
            raise ServiceError("ResourceNotFoundException", message)


def _tags(callback_data: str | None) -> Params:
    """Split `<message_id>:<step>`, so that the outbox reads alike for all providers."""
    if callback_data is None:
        return {}
    message_id, colon, step = callback_data.rpartition(":")
    parts = {"message_id": message_id, "step": step} if colon else {}
    return {"biz_opaque_callback_data": callback_data, **parts}
