"""Who may use the queues, topics, key and roles, as pure functions to IAM documents.

Every service is let in for this account's own resources only, and nobody without TLS. Nothing here
imports pulumi.
"""

from typing import Any

from .policies import Location, Statement, document

__all__ = [
    "alarm_topic_policy",
    "api_policy",
    "event_key_statements",
    "key_policy",
    "queue_policy",
    "topic_policy",
    "trust",
]


def trust(service: str) -> dict[str, Any]:
    """Return the trust policy of a role that an AWS service assumes.

    Without conditions: neither Lambda nor API Gateway documents a source key for assuming a role.
    """
    return document(
        [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    )


def topic_policy(*, location: Location, topic_arn: str) -> dict[str, Any]:
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


def alarm_topic_policy(*, location: Location, topic_arn: str) -> dict[str, Any]:
    """Allow the account's alarms to publish to the topic that mails them."""
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": _from_source(location.account_id, location.arn("cloudwatch", "alarm:*")),
    }
    return document([publish, _deny_plain_text("sns:Publish", topic_arn)])


def queue_policy(*, queue_arn: str, topic_arn: str | None = None) -> dict[str, Any]:
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


def api_policy(
    *, execution_arn: str, allowed_cidrs: list[str], authorization: str
) -> dict[str, Any]:
    """Refuse calls of an API from outside `allowed_cidrs`."""
    call = {
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": f"{execution_arn}/*",
    }
    deny = {
        **call,
        "Effect": "Deny",
        "Condition": {"NotIpAddress": {"aws:SourceIp": allowed_cidrs}},
    }
    # An API without signatures needs to be told whom to let in. One with them must not be: here it
    # would let in everybody of the account, whatever their own policies say.
    return document([deny] if authorization == "IAM" else [{**call, "Effect": "Allow"}, deny])


def key_policy(*, location: Location) -> dict[str, Any]:
    """Let the account administer the key, and the services that carry events use it.

    The functions need no statement here: the account's own lets IAM policies give them the key.
    CloudWatch Logs has none either: logs carry ids and statuses only, and do not use the key.
    """
    administer = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{location.partition}:iam::{location.account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return document([administer, *event_key_statements(location)])


def event_key_statements(location: Location) -> list[Statement]:
    """Return what the policy of any key must have that a stack is to encrypt with."""
    # AWS documents no source for these two, and what they do not name keeps their events out. SNS
    # encrypts for them, and names the topic. The topic's own policy names their resources.
    to_own_topics = {
        "StringEquals": {"aws:SourceAccount": location.account_id},
        "ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": location.arn("sns", "*")},
    }
    sources = {
        "social-messaging.amazonaws.com": location.arn("social-messaging", "*"),
        # From the topic to its queue, which is encrypted too.
        "sns.amazonaws.com": location.arn("sns", "*"),
        # From an alarm to the topic that mails it.
        "cloudwatch.amazonaws.com": location.arn("cloudwatch", "alarm:*"),
    }
    users = {
        "ses.amazonaws.com": to_own_topics,
        "sms-voice.amazonaws.com": to_own_topics,
        **{
            service: _from_source(location.account_id, source)
            for service, source in sources.items()
        },
    }
    return [
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": condition,
        }
        for service, condition in users.items()
    ]


def _event_publishers(location: Location) -> dict[str, str]:
    return {
        "ses.amazonaws.com": location.arn("ses", "configuration-set/*"),
        "sms-voice.amazonaws.com": location.arn("sms-voice", "configuration-set/*"),
        "social-messaging.amazonaws.com": location.arn("social-messaging", "*"),
    }


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
