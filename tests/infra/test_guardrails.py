"""The policy pack finds nothing on the product's stacks, and everything on those that are wrong."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from guardrails import RULES, UNKNOWN, Resource, Rule, violations
from guardrails.permissions import EVERYWHERE
from pulumi.output import Unknown
from pulumi.runtime import rpc, settings
from pulumi.runtime.mocks import MockResourceArgs
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from local.recording import Recorded, Recording, record

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = {
    "accessLogs": "true",
    "alarmEmail": "ops@company.test",
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


def aws(kind: str, name: str = "it", /, **props: Any) -> Resource:
    return Resource(f"aws:any/any:{kind}", name, {"arn": f"arn:{name}", "name": name, **props})


def allowing(action: str, resource: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource], **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def everybody(action: str, principal: Any, **condition: Any) -> str:
    return allowing(action, "*", Principal=principal, Condition=condition)


SERVICE = {"Principal": {"Service": "sns.amazonaws.com"}}
TOPICS = {"kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:eu-west-1:123456789012:*"}
OWN_ROOT = "arn:aws:iam::123456789012:root"
OTHER_ROOT = "arn:aws:iam::210987654321:root"
OWN_KEY = "arn:aws:kms:eu-west-1:123456789012:key/k"
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
        "kms:*",
        [aws("Key", policy=everybody("kms:*", {"AWS": "*"}))],
    ),
    (
        "no_wildcard_actions",
        "kms:*",
        [aws("KeyPolicy", policy=everybody("kms:*", {"AWS": [OWN_ROOT, "arn:aws:iam::1:role/r"]}))],
    ),
    (
        "no_wildcard_actions",
        "kms:*",
        [aws("Key", arn=OWN_KEY, policy=everybody("kms:*", {"AWS": OTHER_ROOT}))],
    ),
    (
        "no_wildcard_actions",
        "sqs:*",
        [aws("QueuePolicy", policy=everybody("sqs:*", {"AWS": OWN_ROOT}))],
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
        "nobody_is_let_in_unnamed",
        "everybody",
        [aws("QueuePolicy", policy=everybody("sqs:SendMessage", "*"))],
    ),
    (
        "nobody_is_let_in_unnamed",
        "everybody",
        [aws("TopicPolicy", policy=everybody("sns:Publish", {"AWS": "*"}))],
    ),
    (
        "nobody_is_let_in_unnamed",
        "everybody",
        [aws("Key", policy=everybody("kms:Decrypt", {"AWS": ["*"]}))],
    ),
    *(
        (
            "nobody_is_let_in_unnamed",
            "everybody",
            [aws("QueuePolicy", policy=everybody("sqs:SendMessage", "*", **condition))],
        )
        for condition in (
            {"Bool": {"aws:SecureTransport": "true"}},
            {"StringNotEquals": {"aws:SourceAccount": "123456789012"}},
            {"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:sns:eu-west-1:123456789012:t"}},
            {"ArnLike": {"aws:SourceArn": "*"}},
        )
    ),
    (
        "services_are_let_in_for_this_account",
        "aws:SourceAccount and aws:SourceArn",
        [aws("QueuePolicy", policy=allowing("sqs:SendMessage", "arn:q", **SERVICE))],
    ),
    *(
        (
            "services_are_let_in_for_this_account",
            f"without {missing}",
            [
                aws(
                    kind,
                    policy=allowing("kms:GenerateDataKey", "*", **SERVICE, Condition=condition),
                )
            ],
        )
        for kind, condition, missing in (
            ("Key", {}, "aws:SourceAccount and aws:SourceArn"),
            ("Key", {"StringEquals": {"aws:SourceAccount": "123456789012"}}, "aws:SourceArn"),
            ("KeyPolicy", {"ArnLike": TOPICS}, "aws:SourceAccount"),
            (
                "KeyPolicy",
                {
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": "*"},
                },
                "aws:SourceArn",
            ),
            (
                # What a topic's policy is asked for is not what is encrypted.
                "TopicPolicy",
                {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": TOPICS},
                "aws:SourceArn",
            ),
        )
    ),
    (
        "services_are_let_in_for_this_account",
        "without sourceArn",
        [aws("Permission", principal="apigateway.amazonaws.com", sourceAccount="1")],
    ),
    (
        "services_are_let_in_for_this_account",
        "without sourceAccount",
        [aws("Permission", principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::bucket")],
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


@pytest.mark.parametrize(
    "permission",
    [
        {"sourceArn": "arn:aws:execute-api:eu-west-1:123456789012:api/v1/*"},
        {"sourceArn": "arn:aws:s3:::bucket", "sourceAccount": "123456789012"},
    ],
)
def test_a_service_is_let_in_for_an_account_named_once(permission: dict[str, str]) -> None:
    assert violations([aws("Permission", principal="any.amazonaws.com", **permission)]) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:123456789012:topic"}},
        {"StringEquals": {"AWS:SourceAccount": "123456789012"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}},
    ],
)
@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
def test_everybody_from_a_named_place_may_be_let_in(principal: Any, condition: Any) -> None:
    policy = everybody("sqs:SendMessage", principal, **condition)

    assert violations([aws("QueuePolicy", policy=policy)]) == []


def test_a_service_that_names_no_source_may_encrypt_for_the_accounts_topics() -> None:
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": TOPICS}
    policy = allowing("kms:GenerateDataKey", "*", **SERVICE, Condition=condition)

    assert violations([aws("KeyPolicy", policy=policy)]) == []


@pytest.mark.parametrize("arn", [OWN_KEY, UNKNOWN])
def test_an_account_may_administer_its_key(arn: Any) -> None:
    policy = everybody("kms:*", {"AWS": OWN_ROOT})
    key = aws("Key", arn=arn, policy=policy, enableKeyRotation=True, tags={"a": "b"})

    assert violations([key]) == []


LOGGED = {"loggingConfig": {"logGroup": "logs"}, "tags": {"a": "b"}}

# By rule, stacks of which something that decides is unknown.
UNDECIDED: list[tuple[str, list[Resource]]] = [
    ("no_wildcard_actions", [aws("Role", inlinePolicies=UNKNOWN)]),
    ("no_wildcard_actions", [aws("Role", inlinePolicies=[UNKNOWN, {"policy": UNKNOWN}])]),
    ("services_are_let_in_for_this_account", [aws("Permission", sourceArn=UNKNOWN)]),
    (
        "services_are_let_in_for_this_account",
        [aws("Permission", sourceArn="arn:aws:s3:::bucket", sourceAccount=UNKNOWN)],
    ),
    (
        "connections_are_encrypted",
        [aws("Queue", url="https://q"), aws("QueuePolicy", policy=UNKNOWN, queueUrl="https://q")],
    ),
    (
        "connections_are_encrypted",
        [aws("Queue", url="https://q"), aws("QueuePolicy", policy=UNKNOWN, queueUrl=UNKNOWN)],
    ),
    (
        "connections_are_encrypted",
        [aws("Topic", arn=UNKNOWN), aws("TopicPolicy", policy=UNKNOWN, arn="arn:it")],
    ),
    ("data_is_encrypted", [aws("Table", serverSideEncryption=UNKNOWN)]),
    ("logs_expire", [aws("LogGroup", retentionInDays=UNKNOWN)]),
    ("logs_expire", [aws("LogGroup", name=UNKNOWN, retentionInDays=1), aws("Function", **LOGGED)]),
    (
        "logs_expire",
        [aws("LogGroup", retentionInDays=1), aws("Function", loggingConfig=UNKNOWN)],
    ),
    ("bodies_are_not_logged", [aws("MethodSettings", settings=UNKNOWN)]),
    ("bodies_are_not_logged", [aws("Stage", accessLogSettings=UNKNOWN)]),
    ("bodies_are_not_logged", [aws("Function", environment={"variables": UNKNOWN})]),
    ("bodies_are_not_logged", [aws("WebAcl", visibilityConfig=UNKNOWN)]),
    ("everything_is_tagged", [aws("Queue", tags=UNKNOWN)]),
    *(
        ("dead_letters_outlive_their_source", [aws("Queue", "work", **work), aws("Queue", "dead")])
        for work in (
            {"redrivePolicy": UNKNOWN},
            {"redrivePolicy": REDRIVE, "messageRetentionSeconds": UNKNOWN},
        )
    ),
    *(
        (
            rule,
            [
                aws("Queue", "work", redrivePolicy=UNKNOWN, visibilityTimeoutSeconds=hidden),
                aws("Function", "function", timeout=UNKNOWN),
                aws("EventSourceMapping", **MAPPING | mapping),
            ],
        )
        for rule in ("work_queues_have_dead_letters", "messages_are_hidden_long_enough")
        for hidden in (1, UNKNOWN)
        for mapping in ({}, {"eventSourceArn": UNKNOWN}, {"functionName": UNKNOWN})
    ),
    *(
        ("single_failures_are_reported", [aws("EventSourceMapping", functionResponseTypes=types)])
        for types in (UNKNOWN, [UNKNOWN])
    ),
    ("streams_are_not_blocked", [aws("EventSourceMapping", eventSourceArn=UNKNOWN)]),
    (
        "streams_are_not_blocked",
        [
            aws(
                "EventSourceMapping",
                eventSourceArn=KINESIS,
                destinationConfig=UNKNOWN,
                **dict.fromkeys(LIMITED, UNKNOWN),
            )
        ],
    ),
    *(
        (
            "dead_letters_have_alarms",
            [
                aws("Queue", "work", redrivePolicy=redrive),
                aws("Queue", "dead", **dead),
                aws("EventSourceMapping", **MAPPING),
                aws(
                    "MetricAlarm",
                    metricName="ApproximateNumberOfMessagesVisible",
                    dimensions={"QueueName": watched},
                ),
            ],
        )
        for redrive, dead, watched in (
            (UNKNOWN, {}, "other"),
            (REDRIVE, {"arn": UNKNOWN}, "other"),
            (REDRIVE, {"name": UNKNOWN}, "other"),
            (REDRIVE, {}, UNKNOWN),
        )
    ),
]


@pytest.mark.parametrize(("rule", "stack"), UNDECIDED)
def test_what_is_not_known_violates_no_rule(rule: str, stack: list[Resource]) -> None:
    assert list(BY_NAME[rule](stack)) == []


def test_a_fault_that_nothing_unknown_can_mend_is_found() -> None:
    assert list(BY_NAME["connections_are_encrypted"]([aws("Queue", url=UNKNOWN)]))
    assert list(
        BY_NAME["logs_expire"](
            [aws("LogGroup", name=UNKNOWN, retentionInDays=1), aws("Function", loggingConfig={})]
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


class Preview(Recording):
    """A recording of resources that do not exist yet: what AWS is to make up is unknown."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        _, made = super().new_resource(args)
        return "", {**dict.fromkeys(made, rpc.UNKNOWN), **args.inputs}


