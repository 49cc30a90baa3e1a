"""The way of delivery events: topic, buffer queue, relay, Kinesis stream."""

import re
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from . import policies, resource_policies
from .encryption_key import encryption_key
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .location import json_document, location_of
from .part_arguments import completed
from .policies import Location
from .queues import WorkQueue, work_queue
from .settings import SettingsError

__all__ = ["DeliveryEventStream", "DeliveryEventStreamArgs"]

_RELAY_TIMEOUT_SECONDS = 30


class DeliveryEventStreamArgs(TypedDict, total=False):
    """Arguments of `DeliveryEventStream`, all optional.

    They are those of `FallbackMessaging` with the same names. Without `kms_key_arn` the stream has
    a key of its own, without `events_topic_arn` a topic of its own. `stack_name` is the dimension
    of the relay's metrics; by default, the component's name and the stack's.
    """

    stack_name: str
    """Dimension of the relay's metrics; by default, the component's name and the stack's."""
    tags: dict[str, str]
    kms_key_arn: pulumi.Input[str]
    events_topic_arn: pulumi.Input[str]
    log_level: str
    log_retention_days: int
    tracing: bool
    powertools_layer_arn: str
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]
    queue_retention_days: int
    relay_batch_size: int
    relay_batch_window_seconds: int
    stream_mode: str
    stream_shard_count: int
    stream_retention_hours: int


class DeliveryEventStream(pulumi.ComponentResource):
    """Put the providers' events from one topic on one stream, without addresses and content.

    Useful alone for whoever only wants the events: point `EventDestinations` at `topic_arn`, and
    read the stream. SNS cannot deliver to a Kinesis data stream, so a queue buffers the events and
    a function puts them on the stream in batches.
    """

    topic_arn: pulumi.Output[str]
    """ARN of the SNS topic that the providers' events come to."""
    topic_name: pulumi.Output[str]
    """Name of the SNS topic that the providers' events come to."""
    events_queue_name: pulumi.Output[str]
    """Name of the queue between the topic and the stream."""
    events_dead_letters_queue_name: pulumi.Output[str]
    """Name of the queue of events that did not reach the stream."""
    stream_name: pulumi.Output[str]
    """Name of the Kinesis stream with the delivery events."""
    stream_arn: pulumi.Output[str]
    """ARN of the Kinesis stream with the delivery events."""
    relay_events_function_name: pulumi.Output[str]
    """Name of the function that puts events on the stream."""
    relay_events_log_group_name: pulumi.Output[str]
    """Name of the log group of that function."""

    def __init__(
        self,
        name: str,
        args: DeliveryEventStreamArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        _check_name(name)
        args = completed(name, args, DeliveryEventStreamArgs)
        super().__init__("fallback-messaging:index:DeliveryEventStream", name, {}, opts)
        if _is_missing(args["kms_key_arn"]):
            args["kms_key_arn"] = encryption_key(
                f"{name}-key", tags=args["tags"], protect=False, parent=self
            )
        self.topic_arn = (
            _topic(name, args, self)
            if _is_missing(args["events_topic_arn"])
            else pulumi.Output.all(args["events_topic_arn"], location_of(self)).apply(
                lambda known: _topic_of_this_place(*known)
            )
        )
        events = _buffer(name, self.topic_arn, args, self)
        stream = _stream(name, args, self)
        relay = _relay(name, events, stream, args, self)
        self.topic_name = self.topic_arn.apply(lambda arn: arn.rpartition(":")[2])
        self.events_queue_name = events.queue.name
        self.events_dead_letters_queue_name = events.dead_letters.name
        self.stream_name = stream.name
        self.stream_arn = stream.arn
        self.relay_events_function_name = relay.function.name
        self.relay_events_log_group_name = relay.log_group.name
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


_OUTPUTS = tuple(DeliveryEventStream.__annotations__)


def _is_missing(arn: pulumi.Input[str]) -> bool:
    return isinstance(arn, str) and not arn


def _topic_of_this_place(topic_arn: str, place: Location) -> str:
    # The key lets this account's topics use it, and providers publish within their Region only.
    if topic_arn.rpartition(":")[0] == place.arn("sns", "").rpartition(":")[0]:
        return topic_arn
    problem = (
        f"eventsTopicArn: {topic_arn} is not a topic of the stack's account ({place.account_id}) "
        f"and Region ({place.region}): its events could not be encrypted with the stack's key, "
        f"and would be lost"
    )
    raise SettingsError([problem])


def _check_name(name: str) -> None:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,37}", name):
        return
    # "-relay-events-role", and what Pulumi adds to keep names apart.
    problem = (
        f"name of the component: {name!r} is invalid: 1 to 38 letters, digits and hyphens, "
        f"starting with a letter: an IAM role's name has at most 64 characters and the component "
        f"adds up to 26"
    )
    raise SettingsError([problem])


