"""The whole product as one component."""

from dataclasses import asdict
from typing import Any, Final, TypedDict, cast

import pulumi
import pulumi_aws as aws

from . import composition, grants
from .adopted import AdoptedResources, adopted_resources, output_arguments, plain_arguments
from .capacity import capacity_warnings
from .digest_key import digest_key
from .encryption_key import encryption_key
from .location import json_document
from .message_store import MessageStore
from .parameter_layers import as_arguments, settings_from_arguments
from .reporting import ReportedSettingsError, reported
from .settings import Settings

__all__ = ["FallbackMessaging", "FallbackMessagingArgs", "arguments_of"]


class FallbackMessagingArgs(TypedDict, total=False):
    """Arguments of `FallbackMessaging`: the parameters of config.params.json, all optional.

    Their meaning, bounds and defaults are those of the fields of `Settings`, in `settings.py`
    beside this file.
    Existing resources may be named by outputs of other resources; everything else decides what is
    created, and is a plain value.
    """

    tags: dict[str, str]
    authorization: str
    api_throttle_rate: int
    api_throttle_burst: int
    api_clients: list[str]
    api_client_throttle_rate: int
    api_client_throttle_burst: int
    api_quota_per_day: int
    api_base_url: str
    allowed_cidrs: list[str]
    waf_rate_limit: int
    access_logs: bool
    create_api_gateway_log_role: bool
    allowed_senders: list[str]
    allowed_country_prefixes: list[str]
    allowed_configuration_sets: list[str]
    allowed_protect_configurations: list[str]
    messages_per_recipient_per_hour: int
    default_fallback_seconds: int
    outcome_wait_seconds: int
    retention_days: int
    protect_data: bool
    kms_key_arn: pulumi.Input[str]
    events_topic_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]
    visibility_timeout_seconds: int
    queue_retention_days: int
    claim_lease_seconds: int
    sender_batch_size: int
    sender_maximum_concurrency: int
    relay_batch_size: int
    relay_batch_window_seconds: int
    stream_mode: str
    stream_shard_count: int
    stream_retention_hours: int
    stream_batch_size: int
    stream_batch_window_seconds: int
    stream_parallelization: int
    ses_config_set_name: str
    create_ses_config_set: bool
    attach_ses_event_destination: bool
    ses_engagement_events: bool
    ses_tracking_domain: str
    ses_identities: list[str]
    sms_config_set_name: str
    create_sms_config_set: bool
    attach_sms_event_destination: bool
    sms_origination_identities: list[str]
    sms_require_handset_receipt: bool
    sms_max_price: str
    whats_app_business_account_ids: list[str]
    whats_app_phone_number_ids: list[str]
    whats_app_phone_numbers: dict[str, str]
    meta_api_version: str
    alarm_email: str
    alarm_topic_arn: pulumi.Input[str]
    fallback_rate_alarm_percent: int
    log_retention_days: int
    log_level: str
    tracing: bool
    powertools_layer_arn: str


_DEFAULTS: Final[FallbackMessagingArgs] = {}


class _ArgumentsOfFile(dict[str, Any]):
    """Arguments that were parameters of a file: what is said of them names them as it does."""


