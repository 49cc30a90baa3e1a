"""The policy pack finds nothing on the product's stacks, and everything on those that are wrong."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from guardrails import RULES, Resource, Rule, violations
from guardrails.permissions import EVERYWHERE
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from local.recording import Recording

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = {
    "accessLogs": "true",
    "alarmEmail": "ops@example.com",
    "allowedCidrs": '["203.0.113.0/24"]',
    "apiClients": '["shop", "crm"]',
    "subnetIds": '["subnet-0a1"]',
    "securityGroupIds": '["sg-0b2"]',
    "tracing": "true",
    "wafRateLimit": "2000",
}
BY_NAME = {rule.__name__: rule for rule in RULES}


def seen(recording: Recording) -> list[Resource]:
    """Return a recording as the engine would show it: with outputs beside the inputs."""
    return [
        Resource(
            each.type,
            each.name,
            {"name": each.name, "arn": each.arn, "url": each.url} | each.inputs,
        )
        for each in recording.resources
    ]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_stacks_of_the_product_hold_to_every_rule(
    deploy: Callable[..., Any], stack: str, rule: Rule
) -> None:
    assert list(rule(seen(deploy(stack)))) == []


def test_a_stack_with_everything_holds_to_every_rule(deploy: Callable[..., Any]) -> None:
    assert violations(seen(deploy(**EVERYTHING))) == []


def aws(kind: str, name: str = "it", **props: Any) -> Resource:
    return Resource(f"aws:any/any:{kind}", name, {"arn": f"arn:{name}", "name": name, **props})


def allowing(action: str, resource: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource], **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SERVICE = {"Principal": {"Service": "sns.amazonaws.com"}}
REDRIVE = json.dumps({"deadLetterTargetArn": "arn:dead", "maxReceiveCount": 5})
MAPPING = {"eventSourceArn": "arn:work", "functionName": "arn:function"}
KINESIS = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
LIMITED = {"maximumRetryAttempts": 10, "maximumRecordAgeInSeconds": 3600}
ON_FAILURE = {"destinationConfig": {"onFailure": {"destinationArn": "arn:dead"}}}

# By rule, stacks that violate it, each with a word of what is said.
VIOLATING: list[tuple[str, str, list[Resource]]] = [
    ("no_wildcard_actions", "sqs:*", [aws("RolePolicy", policy=allowing("sqs:*", "arn:q"))]),
    (
        "no_wildcard_actions",
        "sns:*",
        [aws("TopicPolicy", policy=allowing("sns:*", "*", **SERVICE))],
    ),
    (
        "no_wildcard_actions",
        "kms:*",
        [aws("Key", policy=allowing("kms:*", "*", **SERVICE))],
    ),
    (
        "no_wildcard_actions",
        "s3:Get*",
        [aws("Role", inlinePolicies=[{"name": "p", "policy": allowing("s3:Get*", "arn:b")}])],
    ),
    (
        "no_resource_everywhere",
        "sqs:SendMessage",
        [aws("RolePolicy", policy=allowing("sqs:SendMessage", "*"))],
    ),
    (
        "services_are_let_in_for_this_account",
        "aws:SourceAccount and aws:SourceArn",
        [aws("QueuePolicy", policy=allowing("sqs:SendMessage", "arn:q", **SERVICE))],
    ),
    (
        "services_are_let_in_for_this_account",
        "without sourceArn",
        [aws("Permission", principal="apigateway.amazonaws.com", sourceAccount="1")],
    ),
    ("connections_are_encrypted", "plain-text", [aws("Queue", url="https://q")]),
    (
        "connections_are_encrypted",
        "plain-text",
        [aws("Topic"), aws("TopicPolicy", "policy", policy=allowing("sns:Publish", "arn:it"))],
    ),
    ("data_is_encrypted", "kmsMasterKeyId", [aws("Queue")]),
    ("data_is_encrypted", "kmsMasterKeyId", [aws("Topic")]),
    ("data_is_encrypted", "encryptionType", [aws("Stream", encryptionType="NONE", kmsKeyId="k")]),
    ("data_is_encrypted", "kmsKeyArn", [aws("Table", serverSideEncryption={"enabled": True})]),
    ("data_is_encrypted", "enableKeyRotation", [aws("Key")]),
    ("logs_expire", "for ever", [aws("LogGroup")]),
    ("logs_expire", "of Lambda's own", [aws("Function")]),
    (
        "bodies_are_not_logged",
        "whole bodies",
        [aws("MethodSettings", settings={"dataTraceEnabled": True})],
    ),
    (
        "bodies_are_not_logged",
        "header",
        [aws("Stage", accessLogSettings={"format": "$input.params('header')"})],
    ),
    (
        "bodies_are_not_logged",
        "whole events",
        [aws("Function", environment={"variables": {"POWERTOOLS_LOGGER_LOG_EVENT": "true"}})],
    ),
    (
        "bodies_are_not_logged",
        "samples",
        [aws("WebAcl", visibilityConfig={"sampledRequestsEnabled": True})],
    ),
    ("everything_is_tagged", "no tags", [aws("Table", tags={})]),
    (
        "dead_letters_outlive_their_source",
        "no longer than work",
        [
            aws("Queue", "work", redrivePolicy=REDRIVE, messageRetentionSeconds=1_209_600),
            aws("Queue", "dead", messageRetentionSeconds=1_209_600),
        ],
    ),
    (
        "work_queues_have_dead_letters",
        "no dead-letter queue",
        [aws("Queue", "work"), aws("Function", "function"), aws("EventSourceMapping", **MAPPING)],
    ),
    (
        "messages_are_hidden_long_enough",
        "hides a message for 60 s; 181 s are needed",
        [
            aws("Queue", "work", visibilityTimeoutSeconds=60),
            aws("Function", "function", timeout=30),
            aws("EventSourceMapping", maximumBatchingWindowInSeconds=1, **MAPPING),
        ],
    ),
    ("single_failures_are_reported", "whole batch", [aws("EventSourceMapping", **MAPPING)]),
    (
        "streams_are_not_blocked",
        "maximumRetryAttempts is endless",
        [
            aws(
                "EventSourceMapping",
                eventSourceArn=KINESIS,
                maximumRecordAgeInSeconds=3600,
                **ON_FAILURE,
            )
        ],
    ),
    (
        "streams_are_not_blocked",
        "maximumRecordAgeInSeconds is endless",
        [
            aws(
                "EventSourceMapping",
                eventSourceArn=KINESIS,
                maximumRetryAttempts=10,
                maximumRecordAgeInSeconds=-1,
                **ON_FAILURE,
            )
        ],
    ),
    (
        "streams_are_not_blocked",
        "not named anywhere",
        [aws("EventSourceMapping", eventSourceArn=KINESIS, **LIMITED)],
    ),
    (
        "dead_letters_have_alarms",
        "no alarm",
        [
            aws("Queue", "work", redrivePolicy=REDRIVE),
            aws("Queue", "dead"),
            aws("EventSourceMapping", **MAPPING),
        ],
    ),
    (
        "dead_letters_have_alarms",
        "no alarm",
        [
            aws("Queue", "dead"),
            aws("EventSourceMapping", eventSourceArn=KINESIS, **ON_FAILURE),
            aws(
                "MetricAlarm",
                metricName="ApproximateAgeOfOldestMessage",
                dimensions={"QueueName": "dead"},
            ),
        ],
    ),
]


@pytest.mark.parametrize(("rule", "word", "stack"), VIOLATING)
def test_a_stack_that_is_wrong_is_found(rule: str, word: str, stack: list[Resource]) -> None:
    found = list(BY_NAME[rule](stack))

    assert found, rule
    assert any(word in violation.message for violation in found)


def test_every_rule_has_a_stack_that_violates_it() -> None:
    assert {rule for rule, _, _ in VIOLATING} == set(BY_NAME)


def test_every_exception_from_naming_resources_has_a_reason() -> None:
    assert all(reason for reason in EVERYWHERE.values())
    assert not list(
        BY_NAME["no_resource_everywhere"](
            [aws("RolePolicy", policy=allowing(action, "*")) for action in EVERYWHERE]
        )
    )


@pytest.fixture(scope="module")
def pack() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The pack as the engine runs it: a process that prints its port."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "policy")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def test_the_engine_is_told_every_rule(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = pack.GetAnalyzerInfo(analyzer_pb2.google_dot_protobuf_dot_empty__pb2.Empty())

    assert info.name == "fallback-messaging-guardrails"
    assert {policy.name for policy in info.policies} == {
        rule.__name__.replace("_", "-") for rule in RULES
    }
    assert all(policy.description for policy in info.policies)


def test_the_engine_is_told_what_is_wrong(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    kind = "aws:sqs/queue:Queue"
    queue = analyzer_pb2.AnalyzerResource(
        type=kind, name="mine", urn=f"urn:pulumi:dev::orders::{kind}::mine"
    )

    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[queue]))

    found = {diagnostic.policyName: diagnostic for diagnostic in answer.diagnostics}
    assert {"connections-are-encrypted", "data-is-encrypted", "everything-is-tagged"} <= set(found)
    assert "kmsMasterKeyId is not set" in found["data-is-encrypted"].message
    assert {diagnostic.urn for diagnostic in answer.diagnostics} == {queue.urn}


def test_what_is_not_known_before_the_deployment_is_not_held_against_it(
    pack: analyzer_pb2_grpc.AnalyzerStub,
) -> None:
    def resource(module: str, kind: str, **properties: Any) -> analyzer_pb2.AnalyzerResource:
        token = f"aws:{module}:{kind}"
        made = analyzer_pb2.AnalyzerResource(
            type=token, name=kind, urn=f"urn:pulumi:dev::orders::{token}::{kind}"
        )
        made.properties.update({"tags": {"team": "orders"}, **properties})
        return made

    queue = resource("sqs/queue", "Queue", kmsMasterKeyId=rpc.UNKNOWN, url=rpc.UNKNOWN)
    policy = resource("sqs/queuePolicy", "QueuePolicy", policy=rpc.UNKNOWN, queueUrl=rpc.UNKNOWN)

    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[queue, policy]))

    refused = [d for d in answer.diagnostics if d.enforcementLevel == analyzer_pb2.MANDATORY]
    assert [d.message for d in refused] == []
