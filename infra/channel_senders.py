"""The queues of messages to send and of timers, and the functions that send from them."""

import pulumi
import pulumi_aws as aws

from . import policies
from .archive import AWS_DATA_PATH
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .limits import LimitArgs, limit_environment
from .location import location_of
from .message_store import TableArgs
from .queues import QueueArgs, WorkQueue, work_queue
from .settings import SENDER_TIMEOUT_SECONDS

__all__ = ["ChannelSenders", "ChannelSendersArgs"]


class ChannelSendersArgs(FunctionArgs, TableArgs, LimitArgs):
    """Arguments of `ChannelSenders`.

    `ses_identities`, `sms_origination_identities` and `whats_app_phone_number_ids` limit what may
    be sent from; an empty list allows all of the account's in the Region.
    """

    visibility_timeout_seconds: int
    queue_retention_days: int
    claim_lease_seconds: int
    outcome_wait_seconds: int
    sender_batch_size: int
    sender_maximum_concurrency: int
    ses_identities: list[str]
    sms_origination_identities: list[str]
    whats_app_phone_number_ids: list[str]
    meta_api_version: str


class ChannelSenders(pulumi.ComponentResource):
    """Send first steps from the intake queue, and fallbacks from the timers queue."""

    intake_queue_url: pulumi.Output[str]
    intake_queue_arn: pulumi.Output[str]
    intake_queue_name: pulumi.Output[str]
    intake_dead_letters_queue_name: pulumi.Output[str]
    timers_queue_url: pulumi.Output[str]
    timers_queue_arn: pulumi.Output[str]
    timers_queue_name: pulumi.Output[str]
    timers_dead_letters_queue_name: pulumi.Output[str]
    send_primary_function_name: pulumi.Output[str]
    send_primary_log_group_name: pulumi.Output[str]
    send_fallback_function_name: pulumi.Output[str]
    send_fallback_log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ChannelSendersArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:ChannelSenders", name, {}, opts)
        queue_args: QueueArgs = {
            "visibility_timeout_seconds": args["visibility_timeout_seconds"],
            "retention_days": args["queue_retention_days"],
            "kms_key_arn": args["kms_key_arn"],
            "tags": args["tags"],
        }
        intake = work_queue(f"{name}-intake", queue_args, parent=self)
        timers = work_queue(f"{name}-timers", queue_args, parent=self)
        primary = self._sender(name, "send-primary", intake, timers, args)
        fallback = self._sender(name, "send-fallback", timers, timers, args)
        self.intake_queue_url = intake.queue.url
        self.intake_queue_arn = intake.queue.arn
        self.intake_queue_name = intake.queue.name
        self.intake_dead_letters_queue_name = intake.dead_letters.name
        self.timers_queue_url = timers.queue.url
        self.timers_queue_arn = timers.queue.arn
        self.timers_queue_name = timers.queue.name
        self.timers_dead_letters_queue_name = timers.dead_letters.name
        self.send_primary_function_name = primary.function.name
        self.send_primary_log_group_name = primary.log_group.name
        self.send_fallback_function_name = fallback.function.name
        self.send_fallback_log_group_name = fallback.log_group.name
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})

    def _sender(
        self,
        name: str,
        noun: str,
        source: WorkQueue,
        timers: WorkQueue,
        args: ChannelSendersArgs,
    ) -> RuntimeFunction:
        location = location_of(self)
        statements = pulumi.Output.all(
            location=location,
            messages_table_arn=args["messages_table_arn"],
            payloads_table_arn=args["payloads_table_arn"],
            provider_message_ids_table_arn=args["provider_message_ids_table_arn"],
            source_queue_arn=source.queue.arn,
            timers_queue_arn=timers.queue.arn,
            kms_key_arn=args["kms_key_arn"],
            ses_identities=args["ses_identities"],
            ses_configuration_sets=_named(args["ses_config_set_name"], args),
            sms_configuration_sets=_named(args["sms_config_set_name"], args),
            protect_configurations=args["allowed_protect_configurations"],
            sms_origination_identities=args["sms_origination_identities"],
            whats_app_phone_number_ids=args["whats_app_phone_number_ids"],
        ).apply(lambda known: policies.sender(**known))
        code = FunctionCode(
            noun=noun,
            timeout_seconds=SENDER_TIMEOUT_SECONDS,
            environment=_environment(timers, args),
            statements=statements,
        )
        sender = runtime_function(name, code, args, location=location, parent=self)
        prerequisites: list[pulumi.Resource] = [sender.policy]
        if source is timers:
            prerequisites.append(self._allowed_to_hop(f"{name}-{noun}", sender))
        aws.lambda_.EventSourceMapping(
            f"{name}-{noun}-mapping",
            event_source_arn=source.queue.arn,
            function_name=sender.function.arn,
            batch_size=args["sender_batch_size"],
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": args["sender_maximum_concurrency"]},
            tags=args["tags"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=prerequisites),
        )
        return sender

    def _allowed_to_hop(self, name: str, sender: RuntimeFunction) -> pulumi.Resource:
        """Let a function put timers back on its own queue as often as a wait needs.

        By default Lambda takes that for an endless loop and stops it after about 16 times: a wait
        of over four hours would never end in its fallback.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
        """
        return aws.lambda_.FunctionRecursionConfig(
            f"{name}-recursion",
            function_name=sender.function.name,
            recursive_loop="Allow",
            opts=pulumi.ResourceOptions(parent=self),
        )


_OUTPUTS = tuple(ChannelSenders.__annotations__)


def _named(own: str, args: ChannelSendersArgs) -> list[str]:
    """Return the configuration sets that a send may name."""
    return sorted({own, *args["allowed_configuration_sets"]} - {""})


def _environment(timers: WorkQueue, args: ChannelSendersArgs) -> dict[str, pulumi.Input[str]]:
    return {
        "MESSAGES_TABLE": args["messages_table_name"],
        "PAYLOADS_TABLE": args["payloads_table_name"],
        "PROVIDER_MESSAGE_IDS_TABLE": args["provider_message_ids_table_name"],
        "TIMERS_QUEUE_URL": timers.queue.url,
        "OUTCOME_WAIT_SECONDS": str(args["outcome_wait_seconds"]),
        **limit_environment(args),
        "META_API_VERSION": args["meta_api_version"],
        "CLAIM_LEASE_SECONDS": str(args["claim_lease_seconds"]),
        # Sending is waiting: all of a batch at once, or the timeout would have to grow with it.
        "SEND_CONCURRENCY": str(args["sender_batch_size"]),
        # Read by botocore.
        "AWS_DATA_PATH": AWS_DATA_PATH,
    }
