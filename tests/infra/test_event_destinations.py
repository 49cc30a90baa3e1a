"""Where the providers send their delivery events."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

WABA = "waba-" + "0123456789abcdef" * 2
KINDS = (
    "ConfigurationSet",
    "ConfigurationSetEventDestination",
    "Smsvoicev2ConfigurationSet",
    "Smsvoicev2EventDestination",
)


def test_ses_sends_what_becomes_of_mails_to_the_topic(dev: Any) -> None:
    inputs = dev.one("ConfigurationSetEventDestination").inputs

    assert inputs["configurationSetName"] == "ses-config-set-dev"
    assert inputs["eventDestination"]["enabled"] is True
    assert inputs["eventDestination"]["snsDestination"] == {"topicArn": dev.one("Topic").arn}
    assert sorted(inputs["eventDestination"]["matchingEventTypes"]) == [
        "BOUNCE",
        "COMPLAINT",
        "DELIVERY",
        "DELIVERY_DELAY",
        "REJECT",
        "RENDERING_FAILURE",
        "SEND",
        "SUBSCRIPTION",
    ]


def event_types(recording: Any) -> set[str]:
    inputs = recording.one("ConfigurationSetEventDestination").inputs
    return set(inputs["eventDestination"]["matchingEventTypes"])


def test_mails_are_tracked_only_if_asked_for(dev: Any, deploy: Callable[..., Any]) -> None:
    tracked = deploy(sesEngagementEvents="true", sesTrackingDomain="links.example.com")

    assert event_types(tracked) - event_types(dev) == {"OPEN", "CLICK"}
    assert len(event_types(tracked)) == 10
    options = tracked.one("ConfigurationSet").inputs["trackingOptions"]
    assert options == {"customRedirectDomain": "links.example.com"}
    assert "trackingOptions" not in dev.one("ConfigurationSet").inputs


@pytest.mark.parametrize(
    ("configuration", "known"),
    [
        ({}, "false"),
        ({"sesEngagementEvents": "true"}, "true"),
        ({"createSESConfigSet": "false", "attachSESEventDestination": "true"}, "false"),
        # Theirs, with destinations that the stack knows nothing of.
        ({"createSESConfigSet": "false"}, "true"),
    ],
)
def test_the_api_knows_whether_a_mail_can_be_read(
    deploy: Callable[..., Any], configuration: dict[str, str], known: str
) -> None:
    environment = deploy(**configuration).environment("message-api")

    assert environment["MAIL_MAY_BE_READ"] == known


@pytest.mark.parametrize("stack", ["review-4711", "a.b", "x" * 100, "-" + "x" * 63])
def test_a_set_without_a_name_is_named_for_its_stack(
    deploy: Callable[..., Any], stack: str
) -> None:
    recording = deploy(stack)
    name = recording.one("ConfigurationSet").inputs["configurationSetName"]

    assert name == recording.one("Smsvoicev2ConfigurationSet").inputs["name"]
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name)
    assert name != deploy("other").one("ConfigurationSet").inputs["configurationSetName"]
    for function in ("send-primary", "send-fallback"):
        assert recording.environment(function)["SES_CONFIGURATION_SET"] == name
        assert recording.environment(function)["SMS_CONFIGURATION_SET"] == name
    assert recording.outputs["ses_configuration_set"] == name


def test_sms_sends_all_event_types_to_the_topic(dev: Any) -> None:
    assert dev.one("Smsvoicev2ConfigurationSet").inputs["name"] == "sms-config-set-dev"
    inputs = dev.one("Smsvoicev2EventDestination").inputs
    assert inputs["configurationSetName"] == "sms-config-set-dev"
    assert inputs["matchingEventTypes"] == ["ALL"]
    assert inputs["snsDestination"] == {"topicArn": dev.one("Topic").arn}


@pytest.mark.parametrize("false", ["false", "False"])
def test_sets_that_exist_already_are_used_and_nothing_is_created(
    deploy: Callable[..., Any], false: str
) -> None:
    recording = deploy(
        createSESConfigSet=false,
        sesConfigSetName="theirs",
        createSMSConfigSet=false,
        smsConfigSetName="theirs-too",
    )

    assert [recording.all(kind) for kind in KINDS] == [[]] * 4
    for function in ("send-primary", "send-fallback"):
        assert recording.environment(function)["SES_CONFIGURATION_SET"] == "theirs"
        assert recording.environment(function)["SMS_CONFIGURATION_SET"] == "theirs-too"
    assert recording.outputs["ses_configuration_set"] == "theirs"
    assert recording.outputs["sms_configuration_set"] == "theirs-too"


def test_one_set_can_exist_while_the_other_is_created(deploy: Callable[..., Any]) -> None:
    recording = deploy(createSESConfigSet="false")

    assert [len(recording.all(kind)) for kind in KINDS] == [0, 0, 1, 1]


def test_without_accounts_there_is_no_whatsapp_destination(dev: Any) -> None:
    assert dev.all("EventDestination") == []


def test_each_whatsapp_account_sends_its_events_to_the_topic(deploy: Callable[..., Any]) -> None:
    recording = deploy(whatsAppBusinessAccountIds=json.dumps([WABA]))

    destination = recording.one("EventDestination")
    assert destination.type == "pulumi-python:dynamic/whatsapp:EventDestination"
    assert destination.inputs["business_account_id"] == WABA
    assert destination.inputs["topic_arn"] == recording.one("Topic").arn
    assert destination.inputs["region"] == "eu-west-1"
