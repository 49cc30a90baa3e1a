"""Resources that exist already are used, and nothing is made beside them."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from infra import (
    DeliveryEventStream,
    EventDestinations,
    FallbackMessaging,
    Location,
    SettingsError,
    event_key_statements,
)

KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:their-events"


def test_an_existing_key_encrypts_everything(deploy: Callable[..., Any]) -> None:
    recording = deploy(kmsKeyArn=KEY)

    assert recording.all("Key") == []
    assert {queue.inputs["kmsMasterKeyId"] for queue in recording.all("Queue")} == {KEY}
    assert recording.one("Topic").inputs["kmsMasterKeyId"] == KEY
    assert recording.one("Stream").inputs["kmsKeyId"] == KEY
    for table in recording.all("Table"):
        assert table.inputs["serverSideEncryption"]["kmsKeyArn"] == KEY
    for function in ("message-api", "send-primary", "relay-events", "normalize-events"):
        assert KEY in str(recording.statements(function))


def test_the_statements_for_an_existing_key_are_those_of_our_own(dev: Any) -> None:
    location = Location("aws", "eu-west-1", "123456789012")

    assert dev.one("Key").document()["Statement"][1:] == event_key_statements(location)


def test_an_existing_topic_is_subscribed_to_and_nothing_else(deploy: Callable[..., Any]) -> None:
    recording = deploy(eventsTopicArn=TOPIC)

    assert recording.all("Topic") == []
    assert recording.all("TopicPolicy") == []
    assert recording.one("TopicSubscription").inputs["topic"] == TOPIC
    destination = recording.one("Smsvoicev2EventDestination").inputs
    assert destination["snsDestination"] == {"topicArn": TOPIC}
    (delivery,) = (
        statement
        for statement in recording.one("QueuePolicy", "-events-events-policy").document()[
            "Statement"
        ]
        if statement["Effect"] == "Allow"
    )
    assert delivery["Condition"]["ArnLike"] == {"aws:SourceArn": TOPIC}
    assert recording.outputs["events_topic"] == "their-events"


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-west-1:210987654321:their-events",
        "arn:aws:sns:eu-central-1:123456789012:their-events",
        "arn:aws-cn:sns:eu-west-1:123456789012:their-events",
    ],
)
def test_a_topic_of_another_place_is_refused(deploy: Callable[..., Any], topic: str) -> None:
    with pytest.raises(SettingsError, match=f"eventsTopicArn: {topic} is not a topic of the stack"):
        deploy(eventsTopicArn=topic)


def test_a_stream_alone_has_a_name_that_roles_can_have(run_program: Callable[..., Any]) -> None:
    recording = run_program(lambda: DeliveryEventStream("e" * 38, {}))
    assert all(len(role.name) <= 64 - 8 for role in recording.all("Role"))
    for name in ("e" * 39, "1events", "my.events"):
        with pytest.raises(SettingsError, match="name of the component"):
            run_program(lambda name=name: DeliveryEventStream(name, {}))


def test_functions_run_in_an_existing_network(deploy: Callable[..., Any]) -> None:
    recording = deploy(subnetIds='["subnet-0a1"]', securityGroupIds='["sg-0b2"]')

    for function in recording.all("Function"):
        assert function.inputs["vpcConfig"] == {
            "subnetIds": ["subnet-0a1"],
            "securityGroupIds": ["sg-0b2"],
        }
    for policy in recording.all("RolePolicy"):
        assert "ec2:CreateNetworkInterface" in policy.inputs["policy"]


def test_functions_without_a_network_may_not_make_interfaces(dev: Any) -> None:
    assert not [f for f in dev.all("Function") if "vpcConfig" in f.inputs]
    assert not [p for p in dev.all("RolePolicy") if "ec2:" in p.inputs["policy"]]


@pytest.mark.parametrize(
    ("configuration", "sentence"),
    [
        ({"subnetIds": '["subnet-0a1"]'}, "belong together"),
        ({"securityGroupIds": '["sg-0b2"]'}, "belong together"),
        ({"alarmEmail": "a@company.test", "alarmTopicArn": TOPIC}, "not with alarmTopicArn"),
    ],
)
def test_adopted_resources_that_do_not_go_together_are_an_error(
    deploy: Callable[..., Any], configuration: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        deploy(**configuration)


def test_what_does_not_go_together_is_reported_with_everything_else(
    run_program: Callable[..., Any],
) -> None:
    def program() -> None:
        FallbackMessaging(
            "Orders",
            {
                "retention_days": 1,
                "stream_shard_count": pulumi.Output.from_input(2),
                "alarm_email": "a@company.test",
                "alarm_topic_arn": pulumi.Output.from_input(TOPIC),
                "subnet_ids": pulumi.Output.from_input(["subnet-0a1"]),
            },
        )

    with pytest.raises(SettingsError) as raised:
        run_program(program)

    sentences = ("must be a plain value", "is not in 7 to", "belong together", "alarm_topic_arn")
    for sentence in sentences:
        assert sum(sentence in problem for problem in raised.value.problems) == 1
    assert len(raised.value.problems) == len(sentences)


@pytest.mark.parametrize(
    "program",
    [
        lambda: FallbackMessaging("Orders", {"retention_days": 1}),
        lambda: FallbackMessaging("Orders", {}).grant_send("shop-may-send", "shop"),
        lambda: DeliveryEventStream("Receipts", {"stream_retention_hours": 1}),
    ],
)
def test_pulumi_shows_faults_without_a_stack_trace(
    run_program: Callable[..., Any], program: Callable[[], Any]
) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        run_program(program)

    assert isinstance(raised.value, SettingsError)


def test_existing_sets_get_our_destination_when_asked(deploy: Callable[..., Any]) -> None:
    recording = deploy(
        createSESConfigSet="false",
        sesConfigSetName="theirs",
        attachSESEventDestination="true",
        createSMSConfigSet="false",
        smsConfigSetName="theirs-too",
        attachSMSEventDestination="true",
    )

    assert recording.all("ConfigurationSet") == recording.all("Smsvoicev2ConfigurationSet") == []
    mail = recording.one("ConfigurationSetEventDestination").inputs
    text = recording.one("Smsvoicev2EventDestination").inputs
    assert mail["configurationSetName"] == "theirs"
    assert text["configurationSetName"] == "theirs-too"
    topic = recording.one("Topic").arn
    assert mail["eventDestination"]["snsDestination"] == {"topicArn": topic}
    assert text["snsDestination"] == {"topicArn": topic}


def test_two_stacks_can_share_a_set(deploy: Callable[..., Any]) -> None:
    names = {
        deploy(stack).one("Smsvoicev2EventDestination").inputs["eventDestinationName"]
        for stack in ("dev", "staging", "team.one", "x" * 80)
    }

    assert len(names) == 4
    for name in names:
        assert len(name) <= 64
        assert name.replace("-", "").replace("_", "").isalnum()


def test_resources_of_the_same_program_are_adopted_by_their_outputs(
    run_program: Callable[..., Any],
) -> None:
    def program() -> None:
        key = aws.kms.Key("mine")
        topic = aws.sns.Topic("alarms")
        subnet = aws.ec2.Subnet("subnet", vpc_id="vpc-1", cidr_block="10.0.0.0/24")
        group = aws.ec2.SecurityGroup("group", vpc_id="vpc-1")
        FallbackMessaging(
            "Orders",
            {
                "kms_key_arn": key.arn,
                "alarm_topic_arn": topic.arn,
                "subnet_ids": [subnet.id],
                "security_group_ids": pulumi.Output.all(group.id),
            },
        )

    recording = run_program(program)

    assert recording.one("Stream").inputs["kmsKeyId"] == recording.one("Key").arn
    topic = recording.one("Topic", "alarms").arn
    assert {str(a.inputs["alarmActions"]) for a in recording.all("MetricAlarm")} == {str([topic])}
    assert recording.one("Function", "-message-api").inputs["vpcConfig"] == {
        "subnetIds": ["subnet-id"],
        "securityGroupIds": ["group-id"],
    }


def test_what_decides_the_shape_cannot_be_an_output(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        FallbackMessaging("Orders", {"stream_shard_count": pulumi.Output.from_input(2)})

    with pytest.raises(SettingsError, match="stream_shard_count must be a plain value"):
        run_program(program)


def test_the_event_stream_can_be_used_alone(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        events = DeliveryEventStream("Receipts", {"tags": {"team": "crm"}, "relay_batch_size": 10})
        EventDestinations(
            "Receipts-destinations",
            {"topic_arn": events.topic_arn, "create_sms_config_set": False},
        )
        pulumi.export("stream", events.stream_name)

    recording = run_program(program, stack="live")

    assert recording.outputs == {"stream": "Receipts-stream"}
    assert recording.all("Table") == []
    assert [function.name for function in recording.all("Function")] == ["Receipts-relay-events"]
    assert recording.environment("relay-events")["STACK_NAME"] == "Receipts-live"
    assert recording.one("Stream").inputs["kmsKeyId"] == recording.one("Key").arn
    assert recording.one("Stream").inputs["tags"] == {"team": "crm"}
    # The defaults are those of the parameter table.
    assert recording.one("EventSourceMapping").inputs["maximumBatchingWindowInSeconds"] == 1
    destination = recording.one("ConfigurationSetEventDestination").inputs
    assert destination["eventDestination"]["snsDestination"] == {
        "topicArn": recording.one("Topic").arn
    }
    assert recording.all("Smsvoicev2EventDestination") == []


def test_a_part_used_alone_checks_its_arguments(run_program: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError, match="stream_retention_hours: 1 is not in 24 to 8760"):
        run_program(lambda: DeliveryEventStream("Receipts", {"stream_retention_hours": 1}))
    with pytest.raises(SettingsError, match="retention_days is not one of this component's"):
        run_program(lambda: DeliveryEventStream("Receipts", {"retention_days": 30}))
    with pytest.raises(SettingsError, match="did you mean stream_mode"):
        run_program(lambda: DeliveryEventStream("Receipts", {"stream_mod": "ON_DEMAND"}))