@pytest.fixture(scope="module", params=["dev", "prod"])
def preview(request: pytest.FixtureRequest) -> Preview:
    """The product's own stack, as its first preview shows it."""

    def program() -> None:
        settings.SETTINGS.dry_run = True
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    recording = Preview()
    record(recording, program, project="fallback-messaging", stack=request.param, config={})
    return recording


@pytest.fixture(params=[True, False], ids=["names known", "names unknown"])
def previewed(
    preview: Preview, request: pytest.FixtureRequest
) -> list[analyzer_pb2.AnalyzerResource]:
    """The preview as the engine shows it to the pack. It may make up names itself, or AWS may."""
    return [as_previewed(each, named=request.param) for each in preview.resources]


def as_previewed(resource: Recorded, *, named: bool) -> analyzer_pb2.AnalyzerResource:
    made = analyzer_pb2.AnalyzerResource(
        type=resource.type,
        name=resource.name,
        urn=f"urn:pulumi:dev::orders::{resource.type}::{resource.name}",
    )
    outputs = {
        "name": resource.name if named else rpc.UNKNOWN,
        "arn": rpc.UNKNOWN,
        "url": rpc.UNKNOWN,
    }
    made.properties.update(outputs | sent(resource.inputs))
    return made


def sent(value: Any) -> Any:
    """Return inputs as the engine sends them; the code of a function, which no rule sees, as ""."""
    match value:
        case Unknown():
            return rpc.UNKNOWN
        case dict():
            return {key: sent(inner) for key, inner in value.items()}
        case list():
            return [sent(inner) for inner in value]
        case str() | float() | bool() | None:
            return value
        case _:
            return ""


