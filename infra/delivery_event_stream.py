"""The way of delivery events: topic, buffer queue, relay, Kinesis stream, normalizer."""

import pulumi
import pulumi_aws as aws

from . import policies
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .location import json_document, location_of
from .message_store import TableArgs
from .queues import WorkQueue, terminal_queue, work_queue

__all__ = ["DeliveryEventStream", "DeliveryEventStreamArgs"]

_RELAY_TIMEOUT_SECONDS = 30
_NORMALIZER_TIMEOUT_SECONDS = 60


class DeliveryEventStreamArgs(FunctionArgs, TableArgs):
    """Arguments of `DeliveryEventStream`.

    `stream_mode` is PROVISIONED, with `stream_shard_count` shards, or ON_DEMAND. A provisioned
    shard takes 1,000 events and 1 MiB per second.
    """

    timers_queue_url: pulumi.Input[str]
    timers_queue_arn: pulumi.Input[str]
    queue_retention_days: int
    relay_batch_size: int
    relay_batch_window_seconds: int
    stream_mode: str
    stream_shard_count: int
    stream_retention_hours: int
    stream_batch_size: int
    stream_batch_window_seconds: int
    stream_parallelization: int
    sms_require_handset_receipt: bool


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
        relay = _relay(name, events, stream, args, self)
        normalizer = _normalizer(name, stream, quarantine, failures, args, self)
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
            policies.topic_policy, location=location_of(parent), topic_arn=topic.arn
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
            "visibility_timeout_seconds": 6 * _RELAY_TIMEOUT_SECONDS + window,
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


def _relay(
    name: str,
    events: WorkQueue,
    stream: aws.kinesis.Stream,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
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
    relay = runtime_function(name, code, args, location=location_of(parent), parent=parent)
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


def _normalizer(
    name: str,
    stream: aws.kinesis.Stream,
    quarantine: aws.sqs.Queue,
    failures: aws.sqs.Queue,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
    code = FunctionCode(
        noun="normalize-events",
        timeout_seconds=_NORMALIZER_TIMEOUT_SECONDS,
        environment={
            "MESSAGES_TABLE": args["messages_table_name"],
            "PAYLOADS_TABLE": args["payloads_table_name"],
            "PROVIDER_MESSAGE_IDS_TABLE": args["provider_message_ids_table_name"],
            "TIMERS_QUEUE_URL": args["timers_queue_url"],
            "QUARANTINE_QUEUE_URL": quarantine.url,
            "SMS_REQUIRE_HANDSET_RECEIPT": str(args["sms_require_handset_receipt"]).lower(),
            "WRITE_CONCURRENCY": "8",
        },
        statements=pulumi.Output.all(
            messages_table_arn=args["messages_table_arn"],
            payloads_table_arn=args["payloads_table_arn"],
            provider_message_ids_table_arn=args["provider_message_ids_table_arn"],
            stream_arn=stream.arn,
            timers_queue_arn=args["timers_queue_arn"],
            quarantine_queue_arn=quarantine.arn,
            stream_failures_queue_arn=failures.arn,
            kms_key_arn=args["kms_key_arn"],
        ).apply(lambda known: policies.normalizer(**known)),
    )
    normalizer = runtime_function(name, code, args, location=location_of(parent), parent=parent)
    aws.lambda_.EventSourceMapping(
        f"{name}-normalize-events-mapping",
        event_source_arn=stream.arn,
        function_name=normalizer.function.arn,
        batch_size=args["stream_batch_size"],
        maximum_batching_window_in_seconds=args["stream_batch_window_seconds"],
        parallelization_factor=args["stream_parallelization"],
        # LATEST would miss what arrives before the mapping is ready.
        starting_position="TRIM_HORIZON",
        # By default both are endless, and one poison record then stops its shard until it expires.
        maximum_retry_attempts=10,
        maximum_record_age_in_seconds=86_400,
        bisect_batch_on_function_error=True,
        function_response_types=["ReportBatchItemFailures"],
        destination_config={"on_failure": {"destination_arn": failures.arn}},
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[normalizer.policy]),
    )
    return normalizer
