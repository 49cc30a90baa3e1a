"""What each function may do, as pure functions from names and ARNs to IAM statements.

A function is given what it calls and nothing else; the tests compare these statements with the
table of calls. Nothing here imports pulumi.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Location",
    "Statement",
    "attach_to_network",
    "document",
    "message_api",
    "normalizer",
    "relay",
    "sender",
    "write_logs",
    "write_traces",
]

Statement = dict[str, Any]


@dataclass(frozen=True)
class Location:
    """Where a stack lives: what every ARN of it has in common."""

    partition: str
    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return an IAM document of `statements`."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def write_logs(*, log_group_arn: str) -> list[Statement]:
    """Allow a function to write to its own log group, which exists already."""
    return [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"])]


def write_traces() -> list[Statement]:
    """Allow a function to send traces; X-Ray has no resources to name for these."""
    return [_allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])]


def attach_to_network(*, location: Location, function_prefix: str) -> list[Statement]:
    """Allow Lambda to put a function into a VPC; it asks for these before there is a resource.

    Lambda, and not the function's own code.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    allowed = _allow(
        [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
        ["*"],
    )
    own_code = location.arn("lambda", f"function:{function_prefix}-*")
    denied = {"Effect": "Deny", "Condition": {"ArnLike": {"lambda:SourceFunctionArn": own_code}}}
    return [allowed, {**allowed, **denied}]


def message_api(
    *,
    messages_table_arn: str,
    payloads_table_arn: str,
    intake_queue_arn: str,
    kms_key_arn: str,
) -> list[Statement]:
    """Allow what the API does: keep a message's row and content, read the row, put it on intake."""
    return [
        _allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [messages_table_arn]
        ),
        # Content is written, and taken back when the queue refuses the message; never read here.
        _allow(["dynamodb:DeleteItem", "dynamodb:PutItem"], [payloads_table_arn]),
        _allow(["sqs:SendMessage"], [intake_queue_arn]),
        _use_key(kms_key_arn),
    ]


def sender(  # noqa: PLR0913  one argument per thing that a sender may touch
    *,
    location: Location,
    messages_table_arn: str,
    payloads_table_arn: str,
    provider_message_ids_table_arn: str,
    source_queue_arn: str,
    timers_queue_arn: str,
    kms_key_arn: str,
    ses_identities: Sequence[str],
    ses_configuration_sets: Sequence[str],
    sms_configuration_sets: Sequence[str],
    protect_configurations: Sequence[str],
    sms_origination_identities: Sequence[str],
    whats_app_phone_number_ids: Sequence[str],
) -> list[Statement]:
    """Allow what a sender does: take a message from its queue, claim a step, send it, record it."""
    return [
        _consume(source_queue_arn),
        _allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [messages_table_arn]),
        _allow(["dynamodb:DeleteItem", "dynamodb:GetItem"], [payloads_table_arn]),
        _allow(["dynamodb:UpdateItem"], [provider_message_ids_table_arn]),
        _allow(["sqs:SendMessage"], [timers_queue_arn]),
        # SES checks a SendEmail with a template as SendTemplatedEmail, the action of its first API.
        _allow(
            ["ses:SendEmail", "ses:SendTemplatedEmail"],
            _mail_resources(location, ses_identities, ses_configuration_sets),
        ),
        *_texts(
            location,
            sms_origination_identities,
            [
                *(f"configuration-set/{name}" for name in sms_configuration_sets),
                *(_protect_configuration(named) for named in protect_configurations),
            ],
        ),
        _allow(
            ["social-messaging:SendWhatsAppMessage"],
            [_phone_number_arn(location, identity) for identity in whats_app_phone_number_ids]
            or [location.arn("social-messaging", "phone-number-id/*")],
        ),
        _use_key(kms_key_arn),
    ]


def relay(*, source_queue_arn: str, stream_arn: str, kms_key_arn: str) -> list[Statement]:
    """Allow what the relay does: take events from its queue and put them on the stream."""
    return [
        _consume(source_queue_arn),
        _allow(["kinesis:PutRecords"], [stream_arn]),
        _use_key(kms_key_arn),
    ]


def normalizer(  # noqa: PLR0913  one argument per thing that the normalizer may touch
    *,
    messages_table_arn: str,
    payloads_table_arn: str,
    provider_message_ids_table_arn: str,
    stream_arn: str,
    timers_queue_arn: str,
    quarantine_queue_arn: str,
    stream_failures_queue_arn: str,
    kms_key_arn: str,
) -> list[Statement]:
    """Allow what the normalizer does: read the stream, change rows, ring timers, set aside."""
    return [
        _allow(
            [
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            [stream_arn],
        ),
        _allow(["dynamodb:BatchGetItem", "dynamodb:PartiQLUpdate"], [messages_table_arn]),
        # It deletes the content of final messages, and can never read any.
        _allow(["dynamodb:PartiQLDelete"], [payloads_table_arn]),
        _allow(["dynamodb:BatchGetItem", "dynamodb:UpdateItem"], [provider_message_ids_table_arn]),
        _allow(
            ["sqs:SendMessage"],
            [timers_queue_arn, quarantine_queue_arn, stream_failures_queue_arn],
        ),
        _use_key(kms_key_arn),
    ]


def _mail_resources(
    location: Location, identities: Sequence[str], configuration_sets: Sequence[str]
) -> list[str]:
    return [
        *(location.arn("ses", f"identity/{identity}") for identity in identities or ["*"]),
        # Those that a request may name; SES also asks for the one that an identity has by default.
        *(location.arn("ses", f"configuration-set/{name}") for name in configuration_sets),
        location.arn("ses", "template/*"),
    ]


# What may be sent from each kind of sender, beside the configuration sets and protect
# configurations that a request may name: https://docs.aws.amazon.com/service-authorization/latest/
# reference/list_pinpoint-sms-voice-v2.html
_TEXT_ACTIONS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    # The service's own reference lets sender ids send media too.
    ("phone-number", "pool", "sender-id"): (
        "sms-voice:SendMediaMessage",
        "sms-voice:SendRcsMessage",
        "sms-voice:SendTextMessage",
    ),
    # AWS lets an RCS agent be the origination identity of a text.
    ("rcs-agent",): ("sms-voice:SendRcsMessage", "sms-voice:SendTextMessage"),
}


def _texts(
    location: Location, identities: Sequence[str], nameable: Sequence[str]
) -> Iterator[Statement]:
    # Each sender in one statement: IAM limits the length of a role's policies.
    # A picture needs nothing on S3: the service reads it, by the bucket's own policy.
    named = [
        name if name.startswith("arn:") else location.arn("sms-voice", name) for name in nameable
    ]
    for kinds, actions in _TEXT_ACTIONS.items():
        senders = [location.arn("sms-voice", f"{kind}/*") for kind in kinds]
        if identities:
            senders = [arn for arn in identities if arn.split(":")[-1].split("/")[0] in kinds]
        if senders:
            yield _allow(list(actions), [*senders, *named])


def _protect_configuration(named: str) -> str:
    return named if named.startswith("arn:") else f"protect-configuration/{named}"


def _phone_number_arn(location: Location, identity: str) -> str:
    if identity.startswith("arn:"):
        return identity
    bare = identity.removeprefix("phone-number-id-")
    return location.arn("social-messaging", f"phone-number-id/{bare}")


def _allow(actions: list[str], resources: list[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _consume(queue_arn: str) -> Statement:
    return _allow(
        ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [queue_arn]
    )


def _use_key(kms_key_arn: str) -> Statement:
    return _allow(["kms:Decrypt", "kms:GenerateDataKey"], [kms_key_arn])
