"""SQS queues and their policies."""

import json
from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration

# Pulumi's input -> the attribute of the queue.
ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def create_queue(cloud: Cloud, resource: Registration) -> Created:
    """Create a queue with its attributes."""
    sqs = cloud.client("sqs")
    name = resource.physical_name()
    url = sqs.create_queue(
        QueueName=name,
        Attributes={
            attribute: _text(resource.inputs[name])
            for name, attribute in ATTRIBUTES.items()
            if resource.inputs.get(name) not in (None, False)
        },
        tags=resource.inputs.get("tags") or {},
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    return url, {"name": name, "arn": arn, "url": url}


def set_attribute(cloud: Cloud, resource: Registration) -> Created:
    """Set the attribute that a policy resource is for: QueuePolicy sets `Policy`."""
    inputs = resource.inputs
    attribute = resource.type.rpartition(":")[2].removeprefix("Queue")
    key = attribute[0].lower() + attribute[1:]
    cloud.client("sqs").set_queue_attributes(
        QueueUrl=inputs["queueUrl"], Attributes={attribute: _text(inputs[key])}
    )
    return inputs["queueUrl"], {}


def _text(value: Any) -> str:  # noqa: ANN401 -- a JSON value
    if isinstance(value, str):
        return value
    return json.dumps(value)


CREATORS = {
    "aws:sqs/queue:Queue": create_queue,
    "aws:sqs/queuePolicy:QueuePolicy": set_attribute,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": set_attribute,
    "aws:sqs/redrivePolicy:RedrivePolicy": set_attribute,
}
