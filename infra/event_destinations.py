"""Where the providers send their delivery events: to the stack's topic."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from .location import location_of
from .whatsapp_event_destination import WhatsAppEventDestination

__all__ = ["EventDestinations", "EventDestinationsArgs"]

_SES_EVENT_TYPES = [
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "OPEN",
    "CLICK",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
    "SUBSCRIPTION",
]


class EventDestinationsArgs(TypedDict):
    """Arguments of `EventDestinations`.

    A configuration set that is not to be created exists already, with a destination of its own.
    """

    topic_arn: pulumi.Input[str]
    ses_config_set_name: str
    create_ses_config_set: bool
    sms_config_set_name: str
    create_sms_config_set: bool
    whats_app_business_account_ids: list[str]
    tags: dict[str, str]


class EventDestinations(pulumi.ComponentResource):
    """Have SES, SMS and WhatsApp tell the topic what became of each message."""

    ses_config_set_name: pulumi.Output[str]
    sms_config_set_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EventDestinationsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:EventDestinations", name, {}, opts)
        self.ses_config_set_name = pulumi.Output.from_input(args["ses_config_set_name"])
        self.sms_config_set_name = pulumi.Output.from_input(args["sms_config_set_name"])
        if args["create_ses_config_set"]:
            self.ses_config_set_name = _ses_configuration_set(name, args, self)
        if args["create_sms_config_set"]:
            self.sms_config_set_name = _sms_configuration_set(name, args, self)
        for account_id in args["whats_app_business_account_ids"]:
            WhatsAppEventDestination(
                f"{name}-{account_id.rpartition('/')[2]}",
                business_account_id=account_id,
                topic_arn=args["topic_arn"],
                region=location_of(self).apply(lambda place: place.region),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs(
            {
                "ses_config_set_name": self.ses_config_set_name,
                "sms_config_set_name": self.sms_config_set_name,
            }
        )


def _ses_configuration_set(
    name: str, args: EventDestinationsArgs, parent: pulumi.Resource
) -> pulumi.Output[str]:
    options = pulumi.ResourceOptions(parent=parent)
    configuration_set = aws.sesv2.ConfigurationSet(
        f"{name}-ses-config-set",
        configuration_set_name=args["ses_config_set_name"],
        # Without reputation metrics, SES cannot show which set a rising bounce rate comes from.
        reputation_options={"reputation_metrics_enabled": True},
        sending_options={"sending_enabled": True},
        tags=args["tags"],
        opts=options,
    )
    aws.sesv2.ConfigurationSetEventDestination(
        f"{name}-ses-events",
        configuration_set_name=configuration_set.configuration_set_name,
        event_destination_name="delivery-events",
        event_destination={
            "enabled": True,
            "matching_event_types": _SES_EVENT_TYPES,
            "sns_destination": {"topic_arn": args["topic_arn"]},
        },
        opts=options,
    )
    return configuration_set.configuration_set_name


def _sms_configuration_set(
    name: str, args: EventDestinationsArgs, parent: pulumi.Resource
) -> pulumi.Output[str]:
    options = pulumi.ResourceOptions(parent=parent)
    configuration_set = aws.pinpoint.Smsvoicev2ConfigurationSet(
        f"{name}-sms-config-set",
        name=args["sms_config_set_name"],
        tags=args["tags"],
        opts=options,
    )
    aws.pinpoint.Smsvoicev2EventDestination(
        f"{name}-sms-events",
        configuration_set_name=configuration_set.name,
        event_destination_name="delivery-events",
        matching_event_types=["ALL"],
        sns_destination={"topic_arn": args["topic_arn"]},
        opts=options,
    )
    return configuration_set.name
