"""The way of delivery events: topic, buffer queue, relay, Kinesis stream, normalizer."""

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .event_functions import (
    RELAY_TIMEOUT_SECONDS,
    DeliveryEventStreamArgs,
    normalize_events,
    relay_events,
)
from .location import json_document, location_of
from .queues import WorkQueue, terminal_queue, work_queue

__all__ = ["DeliveryEventStream", "DeliveryEventStreamArgs"]


class DeliveryEventStream(pulumi.ComponentResource):
    """Take the providers' events from one topic, and turn them into the status of messages.

    SNS cannot deliver to a Kinesis data stream, so a queue buffers the events and a function puts
    them on the stream in batches.
    """

    topic_arn: pulumi.Output[str]
    topic_name: pulumi.Output[str]
    events_queue_name: pulumi.Output[str]
    events_dead_letters_queue_name: pulumi.Output[str]
    stream_name: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    quarantine_queue_name: pulumi.Output[str]
    stream_failures_queue_name: pulumi.Output[str]
    relay_events_function_name: pulumi.Output[str]
    normalize_events_function_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DeliveryEventStreamArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:DeliveryEventStream", name, {}, opts)
        topic = _topic(name, args, self)
        events = _buffer(name, topic, args, self)
        stream = _stream(name, args, self)
        key, tags = args["kms_key_arn"], args["tags"]
        quarantine = terminal_queue(f"{name}-quarantine", kms_key_arn=key, tags=tags, parent=self)
        failures = terminal_queue(
            f"{name}-stream-failures", kms_key_arn=key, tags=tags, parent=self
        )
        relay = relay_events(name, events, stream, args, self)
        normalizer = normalize_events(name, stream, quarantine, failures, args, self)
        self.topic_arn = topic.arn
        self.topic_name = topic.name
        self.events_queue_name = events.queue.name
        self.events_dead_letters_queue_name = events.dead_letters.name
        self.stream_name = stream.name
        self.stream_arn = stream.arn
        self.quarantine_queue_name = quarantine.name
        self.stream_failures_queue_name = failures.name
        self.relay_events_function_name = relay.function.name
        self.normalize_events_function_name = normalizer.function.name
        self.register_outputs(
            {
                "topic_arn": self.topic_arn,
                "topic_name": self.topic_name,
                "events_queue_name": self.events_queue_name,
                "events_dead_letters_queue_name": self.events_dead_letters_queue_name,
                "stream_name": self.stream_name,
                "stream_arn": self.stream_arn,
                "quarantine_queue_name": self.quarantine_queue_name,
                "stream_failures_queue_name": self.stream_failures_queue_name,
                "relay_events_function_name": self.relay_events_function_name,
                "normalize_events_function_name": self.normalize_events_function_name,
            }
        )


def _topic(
    name: str, args: DeliveryEventStreamArgs, parent: pulumi.ComponentResource
) -> aws.sns.Topic:
    options = pulumi.ResourceOptions(parent=parent)
    topic = aws.sns.Topic(
        f"{name}-topic",
        kms_master_key_id=args["kms_key_arn"],
        tags=args["tags"],
        opts=options,
    )
    aws.sns.TopicPolicy(
        f"{name}-topic-policy",
        arn=topic.arn,
        policy=json_document(
            resource_policies.topic_policy, location=location_of(parent), topic_arn=topic.arn
        ),
        opts=options,
    )
    return topic


def _buffer(
    name: str,
    topic: aws.sns.Topic,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> WorkQueue:
    window = args["relay_batch_window_seconds"]
    events = work_queue(
        f"{name}-events",
        {
            # A message is hidden from the moment it is taken into a batch that still fills.
            "visibility_timeout_seconds": 6 * RELAY_TIMEOUT_SECONDS + window,
            "retention_days": args["queue_retention_days"],
            "kms_key_arn": args["kms_key_arn"],
            "tags": args["tags"],
        },
        topic_arn=topic.arn,
        parent=parent,
    )
    aws.sns.TopicSubscription(
        f"{name}-subscription",
        topic=topic.arn,
        protocol="sqs",
        endpoint=events.queue.arn,
        raw_message_delivery=True,
        redrive_policy=json_document(
            lambda dead_letters_arn: {"deadLetterTargetArn": dead_letters_arn},
            dead_letters_arn=events.dead_letters.arn,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return events


def _stream(
    name: str, args: DeliveryEventStreamArgs, parent: pulumi.ComponentResource
) -> aws.kinesis.Stream:
    provisioned = args["stream_mode"] == "PROVISIONED"
    return aws.kinesis.Stream(
        f"{name}-stream",
        stream_mode_details={"stream_mode": args["stream_mode"]},
        # On demand, AWS counts the shards and refuses a number.
        shard_count=args["stream_shard_count"] if provisioned else None,
        retention_period=args["stream_retention_hours"],
        encryption_type="KMS",
        kms_key_id=args["kms_key_arn"],
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent),
    )
