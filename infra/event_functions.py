"""The two functions on the way of delivery events, and what invokes them."""

import pulumi
import pulumi_aws as aws

from . import policies
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .location import location_of
from .message_store import TableArgs
from .queues import WorkQueue

__all__ = [
    "RELAY_TIMEOUT_SECONDS",
    "DeliveryEventStreamArgs",
    "normalize_events",
    "relay_events",
]

RELAY_TIMEOUT_SECONDS = 30
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


def relay_events(
    name: str,
    events: WorkQueue,
    stream: aws.kinesis.Stream,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
    """Create the function that puts the events of the buffer queue on the stream."""
    code = FunctionCode(
        noun="relay-events",
        timeout_seconds=RELAY_TIMEOUT_SECONDS,
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


def normalize_events(
    name: str,
    stream: aws.kinesis.Stream,
    quarantine: aws.sqs.Queue,
    failures: aws.sqs.Queue,
    args: DeliveryEventStreamArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
    """Create the function that reads the stream and writes the status of messages."""
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
