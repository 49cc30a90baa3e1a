"""SNS topics, their policies and subscriptions."""

import json
from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration, pick, tag_list


def create_topic(cloud: Cloud, resource: Registration) -> Created:
    """Create a topic with its attributes."""
    name = resource.physical_name()
    attributes = pick(
        resource.inputs,
        ["displayName", "kmsMasterKeyId", "policy", "deliveryPolicy", "tracingConfig"],
    )
    arn = cloud.client("sns").create_topic(
        Name=name,
        Attributes={key: _text(value) for key, value in attributes.items()},
        Tags=tag_list(resource.inputs),
    )["TopicArn"]
    return arn, {"name": name, "arn": arn, "owner": cloud.account_id}


def set_topic_policy(cloud: Cloud, resource: Registration) -> Created:
    """Set the policy of a topic."""
    arn = resource.inputs["arn"]
    cloud.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=_text(resource.inputs["policy"])
    )
    return arn, {"owner": cloud.account_id}


def create_subscription(cloud: Cloud, resource: Registration) -> Created:
    """Subscribe an endpoint to a topic."""
    inputs = resource.inputs
    attributes = pick(
        inputs, ["rawMessageDelivery", "redrivePolicy", "filterPolicy", "filterPolicyScope"]
    )
    arn = cloud.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes={key: _text(value) for key, value in attributes.items()},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return arn, {"arn": arn}


def _text(value: Any) -> str:  # noqa: ANN401 -- a JSON value
    return value if isinstance(value, str) else json.dumps(value)


CREATORS = {
    "aws:sns/topic:Topic": create_topic,
    "aws:sns/topicPolicy:TopicPolicy": set_topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": create_subscription,
}