def _topic(
    name: str, args: DeliveryEventStreamArgs, parent: pulumi.ComponentResource
) -> pulumi.Output[str]:
    options = pulumi.ResourceOptions(parent=parent)
    topic = aws.sns.Topic(
        f"{name}-topic",
        kms_master_key_id=args["kms_key_arn"],
        tags=args["tags"],
        opts=options,
    )
    policy = aws.sns.TopicPolicy(
        f"{name}-topic-policy",
        arn=topic.arn,
        policy=json_document(
            resource_policies.topic_policy, location=location_of(parent), topic_arn=topic.arn
        ),
        opts=options,
    )
    # The policy's, so that whoever publishes to the topic waits until it may.
    return policy.arn


def _buffer(
    name: str,
    topic_arn: pulumi.Output[str],
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> WorkQueue:
    window = args["relay_batch_window_seconds"]
    events = work_queue(
        f"{name}-events",
        {
            # A message is hidden from the moment it is taken into a batch that still fills.
            "visibility_timeout_seconds": 6 * _RELAY_TIMEOUT_SECONDS + window,
            "retention_days": args["queue_retention_days"],
            "kms_key_arn": args["kms_key_arn"],
            "tags": args["tags"],
        },
        topic_arn=topic_arn,
        parent=parent,
    )
    aws.sns.TopicSubscription(
        f"{name}-subscription",
        topic=topic_arn,
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


def _relay(
    name: str,
    events: WorkQueue,
    stream: aws.kinesis.Stream,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
    shared: FunctionArgs = {
        "stack_name": args["stack_name"],
        "tags": args["tags"],
        "kms_key_arn": args["kms_key_arn"],
        "log_level": args["log_level"],
        "log_retention_days": args["log_retention_days"],
        "tracing": args["tracing"],
        "powertools_layer_arn": args["powertools_layer_arn"],
        "subnet_ids": args["subnet_ids"],
        "security_group_ids": args["security_group_ids"],
    }
    code = FunctionCode(
        noun="relay-events",
        timeout_seconds=_RELAY_TIMEOUT_SECONDS,
        environment={"EVENT_STREAM_NAME": stream.name},
        statements=pulumi.Output.all(
            source_queue_arn=events.queue.arn,
            stream_arn=stream.arn,
            kms_key_arn=args["kms_key_arn"],
        ).apply(lambda known: policies.relay(**known)),
        memory_mb=256,
    )
    relay = runtime_function(name, code, shared, location=location_of(parent), parent=parent)
    aws.lambda_.EventSourceMapping(
        f"{name}-relay-events-mapping",
        event_source_arn=events.queue.arn,
        function_name=relay.function.arn,
        batch_size=args["relay_batch_size"],
        maximum_batching_window_in_seconds=args["relay_batch_window_seconds"],
        function_response_types=["ReportBatchItemFailures"],
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[relay.policy]),
    )
    return relay
