"""An order service that sends its messages with fallback messaging.

It brings its own encryption key, tags and alarm topic, gives its shop and its support a key each,
and its analysts the stream of delivery events.
"""

import json

import pulumi
import pulumi_aws as aws
from fallback_messaging import FallbackMessaging, Location, event_key_statements

TAGS = {"team": "orders", "stage": pulumi.get_stack()}

location = pulumi.Output.all(
    partition=aws.get_partition_output().partition,
    region=aws.get_region_output().region,
    account_id=aws.get_caller_identity_output().account_id,
).apply(lambda parts: Location(**parts))


def key_policy(place: Location) -> str:
    """Let the account administer the key, and the services that carry delivery events use it."""
    administrators = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{place.partition}:iam::{place.account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    statements = [administrators, *event_key_statements(place)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def alarm_topic_policy(place: Location, topic_arn: str) -> str:
    """Let the account's alarms publish, and nobody without TLS."""
    publish = {"Action": "sns:Publish", "Resource": topic_arn}
    alarms = {
        **publish,
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": place.account_id},
            "ArnLike": {"aws:SourceArn": place.arn("cloudwatch", "alarm:*")},
        },
    }
    plain_text = {
        **publish,
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [alarms, plain_text]})


def reader_policy(stream_arn: str, key_arn: str) -> str:
    """Let a role read the stream of delivery events."""
    read = ["kinesis:DescribeStreamSummary", "kinesis:GetRecords"]
    read += ["kinesis:GetShardIterator", "kinesis:ListShards"]
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": read, "Resource": [stream_arn]},
                {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [key_arn]},
            ],
        }
    )


key = aws.kms.Key(
    "orders-key", enable_key_rotation=True, policy=location.apply(key_policy), tags=TAGS
)
alarms = aws.sns.Topic("orders-alarms", kms_master_key_id=key.arn, tags=TAGS)
aws.sns.TopicPolicy(
    "orders-alarms-policy",
    arn=alarms.arn,
    policy=pulumi.Output.all(location, alarms.arn).apply(lambda known: alarm_topic_policy(*known)),
)

messaging = FallbackMessaging(
    "orders",
    {
        "tags": TAGS,
        "kms_key_arn": key.arn,
        "alarm_topic_arn": alarms.arn,
        "api_clients": ["shop", "support"],
        "api_client_throttle_rate": 20,
        "api_client_throttle_burst": 40,
        "default_fallback_seconds": 120,
        "ses_config_set_name": f"orders-{pulumi.get_stack()}",
        "sms_config_set_name": f"orders-{pulumi.get_stack()}",
        # Its log role is one for the account, and not this program's to set.
        "access_logs": False,
    },
)

trust = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
analyst = aws.iam.Role("orders-analyst", assume_role_policy=json.dumps(trust), tags=TAGS)
aws.iam.RolePolicy(
    "orders-analyst-may-read-events",
    role=analyst.name,
    policy=pulumi.Output.all(messaging.stream_arn, key.arn).apply(
        lambda all_: reader_policy(*all_)
    ),
)

pulumi.export("messages_url", pulumi.Output.concat(messaging.api_url, "/messages"))
pulumi.export("shop_key", messaging.api_keys["shop"])
pulumi.export("support_key", messaging.api_keys["support"])
pulumi.export("events_stream", messaging.stream_name)
pulumi.export("dashboard", messaging.dashboard_url)
