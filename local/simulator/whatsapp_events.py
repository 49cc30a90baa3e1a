"""WhatsApp statuses as AWS End User Messaging Social publishes them to SNS.

AWS relays Meta's webhook entry as a JSON string, and adds the status `accepted` of its own, which
alone carries both identifiers: AWS's `messageId` outside, Meta's `wamid` inside.
Sources: https://docs.aws.amazon.com/social-messaging/latest/userguide/managing-event-destination-dlrs.html
and https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from local.simulator.clock import epoch_ms, iso_time_ns
from local.simulator.wire import Params

# What happens to a message that Meta does not tell: AWS says it, with AWS's identifier.
_SAID_BY_AWS = frozenset({"accepted", "Message retries exhausted, dropping message."})
_ECHOING = frozenset({"sent", "delivered", "read", "played", "failed"})
_PRICED = frozenset({"sent", "delivered"})
# Parameters are found wrong before Meta gives the message an identifier.
_CODES_WITHOUT_ID = frozenset({"131009"})

# Title and details by error code.
# Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
_ERRORS: Mapping[str, tuple[str, str]] = {
    "130429": ("Rate limit hit", "Cloud API message throughput has been reached."),
    "130472": (
        "User's number is part of an experiment",
        "Failed to send message because this user's phone number is part of an experiment",
    ),
    "131000": ("Something went wrong", "Message failed to send due to an unknown error."),
    "131009": ("Parameter value is not valid", "Parameter 'to' is invalid"),
    "131016": ("Service unavailable", "A service is temporarily unavailable."),
    "131026": ("Message undeliverable", "Message undeliverable."),
    "131036": (
        "Message failed to be delivered on at least one of the user's device",
        "Message payload not found",
    ),
    "131042": (
        "Business eligibility payment issue",
        (
            "Message failed to send because there were one or more errors related to your payment "
            "method."
        ),
    ),
    "131047": (
        "Re-engagement message",
        (
            "Message failed to send because more than 24 hours have passed since the customer last "
            "replied to this number."
        ),
    ),
    "131048": (
        "Spam rate limit hit",
        (
            "Message failed to send because there are restrictions on how many messages can be "
            "sent from this phone number."
        ),
    ),
    "131049": (
        "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    "131050": (
        "User has stopped marketing messages",
        "Recipient has chosen to stop receiving marketing messages on WhatsApp from your business.",
    ),
    "131051": ("Unsupported message type", "Message type is not currently supported"),
    "131053": ("Media upload error", "Unsupported media type."),
    "131056": (
        "(Business Account, Consumer Account) pair rate limit hit",
        (
            "Too many messages sent from the sender phone number to the same recipient phone "
            "number in a short period of time."
        ),
    ),
    "132001": (
        "Template does not exist",
        "Template name does not exist in the translation",
    ),
    "132015": (
        "Template is Paused",
        "Template is paused due to low quality so it cannot be sent in a template message.",
    ),
}


@dataclass(frozen=True)
class Account:
    """The linked WhatsApp Business Account and its number, by Meta's and by AWS's names."""

    waba_arn: str
    meta_waba_id: str
    phone_number_arn: str
    meta_phone_number_id: str
    aws_account_id: str


@dataclass(frozen=True)
class WhatsAppMessage:
    """A message that the service accepted: `message_id` is AWS's, `wamid` is Meta's.

    `callback_data` is what statuses echo; None when the message came without, or they do not.
    """

    message_id: str
    wamid: str
    display_phone_number: str
    recipient: str
    category: str
    callback_data: str | None


def status_event(account: Account, message: WhatsAppMessage, status: str, code: str) -> Params:
    """Describe one status of a message; `code` is the error's when the status is `failed`."""
    entry = {
        "id": account.meta_waba_id,
        "changes": [
            {
                "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {
                        "display_phone_number": message.display_phone_number,
                        "phone_number_id": account.meta_phone_number_id,
                    },
                    "statuses": [_status(message, status, code)],
                },
                "field": "messages",
            }
        ],
    }
    event: Params = {
        "context": {
            "MetaWabaIds": [{"wabaId": account.meta_waba_id, "arn": account.waba_arn}],
            "MetaPhoneNumberIds": [
                {
                    "metaPhoneNumberId": account.meta_phone_number_id,
                    "arn": account.phone_number_arn,
                }
            ],
        },
        "whatsAppWebhookEntry": json.dumps(entry, separators=(",", ":")),
        "aws_account_id": account.aws_account_id,
        "message_timestamp": iso_time_ns(),
    }
    said_by_aws = status in _SAID_BY_AWS or code in _CODES_WITHOUT_ID
    return event | ({"messageId": message.message_id} if said_by_aws else {})


def _status(message: WhatsAppMessage, status: str, code: str) -> Params:
    document: Params = {
        "id": message.wamid,
        "status": status,
        "timestamp": str(epoch_ms() // 1000),
        "recipient_id": message.recipient.lstrip("+"),
    }
    if code in _CODES_WITHOUT_ID or (status in _SAID_BY_AWS and status != "accepted"):
        del document["id"]
    if status in _PRICED:
        document["pricing"] = {
            "billable": True,
            "pricing_model": "PMP",
            "type": "regular",
            "category": message.category,
        }
    if code:
        title, details = _ERRORS[code]
        document["errors"] = [
            {
                "code": int(code),
                "title": title,
                "message": title,
                "error_data": {"details": details},
                "href": "/documentation/business-messaging/whatsapp/support/error-codes",
            }
        ]
    if status in _ECHOING and message.callback_data is not None:
        document["biz_opaque_callback_data"] = message.callback_data
    return document
