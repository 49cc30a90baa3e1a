"""Where the providers send their delivery events: to the stack's topic."""

import re
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from .location import location_of
from .part_arguments import completed
from .policies import Location
from .service_regions import region_warnings
from .whatsapp_event_destination import WhatsAppEventDestination

__all__ = ["EventDestinations", "EventDestinationsArgs", "configuration_set_name"]

_SES_EVENT_TYPES = [
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
    "SUBSCRIPTION",
]
# A destination with these makes SES change the mails of its whole configuration set: a pixel, and
# links that lead over a domain of AWS's.
# https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html
_SES_ENGAGEMENT_EVENT_TYPES = ["OPEN", "CLICK"]
# Of both services.
_MOST_NAME_CHARACTERS = 64


class _Topic(TypedDict):
    topic_arn: pulumi.Input[str]


class EventDestinationsArgs(_Topic, total=False):
    """Arguments of `EventDestinations`; all but `topic_arn` are optional.

    They are those of `FallbackMessaging` with the same names. A configuration set that is not
    created exists already: it gets the topic as a further destination only where `attach_...` says
    so. `stack_name` names that destination, and the sets that are created without a name; by
    default, it is the component's name and the stack's.
    """

    stack_name: str
    """Name of the destinations; by default, the component's name and the stack's."""
    ses_config_set_name: str
    create_ses_config_set: bool
    attach_ses_event_destination: bool
    ses_engagement_events: bool
    ses_tracking_domain: str
    sms_config_set_name: str
    create_sms_config_set: bool
    attach_sms_event_destination: bool
    whats_app_business_account_ids: list[str]
    tags: dict[str, str]


class EventDestinations(pulumi.ComponentResource):
    """Have SES, SMS and WhatsApp tell the topic what became of each message.

    Useful alone for whoever has a topic already; its policy must let the three publish.
    """

    ses_config_set_name: pulumi.Output[str]
    """Name of the SES configuration set."""
    sms_config_set_name: pulumi.Output[str]
    """Name of the SMS configuration set."""

    def __init__(
        self,
        name: str,
        args: EventDestinationsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        args = completed(name, args, EventDestinationsArgs)
        super().__init__("fallback-messaging:index:EventDestinations", name, {}, opts)
        args["ses_config_set_name"] = configuration_set_name(
            args["ses_config_set_name"], args["stack_name"], created=args["create_ses_config_set"]
        )
        args["sms_config_set_name"] = configuration_set_name(
            args["sms_config_set_name"], args["stack_name"], created=args["create_sms_config_set"]
        )
        self.ses_config_set_name = pulumi.Output.from_input(args["ses_config_set_name"])
        self.sms_config_set_name = pulumi.Output.from_input(args["sms_config_set_name"])
        if args["create_ses_config_set"]:
            self.ses_config_set_name = _ses_configuration_set(name, args, self)
        if args["create_ses_config_set"] or args["attach_ses_event_destination"]:
            _ses_destination(name, self.ses_config_set_name, args, self)
        if args["create_sms_config_set"]:
            self.sms_config_set_name = _sms_configuration_set(name, args, self)
        if args["create_sms_config_set"] or args["attach_sms_event_destination"]:
            _sms_destination(name, self.sms_config_set_name, args, self)
        location = location_of(self)
        location.apply(lambda place: self._warn_of_region(place, args))
        for business_account_id in args["whats_app_business_account_ids"]:
            WhatsAppEventDestination(
                f"{name}-{business_account_id.rpartition('/')[2]}",
                business_account_id=business_account_id,
                topic_arn=args["topic_arn"],
                region=location.apply(lambda place: place.region),
                account_id=location.apply(lambda place: place.account_id),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs(
            {
                "ses_config_set_name": self.ses_config_set_name,
                "sms_config_set_name": self.sms_config_set_name,
            }
        )

    def _warn_of_region(self, place: Location, args: EventDestinationsArgs) -> None:
        for warning in region_warnings(
            place,
            ses=args["create_ses_config_set"] or args["attach_ses_event_destination"],
            sms=args["create_sms_config_set"] or args["attach_sms_event_destination"],
        ):
            pulumi.log.warn(warning, self)


def configuration_set_name(given: str, stack_name: str, *, created: bool) -> str:
    """Return the name of a configuration set: the given one, or one made of the stack's.

    Names are unique in an account and Region. An empty one is no set.
    """
    return given if given or not created else _named_for(stack_name)


def _ses_configuration_set(
    name: str, args: EventDestinationsArgs, parent: pulumi.Resource
) -> pulumi.Output[str]:
    configuration_set = aws.sesv2.ConfigurationSet(
        f"{name}-ses-config-set",
        configuration_set_name=args["ses_config_set_name"],
        # Without reputation metrics, SES cannot show which set a rising bounce rate comes from.
        reputation_options={"reputation_metrics_enabled": True},
        sending_options={"sending_enabled": True},
        tracking_options={"custom_redirect_domain": args["ses_tracking_domain"]}
        if args["ses_tracking_domain"]
        else None,
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return configuration_set.configuration_set_name


def _ses_destination(
    name: str,
    configuration_set_name: pulumi.Output[str],
    args: EventDestinationsArgs,
    parent: pulumi.Resource,
) -> None:
    aws.sesv2.ConfigurationSetEventDestination(
        f"{name}-ses-events",
        configuration_set_name=configuration_set_name,
        event_destination_name=_destination_name(args),
        event_destination={
            "enabled": True,
            "matching_event_types": [
                *_SES_EVENT_TYPES,
                *(_SES_ENGAGEMENT_EVENT_TYPES if args["ses_engagement_events"] else []),
            ],
            "sns_destination": {"topic_arn": args["topic_arn"]},
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _sms_configuration_set(
    name: str, args: EventDestinationsArgs, parent: pulumi.Resource
) -> pulumi.Output[str]:
    configuration_set = aws.pinpoint.Smsvoicev2ConfigurationSet(
        f"{name}-sms-config-set",
        name=args["sms_config_set_name"],
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return configuration_set.name


def _sms_destination(
    name: str,
    configuration_set_name: pulumi.Output[str],
    args: EventDestinationsArgs,
    parent: pulumi.Resource,
) -> None:
    aws.pinpoint.Smsvoicev2EventDestination(
        f"{name}-sms-events",
        configuration_set_name=configuration_set_name,
        event_destination_name=_destination_name(args),
        matching_event_types=["ALL"],
        sns_destination={"topic_arn": args["topic_arn"]},
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _destination_name(args: EventDestinationsArgs) -> str:
    # Named for the stack: a set that several stacks share has a destination of each.
    return _in_letters(args["stack_name"])


def _named_for(stack_name: str) -> str:
    # SMS wants a letter or a digit first.
    return _in_letters(stack_name).lstrip("-_")


def _in_letters(name: str) -> str:
    # At most 64 letters, digits, hyphens and underscores; a stack's name may have others.
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[-_MOST_NAME_CHARACTERS:]