def analyzed(
    pack: analyzer_pb2_grpc.AnalyzerStub, resources: list[analyzer_pb2.AnalyzerResource]
) -> set[tuple[str, str]]:
    """Return which rule found something where; also one that ended since something is unknown."""
    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
    return {(found.policyName, found.urn.rpartition("::")[2]) for found in answer.diagnostics}


def test_what_is_not_known_before_the_deployment_is_not_held_against_it(
    pack: analyzer_pb2_grpc.AnalyzerStub, previewed: list[analyzer_pb2.AnalyzerResource]
) -> None:
    unknown = {
        (each.type.rpartition(":")[2], key)
        for each in previewed
        for key, value in each.properties.items()
        if value == rpc.UNKNOWN
    }
    assert {("QueuePolicy", "policy"), ("RolePolicy", "policy"), ("Queue", "redrivePolicy")} <= (
        unknown
    )

    assert analyzed(pack, previewed) == set()


def test_what_is_known_before_the_deployment_is_held_against_it(
    pack: analyzer_pb2_grpc.AnalyzerStub, previewed: list[analyzer_pb2.AnalyzerResource]
) -> None:
    wrong = set()
    for kind, key, policy in (
        ("Queue", "kmsMasterKeyId", "data-is-encrypted"),
        ("LogGroup", "retentionInDays", "logs-expire"),
        ("EventSourceMapping", "functionResponseTypes", "single-failures-are-reported"),
        ("Permission", "sourceArn", "services-are-let-in-for-this-account"),
    ):
        resource = next(each for each in previewed if each.type.endswith(f":{kind}"))
        del resource.properties.fields[key]
        wrong.add((policy, resource.name))
    key = next(each for each in previewed if each.type.endswith(":Key"))
    key.properties["policy"] = everybody("kms:Decrypt", "*")
    wrong.add(("nobody-is-let-in-unnamed", key.name))

    assert analyzed(pack, previewed) == wrong
