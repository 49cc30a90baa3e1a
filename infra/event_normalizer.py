"""What reads the stream of delivery events and writes the status of messages."""

import pulumi
import pulumi_aws as aws

from . import policies
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .location import location_of
from .message_store import TableArgs
from .queues import terminal_queue

__all__ = ["EventNormalizer", "EventNormalizerArgs"]

_TIMEOUT_SECONDS = 60


class EventNormalizerArgs(FunctionArgs, TableArgs):
    """Arguments of `EventNormalizer`. `timers_queue_*` is where a known failure is announced."""

    stream_arn: pulumi.Input[str]
    timers_queue_url: pulumi.Input[str]
    timers_queue_arn: pulumi.Input[str]
    stream_batch_size: int
    stream_batch_window_seconds: int
    stream_parallelization: int
    sms_require_handset_receipt: bool


class EventNormalizer(pulumi.ComponentResource):
    """Turn the events of a stream into the status of messages.

    Records that cannot be read end on the quarantine queue, batches that failed too often are
    named on the stream-failures queue.
    """

    quarantine_queue_name: pulumi.Output[str]
    stream_failures_queue_name: pulumi.Output[str]
    normalize_events_function_name: pulumi.Output[str]
    normalize_events_log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EventNormalizerArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:EventNormalizer", name, {}, opts)
        key, tags = args["kms_key_arn"], args["tags"]
        quarantine = terminal_queue(f"{name}-quarantine", kms_key_arn=key, tags=tags, parent=self)
        failures = terminal_queue(
            f"{name}-stream-failures", kms_key_arn=key, tags=tags, parent=self
        )
        normalizer = _normalizer(name, quarantine, failures, args, self)
        self.quarantine_queue_name = quarantine.name
        self.stream_failures_queue_name = failures.name
        self.normalize_events_function_name = normalizer.function.name
        self.normalize_events_log_group_name = normalizer.log_group.name
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


_OUTPUTS = tuple(EventNormalizer.__annotations__)


def _normalizer(
    name: str,
    quarantine: aws.sqs.Queue,
    failures: aws.sqs.Queue,
    args: EventNormalizerArgs,
    parent: pulumi.ComponentResource,
) -> RuntimeFunction:
    code = FunctionCode(
        noun="normalize-events",
        timeout_seconds=_TIMEOUT_SECONDS,
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
            stream_arn=args["stream_arn"],
            timers_queue_arn=args["timers_queue_arn"],
            quarantine_queue_arn=quarantine.arn,
            stream_failures_queue_arn=failures.arn,
            kms_key_arn=args["kms_key_arn"],
        ).apply(lambda known: policies.normalizer(**known)),
    )
    normalizer = runtime_function(name, code, args, location=location_of(parent), parent=parent)
    aws.lambda_.EventSourceMapping(
        f"{name}-normalize-events-mapping",
        event_source_arn=args["stream_arn"],
        function_name=normalizer.function.arn,
        batch_size=args["stream_batch_size"],
        maximum_batching_window_in_seconds=args["stream_batch_window_seconds"],
        parallelization_factor=args["stream_parallelization"],
        # LATEST would miss what arrives before the mapping is ready.
        starting_position="TRIM_HORIZON",
        # By default both are endless, and one poison record then stops its shard until it expires.
        maximum_retry_attempts=10,
        # Half of what the stream keeps at least: what is given up on can be read again from there.
        maximum_record_age_in_seconds=43_200,
        bisect_batch_on_function_error=True,
        function_response_types=["ReportBatchItemFailures"],
        destination_config={"on_failure": {"destination_arn": failures.arn}},
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[normalizer.policy]),
    )
    return normalizer
