"""How queues are made: encrypted, TLS only, and none that work comes from without dead letters."""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .location import json_document
from .settings import DEAD_LETTER_RETENTION_DAYS

__all__ = ["QueueArgs", "WorkQueue", "terminal_queue", "work_queue"]

_SECONDS_PER_DAY = 86_400
# With fewer, throttled pollers of Lambda send good messages to the dead letters.
_MAX_RECEIVE_COUNT = 5


class QueueArgs(TypedDict):
    """What a queue is made with."""

    visibility_timeout_seconds: int
    retention_days: int
    kms_key_arn: pulumi.Input[str]
    tags: dict[str, str]


@dataclass(frozen=True)
class WorkQueue:
    """A queue that a function works on, and the queue of what it gave up on."""

    queue: aws.sqs.Queue
    dead_letters: aws.sqs.Queue


def work_queue(
    name: str,
    args: QueueArgs,
    *,
    parent: pulumi.Resource,
    topic_arn: pulumi.Input[str] | None = None,
) -> WorkQueue:
    """Create a queue and its dead-letter queue, as children of `parent`.

    `topic_arn` is a topic that may deliver to both: to the second what the first does not take.
    """
    options = pulumi.ResourceOptions(parent=parent)
    dead_letters = terminal_queue(
        f"{name}-dead-letters",
        kms_key_arn=args["kms_key_arn"],
        tags=args["tags"],
        parent=parent,
        topic_arn=topic_arn,
    )
    queue = aws.sqs.Queue(
        name,
        visibility_timeout_seconds=args["visibility_timeout_seconds"],
        message_retention_seconds=args["retention_days"] * _SECONDS_PER_DAY,
        redrive_policy=json_document(_redrive, dead_letter_queue_arn=dead_letters.arn),
        kms_master_key_id=args["kms_key_arn"],
        tags=args["tags"],
        opts=options,
    )
    _allow(name, queue, topic_arn, options)
    return WorkQueue(queue, dead_letters)


def terminal_queue(
    name: str,
    *,
    kms_key_arn: pulumi.Input[str],
    tags: dict[str, str],
    parent: pulumi.Resource,
    topic_arn: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    """Create a queue that nothing consumes, which keeps messages as long as SQS can: 14 days."""
    options = pulumi.ResourceOptions(parent=parent)
    queue = aws.sqs.Queue(
        name,
        message_retention_seconds=DEAD_LETTER_RETENTION_DAYS * _SECONDS_PER_DAY,
        kms_master_key_id=kms_key_arn,
        tags=tags,
        opts=options,
    )
    _allow(name, queue, topic_arn, options)
    return queue


def _allow(
    name: str,
    queue: aws.sqs.Queue,
    topic_arn: pulumi.Input[str] | None,
    options: pulumi.ResourceOptions,
) -> None:
    aws.sqs.QueuePolicy(
        f"{name}-policy",
        queue_url=queue.url,
        policy=json_document(
            resource_policies.queue_policy,
            queue_arn=queue.arn,
            topic_arn=topic_arn,
        ),
        opts=options,
    )


def _redrive(dead_letter_queue_arn: str) -> dict[str, object]:
    return {"deadLetterTargetArn": dead_letter_queue_arn, "maxReceiveCount": _MAX_RECEIVE_COUNT}
