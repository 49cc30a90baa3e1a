"""The configuration sets and event destinations of SES and of SMS, at the provider simulator."""

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, pick, tag_list


def create_ses_configuration_set(cloud: Cloud, resource: Registration) -> Created:
    """Create an SES configuration set."""
    inputs = resource.inputs
    name = resource.physical_name("configurationSetName")
    options = {
        f"{option[0].upper()}{option[1:]}": {
            key[0].upper() + key[1:]: value for key, value in inputs[option].items()
        }
        for option in (
            "deliveryOptions",
            "reputationOptions",
            "sendingOptions",
            "suppressionOptions",
            "trackingOptions",
        )
        if inputs.get(option)
    }
    # An output of the provider's, not a parameter of the API.
    options.get("ReputationOptions", {}).pop("LastFreshStart", None)
    cloud.client("sesv2").create_configuration_set(
        ConfigurationSetName=name, Tags=tag_list(inputs), **options
    )
    arn = f"arn:aws:ses:{cloud.region}:{cloud.account_id}:configuration-set/{name}"
    return name, {"configurationSetName": name, "arn": arn}


def create_ses_event_destination(cloud: Cloud, resource: Registration) -> Created:
    """Create an event destination of an SES configuration set."""
    inputs = resource.inputs
    set_name, name = inputs["configurationSetName"], inputs["eventDestinationName"]
    destination = inputs["eventDestination"]
    topic = destination.get("snsDestination")
    cloud.client("sesv2").create_configuration_set_event_destination(
        ConfigurationSetName=set_name,
        EventDestinationName=name,
        EventDestination={
            "Enabled": destination.get("enabled", False),
            "MatchingEventTypes": destination["matchingEventTypes"],
            **given(SnsDestination=topic and {"TopicArn": topic["topicArn"]}),
        },
    )
    return f"{set_name}|{name}", {}


def create_sms_configuration_set(cloud: Cloud, resource: Registration) -> Created:
    """Create an SMS configuration set."""
    inputs = resource.inputs
    name = resource.physical_name()
    answer = cloud.client("pinpoint-sms-voice-v2").create_configuration_set(
        ConfigurationSetName=name, Tags=tag_list(inputs)
    )
    return name, {"name": name, "arn": answer["ConfigurationSetArn"]}


def create_sms_event_destination(cloud: Cloud, resource: Registration) -> Created:
    """Create an event destination of an SMS configuration set."""
    inputs = resource.inputs
    topic = inputs.get("snsDestination")
    answer = cloud.client("pinpoint-sms-voice-v2").create_event_destination(
        **pick(inputs, ["configurationSetName", "eventDestinationName", "matchingEventTypes"]),
        **given(SnsDestination=topic and {"TopicArn": topic["topicArn"]}),
    )
    if inputs.get("enabled") is False:
        cloud.client("pinpoint-sms-voice-v2").update_event_destination(
            **pick(inputs, ["configurationSetName", "eventDestinationName"]), Enabled=False
        )
    set_name, name = inputs["configurationSetName"], inputs["eventDestinationName"]
    return f"{set_name},{name}", {"configurationSetArn": answer["ConfigurationSetArn"]}


CREATORS = {
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": (
        create_sms_configuration_set
    ),
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": (
        create_sms_event_destination
    ),
    "aws:sesv2/configurationSet:ConfigurationSet": create_ses_configuration_set,
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
        create_ses_event_destination
    ),
}
