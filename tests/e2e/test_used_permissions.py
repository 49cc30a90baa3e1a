"""What the deployed functions call, compared with what their roles allow."""

import time
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from local.deployment import Deployment
from local.scenario_run import Run
from tests.support.calls import Permission, permissions_allowed, permissions_used

FUNCTIONS = ("message_api", "send_primary", "send_fallback", "relay_events", "normalize_events")
# What a role allows although its function never calls it, each with the reason.
NOT_CALLED_BY_THE_FUNCTION = {
    "sqs:ReceiveMessage": "Lambda reads the queue for the function, by the function's role",
    "sqs:DeleteMessage": "Lambda deletes what the function has done",
    "sqs:GetQueueAttributes": "Lambda looks how much there is to read",
    "kinesis:DescribeStream": "Lambda reads the stream for the function",
    "kinesis:DescribeStreamSummary": "Lambda reads the stream for the function",
    "kinesis:GetRecords": "Lambda reads the stream for the function",
    "kinesis:GetShardIterator": "Lambda reads the stream for the function",
    "kinesis:ListShards": "Lambda reads the stream for the function",
    "kms:Decrypt": "SQS, Kinesis and DynamoDB use the key for the function",
    "kms:GenerateDataKey": "SQS, Kinesis and DynamoDB use the key for the function",
    "logs:CreateLogStream": "Lambda writes what the function prints",
    "logs:PutLogEvents": "Lambda writes what the function prints",
}
# Lambda, too, names failed batches of the stream.
BY_LAMBDA = ("sqs:SendMessage", "-stream-failures")
SENDERS = ("ses:", "sms-voice:", "social-messaging:")


@pytest.fixture(scope="module")
def used(
    deployment: Deployment, runs: dict[str, Run], calls_file: Path
) -> dict[str, set[Permission]]:
    """What each function has called: in the scenarios, and for an event that is none."""
    assert runs
    sns, sqs = deployment.cloud.client("sns"), deployment.cloud.client("sqs")
    sns.publish(TopicArn=deployment.outputs["events_topic_arn"], Message="{no JSON")
    quarantine = sqs.get_queue_url(QueueName=deployment.outputs["quarantine_queue"])["QueueUrl"]
    deadline = time.monotonic() + 20
    while "Messages" not in sqs.receive_message(QueueUrl=quarantine, WaitTimeSeconds=1):
        assert time.monotonic() < deadline, "the broken event did not reach the quarantine"
    by_name = permissions_used(calls_file)
    used = {noun: by_name[deployment.outputs[f"{noun}_function"]] for noun in FUNCTIONS}
    # Either sender can meet any step: the first one of a chain, or one that follows.
    either = used["send_primary"] | used["send_fallback"]
    return {**used, "send_primary": either, "send_fallback": either}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_calls_nothing_that_its_role_does_not_allow(
    deployment: Deployment, used: dict[str, set[Permission]], function: str
) -> None:
    allowed = permissions_allowed(deployment, deployment.outputs[f"{function}_function"])
    refused = [call for call in used[function] if not any(covers(grant, call) for grant in allowed)]

    assert used[function]
    assert refused == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_nothing_that_its_function_never_calls(
    deployment: Deployment, used: dict[str, set[Permission]], function: str
) -> None:
    allowed = permissions_allowed(deployment, deployment.outputs[f"{function}_function"])
    called = {call.action for call in used[function]}
    idle = [
        grant
        for grant in allowed
        if grant.action not in NOT_CALLED_BY_THE_FUNCTION
        and not (grant.action == BY_LAMBDA[0] and grant.resource.endswith(BY_LAMBDA[1]))
        # Which sender, set or template is used, the request says: there the action counts.
        and not (grant.action.startswith(SENDERS) and grant.action in called)
        and not any(covers(grant, call) for call in used[function])
    ]

    assert idle == []


def test_exceptions_are_of_actions_that_some_role_allows(deployment: Deployment) -> None:
    allowed = {
        grant.action
        for function in FUNCTIONS
        for grant in permissions_allowed(deployment, deployment.outputs[f"{function}_function"])
    }

    assert set(NOT_CALLED_BY_THE_FUNCTION) <= allowed


def test_a_missing_permission_would_be_noticed() -> None:
    queue = "arn:aws:sqs:us-east-1:123456789012:intake"
    call = Permission("sqs:SendMessage", "intake")

    assert covers(Permission("sqs:SendMessage", queue), call)
    assert not covers(Permission("sqs:DeleteMessage", queue), call)
    assert not covers(Permission("sqs:SendMessage", queue.replace("intake", "timers")), call)
    assert covers(
        Permission("ses:SendEmail", "arn:aws:ses:us-east-1:1:identity/*"),
        Permission("ses:SendEmail", "identity/a@example.com"),
    )


def covers(grant: Permission, call: Permission) -> bool:
    """Return whether a grant on an ARN is one for a call on the end of it.

    A sender may be named by a domain of its own: both identities are asked for.
    """
    resource = grant.resource.split(":", 5)[5]
    return grant.action == call.action and fnmatchcase(call.resource, resource)
