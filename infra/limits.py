"""What the API refuses and the senders hold to: the limits of what is sent."""

import json
from typing import TypedDict

import pulumi

__all__ = ["LimitArgs", "limit_environment"]


class LimitArgs(TypedDict):
    """Limits of what is sent, as arguments of the components whose functions hold to them.

    Configuration sets are names; an empty one is none, and so is an empty `sms_max_price`, in US
    dollars. `allowed_configuration_sets` may be named by requests beside the stack's own,
    `allowed_protect_configurations` by id or ARN. `whats_app_phone_numbers` maps E.164 numbers to
    the phone number ids they stand for. 0 messages per recipient and hour are no limit.
    """

    digest_key: pulumi.Input[str]
    messages_per_recipient_per_hour: int
    ses_config_set_name: str
    sms_config_set_name: str
    sms_max_price: str
    allowed_configuration_sets: list[str]
    allowed_protect_configurations: list[str]
    whats_app_phone_numbers: dict[str, str]


def limit_environment(args: LimitArgs) -> dict[str, pulumi.Input[str]]:
    """Return what both sides read of the limits."""
    return {
        "DIGEST_KEY": args["digest_key"],
        "MESSAGES_PER_RECIPIENT_PER_HOUR": str(args["messages_per_recipient_per_hour"]),
        "SES_CONFIGURATION_SET": args["ses_config_set_name"],
        "SMS_CONFIGURATION_SET": args["sms_config_set_name"],
        "SMS_MAX_PRICE": args["sms_max_price"],
        "WHATSAPP_PHONE_NUMBERS": json.dumps(args["whats_app_phone_numbers"], sort_keys=True),
    }
