"""The whole product as one component."""

from dataclasses import asdict
from typing import Any, Final, TypedDict, cast

import pulumi
import pulumi_aws as aws

from . import composition, grants
from .adopted import AdoptedResources, adopted_resources, plain_arguments
from .capacity import capacity_warnings
from .digest_key import digest_key
from .encryption_key import encryption_key
from .location import json_document
from .message_store import MessageStore
from .parameter_layers import as_arguments, settings_from_arguments
from .settings import Settings, SettingsError

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
    api_execution_arn: pulumi.Output[str]
    api_key_id: pulumi.Output[str]
    api_key: pulumi.Output[str]
    api_keys: pulumi.Output[dict[str, str]]
    send_policy: pulumi.Output[str]
    status_policy: pulumi.Output[str]
    cancel_policy: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str]
    messages_table_name: pulumi.Output[str]
    messages_table_arn: pulumi.Output[str]
    payloads_table_name: pulumi.Output[str]
    payloads_table_arn: pulumi.Output[str]
    provider_message_ids_table_name: pulumi.Output[str]
    provider_message_ids_table_arn: pulumi.Output[str]
    topic_arn: pulumi.Output[str]
    topic_name: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    stream_name: pulumi.Output[str]
    intake_queue_name: pulumi.Output[str]
    timers_queue_name: pulumi.Output[str]
    events_queue_name: pulumi.Output[str]
    quarantine_queue_name: pulumi.Output[str]
    stream_failures_queue_name: pulumi.Output[str]
    ses_config_set_name: pulumi.Output[str]
    sms_config_set_name: pulumi.Output[str]
    message_api_function_name: pulumi.Output[str]
    send_primary_function_name: pulumi.Output[str]
    send_fallback_function_name: pulumi.Output[str]
    relay_events_function_name: pulumi.Output[str]
    normalize_events_function_name: pulumi.Output[str]
    alarm_topic_arn: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: FallbackMessagingArgs = _DEFAULTS,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the stack `name`; without `args`, with the defaults of every parameter."""
        settings = settings_from_arguments(name, plain_arguments(name, args))
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
            raise SettingsError([problem])
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
