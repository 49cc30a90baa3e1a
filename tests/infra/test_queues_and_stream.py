"""Queues, stream, topic, tables and key: their settings, and who may use them."""

from collections.abc import Callable
from typing import Any

import pytest

DAY = 86_400
SOURCES = {
    "-senders-intake": "send-primary",
    "-senders-timers": "send-fallback",
    "-events-events": "relay-events",
}
TERMINAL = ("-quarantine", "-stream-failures")
STACKS = ("dev", "staging", "prod")


def mapping_of(recording: Any, function: str) -> dict[str, Any]:
    return recording.one("EventSourceMapping", f"-{function}-mapping").inputs


@pytest.mark.parametrize(("source", "function"), SOURCES.items())
def test_a_queue_hides_messages_for_six_times_its_functions_timeout(
    deploy: Callable[..., Any], source: str, function: str
) -> None:
    for stack in STACKS:
        recording = deploy(stack)
        timeout = recording.one("Function", f"-{function}").inputs["timeout"]
        window = mapping_of(recording, function).get("maximumBatchingWindowInSeconds", 0)
        queue = recording.one("Queue", source).inputs
        assert queue["visibilityTimeoutSeconds"] >= 6 * timeout + window


def test_the_visibility_timeout_of_the_senders_queues_is_the_documented_parameter(
    deploy: Callable[..., Any],
) -> None:
    recording = deploy(SqsVisibilityTimeout="600")

    for queue in ("-senders-intake", "-senders-timers"):
        assert recording.one("Queue", queue).inputs["visibilityTimeoutSeconds"] == 600


@pytest.mark.parametrize("source", SOURCES)
def test_dead_letters_are_kept_longer_than_the_queue_they_come_from(dev: Any, source: str) -> None:
    queue, dead = dev.one("Queue", source), dev.one("Queue", f"{source}-dead-letters")

    assert queue.document("redrivePolicy") == {
        "deadLetterTargetArn": dead.arn,
        "maxReceiveCount": 5,
    }
    assert queue.inputs["messageRetentionSeconds"] == 4 * DAY
    assert dead.inputs["messageRetentionSeconds"] == 14 * DAY


@pytest.mark.parametrize("name", TERMINAL)
def test_queues_that_nothing_consumes_keep_messages_for_14_days(dev: Any, name: str) -> None:
    queue = dev.one("Queue", name).inputs

    assert queue["messageRetentionSeconds"] == 14 * DAY
    assert "redrivePolicy" not in queue


def test_there_are_eight_queues_and_no_fifo(dev: Any) -> None:
    queues = dev.all("Queue")

    assert len(queues) == 8
    # DelaySeconds per message, which the timers need, exists on standard queues only.
    assert not [queue for queue in queues if queue.inputs.get("fifoQueue")]


def test_every_queue_topic_stream_and_table_is_encrypted_with_the_stacks_key(dev: Any) -> None:
    key = dev.one("Key").arn

    assert [queue.inputs["kmsMasterKeyId"] for queue in dev.all("Queue")] == [key] * 8
    assert dev.one("Topic").inputs["kmsMasterKeyId"] == key
    stream = dev.one("Stream").inputs
    assert (stream["encryptionType"], stream["kmsKeyId"]) == ("KMS", key)
    for table in dev.all("Table"):
        assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": key}