class FallbackMessaging(pulumi.ComponentResource):
    """Send each message on the first channel of its chain, and on the next if that one fails.

    Its name prefixes the names of all resources. Raises SettingsError, with every fault of the
    arguments, before a resource is declared.

    `/messages` follows `api_url`. `api_keys` has the key of each client; it is secret, and empty
    with IAM authorization, as are `api_key` and `api_key_id`, those of the first client. Callers
    with IAM authorization need one of the documents `send_policy`, `status_policy` and
    `cancel_policy`. `alarm_topic_arn` is empty where no alarm goes anywhere.
    """

    api_url: pulumi.Output[str]
    """Base URL of the API; `/messages` follows it."""
    api_execution_arn: pulumi.Output[str]
    """ARN of the API's stage, for policies that allow calls."""
    api_key_id: pulumi.Output[str]
    """Id of the first client's API key; empty with IAM authorization."""
    api_key: pulumi.Output[str]
    """The first client's API key, secret; empty with IAM authorization."""
    api_keys: pulumi.Output[dict[str, str]]
    """The API keys by the names of their clients, secret; empty with IAM authorization."""
    send_policy: pulumi.Output[str]
    """IAM document that lets a caller hand over messages."""
    status_policy: pulumi.Output[str]
    """IAM document that lets a caller ask for statuses."""
    cancel_policy: pulumi.Output[str]
    """IAM document that lets a caller cancel messages."""
    kms_key_arn: pulumi.Output[str]
    """ARN of the KMS key that everything is encrypted with: the stack's own, or the adopted one."""
    messages_table_name: pulumi.Output[str]
    """Name of the table with a row for each message."""
    messages_table_arn: pulumi.Output[str]
    """ARN of the table with a row for each message."""
    payloads_table_name: pulumi.Output[str]
    """Name of the table with the content of messages that may still be sent."""
    payloads_table_arn: pulumi.Output[str]
    """ARN of the table with the content of messages that may still be sent."""
    provider_message_ids_table_name: pulumi.Output[str]
    """Name of the table that finds messages by the providers' ids."""
    provider_message_ids_table_arn: pulumi.Output[str]
    """ARN of the table that finds messages by the providers' ids."""
    topic_arn: pulumi.Output[str]
    """ARN of the SNS topic that the providers' events come to."""
    topic_name: pulumi.Output[str]
    """Name of the SNS topic that the providers' events come to."""
    stream_arn: pulumi.Output[str]
    """ARN of the Kinesis stream with the delivery events."""
    stream_name: pulumi.Output[str]
    """Name of the Kinesis stream with the delivery events."""
    intake_queue_name: pulumi.Output[str]
    """Name of the queue of accepted messages."""
    timers_queue_name: pulumi.Output[str]
    """Name of the queue of timers, after which the next step is sent."""
    events_queue_name: pulumi.Output[str]
    """Name of the queue between the topic and the stream."""
    quarantine_queue_name: pulumi.Output[str]
    """Name of the queue of events that cannot be read."""
    stream_failures_queue_name: pulumi.Output[str]
    """Name of the queue that names the batches that failed too often."""
    ses_config_set_name: pulumi.Output[str]
    """Name of the SES configuration set."""
    sms_config_set_name: pulumi.Output[str]
    """Name of the SMS configuration set."""
    message_api_function_name: pulumi.Output[str]
    """Name of the function behind the API."""
    send_primary_function_name: pulumi.Output[str]
    """Name of the function that sends first steps."""
    send_fallback_function_name: pulumi.Output[str]
    """Name of the function that sends the steps after them."""
    relay_events_function_name: pulumi.Output[str]
    """Name of the function that puts events on the stream."""
    normalize_events_function_name: pulumi.Output[str]
    """Name of the function that turns events into statuses."""
    alarm_topic_arn: pulumi.Output[str]
    """ARN of the SNS topic that alarms go to; empty where they go nowhere."""
    dashboard_url: pulumi.Output[str]
    """URL of the dashboard in the AWS console."""

    def __init__(
        self,
        name: str,
        args: FallbackMessagingArgs = _DEFAULTS,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the stack `name`; without `args`, with the defaults of every parameter."""
        faults: list[str] = []
        plain = plain_arguments(name, args, faults)
        with reported():
            settings = settings_from_arguments(name, plain, output_arguments(args), faults)
        adopted = adopted_resources(settings, args)
        super().__init__("fallback-messaging:index:FallbackMessaging", name, {}, opts)
        self._authorization = settings.authorization
        for warning in capacity_warnings(settings):
            from_file = isinstance(args, _ArgumentsOfFile)
            pulumi.log.warn(warning if from_file else as_arguments(warning), self)
        self.kms_key_arn = self._key(name, settings, adopted)
        store = MessageStore(
            f"{name}-store",
            {
                "kms_key_arn": self.kms_key_arn,
                "protect": settings.protect_data,
                "tags": dict(settings.tags),
            },
            pulumi.ResourceOptions(parent=self),
        )
        shared = composition.function_args(name, settings, adopted, self.kms_key_arn)
        tables = composition.table_args(store)
        secret = digest_key(f"{name}-digest-key", parent=self)
        limits = composition.limit_args(settings, shared["stack_name"], secret)
        senders = composition.channel_senders(name, settings, shared, tables, limits, self)
        stream = composition.delivery_event_stream(name, settings, adopted, shared, self)
        normalizer = composition.event_normalizer(
            name, settings, shared, tables, senders, stream, self
        )
        api = composition.message_api(name, settings, shared, tables, limits, senders, self)
        destinations = composition.event_destinations(name, settings, shared, stream, self)
        parts = composition.Parts(store, senders, stream, normalizer, api)
        watch = composition.observability(name, settings, adopted, shared, parts, self)
        self._take_outputs(store, senders, stream, normalizer, api, destinations, watch)
        arn = self.api_execution_arn
        self.send_policy = json_document(grants.send_policy, api_execution_arn=arn)
        self.status_policy = json_document(grants.status_policy, api_execution_arn=arn)
        self.cancel_policy = json_document(grants.cancel_policy, api_execution_arn=arn)
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})

    def grant_send(self, name: str, role: pulumi.Input[str]) -> aws.iam.RolePolicy:
        """Let the role named `role` hand over messages; raises SettingsError without IAM."""
        return self._grant("grant_send", name, role, self.send_policy)

    def grant_status(self, name: str, role: pulumi.Input[str]) -> aws.iam.RolePolicy:
        """Let the role named `role` ask for statuses; raises SettingsError without IAM."""
        return self._grant("grant_status", name, role, self.status_policy)

    def grant_cancel(self, name: str, role: pulumi.Input[str]) -> aws.iam.RolePolicy:
        """Let the role named `role` cancel messages; raises SettingsError without IAM."""
        return self._grant("grant_cancel", name, role, self.cancel_policy)

    def _grant(
        self, method: str, name: str, role: pulumi.Input[str], policy: pulumi.Output[str]
    ) -> aws.iam.RolePolicy:
        if self._authorization != "IAM":
            problem = (
                f"{method}({name!r}): a policy has no effect with authorization "
                f"{self._authorization}, where the key decides: set authorization to IAM"
            )
            raise ReportedSettingsError([problem])
        options = pulumi.ResourceOptions(parent=self)
        return aws.iam.RolePolicy(name, role=role, policy=policy, opts=options)

    def _key(self, name: str, settings: Settings, adopted: AdoptedResources) -> pulumi.Output[str]:
        if adopted.kms_key_arn != "":
            return pulumi.Output.from_input(adopted.kms_key_arn)
        return encryption_key(
            f"{name}-key", tags=dict(settings.tags), protect=settings.protect_data, parent=self
        )

    def _take_outputs(self, *parts: pulumi.ComponentResource) -> None:
        # A part's output that this component has too, by the same name.
        for output in _OUTPUTS:
            for part in parts:
                if hasattr(part, output):
                    setattr(self, output, getattr(part, output))


_OUTPUTS = tuple(FallbackMessaging.__annotations__)


def arguments_of(settings: Settings) -> FallbackMessagingArgs:
    """Return the arguments that say what `settings` say; the prefix is the component's name."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
        if name != "name_prefix"
    }
    return cast("FallbackMessagingArgs", _ArgumentsOfFile(values))
