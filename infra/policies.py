"""Every IAM document of the product, as pure functions from names and ARNs to dictionaries.

A function that Lambda runs is given what it calls and nothing else; the tests compare these
documents with the table of calls. Nothing here imports pulumi.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Location",
    "document",
    "key_policy",
    "message_api",
    "normalizer",
    "queue_policy",
    "relay",
    "sender",
    "topic_policy",
    "trust",
    "write_logs",
    "write_traces",
]

Statement = dict[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True)
class Location:
    """Where a stack lives: what every ARN of it has in common."""

    partition: str
    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def document(statements: Iterable[Statement]) -> Document:
    """Return an IAM document of `statements`."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str) -> Document:
    """Return the trust policy of a role that an AWS service assumes.

    Without conditions: neither Lambda nor API Gateway documents a source key for assuming a role.
    """
    return document(
        [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    )


def write_logs(*, log_group_arn: str) -> list[Statement]:
    """Allow a function to write to its own log group, which exists already."""
    return [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:*"])]


def write_traces() -> list[Statement]:
    """Allow a function to send traces; X-Ray has no resources to name for these."""
    return [_allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])]


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
    ses_config_set_name: str,
    ses_identities: Sequence[str],
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
        _allow(["ses:SendEmail"], _mail_resources(location, ses_config_set_name, ses_identities)),
        _allow(
            ["sms-voice:SendTextMessage"],
            list(sms_origination_identities)
            or [
                location.arn("sms-voice", kind + "/*")
                for kind in ("phone-number", "pool", "sender-id")
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
        _allow(
            [
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:PartiQLUpdate",
                "dynamodb:UpdateItem",
            ],
            [messages_table_arn],
        ),
        # It deletes the content of final messages, and can never read any.
        _allow(["dynamodb:PartiQLDelete"], [payloads_table_arn]),
        _allow(["dynamodb:BatchGetItem", "dynamodb:UpdateItem"], [provider_message_ids_table_arn]),
        _allow(
            ["sqs:SendMessage"],
            [timers_queue_arn, quarantine_queue_arn, stream_failures_queue_arn],
        ),
        _use_key(kms_key_arn),
    ]


def topic_policy(*, location: Location, topic_arn: str) -> Document:
    """Allow the three providers to publish delivery events, for this account's own resources."""
    publish = [
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": _from_source(location.account_id, source),
        }
        for service, source in _event_publishers(location).items()
    ]
    return document([*publish, _deny_plain_text("sns:Publish", topic_arn)])


def queue_policy(*, queue_arn: str, topic_arn: str | None = None) -> Document:
    """Refuse plain-text connections; allow `topic_arn`, if given, to deliver to the queue."""
    statements = [_deny_plain_text("sqs:*", queue_arn)]
    if topic_arn:
        delivery = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": _from_source(_account_of(topic_arn), topic_arn),
        }
        statements.append(delivery)
    return document(statements)


def key_policy(*, location: Location) -> Document:
    """Let the account administer the key, and the services that carry events use it.

    The functions need no statement here: the account's own lets IAM policies give them the key.
    CloudWatch Logs has none either: logs carry ids and statuses only, and do not use the key.
    """
    users = {
        **_event_publishers(location),
        # From the topic to its queue, which is encrypted too.
        "sns.amazonaws.com": location.arn("sns", "*"),
        # From an alarm to the topic that mails it.
        "cloudwatch.amazonaws.com": location.arn("cloudwatch", "alarm:*"),
    }
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{location.partition}:iam::{location.account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            *(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": "*",
                    "Condition": _from_source(location.account_id, source),
                }
                for service, source in users.items()
            ),
        ]
    )


def _event_publishers(location: Location) -> dict[str, str]:
    return {
        "ses.amazonaws.com": location.arn("ses", "configuration-set/*"),
        "sms-voice.amazonaws.com": location.arn("sms-voice", "configuration-set/*"),
        "social-messaging.amazonaws.com": location.arn("social-messaging", "*"),
    }


def _mail_resources(location: Location, config_set: str, identities: Sequence[str]) -> list[str]:
    # Only the stack's own set: events of mail sent through another would never come here.
    sets = [location.arn("ses", f"configuration-set/{config_set}")] if config_set else []
    return [
        *(location.arn("ses", f"identity/{identity}") for identity in identities or ["*"]),
        *sets,
        location.arn("ses", "template/*"),
    ]


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


def _from_source(account_id: str, source_arn: str) -> dict[str, dict[str, str]]:
    return {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnLike": {"aws:SourceArn": source_arn},
    }


def _account_of(arn: str) -> str:
    return arn.split(":")[4]


def _deny_plain_text(action: str, resource: str) -> Statement:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