def test_every_queue_and_topic_refuses_plain_text(deploy: Callable[..., Any]) -> None:
    recording = deploy(alarmEmail="ops@company.test")
    queues = {policy.inputs["queueUrl"]: policy for policy in recording.all("QueuePolicy")}
    topics = {policy.inputs["arn"]: policy for policy in recording.all("TopicPolicy")}

    assert set(queues) == {queue.url for queue in recording.all("Queue")}
    assert set(topics) == {topic.arn for topic in recording.all("Topic")}
    for policy in (*queues.values(), *topics.values()):
        denials = [s for s in policy.document()["Statement"] if s["Effect"] == "Deny"]
        assert [denial["Condition"] for denial in denials] == [
            {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert denials[0]["Principal"] == "*"


def test_services_are_let_in_for_this_account_and_their_own_resources_only(
    deploy: Callable[..., Any],
) -> None:
    recording = deploy(alarmEmail="ops@company.test")
    kinds = ("QueuePolicy", "TopicPolicy", "Key")
    services = [
        statement
        for kind in kinds
        for resource in recording.all(kind)
        for statement in resource.document()["Statement"]
        if isinstance(statement["Principal"], dict) and "Service" in statement["Principal"]
    ]

    assert {statement["Principal"]["Service"] for statement in services} == {
        "ses.amazonaws.com",
        "sms-voice.amazonaws.com",
        "social-messaging.amazonaws.com",
        "sns.amazonaws.com",
        "cloudwatch.amazonaws.com",
    }
    for statement in services:
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": "123456789012"}
        assert len(condition["ArnLike"]) == 1
        assert all(":123456789012:" in arn for arn in condition["ArnLike"].values())


def test_the_three_providers_may_publish_events_and_use_the_key_to(dev: Any) -> None:
    home = "eu-west-1:123456789012"
    sources = {
        "ses.amazonaws.com": f"arn:aws:ses:{home}:configuration-set/*",
        "sms-voice.amazonaws.com": f"arn:aws:sms-voice:{home}:configuration-set/*",
        "social-messaging.amazonaws.com": f"arn:aws:social-messaging:{home}:*",
    }
    topics = {"kms:EncryptionContext:aws:sns:topicArn": f"arn:aws:sns:{home}:*"}
    encrypting = {
        "ses.amazonaws.com": topics,
        "sms-voice.amazonaws.com": topics,
        "social-messaging.amazonaws.com": {
            "aws:SourceArn": sources["social-messaging.amazonaws.com"]
        },
    }
    publishing = {service: {"aws:SourceArn": source} for service, source in sources.items()}
    for resource, actions, conditions in (
        (dev.one("TopicPolicy"), "sns:Publish", publishing),
        (dev.one("Key"), ["kms:Decrypt", "kms:GenerateDataKey"], encrypting),
    ):
        found = {
            statement["Principal"]["Service"]: statement
            for statement in resource.document()["Statement"]
            if isinstance(statement["Principal"], dict) and "Service" in statement["Principal"]
        }
        for service, condition in conditions.items():
            assert found[service]["Action"] == actions
            assert found[service]["Condition"]["ArnLike"] == condition


def test_the_topic_may_use_the_key_to_deliver_to_an_encrypted_queue(dev: Any) -> None:
    (delivery,) = (
        statement
        for statement in dev.one("Key").document()["Statement"]
        if statement["Principal"] == {"Service": "sns.amazonaws.com"}
    )

    assert delivery["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_the_account_administers_the_key_and_logs_do_not_use_it(dev: Any) -> None:
    key = dev.one("Key")
    principals = [statement["Principal"] for statement in key.document()["Statement"]]

    assert {"AWS": "arn:aws:iam::123456789012:root"} in principals
    assert "logs" not in key.inputs["policy"]
    assert key.inputs["enableKeyRotation"] is True
    assert not [group for group in dev.all("LogGroup") if group.inputs.get("kmsKeyId")]


def test_only_the_topic_delivers_to_the_buffer_queue_and_to_its_dead_letters(dev: Any) -> None:
    allowed = {
        policy.name: statement
        for policy in dev.all("QueuePolicy")
        for statement in policy.document()["Statement"]
        if statement["Effect"] == "Allow"
    }

    assert {name.rpartition("FallbackMessagingService")[2] for name in allowed} == {
        "-events-events-policy",
        "-events-events-dead-letters-policy",
    }
    for statement in allowed.values():
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": dev.one("Topic").arn}


def test_the_topic_delivers_events_raw_to_the_buffer_queue(dev: Any) -> None:
    subscription = dev.one("TopicSubscription")

    assert subscription.inputs["topic"] == dev.one("Topic").arn
    assert subscription.inputs["protocol"] == "sqs"
    assert subscription.inputs["endpoint"] == dev.one("Queue", "-events-events").arn
    assert subscription.inputs["rawMessageDelivery"] is True
    assert subscription.document("redrivePolicy") == {
        "deadLetterTargetArn": dev.one("Queue", "-events-events-dead-letters").arn
    }


def test_every_mapping_reports_single_failures(dev: Any) -> None:
    mappings = dev.all("EventSourceMapping")

    assert len(mappings) == 4
    for mapping in mappings:
        assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    ("function", "queue"), [("send-primary", "-intake"), ("send-fallback", "-timers")]
)
def test_senders_take_ten_messages_and_run_no_more_often_than_providers_take(
    dev: Any, function: str, queue: str
) -> None:
    mapping = mapping_of(dev, function)

    assert mapping["eventSourceArn"] == dev.one("Queue", queue).arn
    assert mapping["functionName"] == dev.one("Function", f"-{function}").arn
    assert mapping["batchSize"] == 10
    assert mapping["scalingConfig"] == {"maximumConcurrency": 10}


def test_the_relay_takes_as_many_events_as_one_put_records_call(dev: Any) -> None:
    mapping = mapping_of(dev, "relay-events")

    assert mapping["eventSourceArn"] == dev.one("Queue", "-events-events").arn
    assert (mapping["batchSize"], mapping["maximumBatchingWindowInSeconds"]) == (500, 1)


def test_a_poison_event_cannot_block_the_stream(dev: Any) -> None:
    mapping = mapping_of(dev, "normalize-events")

    assert mapping["eventSourceArn"] == dev.one("Stream").arn
    assert (mapping["batchSize"], mapping["maximumBatchingWindowInSeconds"]) == (1000, 1)
    assert mapping["startingPosition"] == "TRIM_HORIZON"
    assert mapping["maximumRetryAttempts"] == 10
    # What is named on the queue of failures is still on the stream for as long again.
    assert mapping["maximumRecordAgeInSeconds"] == DAY / 2
    assert mapping["bisectBatchOnFunctionError"] is True
    assert mapping["parallelizationFactor"] == 1
    assert mapping["destinationConfig"] == {
        "onFailure": {"destinationArn": dev.one("Queue", "-stream-failures").arn}
    }


def test_a_provisioned_stream_has_shards_and_one_on_demand_has_none(dev: Any, prod: Any) -> None:
    assert dev.one("Stream").inputs["streamModeDetails"] == {"streamMode": "PROVISIONED"}
    assert dev.one("Stream").inputs["shardCount"] == 1
    assert prod.one("Stream").inputs["streamModeDetails"] == {"streamMode": "ON_DEMAND"}
    assert "shardCount" not in prod.one("Stream").inputs


@pytest.mark.parametrize(
    ("table", "key", "backed_up"),
    [
        ("-messages", "message_id", True),
        # A backup would keep what has to be gone.
        ("-payloads", "message_id", False),
        ("-provider-message-ids", "provider_message_id", True),
    ],
)
def test_a_table_expires_its_rows_and_can_be_restored(
    dev: Any, table: str, key: str, *, backed_up: bool
) -> None:
    inputs = dev.one("Table", f"-store{table}").inputs

    assert inputs["hashKey"] == key
    assert inputs["attributes"] == [{"name": key, "type": "S"}]
    assert inputs["billingMode"] == "PAY_PER_REQUEST"
    assert inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert inputs["pointInTimeRecovery"] == {"enabled": backed_up}


def test_production_protects_its_tables_and_development_does_not(dev: Any, prod: Any) -> None:
    assert [t.inputs["deletionProtectionEnabled"] for t in prod.all("Table")] == [True] * 3
    assert [t.inputs["deletionProtectionEnabled"] for t in dev.all("Table")] == [False] * 3
