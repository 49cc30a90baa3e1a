"""Every stack of the product can be deployed on the emulator, with everything that is optional."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.cloud import ACCOUNT_ID, Cloud
from local.deployer import deploy
from local.emulator import PROJECT_DIRECTORY, Emulator, free_port
from local.program import Project
from local.simulator import ProviderSimulator

REGION = "us-east-1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    url = f"http://127.0.0.1:{free_port()}"
    simulator = ProviderSimulator(url, REGION, ACCOUNT_ID)
    cloud = Cloud(url, simulator.url, REGION)
    log_file = tmp_path_factory.mktemp("emulator") / "emulator.log"
    with Emulator(cloud, log_file), simulator:
        yield cloud


def deployed(cloud: Cloud, stack: str, prefix: str, **parameters: str) -> dict[str, Any]:
    project = Project.read(PROJECT_DIRECTORY)
    parameters["CdkBackendStack"] = prefix
    overrides = {f"{project.name}:{name}": value for name, value in parameters.items()}
    return deploy(project, stack, cloud, overrides)


def test_production_calls_are_limited_by_a_web_acl(cloud: Cloud) -> None:
    outputs = deployed(cloud, "prod", "Prod")

    assert outputs["api_keys"] == {}
    (acl,) = cloud.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
    rules = cloud.client("wafv2").get_web_acl(Name=acl["Name"], Scope="REGIONAL", Id=acl["Id"])[
        "WebACL"
    ]["Rules"]
    assert [r["Statement"]["RateBasedStatement"]["Limit"] for r in rules] == [3000]


def test_a_stack_in_a_network_with_clients_and_an_existing_topic(cloud: Cloud) -> None:
    topic = cloud.client("sns").create_topic(Name="their-events")["TopicArn"]
    outputs = deployed(
        cloud,
        "staging",
        "Everything",
        allowedCidrs='["203.0.113.0/24"]',
        apiClients='["shop", "crm"]',
        apiClientThrottleBurst="5",
        apiClientThrottleRate="5",
        apiQuotaPerDay="1000",
        eventsTopicArn=topic,
        securityGroupIds='["sg-0b2"]',
        subnetIds='["subnet-0a1"]',
    )

    assert set(outputs["api_keys"]) == {"shop", "crm"}
    assert len(set(outputs["api_keys"].values())) == 2
    assert outputs["events_topic_arn"] == topic
    function = cloud.client("lambda").get_function_configuration(
        FunctionName=outputs["send_primary_function"]
    )
    assert function["VpcConfig"]["SubnetIds"] == ["subnet-0a1"]
    subscriptions = cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic)
    (subscription,) = subscriptions["Subscriptions"]
    assert subscription["Endpoint"].endswith(outputs["events_queue"])


def test_existing_sets_get_the_stacks_destination_beside_their_own(cloud: Cloud) -> None:
    cloud.client("sesv2").create_configuration_set(ConfigurationSetName="their-mails")
    cloud.client("pinpoint-sms-voice-v2").create_configuration_set(
        ConfigurationSetName="their-texts"
    )
    outputs = deployed(
        cloud,
        "dev",
        "Adopting",
        attachSESEventDestination="true",
        attachSMSEventDestination="true",
        createSESConfigSet="false",
        createSMSConfigSet="false",
        sesConfigSetName="their-mails",
        smsConfigSetName="their-texts",
    )

    destinations = cloud.client("sesv2").get_configuration_set_event_destinations(
        ConfigurationSetName="their-mails"
    )["EventDestinations"]
    assert [d["SnsDestination"]["TopicArn"] for d in destinations] == [outputs["events_topic_arn"]]
    sets = cloud.client("pinpoint-sms-voice-v2").describe_configuration_sets(
        ConfigurationSetNames=["their-texts"]
    )["ConfigurationSets"]
    assert [d["SnsDestination"]["TopicArn"] for d in sets[0]["EventDestinations"]] == [
        outputs["events_topic_arn"]
    ]
